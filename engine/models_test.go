package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// runnable are the recorded models that the engine runs.
var runnable = []string{"ultraface_rfb-320", "fastestdet", "ppocrv4_det", "blazeface_front128", "basic_pitch", "silero_vad_v6", "tfbert_qa", "mnist8"}

// TestRecordedModels compares with the outputs that ONNX Runtime recorded, with and without rewrites.
func TestRecordedModels(t *testing.T) {
	shared := os.Getenv("EIPLAN_SHARED")
	if shared == "" {
		t.Skipf("SKIPPED %d models: EIPLAN_SHARED names no folder with models", len(runnable)+9)
	}
	names := slices.Clone(runnable)
	light, err := filepath.Glob(filepath.Join(shared, "models", "light", "*"))
	if err != nil || len(light) != 9 {
		t.Fatalf("%d light models, %v", len(light), err)
	}
	for _, l := range light {
		names = append(names, "light/"+filepath.Base(l))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(shared, "models", name)
			m, err := models.Load(filepath.Join(dir, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for _, o := range []engine.Options{
				{Features: cpu.Detect(), Threads: 1, NoPasses: true},
				{Features: cpu.Detect(), Threads: 2},
				{Features: cpu.Detect(), Threads: 1, Precision: engine.Mixed},
			} {
				t.Run(fmt.Sprintf("passes=%v precision=%v", !o.NoPasses, o.Precision), func(t *testing.T) {
					if o.NoPasses && testing.Short() {
						t.Skip("slow kernels")
					}
					compareRecorded(t, m, dir, o)
				})
			}
		})
	}
}

// recordedInputs reads a data set's inputs; those that it lacks are of no type.
func recordedInputs(t *testing.T, m *models.Model, set string) []tensor.Tensor {
	t.Helper()
	in := make([]tensor.Tensor, len(m.Graph.Inputs))
	for i := range in {
		b, err := os.ReadFile(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			continue
		}
		if _, in[i], err = models.ReadTensor(b); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// shapesOf are the shapes of a model's inputs, as far as there are tensors for them.
func shapesOf(m *models.Model, in []tensor.Tensor) map[string]tensor.Shape {
	shapes := map[string]tensor.Shape{}
	for i, port := range m.Graph.Inputs {
		if in[i].DType != tensor.Undefined {
			shapes[port.Name] = in[i].Shape
		}
	}
	return shapes
}

func compareRecorded(t *testing.T, m *models.Model, dir string, o engine.Options) {
	set := filepath.Join(dir, "test_data_set_0")
	in := recordedInputs(t, m, set)
	o.Shapes = shapesOf(m, in)
	p, err := engine.Compile(m, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, port := range p.Inputs {
		if in[i].DType == tensor.Undefined { // ONNX's models without weights take 0/n, 1/n …
			in[i] = tensor.New(port.DType, port.Shape)
			data := tensor.Data[float32](in[i])
			for k := range data {
				data[k] = float32(float64(k) / float64(len(data)))
			}
		}
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
		tol := engine.ToleranceOf(want.DType)
		if o.Precision == engine.Mixed {
			tol = engine.Tolerance{RMS: 5e-2}
		}
		d, err := engine.Compare(got, want, tol)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Within {
			t.Errorf("output %s: element %d is %g, want %g; relative RMS error %.2g", p.Outputs[i].Name, d.Worst, d.Got, d.Want, d.RelativeRMS)
		}
	}
}
