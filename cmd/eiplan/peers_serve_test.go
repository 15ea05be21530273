package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
)

// greeting is the first line of a program that serves runs of a model. Another engine's program states its version alone.
type greeting struct {
	Version    string  `json:"version,omitempty"`
	FLOPs      float64 `json:"flops"`
	CompileMs  float64 `json:"compileMs"`
	PeakBytes  float64 `json:"peakBytes"`  // the most memory that was resident, with the first run
	Weights    float64 `json:"weights"`    // elements of the model, those of tables that a run reads little of among them
	ArenaBytes float64 `json:"arenaBytes"` // of activations
}

// serveName is the name under which this test's program is serveRuns.
const serveName = "eiplan-serve"

// serveRuns is what a program does that runs the engine as testdata/onnxruntime/run.js runs ONNX Runtime: serve MODEL.onnx DIR THREADS fp32|mixed. It makes
// the inputs, from the data set beside the model where there is one, writes them and the outputs to DIR, and then serves turns on standard input.
func serveRuns() error {
	file, dir := os.Args[1], os.Args[2]
	threads, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	flags := modelFlags{threads: threads, seed: 1, tune: os.Getenv("TUNE") == "1"}
	l, err := flags.load(file)
	if err != nil {
		return err
	}
	defer l.Close()
	if set, err := l.ReadDataSet(os.DirFS(filepath.Join(filepath.Dir(file), testData))); err == nil && set.Inputs != nil {
		l.use(set)
	}
	features, _, err := flags.machine()
	if err != nil {
		return err
	}
	precision := engine.FP32
	if os.Args[4] == precisionName(engine.Mixed) {
		precision = engine.Mixed
	}
	start := time.Now()
	prog, err := flags.compile(l, features, precision)
	if err != nil {
		return err
	}
	hello := greeting{CompileMs: milliseconds(time.Since(start)), FLOPs: prog.Workload().FLOPs, Weights: float64(l.Parameters()), ArenaBytes: float64(prog.ActivationBytes())}
	in, err := flags.contents(l, prog)
	if err != nil {
		return err
	}
	for i := range in {
		in[i].Name = prog.Inputs[i].Name
	}
	out := make([]models.Datum, len(prog.Outputs))
	s := prog.NewSession()
	defer s.Close()
	run := func() error { return s.RunData(in, out) }
	if err := run(); err != nil {
		return err
	}
	hello.PeakBytes = peakResident()
	for what, data := range map[string][]models.Datum{"inputs": in, "outputs": out} {
		if err := writeExchange(dir, what, data); err != nil {
			return err
		}
	}
	runtime.GC()
	return serveTurns(os.Stdin, json.NewEncoder(os.Stdout), hello, run)
}

// serveTurns greets, and for each number on a line runs once uncounted and so many times counted, and answers with the milliseconds.
func serveTurns(in io.Reader, out *json.Encoder, hello greeting, run func() error) error {
	if err := out.Encode(hello); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		times := make([]float64, n)
		if err := run(); err != nil {
			return err
		}
		for i := range times {
			start := time.Now()
			if err := run(); err != nil {
				return err
			}
			times[i] = milliseconds(time.Since(start))
		}
		if err := out.Encode(times); err != nil {
			return err
		}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }

// peakResident is the most memory that this process had resident, in bytes; 0 where the system does not tell.
func peakResident() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib * 1024
		}
	}
	return 0
}

// bfloat16 reports whether the processor multiplies bfloat16 numbers, as far as EIPLAN_CPU lets it.
func bfloat16(f cpu.Features) bool { return f.Has(cpu.AVX512BF16) || f.Has(cpu.BF16) }
