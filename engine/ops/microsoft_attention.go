package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// heads is an attention of com.microsoft on its way to that of ai.onnx.
type heads struct {
	count, kvCount     int
	q, k, v            *graph.Value // batch×positions×(heads·size), or K and V by heads: batch×heads×positions×size
	pastK, pastV       *graph.Value
	bias               *graph.Value // added to the scores
	batch, queries     int
	byHeads            bool // of K and V
	keys               int  // with the past
	size               int  // of a head
	causal             bool
	scale              float32
	wantsK, wantsV     bool
	filter             float32 // added to the score of a key that is masked
	presentK, presentV *graph.Value
}

// attend adds the Attention of ai.onnx.
func (c *composition) attend(h *heads) *graph.Value {
	s := settings{"q_num_heads": intSetting(h.count), "kv_num_heads": intSetting(h.kvCount)}
	if h.causal {
		s["is_causal"] = intSetting(1)
	}
	if h.scale != 0 {
		s["scale"] = floatSetting(h.scale)
	}
	outputs := 1
	if h.wantsK || h.wantsV {
		outputs = 3
	}
	swap := settings{"perm": intsSetting(0, 2, 1, 3)}
	if h.byHeads {
		h.q = c.add("Transpose", swap, c.add("Reshape", nil, h.q, c.ints(0, 0, h.count, -1)))
	}
	made := c.addMany("Attention", s, outputs, h.q, h.k, h.v, h.bias, h.pastK, h.pastV)
	if outputs == 3 {
		h.presentK, h.presentV = made[1], made[2]
	}
	if h.byHeads {
		return c.add("Reshape", nil, c.add("Transpose", swap, made[0]), c.ints(0, 0, -1))
	}
	return made[0]
}

// masked adds to the bias of the scores what a mask of keys says. It is 1 for each key of a sample that counts, for each of a query, or for each of a pair;
// or how many keys of each sample count, or where they end and, after that, begin.
func (c *composition) masked(h *heads, mask *graph.Value) error {
	if mask == nil {
		return nil
	}
	if !mask.Static() {
		return errUnsettled
	}
	if !numbers.has(mask.DType) {
		return fmt.Errorf("mask: %w", badType(mask.DType))
	}
	var seen *graph.Value // bool, broadcasts to batch×heads×queries×keys
	zero := c.number(mask.DType, 0)
	switch s := mask.Shape; {
	case len(s) == 2 && (s[0] == h.batch || s[0] == 1) && s[1] == 1 && h.keys > 1: // says only that there is none
		return nil
	case len(s) == 1 && s[0] == h.batch:
		seen = c.add("Less", nil, c.positions(h.keys, mask.DType), c.add("Reshape", nil, mask, c.ints(h.batch, 1, 1, 1)))
	case len(s) == 1 && s[0] == 2*h.batch:
		sides := c.addMany("Split", settings{"axis": intSetting(0), "num_outputs": intSetting(2)}, 2, mask)
		at := c.positions(h.keys, mask.DType)
		before := c.add("Less", nil, at, c.add("Reshape", nil, sides[0], c.ints(h.batch, 1, 1, 1)))
		after := c.add("GreaterOrEqual", nil, at, c.add("Reshape", nil, sides[1], c.ints(h.batch, 1, 1, 1)))
		seen = c.add("And", nil, before, after)
	case len(s) == 2 && s[0] == h.batch && s[1] == h.keys:
		seen = c.add("Greater", nil, c.add("Reshape", nil, mask, c.ints(h.batch, 1, 1, h.keys)), zero)
	case len(s) == 3 && s[0] == h.batch && s[1] == h.queries && s[2] == h.keys:
		seen = c.add("Greater", nil, c.add("Reshape", nil, mask, c.ints(h.batch, 1, h.queries, h.keys)), zero)
	default:
		return fmt.Errorf("a mask %s for %d samples of %d queries and %d keys is not supported", s, h.batch, h.queries, h.keys)
	}
	d := c.Inputs[0].DType
	if !d.Float() {
		d = tensor.Float32
	}
	h.bias = c.plusBias(c.add("Where", nil, seen, c.number(d, 0), c.number(d, float64(h.filter))), h.bias)
	return nil
}

func (c *composition) plusBias(a, b *graph.Value) *graph.Value {
	if b == nil {
		return a
	}
	return c.add("Add", nil, a, b)
}

