package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestQuantizedModels compares quantized models with what ONNX Runtime, which runs them on bytes too, recorded; on each instruction set that is here.
func TestQuantizedModels(t *testing.T) {
	shared := os.Getenv("EIPLAN_SHARED")
	if shared == "" {
		t.Skip("SKIPPED 3 models: EIPLAN_SHARED names no folder with models")
	}
	for _, c := range []struct {
		name  string
		bytes int // steps on bytes, at least
	}{{"qdq_multi_consumer", 9}, {"rw_squeezenet_qdq", 37}, {"fastestdet_qdq", 80}} {
		for _, level := range []cpu.Level{cpu.LevelAMX, cpu.LevelAVX512VNNI, cpu.LevelAVX512, cpu.LevelAVX2} {
			for _, precision := range []engine.Precision{engine.FP32, engine.Mixed} {
				t.Run(fmt.Sprintf("%s/%s/%v", c.name, level, precision), func(t *testing.T) {
					o := engine.Options{Features: cpu.Detect().Cap(level), Threads: 2, Precision: precision}
					runQuantized(t, filepath.Join(shared, "models", c.name), o, c.bytes)
				})
			}
		}
	}
}

func runQuantized(t *testing.T, dir string, o engine.Options, least int) {
	m, err := models.Load(filepath.Join(dir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	set := filepath.Join(dir, "test_data_set_0")
	in := recordedInputs(t, m, set)
	p, err := engine.Compile(m, o)
	if err != nil {
		t.Fatal(err)
	}
	onBytes := 0
	for _, s := range p.Placements() {
		if strings.HasSuffix(s.Class, "int8") {
			onBytes++
		}
	}
	if onBytes < least {
		t.Errorf("%d steps run on bytes, want %d", onBytes, least)
	}
	s := p.NewSession()
	defer s.Close()
	out := make([]tensor.Tensor, len(p.Outputs))
	for range 2 { // what a run leaves behind must not show in the next
		if err := s.Run(in, out); err != nil {
			t.Fatal(err)
		}
	}
	for i, got := range out {
		b, err := os.ReadFile(filepath.Join(set, fmt.Sprintf("output_%d.pb", i)))
		if err != nil {
			t.Fatal(err)
		}
		_, want, err := models.ReadTensor(b)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := engine.Compare(got, want, engine.Tolerance{RMS: 5e-2}); err != nil || !d.Within {
			t.Errorf("output %d: relative RMS error %.2g, %v", i, d.RelativeRMS, err)
		}
	}
}
