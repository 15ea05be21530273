package ops_test

import (
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// extensions holds nodes of ai.onnx.ml and com.microsoft whose outputs ONNX Runtime recorded.
var extensions = filepath.Join(testdata, "extensions.tar.gz")

func TestExtensions(t *testing.T) { conform(t, extensions, false) }

// TestStandard runs nodes and small graphs of ai.onnx whose outputs ONNX Runtime recorded.
func TestStandard(t *testing.T) { conform(t, filepath.Join(testdata, "standard.tar.gz"), false) }

// TestExtensionsAllocateNothing is TestBoundWorkAllocatesNothing for what does not run on the host.
func TestExtensionsAllocateNothing(t *testing.T) {
	checked := 0
	eachCase(t, extensions, func(name string, files map[string][]byte) {
		n, call, err := single(t, files)
		if err != nil || n == nil {
			return
		}
		work, err := bound(n, call)
		if err != nil || work == nil || work() != nil {
			return
		}
		checked++
		if allocs := testing.AllocsPerRun(5, func() { _ = work() }); allocs > 0 {
			t.Errorf("%s: %v allocations in a run", name, allocs)
		}
	})
	if checked < 80 {
		t.Errorf("only %d cases were checked", checked)
	}
}

// TestSpoiltExtensions takes from the nodes attributes, ends of lists and inputs, and changes numbers: whatever is left, it must not panic.
func TestSpoiltExtensions(t *testing.T) {
	ran := 0
	eachCase(t, extensions, func(name string, files map[string][]byte) {
		n, call, err := single(t, files)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n == nil {
			t.Fatalf("%s has more than one node", name)
		}
		r := rand.New(rand.NewPCG(uint64(len(name)), uint64(len(files["model.onnx"]))))
		for range 20 {
			spoilt, in := spoil(r, n, call.In)
			if err := quietly(spoilt, in); err != nil && strings.HasPrefix(err.Error(), "panic") {
				t.Errorf("%s: %v\n%v\n%s", name, err, spoilt.Attributes, described(spoilt, in))
				return
			}
			ran++
		}
	})
	if ran < 1000 {
		t.Errorf("only %d nodes ran", ran)
	}
}

// spoil copies a node and its inputs with one or two things wrong.
func spoil(r *rand.Rand, n *graph.Node, in []*ops.Slot) (*graph.Node, []*ops.Slot) {
	bad := &graph.Node{Op: n.Op, Domain: n.Domain, Attributes: maps.Clone(n.Attributes)}
	for range n.Outputs {
		bad.Outputs = append(bad.Outputs, &graph.Value{})
	}
	in = slices.Clone(in)
	names := slices.Sorted(maps.Keys(n.Attributes))
	for range 1 + r.IntN(2) {
		if what := r.IntN(4); what > 0 && len(names) > 0 {
			name := names[r.IntN(len(names))]
			if what == 1 {
				delete(bad.Attributes, name)
			} else if a, ok := bad.Attributes[name]; ok {
				bad.Attributes[name] = spoilAttribute(r, a)
			}
			continue
		}
		i := r.IntN(len(in))
		switch {
		case in[i] == nil || r.IntN(3) == 0:
			in[i] = nil
		default:
			x := in[i].Tensor
			shape := make(tensor.Shape, r.IntN(5))
			for k := range shape {
				shape[k] = r.IntN(5)
			}
			if r.IntN(3) == 0 {
				x.DType = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int64, tensor.Uint8, tensor.String, tensor.Float16}[r.IntN(6)]
			}
			in[i] = &ops.Slot{Tensor: tensor.New(x.DType, shape)}
		}
	}
	for _, s := range in {
		bad.Inputs = append(bad.Inputs, nil)
		if s != nil {
			bad.Inputs[len(bad.Inputs)-1] = &graph.Value{}
		}
	}
	return bad, in
}

// spoilAttribute cuts a list short, changes one of its numbers, or changes a number.
func spoilAttribute(r *rand.Rand, a models.Attribute) models.Attribute {
	a.Ints, a.Floats, a.Strs = slices.Clone(a.Ints), slices.Clone(a.Floats), slices.Clone(a.Strs)
	cut := func(n int) int { return r.IntN(n + 1) }
	v := int64(r.IntN(12) - 3)
	switch {
	case a.Kind == models.IntAttribute:
		a.Int = v
	case a.Kind == models.FloatAttribute:
		a.Float = float32(v)
	case a.Kind == models.StringAttribute:
		a.Str = "NONSENSE"
	case a.Kind == models.TensorAttribute && a.Tensor.DType != tensor.String:
		a.Tensor = tensor.New(a.Tensor.DType, tensor.Shape{r.IntN(5)})
	case len(a.Ints) > 0 && r.IntN(2) == 0:
		a.Ints[r.IntN(len(a.Ints))] = v
	case len(a.Strs) > 0 && r.IntN(2) == 0:
		a.Strs[r.IntN(len(a.Strs))] = "NONSENSE"
	default:
		a.Ints, a.Floats, a.Strs = a.Ints[:cut(len(a.Ints))], a.Floats[:cut(len(a.Floats))], a.Strs[:cut(len(a.Strs))]
	}
	return a
}
