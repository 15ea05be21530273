package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// published are the figures of the reference definitions: millions of parameters, and GFLOP as twice the multiply-adds, at the default input.
var published = map[string]struct{ parameters, gflop float64 }{
	"resnet18":          {11.69, 3.6281},
	"resnet50":          {25.557, 8.1784},
	"mobilenet_v2_x1.0": {3.505, 0.6015},
	"squeezenet1_1":     {1.235, 0.6983},
	"bert_base":         {109.482, 22.3484},
	"minilm_l6_h384":    {22.713, 2.8702}, // between the published lengths 16 and 384, by the formula that both follow
}

func TestZooIsOfThePublishedSize(t *testing.T) {
	for _, e := range zoo.List() {
		want, ok := published[e.Name]
		if !ok {
			t.Errorf("%s: no published figures to compare with", e.Name)
			continue
		}
		m, p := compiled(t, "zoo:"+e.Name)
		defer m.Close()
		if got := float64(m.Parameters()) / 1e6; !near(got, want.parameters) {
			t.Errorf("%s has %.4g M parameters, published are %.4g", e.Name, got, want.parameters)
		}
		if got := p.Workload().FLOPs / 1e9; !near(got, want.gflop) {
			t.Errorf("%s does %.4g GFLOP, published are %.4g", e.Name, got, want.gflop)
		}
	}
}

// near is within 2%.
func near(got, want float64) bool { return got > 0.98*want && got < 1.02*want }

func compiled(t *testing.T, ref string) (*models.Model, *engine.Program) {
	t.Helper()
	m, err := openModel(ref)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(m, engine.Options{Features: cpu.Detect(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

// TestZooAgreesWithONNXRuntime exports each model, runs the file with ONNX Runtime and compares with the engine.
func TestZooAgreesWithONNXRuntime(t *testing.T) {
	if os.Getenv("ORT_NODE") == "" {
		t.Skipf("SKIPPED %d models: ORT_NODE names no folder of the npm package onnxruntime-node", len(zoo.List()))
	}
	for _, e := range zoo.List() {
		t.Run(e.Name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "model.onnx")
			if code := run(context.Background(), []string{"zoo", "export", e.Name, "-o", file}, io.Discard, os.Stderr); code != 0 {
				t.Fatalf("export exited with %d", code)
			}
			m, p := compiled(t, file)
			defer m.Close()
			in := p.SeededInputs(1)
			for i := range in {
				if p.Inputs[i].Name == "attention_mask" {
					in[i].Bytes[len(in[i].Bytes)-8] = 0 // the last token is padding
				}
			}
			writeInputs(t, dir, p.Inputs, in)
			script, err := filepath.Abs("../../testdata/onnxruntime/run.js")
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("node", script, file, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			s := p.NewSession()
			defer s.Close()
			got := make([]tensor.Tensor, len(p.Outputs))
			if err := s.Run(in, got); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("output_%d.bin", i)))
				if err != nil {
					t.Fatal(err)
				}
				want := tensor.Tensor{DType: tensor.Float32, Shape: got[i].Shape, Bytes: b}
				d, err := engine.Compare(got[i], want, engine.ToleranceOf(tensor.Float32))
				if err != nil {
					t.Fatal(err)
				}
				if d.RelativeRMS > 1e-4 {
					t.Errorf("output %s: element %d is %g, want %g; relative RMS error %.2g", p.Outputs[i].Name, d.Worst, d.Got, d.Want, d.RelativeRMS)
				}
			}
		})
	}
}

func writeInputs(t testing.TB, dir string, ports []engine.Port, in []tensor.Tensor) {
	t.Helper()
	type listed struct {
		Name  string `json:"name"`
		Dtype string `json:"dtype"`
		Shape []int  `json:"shape"`
		File  string `json:"file"`
	}
	var list []listed
	for i, x := range in {
		list = append(list, listed{ports[i].Name, x.DType.String(), x.Shape, fmt.Sprintf("input_%d.bin", i)})
		if err := os.WriteFile(filepath.Join(dir, list[i].File), x.Bytes, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "inputs.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
