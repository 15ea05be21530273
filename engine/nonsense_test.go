package engine_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestNonsenseModels compiles the conformance cases with attributes, initializers and the shapes of their inputs changed, and runs what compiles: whatever they
// are, that must not panic.
func TestNonsenseModels(t *testing.T) {
	compiled := 0
	for _, archive := range []string{"subset.tar.gz", "extensions.tar.gz"} {
		for name, files := range readCases(t, filepath.Join("..", "testdata", "onnx", archive)) {
			file := filepath.Join(t.TempDir(), "model.onnx")
			if err := os.WriteFile(file, files["model.onnx"], 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := models.Load(file)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			data, err := m.ReadDataSet(dataSet(files, "test_data_set_0"))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			in := make([]tensor.Tensor, len(data.Inputs)) // without elements where an input is no tensor
			for i, d := range data.Inputs {
				in[i] = d.Tensor
			}
			r := rand.New(rand.NewPCG(uint64(len(name)), uint64(len(files["model.onnx"]))))
			for range 6 {
				bad, shapes := spoilModel(r, m, in)
				ran, err := survive(bad, shapes)
				if err != nil {
					t.Errorf("%s, inputs %v: %v", name, shapes, err)
					break
				}
				if ran {
					compiled++
				}
			}
			m.Close()
		}
	}
	if compiled < 500 {
		t.Errorf("only %d models compiled", compiled)
	}
}

// survive compiles a model and runs it on made-up inputs, as written and rewritten; a panic is an error.
func survive(m *models.Model, shapes map[string]tensor.Shape) (ran bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	for _, o := range []engine.Options{{Features: cpu.Detect(), NoPasses: true}, {Features: cpu.Detect(), Threads: 2}, {Features: cpu.Detect(), Precision: engine.Mixed}} {
		o.Shapes = shapes
		p, err := engine.Compile(m, o)
		if err != nil || p.ActivationBytes() > 1<<28 {
			continue
		}
		ran = true
		s := p.NewSession()
		_ = s.Run(p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs)))
		s.Close()
	}
	return ran, nil
}

// spoilModel copies a model with one or two things wrong, and the shapes of its inputs.
func spoilModel(r *rand.Rand, m *models.Model, in []tensor.Tensor) (*models.Model, map[string]tensor.Shape) {
	bad, g := *m, *m.Graph
	bad.Graph = &g
	g.Nodes, g.Inputs, g.Initializers = slices.Clone(g.Nodes), slices.Clone(g.Inputs), maps.Clone(g.Initializers)
	shapes := map[string]tensor.Shape{}
	for i, v := range g.Inputs {
		if v.Type.Kind == models.TensorKind {
			shapes[v.Name] = in[i].Shape.Clone()
		}
	}
	for range 1 + r.IntN(2) {
		switch names := slices.Sorted(maps.Keys(g.Initializers)); {
		case r.IntN(3) > 0 && len(g.Nodes) > 0:
			spoilNode(r, g.Nodes)
		case len(names) > 0 && r.IntN(2) == 0:
			t := g.Initializers[names[r.IntN(len(names))]]
			g.Initializers[names[r.IntN(len(names))]] = tensor.New(t.DType, oddShape(r, t.Shape))
		case len(g.Inputs) > 0:
			i := r.IntN(len(g.Inputs))
			v := *g.Inputs[i]
			if v.Type.Kind != models.TensorKind {
				continue
			}
			v.Type.HasShape, v.Type.Dims = false, nil
			g.Inputs[i] = &v
			shapes[v.Name] = oddShape(r, in[i].Shape)
		}
	}
	return &bad, shapes
}

func oddShape(r *rand.Rand, s tensor.Shape) tensor.Shape {
	s = s.Clone()
	switch {
	case len(s) == 0 || r.IntN(6) == 0:
		return append(s, r.IntN(4))
	case r.IntN(6) == 0:
		return s[1:]
	}
	s[r.IntN(len(s))] = r.IntN(7)
	return s
}

// spoilNode replaces one of the nodes by a copy with an attribute changed or left out, or an input taken away.
func spoilNode(r *rand.Rand, nodes []*models.Node) {
	i := r.IntN(len(nodes))
	n := *nodes[i]
	nodes[i] = &n
	n.Attributes, n.Inputs = maps.Clone(n.Attributes), slices.Clone(n.Inputs)
	names := slices.Sorted(maps.Keys(n.Attributes))
	if len(names) == 0 || r.IntN(4) == 0 {
		if len(n.Inputs) > 0 {
			n.Inputs[r.IntN(len(n.Inputs))] = ""
		}
		return
	}
	odd := []int64{-1, 0, 1, 2, 3, 7, 100, -100, math.MaxInt32, math.MaxInt64, math.MinInt64}
	name, v := names[r.IntN(len(names))], odd[r.IntN(len(odd))]
	a := n.Attributes[name]
	switch {
	case r.IntN(4) == 0:
		delete(n.Attributes, name)
		return
	case a.Kind == models.IntAttribute:
		a.Int = v
	case a.Kind == models.FloatAttribute:
		a.Float = float32(v)
	case len(a.Ints) > 0:
		a.Ints = slices.Clone(a.Ints)
		a.Ints[r.IntN(len(a.Ints))] = v
	case a.Kind == models.StringAttribute:
		a.Str = "NONSENSE"
	}
	n.Attributes[name] = a
}