// positions is 0, 1 … of the keys.
func (c *composition) positions(count int, d tensor.DType) *graph.Value {
	from, to := tensor.New(tensor.Int64, tensor.Shape{count}), tensor.New(d, tensor.Shape{count})
	for i := range count {
		tensor.Data[int64](from)[i] = int64(i)
	}
	_ = conversion{}.convert(&to, &from) // numbers always convert
	return c.constant(to)
}

// mergedAttention projects its input to Q, K and V by one product, and attends. Inputs: X, weights, bias, mask, past (both of K and of V), a bias of the
// scores. Outputs: the attention's, and the keys and values that there are then.
func mergedAttention(c *composition) error {
	x, err := c.dims(0, 3)
	if err != nil {
		return err
	}
	projected := c.plus(c.add("MatMul", nil, c.Inputs[0], c.Inputs[1]), c.In(2))
	return c.selfAttention(x, c.Inputs[1].Shape, projected, c.In(3), c.In(4), c.In(5))
}

// selfAttention is what follows the projection of an Attention or a QAttention.
func (c *composition) selfAttention(x, weights tensor.Shape, projected, mask, past, bias *graph.Value) error {
	if c.Int("do_rotary", 0) != 0 || c.Int("past_present_share_buffer", 0) != 0 {
		return fmt.Errorf("do_rotary and past_present_share_buffer are not supported")
	}
	if len(weights) != 2 || !weights.Static() {
		return errUnsettled
	}
	sizes := c.Ints("qkv_hidden_sizes")
	if len(sizes) == 0 {
		sizes = []int{weights[1] / 3, weights[1] / 3, weights[1] / 3}
	}
	h := &heads{count: c.Int("num_heads", 0), batch: x[0], queries: x[1], keys: x[1], bias: bias}
	if len(sizes) != 3 || sizes[0]+sizes[1]+sizes[2] != weights[1] || h.count < 1 || sizes[0]%h.count != 0 {
		return fmt.Errorf("%d heads in parts %v of weights %s", h.count, sizes, weights)
	}
	h.kvCount, h.size = h.count, sizes[0]/h.count
	h.causal, h.scale, h.filter = c.Int("unidirectional", 0) != 0, c.Float("scale", 0), c.Float("mask_filter_value", -10000)
	h.wantsK = wants(c.Node, 1)
	parts := c.addMany("Split", settings{"axis": intSetting(2)}, 3, projected, c.ints(sizes...))
	h.q, h.k, h.v = parts[0], parts[1], parts[2]
	if past != nil {
		if !past.Static() {
			return errUnsettled
		}
		if len(past.Shape) != 5 {
			return fmt.Errorf("past %s; rank 5 is wanted", past.Shape)
		}
		h.keys += past.Shape[3]
		one := settings{"axis": intSetting(0)}
		h.pastK, h.pastV = c.add("Gather", one, past, c.index(0)), c.add("Gather", one, past, c.index(1))
	}
	if err := c.masked(h, mask); err != nil {
		return err
	}
	c.yield(0, c.attend(h))
	if h.wantsK {
		first := c.ints(0)
		c.yield(1, c.add("Concat", settings{"axis": intSetting(0)}, c.add("Unsqueeze", nil, h.presentK, first), c.add("Unsqueeze", nil, h.presentV, first)))
	}
	return nil
}

// index is a known scalar of int64.
func (c *composition) index(i int) *graph.Value {
	return c.constant(tensor.Scalar(tensor.Int64, int64(i)))
}

// multiHeadAttention attends with Q, K and V that are projected already. Q may hold all three (batch×positions×heads×3×size), K may hold K and V
// (batch×positions×heads×2×size), and K and V may lie by heads. Inputs: Q, K, V, their bias, a mask of keys, a bias of the scores, past K and V. Outputs: the
// attention's, present K and V.
func multiHeadAttention(c *composition) error {
	if c.In(8) != nil || c.In(9) != nil {
		return fmt.Errorf("past_sequence_length and cache_indirection are not supported")
	}
	q, err := c.dims(0, 3, 5)
	if err != nil {
		return err
	}
	count := c.Int("num_heads", 0)
	h := &heads{
		count: count, kvCount: count, batch: q[0], queries: q[1], bias: c.In(5), pastK: c.In(6), pastV: c.In(7), wantsK: wants(c.Node, 1), wantsV: wants(c.Node, 2),
		causal: c.Int("unidirectional", 0) != 0, scale: c.Float("scale", 0), filter: c.Float("mask_filter_value", -10000),
	}
	if count < 1 {
		return fmt.Errorf("num_heads is %d", count)
	}
	if err := c.separate(h, q); err != nil {
		return err
	}
	if h.pastK != nil {
		past, err := c.dims(6, 4)
		if err != nil {
			return err
		}
		h.keys += past[2]
	}
	if err := c.masked(h, c.In(4)); err != nil {
		return err
	}
	c.yield(0, c.attend(h))
	c.yield(1, h.presentK)
	c.yield(2, h.presentV)
	return nil
}

