package ops_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestBoundWorkAllocatesNothing runs each case of the subset, bound once, with all inputs but the first known before.
func TestBoundWorkAllocatesNothing(t *testing.T) {
	checked := 0
	eachCase(t, filepath.Join(testdata, "subset.tar.gz"), func(name string, files map[string][]byte) {
		n, call, err := single(t, files)
		if err != nil || n == nil {
			return
		}
		work, err := bound(n, call)
		if err != nil || work == nil || work() != nil {
			return // the conformance test tells
		}
		checked++
		if allocs := testing.AllocsPerRun(5, func() { _ = work() }); allocs > 0 {
			t.Errorf("%s: %v allocations in a run", name, allocs)
		}
	})
	if checked < 200 {
		t.Errorf("only %d cases were checked", checked)
	}
}

// bound prepares and binds a node; its work is nil where an output's shape is known in the run alone, or where the node runs on the host.
func bound(n *graph.Node, call *ops.Call) (func() error, error) {
	op := ops.Of(n)
	if err := op.Infer(n); err != nil {
		return nil, err
	}
	if kind := ops.CostOf(n).Kind; kind == ops.Host || kind == ops.Control || n.Bodies != nil {
		return nil, nil
	}
	for i, v := range n.Outputs {
		switch {
		case v == nil:
		case v.Kind != models.TensorKind || !v.Static():
			return nil, nil
		default:
			call.Out[i].Tensor = tensor.New(v.DType, v.Shape)
		}
	}
	k, err := op.Prepare(n, target())
	if err != nil {
		return nil, err
	}
	call.Scratch = make([]byte, k.Scratch)
	return k.Bind(call), nil
}

func target() *ops.Target {
	return &ops.Target{Features: cpu.Detect(), Threads: 1, Iterations: 1000, Body: func(g *graph.Graph, _ *ops.Target) (ops.Body, error) { return interpreter{g}, nil }}
}

// single is the only node of a case whose inputs are all tensors, with a call on its first data set; nil for other cases.
func single(t testing.TB, files map[string][]byte) (*graph.Node, *ops.Call, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, files["model.onnx"], 0o600); err != nil {
		return nil, nil, err
	}
	m, err := models.Load(file)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { m.Close() })
	if len(m.Graph.Nodes) != 1 {
		return nil, nil, nil
	}
	bind := graph.Bindings{Shapes: map[string]tensor.Shape{}}
	given := map[string]*ops.Slot{}
	for i, v := range m.Graph.Inputs {
		if v.Type.Kind != models.TensorKind {
			return nil, nil, nil
		}
		d, err := models.ReadDatum(files[fmt.Sprintf("test_data_set_0/input_%d.pb", i)], v.Type)
		if err != nil {
			return nil, nil, err
		}
		bind.Shapes[v.Name], given[v.Name] = d.Tensor.Shape, slotOf(d)
	}
	low, err := graph.Lower(m, bind)
	if err != nil || len(ops.Unsupported(low.Graph)) > 0 {
		return nil, nil, err
	}
	n := low.Nodes[0]
	call := &ops.Call{}
	for i, v := range n.Inputs {
		if v == nil {
			call.In = append(call.In, nil)
			continue
		}
		slot := given[v.Name]
		if v.Const != nil {
			slot = &ops.Slot{Tensor: *v.Const}
		}
		call.In = append(call.In, slot)
		if i > 0 {
			v.Const = &slot.Tensor
		}
	}
	for _, v := range n.Outputs {
		call.Out = append(call.Out, nil)
		if v != nil {
			call.Out[len(call.Out)-1] = &ops.Slot{}
		}
	}
	return n, call, nil
}

// TestTeamAgrees runs large nodes on a team and alone: the results are the same, bit for bit.
func TestTeamAgrees(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	ints := func(values ...int64) *tensor.Tensor {
		c := tensor.From(tensor.Int64, tensor.Shape{len(values)}, values)
		return &c
	}
	for _, c := range []struct {
		reason, op string
		shapes     []tensor.Shape
		params     *tensor.Tensor
		attributes map[string]models.Attribute
	}{
		{"rows of a channel broadcast", "Add", []tensor.Shape{{2, 64, 40, 40}, {1, 64, 1, 1}}, nil, nil},
		{"one long row", "Mul", []tensor.Shape{{300000}, {300000}}, nil, nil},
		{"one long row and a scalar", "Sub", []tensor.Shape{{}, {300000}}, nil, nil},
		{"chunks of elements", "Exp", []tensor.Shape{{300001}}, nil, nil},
		{"a permutation cut along its first axis", "Transpose", []tensor.Shape{{64, 50, 100}}, nil, map[string]models.Attribute{"perm": {Kind: models.IntsAttribute, Ints: []int64{2, 0, 1}}}},
		{"three pieces", "Concat", []tensor.Shape{{2, 70000}, {2, 1}, {2, 70000}}, nil, map[string]models.Attribute{"axis": {Kind: models.IntAttribute, Int: 1}}},
		{"sums of contiguous rows", "ReduceSum", []tensor.Shape{{200, 1000}}, ints(1), nil},
		{"sums down columns", "ReduceMean", []tensor.Shape{{20, 100, 100}}, ints(1), nil},
	} {
		t.Run(c.reason, func(t *testing.T) {
			n := &graph.Node{Op: c.op, Attributes: c.attributes, Outputs: []*graph.Value{{}}}
			var in []*ops.Slot
			for i, s := range c.shapes {
				x := tensor.New(tensor.Float32, s)
				for j := range tensor.Data[float32](x) {
					tensor.Data[float32](x)[j] = float32((j*7+i*3)%101)/50 - 1
				}
				in = append(in, &ops.Slot{Tensor: x})
				n.Inputs = append(n.Inputs, &graph.Value{})
			}
			if c.params != nil {
				in = append(in, &ops.Slot{Tensor: *c.params})
				n.Inputs = append(n.Inputs, &graph.Value{Const: c.params})
			}
			alone, err := ops.Eval(n, in, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			together, err := ops.Eval(n, in, target(), team)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(alone[0].Bytes, together[0].Bytes) {
				t.Error("the team's result differs")
			}
		})
	}
}
