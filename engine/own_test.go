package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// filed writes a model to a file.
func filed(t *testing.T, m *models.Model) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Write(f, m); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// mapped are models whose programs read constants in every way: packed, from tables, as biases and scales, in bodies, in attributes, and in steps that are
// prepared in a run.
func mapped(t *testing.T) map[string]*models.Model {
	t.Helper()
	list := map[string]*models.Model{}
	for _, name := range []string{"mobilenetv2@96", "minilm@8"} {
		m, err := zoo.Build(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		list[name] = m
	}
	table := tensor.New(tensor.Float32, shape{40000})
	wide := tensor.New(tensor.Float32, shape{200, 200})
	list["bodies and dynamic steps"] = model("c bool; x float32 200; n int64 1", "y z d f", constants{"table": table, "wide": wide, "column": ints(shape{2}, 1, -1)},
		node("If c > y",
			"then_branch", body("", "r", constants{"inner": table}, node("Add inner table > r")),
			"else_branch", body("", "r", nil, node("Mul table table > r"))),
		node("NonZero x > i"), node("Gather table i > z"),
		node("Gather x i > g"), node("Expand g n > e"), node("MatMul wide x > d"),
		node("ConstantOfShape n > f", "value", models.Attribute{Kind: models.TensorAttribute, Tensor: floats(shape{1}, 3)}))
	return list
}

// TestProgramOutlivesItsModel compiles models from files, closes and shortens these, and then runs: no step may read what lay in the file.
func TestProgramOutlivesItsModel(t *testing.T) {
	paths := map[string]string{}
	for name, m := range mapped(t) {
		paths[name] = filed(t, m)
	}
	if shared := os.Getenv("EIPLAN_SHARED"); shared != "" {
		for _, name := range runnable {
			if name == "silero_vad_v6" {
				continue // runs at a sample rate and a length that only its recorded inputs have
			}
			paths[name] = filepath.Join(shared, "models", name, "model.onnx")
		}
	}
	for name, path := range paths {
		for way, o := range ways() {
			o.Threads = 1 // a fault is an error on this goroutine only
			t.Run(fmt.Sprintf("%s/%s", name, way), func(t *testing.T) {
				m, err := models.Load(path)
				if err != nil {
					t.Fatal(err)
				}
				recorded := recordedInputs(t, m, filepath.Join(filepath.Dir(path), "test_data_set_0"))
				o.Shapes = shapesOf(m, recorded)
				p, err := engine.Compile(m, o)
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				s := session(t, p)
				defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("reads the closed model: %v\n%s", r, debug.Stack())
					}
				}()
				for seed := range uint64(2) {
					in := p.SeededInputs(seed)
					for i, x := range recorded {
						if x.DType != tensor.Undefined {
							in[i] = x
						}
					}
					if err := s.Run(in, make([]tensor.Tensor, len(p.Outputs))); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// TestCompileOfAFileThatShrank shortens a model's file after Load.
func TestCompileOfAFileThatShrank(t *testing.T) {
	for name, made := range mapped(t) {
		for _, keep := range []float64{0, 0.5, 0.999} {
			t.Run(fmt.Sprintf("%s/%v", name, keep), func(t *testing.T) {
				path := filed(t, made)
				m, err := models.Load(path)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(path, int64(keep*float64(info.Size()))); err != nil {
					t.Fatal(err)
				}
				p, err := engine.Compile(m, engine.Options{Features: cpu.Detect(), Threads: 2})
				if p != nil || err == nil || !strings.Contains(err.Error(), "shrank") {
					t.Errorf("got %v, %v; want an error that says that the file shrank", p, err)
				}
			})
		}
	}
}