// separate brings Q, K and V into the forms that Attention takes, and adds their bias.
func (c *composition) separate(h *heads, q tensor.Shape) error {
	h.q, h.k, h.v, h.keys = c.Inputs[0], c.In(1), c.In(2), h.queries
	flat := func(v *graph.Value) *graph.Value { return c.add("Reshape", nil, v, c.ints(0, 0, -1)) }
	part := func(v *graph.Value, i int) *graph.Value {
		return flat(c.add("Gather", settings{"axis": intSetting(3)}, v, c.index(i)))
	}
	if len(q) == 5 {
		h.q, h.k, h.v = part(c.Inputs[0], 0), part(c.Inputs[0], 1), part(c.Inputs[0], 2)
		return c.projected(h, q[2]*q[4], q[2]*q[4], q[2]*q[4])
	}
	if h.k == nil {
		return fmt.Errorf("key is missing")
	}
	k, err := c.dims(1, 3, 4, 5)
	if err != nil {
		return err
	}
	switch len(k) {
	case 5:
		h.keys = k[1]
		h.k, h.v = part(c.Inputs[1], 0), part(c.Inputs[1], 1)
		return c.projected(h, q[2], k[2]*k[4], k[2]*k[4])
	case 4: // by heads: a bias is Q's alone
		h.keys, h.byHeads = k[2], true
		if b := c.In(3); b != nil {
			h.q = c.add("Add", nil, h.q, c.add("Slice", nil, b, c.ints(0), c.ints(q[2])))
		}
		return nil
	}
	h.keys = k[1]
	v, err := c.dims(2, 3)
	if err != nil {
		return err
	}
	return c.projected(h, q[2], k[2], v[2])
}

// projected adds to Q, K and V their parts of the bias, which have these sizes.
func (c *composition) projected(h *heads, q, k, v int) error {
	if q%h.count != 0 {
		return fmt.Errorf("%d elements of %d heads", q, h.count)
	}
	h.size = q / h.count
	b := c.In(3)
	if b == nil {
		return nil
	}
	parts := c.addMany("Split", settings{"axis": intSetting(0)}, 3, b, c.ints(q, k, v))
	h.q, h.k, h.v = c.add("Add", nil, h.q, parts[0]), c.add("Add", nil, h.k, parts[1]), c.add("Add", nil, h.v, parts[2])
	return nil
}

// tabledRotary is RotaryEmbedding with its inputs in another order: X, positions, the table of cosines, that of sines. One position alone is that of the
// first element; the others follow it. The attribute scale says nothing, as in ONNX Runtime on a CPU.
func tabledRotary(c *composition) error {
	x, err := c.dims(0, 3, 4)
	if err != nil {
		return err
	}
	cos, err := c.dims(2, 2)
	if err != nil {
		return err
	}
	ids, err := c.dims(1, 1, 2)
	if err != nil {
		return err
	}
	if c.Int("is_packed_batching", 0) != 0 {
		return fmt.Errorf("is_packed_batching is not supported")
	}
	length := x[len(x)-2]
	positions := c.Inputs[1]
	if len(ids) == 1 {
		positions = c.add("Add", nil, positions, c.add("Reshape", nil, c.positions(length, tensor.Int64), c.ints(1, length)))
		positions = c.add("Expand", nil, positions, c.ints(x[0], length))
	}
	count := c.Int("num_heads", 0)
	turned := c.Int("rotary_embedding_dim", 0)
	if len(x) == 3 && count == 0 {
		if turned != 0 {
			return fmt.Errorf("rotary_embedding_dim without num_heads")
		}
		count = x[2] / max(2*cos[1], 1)
	}
	s := settings{"interleaved": intSetting(c.Int("interleaved", 0)), "num_heads": intSetting(count), "rotary_embedding_dim": intSetting(turned)}
	c.yield(0, c.add("RotaryEmbedding", s, c.Inputs[0], c.Inputs[2], c.Inputs[3], positions))
	return nil
}
