package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models/tensor"
)

// BenchmarkAgainstONNXRuntime times models of the zoo in turns with ONNX Runtime, on one thread and on all cores: the engine's median, the peer's and
// their ratio, below 1 where the engine is the faster.
func BenchmarkAgainstONNXRuntime(b *testing.B) {
	if os.Getenv("ORT_NODE") == "" {
		b.Skip("SKIPPED: ORT_NODE names no folder of the npm package onnxruntime-node")
	}
	cores := cpu.Describe(cpu.Detect()).PhysicalCores
	for _, ref := range []string{"resnet18", "resnet50", "mobilenet_v2_x1.0", "squeezenet1_1", "bert_base", "minilm_l6_h384", "yolov8n@320", "vit_base_patch16_224", "efficientnet_b0", "vgg16", "densenet121"} {
		for _, threads := range []int{1, cores} {
			for _, p := range []engine.Precision{engine.FP32, engine.Mixed} {
				b.Run(fmt.Sprintf("%s/threads=%d/%s", ref, threads, precisionName(p)), func(b *testing.B) { againstPeer(b, ref, threads, p) })
			}
		}
	}
}

func againstPeer(b *testing.B, name string, threads int, p engine.Precision) {
	dir := b.TempDir()
	file := filepath.Join(dir, "model.onnx")
	if code := run(context.Background(), []string{"zoo", "export", name, "-o", file}, io.Discard, os.Stderr); code != 0 {
		b.Fatalf("export exited with %d", code)
	}
	m, err := openModel(file)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	prog, err := engine.Compile(m, engine.Options{Features: cpu.Detect(), Threads: threads, Precision: p})
	if err != nil {
		b.Fatal(err)
	}
	in, out := prog.SeededInputs(1), make([]tensor.Tensor, len(prog.Outputs))
	writeInputs(b, dir, prog.Inputs, in)
	peer := servePeer(b, file, threads, dir)
	s := prog.NewSession()
	defer s.Close()
	ours := func() error { return s.Run(in, out) }
	times := [2][]time.Duration{}
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end) || len(times[0]) < 5; {
		start := time.Now()
		if err := ours(); err != nil {
			b.Fatal(err)
		}
		times[0] = append(times[0], time.Since(start))
		times[1] = append(times[1], peer())
	}
	const warm = 2
	mine, theirs := bench.NewSample(times[0][warm:], nil, 0.95).Quantile(0.5).Value, bench.NewSample(times[1][warm:], nil, 0.95).Quantile(0.5).Value
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(mine)/1e6, "eiplan-ms")
	b.ReportMetric(float64(theirs)/1e6, "onnxruntime-ms")
	b.ReportMetric(float64(mine)/float64(theirs), "ratio")
}

// servePeer starts ONNX Runtime and returns what runs it once and says how long that took.
func servePeer(b *testing.B, file string, threads int, dir string) func() time.Duration {
	b.Helper()
	script, err := filepath.Abs("../../testdata/onnxruntime/serve.js")
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command("node", script, file, strconv.Itoa(threads), dir)
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stdin.Close(); c.Wait() })
	lines := bufio.NewScanner(stdout)
	return func() time.Duration {
		fmt.Fprintln(stdin)
		if !lines.Scan() {
			b.Fatal("the peer ended: ", lines.Err())
		}
		ms, err := strconv.ParseFloat(strings.TrimSpace(lines.Text()), 64)
		if err != nil {
			b.Fatal(err)
		}
		return time.Duration(ms * 1e6)
	}
}
