package ops_test

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestNonsense gives every operator inputs and attributes at random: whatever they are, it must not panic.
func TestNonsense(t *testing.T) {
	ran := 0
	for k, key := range ops.Supported() {
		domain, op, found := strings.Cut(key, "/")
		if !found {
			domain, op = "", key
		}
		r := rand.New(rand.NewPCG(uint64(k), 5))
		for round := range 300 {
			n, in := nonsense(r, domain, op)
			if err := quietly(n, in); err == nil {
				ran++
			} else if strings.HasPrefix(err.Error(), "panic") {
				t.Errorf("%s, round %d: %v\n%s", key, round, err, described(n, in))
				break
			}
		}
	}
	if ran < 1000 {
		t.Errorf("only %d nodes ran", ran)
	}
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

// quietly infers a node from types and shapes alone, then with some of its dimensions unknown, and runs it; a panic is an error.
func quietly(n *graph.Node, in []*ops.Slot) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	for _, open := range []bool{false, true} {
		blind := *n
		blind.Inputs, blind.Outputs = make([]*graph.Value, len(n.Inputs)), make([]*graph.Value, len(n.Outputs))
		for i, s := range in {
			if s == nil {
				continue
			}
			v := &graph.Value{DType: s.DType, Shape: s.Shape.Clone()}
			if open && len(v.Shape) > 0 {
				v.Shape[i%len(v.Shape)] = tensor.Unknown
			}
			blind.Inputs[i] = v
		}
		for i := range blind.Outputs {
			blind.Outputs[i] = &graph.Value{}
		}
		_ = ops.Of(&blind).Infer(&blind)
	}
	_, err = ops.Eval(n, in, target(), nil)
	return err
}

// described prints a node for whoever has to fix it.
func described(n *graph.Node, in []*ops.Slot) string {
	var b strings.Builder
	for i, s := range in {
		if s != nil {
			fmt.Fprintf(&b, "input %d: %s\n", i, s.Tensor)
		}
	}
	return b.String()
}
