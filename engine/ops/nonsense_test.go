package ops_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestNonsense gives every operator inputs and attributes at random, and its own conformance cases with a few things wrong: whatever they are, it must not
// panic, hang, or make more than the limits allow.
func TestNonsense(t *testing.T) {
	cases := nodesOf(t)
	ran := 0
	for k, key := range ops.Supported() {
		r := rand.New(rand.NewPCG(uint64(k), 5))
		for round := range 150 {
			n, in := made(r, key, cases[key])
			if err := quietly(n, in); err == nil {
				ran++
			} else if failed(err) {
				t.Errorf("%s, round %d: %v\n%s", key, round, err, described(n, in))
				break
			}
		}
	}
	if ran < 1000 {
		t.Errorf("only %d nodes ran", ran)
	}
}

// FuzzOperators is TestNonsense for an operator and a seed that the fuzzer chooses.
func FuzzOperators(f *testing.F) {
	cases, keys := nodesOf(f), ops.Supported()
	f.Add(uint16(0), uint64(1))
	f.Fuzz(func(t *testing.T, op uint16, seed uint64) {
		key := keys[int(op)%len(keys)]
		n, in := made(rand.New(rand.NewPCG(seed, 0)), key, cases[key])
		if err := quietly(n, in); failed(err) {
			t.Errorf("%s: %v\n%s", key, err, described(n, in))
		}
	})
}

// nodeCase is a node that runs, with its inputs.
type nodeCase struct {
	node *graph.Node
	in   []*ops.Slot
}

