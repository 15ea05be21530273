package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"fmt"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

func TestZZ(t *testing.T) {
	a, _ := filepath.Glob("/work/shared/models/*/model.onnx")
	for _, f := range a {
		m, err := models.Load(f)
		if err != nil { t.Log(err); continue }
		for _, pr := range []engine.Precision{0, 1} {
		shapes := map[string]tensor.Shape{}
		var in []tensor.Tensor
		for i, port := range m.Graph.Inputs {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(f), "test_data_set_0", fmt.Sprintf("input_%d.pb", i)))
			if err != nil { break }
			_, x, err := models.ReadTensor(b)
			if err != nil { break }
			in = append(in, x)
			shapes[port.Name] = x.Shape
		}
		p, err := engine.Compile(m, engine.Options{Features: cpu.Detect(), Threads: 2, Shapes: shapes, Precision: pr})
		if err != nil { t.Log(f, err); continue }
		dyn := 0
		for _, pl := range p.Placements() { if pl.Class == "dynamic" { dyn++ } }
		s := p.NewSession()
		if len(in) < len(p.Inputs) { in = p.SeededInputs(1) }
		for i := range in { in[i] = tensor.Aligned(in[i]) }
		out := make([]tensor.Tensor, len(p.Outputs))
		if err := s.Run(in, out); err != nil { t.Log(f, err); s.Close(); continue }
		t.Log(filepath.Base(filepath.Dir(f)), pr, "dynamic", dyn, "allocs", testing.AllocsPerRun(2, func() { s.Run(in, out) }))
		s.Close()
		}
		m.Close()
	}
}
