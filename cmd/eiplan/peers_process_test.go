//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// engineProcess runs one engine with one model. Between its turns the process is stopped, so that threads which wait awake for work, as those of both engines
// do, take no processor from the other's turn.
type engineProcess struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *bufio.Reader
	errors  bytes.Buffer
}

// startEngine starts a program that greets and serves turns, and returns it stopped, after its first run.
func startEngine(cmd *exec.Cmd) (*engineProcess, greeting, error) {
	p := &engineProcess{cmd: cmd}
	var hello greeting
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, hello, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, hello, err
	}
	p.stdin, p.answers, cmd.Stderr = stdin, bufio.NewReader(stdout), &p.errors
	if err := cmd.Start(); err != nil {
		return nil, hello, err
	}
	if err := p.answer(&hello); err != nil {
		return nil, hello, err
	}
	return p, hello, p.cmd.Process.Signal(syscall.SIGSTOP)
}

// turn lets the engine run once uncounted and n times counted, and returns the median of the counted.
func (p *engineProcess) turn(n int) (time.Duration, error) {
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(p.stdin, strconv.Itoa(n)+"\n"); err != nil {
		return 0, err
	}
	var times []float64
	if err := p.answer(&times); err != nil {
		return 0, err
	}
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return 0, err
	}
	if len(times) != n {
		return 0, fmt.Errorf("%s: %d times for %d runs", p.cmd.Path, len(times), n)
	}
	slices.Sort(times)
	return time.Duration((times[(n-1)/2] + times[n/2]) / 2 * 1e6), nil
}

// answer reads a line of JSON. A program that ended instead is an error with what it said last.
func (p *engineProcess) answer(into any) error {
	line, err := p.answers.ReadBytes('\n')
	if err == nil {
		return json.Unmarshal(line, into)
	}
	err = errors.Join(err, p.cmd.Wait())
	said := bytes.TrimSpace(p.errors.Bytes())
	return fmt.Errorf("%s: %w: %s", p.cmd.Args, err, said[max(0, len(said)-2000):])
}

// end lets the program go on to the end of its input and waits for it.
func (p *engineProcess) end() {
	p.cmd.Process.Signal(syscall.SIGCONT)
	p.stdin.Close()
	p.cmd.Wait()
}

// onnxRuntime is the command that runs a model with ONNX Runtime.
func onnxRuntime(file, dir string, threads int) *exec.Cmd {
	return exec.Command("node", "../../testdata/onnxruntime/run.js", file, dir, strconv.Itoa(threads))
}

// ourselves is the command that runs a model with this engine: this test's own program under a name that TestMain knows.
func ourselves(file, dir string, threads int, precision string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{Path: self, Args: []string{serveName, file, dir, strconv.Itoa(threads), precision}}, nil
}

// startBusy starts n processes that compute without end, which stop ends: as others that share a machine do.
func startBusy(n int) (stop func(), err error) {
	var running []*exec.Cmd
	stop = func() {
		for _, cmd := range running {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	for range n {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			return stop, err
		}
		running = append(running, cmd)
	}
	return stop, nil
}