// nodesOf are the nodes of the conformance cases, by key.
func nodesOf(t testing.TB) map[string][]nodeCase {
	list := map[string][]nodeCase{}
	archives := []string{filepath.Join(testdata, "subset.tar.gz"), extensions}
	if shared := os.Getenv("EIPLAN_SHARED"); shared != "" {
		archives = append(archives, filepath.Join(shared, "onnx-node", "onnx-backend.tar.gz"))
	}
	for _, archive := range archives {
		eachCase(t, archive, func(name string, files map[string][]byte) {
			file := filepath.Join(t.TempDir(), "model.onnx")
			if err := os.WriteFile(file, files["model.onnx"], 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := models.Load(file)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			t.Cleanup(func() { m.Close() })
			data, err := m.ReadDataSet(dataSet(files, "test_data_set_0"))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			low, in, err := lowerSet(data)
			if err != nil || ops.InferGraph(low.Graph) != nil {
				return // the conformance test tells
			}
			_, _ = interpreter{low.Graph}.record(in, func(n *graph.Node, in, _ []*ops.Slot) {
				key := ops.Key(n.Domain, n.Op)
				if !slices.ContainsFunc(in, func(s *ops.Slot) bool { return s != nil && s.Shape.Elements() > 1<<12 }) {
					list[key] = append(list[key], nodeCase{n, in})
				}
			})
		})
	}
	return list
}

// made is a node at random, or one of the cases with a few things wrong.
func made(r *rand.Rand, key string, cases []nodeCase) (*graph.Node, []*ops.Slot) {
	if len(cases) > 0 && r.IntN(4) > 0 {
		c := cases[r.IntN(len(cases))]
		return spoil(r, c.node, c.in)
	}
	domain, op, found := strings.Cut(key, "/")
	if !found {
		domain, op = "", key
	}
	return nonsense(r, domain, op)
}

// nonsense makes a node with inputs, of which most are small and of one type.
func nonsense(r *rand.Rand, domain, op string) (*graph.Node, []*ops.Slot) {
	n := &graph.Node{Op: op, Domain: domain, Attributes: map[string]models.Attribute{}, Outputs: []*graph.Value{{}, {}, {}, {}}[:1+r.IntN(4)]}
	types := []tensor.DType{tensor.Float32, tensor.Int64, tensor.Float16, tensor.Float64, tensor.Bool, tensor.String, tensor.Uint8, tensor.Int8, tensor.Int32, tensor.Uint4}
	common := types[r.IntN(4)]
	sizes := []int{0, 1, 1, 2, 2, 3, 4, 5, 8}
	rank := r.IntN(6)
	shape := func(rank int) tensor.Shape {
		s := make(tensor.Shape, rank)
		for i := range s {
			s[i] = sizes[r.IntN(len(sizes))]
		}
		return s
	}
	usual := shape(rank)
	var in []*ops.Slot
	for i := range r.IntN(8) {
		if i > 0 && r.IntN(6) == 0 {
			n.Inputs, in = append(n.Inputs, nil), append(in, nil)
			continue
		}
		d, s := common, usual.Clone()
		if i > 0 && r.IntN(3) == 0 {
			d = types[r.IntN(len(types))]
		}
		if r.IntN(3) == 0 {
			s = shape(r.IntN(6))
		}
		x := tensor.New(d, s)
		for j := range x.Len() {
			fillAt(x, j, r.IntN(9)-2)
		}
		n.Inputs, in = append(n.Inputs, &graph.Value{}), append(in, &ops.Slot{Tensor: x})
	}
	for _, name := range attributeNames {
		switch v := int64(r.IntN(9) - 2); r.IntN(8) {
		case 0, 1:
			n.Attributes[name] = models.Attribute{Kind: models.IntAttribute, Int: v}
		case 2:
			list := make([]int64, r.IntN(7))
			for i := range list {
				list[i] = int64(r.IntN(6) - 1)
			}
			n.Attributes[name] = models.Attribute{Kind: models.IntsAttribute, Ints: list}
		case 3:
			n.Attributes[name] = models.Attribute{Kind: models.FloatAttribute, Float: float32(v) / 2}
		}
	}
	return n, in
}

// attributeNames are those that sizes, axes and counts go by.
var attributeNames = [...]string{"axis", "axes", "alpha", "beta", "scale", "size", "group", "num_groups", "kernel_shape", "strides", "pads", "dilations", "perm",
	"q_num_heads", "kv_num_heads", "num_heads", "is_causal", "softcap", "qk_matmul_output_mode", "rotary_embedding_dim", "interleaved", "onesided", "inverse",
	"output_height", "output_width", "sampling_ratio", "pooled_shape", "offset_group", "align_corners", "k", "largest", "blocksize", "hidden_size", "to", "dtype",
	"keepdims", "epsilon", "p", "batch_dims", "block_size", "num_outputs", "maxsplit", "min_gram_length", "max_gram_length", "max_skip_count", "ngram_counts",
	"ngram_indexes", "pool_int64s", "batch_axis", "time_axis", "output_shape", "shape", "ceil_mode", "count_include_pad", "layout", "direction", "output_padding"}

// fillAt sets one element of any type to a small number.
func fillAt(x tensor.Tensor, i, v int) {
	switch x.DType {
	case tensor.Float32:
		tensor.Data[float32](x)[i] = float32(v)
	case tensor.Float64:
		tensor.Data[float64](x)[i] = float64(v)
	case tensor.Float16:
		tensor.Data[uint16](x)[i] = tensor.Float16Bits(float32(v))
	case tensor.Int64:
		tensor.Data[int64](x)[i] = int64(v)
	case tensor.Int32:
		tensor.Data[int32](x)[i] = int32(v)
	case tensor.Bool:
		tensor.Data[bool](x)[i] = v > 0
	case tensor.Uint8, tensor.Int8:
		x.Bytes[i] = byte(v)
	case tensor.String:
		x.Strings[i] = fmt.Sprint(v)
	}
}

// failure is what no node may do.
type failure struct{ what string }

func (f *failure) Error() string { return f.what }

func failed(err error) bool {
	var f *failure
	return errors.As(err, &f)
}

// quietly infers a node from types and shapes alone, then with some of its dimensions or ranks unknown; it runs it once by itself and once prepared as in a
// program. A panic, or memory beyond the limits, is a failure; what hangs ends the test.
func quietly(n *graph.Node, in []*ops.Slot) (err error) {
	before := allocated()
	watch := time.AfterFunc(time.Minute, func() { panic("this node does not end:\n" + described(n, in)) })
	defer func() {
		watch.Stop()
		if r := recover(); r != nil {
			err = &failure{fmt.Sprintf("panic: %v\n%s", r, debug.Stack())}
		} else if made := allocated() - before; made > 8*ops.MostMade {
			err = &failure{fmt.Sprintf("%d bytes allocated", made)}
		}
	}()
	for open := range 3 {
		blind := copied(n, in, false)
		for i, v := range blind.Inputs {
			switch {
			case v == nil || len(v.Shape) == 0:
			case open == 1:
				v.Shape[i%len(v.Shape)] = tensor.Unknown
			case open == 2:
				v.Shape = nil
			}
		}
		_ = ops.Of(blind).Infer(blind)
	}
	if _, err = ops.Eval(copied(n, in, false), in, target(), nil); err != nil {
		return err
	}
	call := &ops.Call{In: in}
	for _, v := range n.Outputs {
		call.Out = append(call.Out, nil)
		if v != nil {
			call.Out[len(call.Out)-1] = &ops.Slot{}
		}
	}
	work, err := bound(copied(n, in, true), call)
	if err != nil || work == nil {
		return err
	}
	return work()
}

// copied is a node whose inputs have the types and shapes that are given; their contents are known but for the first where weights are.
func copied(n *graph.Node, in []*ops.Slot, weights bool) *graph.Node {
	c := *n
	c.Inputs, c.Outputs = make([]*graph.Value, len(n.Inputs)), make([]*graph.Value, len(n.Outputs))
	for i, s := range in {
		if s == nil {
			continue
		}
		c.Inputs[i] = &graph.Value{DType: s.DType, Shape: s.Shape.Clone()}
		if n.Inputs[i] != nil {
			c.Inputs[i].Kind, c.Inputs[i].Elem = n.Inputs[i].Kind, n.Inputs[i].Elem
		}
		if weights && i > 0 && c.Inputs[i].Kind == models.TensorKind {
			c.Inputs[i].Const = &s.Tensor
		}
	}
	for i, v := range n.Outputs {
		if v != nil {
			c.Outputs[i] = &graph.Value{Producer: &c}
		}
	}
	c.Bodies = map[string]*graph.Graph{}
	for name, b := range n.Bodies {
		c.Bodies[name] = b.Clone()
	}
	if len(n.Bodies) == 0 {
		c.Bodies = nil
	}
	return &c
}

// allocated is how many bytes the test has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// described prints a node for whoever has to fix it.
func described(n *graph.Node, in []*ops.Slot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s with %d outputs\n", ops.Key(n.Domain, n.Op), len(n.Outputs))
	for i, s := range in {
		if s != nil {
			fmt.Fprintf(&b, "input %d: %s", i, s.Tensor)
			if s.Len() < 20 {
				fmt.Fprintf(&b, " %v %q", s.Bytes, s.Strings)
			}
			b.WriteByte('\n')
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.Attributes)) {
		a := n.Attributes[name]
		fmt.Fprintf(&b, "%s: %d %v %v %q %.20v %.20v %.20v %v\n", name, a.Kind, a.Int, a.Float, a.Str, a.Ints, a.Floats, a.Strs, a.Tensor)
	}
	return b.String()
}
