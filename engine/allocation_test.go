package engine_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// TestRunAllocatesNothing holds Run to its word, for programs whose shapes are all known.
func TestRunAllocatesNothing(t *testing.T) {
	list := map[string]*models.Model{
		"bodies": model("c bool; n int64; s float32 8; x float32 20,8", "y z all w", nil,
			node("Scan s x > y all", "num_scan_inputs", 1, "scan_output_axes", []int64{1}, "scan_input_directions", []int64{1},
				"body", body("a float32 8; b float32 8", "sum before", nil, node("Add a b > sum"), node("Identity a > before"))),
			node("If c > z", "then_branch", body("", "r", nil, node("Neg s > r")), "else_branch", body("", "r", nil, node("Abs s > r"))),
			node("Loop n _ z > w", "body", body("i int64; c bool; p float32 8", "c q", nil, node("Tanh p > q")))),
	}
	list["volumes"] = model("x float32 1,20,5,9,9", "y", constants{
		"w": tensor.New(tensor.Float32, tensor.Shape{20, 20, 3, 3, 3}), "d": tensor.New(tensor.Float32, tensor.Shape{20, 1, 3, 3, 3}),
		"t": tensor.New(tensor.Float32, tensor.Shape{20, 3, 2, 2, 2}),
	}, node("Conv x w > a", "pads", []int64{1, 1, 1, 1, 1, 1}), node("Conv a d > b", "pads", []int64{1, 1, 1, 1, 1, 1}, "group", 20), node("Add b a > c"),
		node("ConvTranspose c t > g", "strides", []int64{2, 2, 2}), node("MaxPool g > y", "kernel_shape", []int64{2, 2, 2}))
	for _, name := range []string{"mobilenetv2", "squeezenet", "minilm@16", "resnet18@64"} {
		m, err := zoo.Build(name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		list[name] = m
	}
	for name, m := range list {
		t.Run(name, func(t *testing.T) { allocatesNothing(t, m, engine.Options{}, nil) })
	}
}

// TestRecordedModelsAllocateNothing is TestRunAllocatesNothing for real models, at the shapes of their recorded inputs.
func TestRecordedModelsAllocateNothing(t *testing.T) {
	shared := os.Getenv("EIPLAN_SHARED")
	if shared == "" {
		t.Skip("SKIPPED: EIPLAN_SHARED names no folder with models")
	}
	files, err := filepath.Glob(filepath.Join(shared, "models", "*", "model.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			m, err := models.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			in := recordedInputs(t, m, filepath.Join(filepath.Dir(file), "test_data_set_0"))
			allocatesNothing(t, m, engine.Options{Shapes: shapesOf(m, in)}, in)
		})
	}
}

// allocatesNothing runs a model in both precisions, alone and with a helper, on the given inputs or, where they are nil, on seeded ones.
func allocatesNothing(t *testing.T, m *models.Model, o engine.Options, given []tensor.Tensor) {
	for _, o.Precision = range []engine.Precision{engine.FP32, engine.Mixed} {
		for _, o.Threads = range []int{1, 2} {
			o.Features = cpu.Detect()
			t.Run(fmt.Sprintf("%v/%d", o.Precision, o.Threads), func(t *testing.T) {
				p := compile(t, m, o)
				s := session(t, p)
				in, out := p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs))
				for i := range given {
					in[i] = tensor.Aligned(given[i])
				}
				var failed error
				allocations := fewestAllocations(func() {
					if err := s.Run(in, out); err != nil {
						failed = err
					}
				})
				if failed != nil {
					t.Fatal(failed)
				}
				if allocations > 0 {
					t.Errorf("%v allocations in a run", allocations)
				}
			})
		}
	}
}

// fewestAllocations is how many allocations a run makes in each of several attempts at least. The process has others now and then: the runtime's own when a
// helper falls asleep after AllocsPerRun changed the number of processors, or when a collection ends; those of run itself are in every attempt.
func fewestAllocations(run func()) float64 {
	fewest := math.Inf(1)
	for attempt := 0; attempt < 5 && fewest > 0; attempt++ {
		fewest = min(fewest, testing.AllocsPerRun(3, run))
	}
	return fewest
}
