package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// The inputs of GroupQueryAttention.
const (
	groupQuery   = iota // batch×positions×(heads·size), or with the keys and values behind each position's
	groupKey            // batch×positions×(kvHeads·size)
	groupValue          // like the key
	groupPastKey        // batch×kvHeads×earlier×size
	groupPastValue
	groupLast  // for each sample the position of its last key
	groupTotal // how many positions the longest sample has
	groupCos   // tables by position
	groupSin
	groupPositions // of the queries, in place of those that follow from the lengths; where there are no earlier keys the first counts, and the others follow it
	groupBias      // added to the scores; broadcasts to batch×heads×positions×keys
	groupSink      // for each head a score of no key at all
)

// groupQueryAttention is com.microsoft's causal attention over a cache of keys and values: neighbouring heads of Q share one of K and V, samples have their
// own lengths, and the positions may be told by a rotary embedding. The cache is as long as the longest sample, or longer: what lies behind a sample's
// last position is not looked at.
func groupQueryAttention() Op {
	return Op{Infer: inferGroupQuery, Cost: costGroupQuery, Prepare: halved(prepareGroupQuery)}
}

// grouping is the geometry of a GroupQueryAttention; dimensions may be tensor.Unknown.
type grouping struct {
	batch, heads, kvHeads   int
	queries, cached, keys   int // positions: new ones, those of the past, those of the present
	size                    int
	packed                  bool
	scale, softcap          float32
	window                  int // how many keys a query looks at, from its own position back; 0 for all
	smooth                  bool
	rotary, interleaved     bool
	qStride, kvStride, half int // elements between positions, pairs that are turned
}

func groupingOf(n *graph.Node) (*grouping, error) {
	q := n.Inputs[groupQuery].Shape
	g := &grouping{
		heads: n.Int("num_heads", 0), kvHeads: n.Int("kv_num_heads", 0), batch: q[0], queries: q[1], packed: n.In(groupKey) == nil,
		scale: n.Float("scale", 0), softcap: n.Float("softcap", 0), window: max(n.Int("local_window_size", -1), 0), smooth: n.Int("smooth_softmax", 0) != 0,
		rotary: n.Int("do_rotary", 0) != 0, interleaved: n.Int("rotary_interleaved", 0) != 0, keys: tensor.Unknown,
	}
	if g.heads < 1 || g.kvHeads < 1 || g.heads%g.kvHeads != 0 {
		return nil, fmt.Errorf("%d heads of Q share %d of K", g.heads, g.kvHeads)
	}
	every := g.heads
	if g.packed {
		every += 2 * g.kvHeads
	}
	var err error
	if g.size, err = part(q[2], every); err != nil {
		return nil, err
	}
	g.qStride, g.kvStride = q[2], q[2]
	if !g.packed {
		g.kvStride = g.kvHeads * g.size
	}
	if g.scale == 0 {
		g.scale = float32(1 / math.Sqrt(float64(g.size)))
	}
	if p := n.In(groupPastKey); p != nil {
		if g.cached = tensor.Unknown; len(p.Shape) == 4 {
			g.cached = p.Shape[2]
		}
	}
	if total := n.In(groupTotal); total.Known() && g.cached != tensor.Unknown && g.queries != tensor.Unknown {
		all := int(realAt(total.Const, 0))
		if all < g.queries || all > g.cached+g.queries {
			return nil, fmt.Errorf("%d positions with %d new ones and a cache of %d", all, g.queries, g.cached)
		}
		g.keys = max(all, g.cached)
	} else if wants(n, 1) && len(n.Outputs[1].Shape) == 4 {
		g.keys = n.Outputs[1].Shape[2]
	}
	return g, nil
}

func inferGroupQuery(n *graph.Node) error {
	if err := arity(n, 1, 14); err != nil {
		return err
	}
	for _, i := range []int{groupLast, groupTotal} {
		if n.In(i) == nil {
			return fmt.Errorf("input %d is missing", i)
		}
		if err := takes(n, i, indices); err != nil {
			return err
		}
	}
	if err := takes(n, groupPositions, indices); err != nil {
		return err
	}
	reals := []int{groupQuery, groupKey, groupValue, groupPastKey, groupPastValue, groupCos, groupSin, groupBias, groupSink}
	if err := sameTypes(n, 1<<tensor.Float32|halves, reals...); err != nil {
		return err
	}
	if total := n.Inputs[groupTotal]; total.Static() && total.Shape.Elements() != 1 {
		return fmt.Errorf("total %s; one number is wanted", total.Shape)
	}
	if (n.In(groupKey) == nil) != (n.In(groupValue) == nil) || (n.In(groupPastKey) == nil) != (n.In(groupPastValue) == nil) {
		return fmt.Errorf("keys need values, and the other way round")
	}
	if wants(n, 3) {
		return fmt.Errorf("the scores are not supported as an output")
	}
	d, q := n.Inputs[groupQuery].DType, n.Inputs[groupQuery].Shape
	if len(q) != 3 {
		for i := range 3 {
			yields(n, i, d, nil)
		}
		if q != nil {
			return fmt.Errorf("query %s; rank 3 is wanted", q)
		}
		return nil
	}
	g, err := groupingOf(n)
	if err != nil {
		return err
	}
	hidden := tensor.Unknown
	if g.size != tensor.Unknown {
		hidden = g.heads * g.size
	}
	yields(n, 0, d, tensor.Shape{g.batch, g.queries, hidden})
	for i := 1; i < 3; i++ {
		yields(n, i, d, tensor.Shape{g.batch, g.kvHeads, g.keys, g.size})
	}
	return g.check(n)
}

// check compares the other inputs' shapes with the geometry.
func (g *grouping) check(n *graph.Node) error {
	past := tensor.Shape{g.batch, g.kvHeads, g.cached, g.size}
	own := tensor.Shape{g.batch, g.queries, g.kvHeads * g.size}
	for i, want := range map[int]tensor.Shape{groupKey: own, groupValue: own, groupPastKey: past, groupPastValue: past} {
		if v := n.In(i); v != nil && v.Static() && want.Static() && !v.Shape.Equal(want) {
			return fmt.Errorf("input %d is %s; %s is wanted", i, v.Shape, want)
		}
	}
	if v := n.In(groupLast); v.Static() && g.batch != tensor.Unknown && v.Shape.Elements() != g.batch {
		return fmt.Errorf("lengths %s for a batch of %d", v.Shape, g.batch)
	}
	if v := n.In(groupSink); v != nil && v.Static() && v.Shape.Elements() != g.heads {
		return fmt.Errorf("sinks %s for %d heads", v.Shape, g.heads)
	}
	if v := n.In(groupPositions); v != nil && v.Static() && g.batch != tensor.Unknown && g.queries != tensor.Unknown && v.Shape.Elements() != g.batch*g.queries {
		return fmt.Errorf("positions %s for %d samples of %d queries", v.Shape, g.batch, g.queries)
	}
	if v := n.In(groupBias); v != nil && v.Static() && g.keys != tensor.Unknown {
		want := tensor.Shape{g.batch, g.heads, g.queries, g.queries}
		if n.Inputs[groupTotal].Known() {
			want[3] = int(realAt(n.Inputs[groupTotal].Const, 0))
		}
		if both, ok := broadcastDims(want[:2], v.Shape[:min(len(v.Shape), 2)]); len(v.Shape) != 4 || !ok || !both.Equal(want[:2]) || v.Shape[2] != g.queries || v.Shape[3] < want[3] {
			return fmt.Errorf("bias %s for scores %s", v.Shape, want)
		}
	}
	if !g.rotary {
		return nil
	}
	cos, sin := n.In(groupCos), n.In(groupSin)
	if cos == nil || sin == nil {
		return fmt.Errorf("do_rotary needs tables of cosines and sines")
	}
	if cos.Static() && sin.Static() && g.size != tensor.Unknown && (len(cos.Shape) != 2 || !cos.Shape.Equal(sin.Shape) || 2*cos.Shape[1] > g.size) {
		return fmt.Errorf("cosines %s and sines %s for heads of %d elements", cos.Shape, sin.Shape, g.size)
	}
	return nil
}

// costGroupQuery counts the two products over all keys that there may be.
func costGroupQuery(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = BatchMatMul
	g, err := groupingOf(n)
	if err != nil {
		panic("ops: cost of an attention that was not inferred: " + err.Error())
	}
	keys := g.keys
	if keys == tensor.Unknown {
		keys = g.cached + g.queries
	}
	c.M, c.N, c.K, c.Groups, c.Steps = g.queries, keys, 2*g.size, g.batch*g.heads, 1
	c.FLOPs = (2*float64(c.K) + softmaxFLOPs) * float64(c.M) * float64(c.N) * float64(c.Groups)
	return c
}

func prepareGroupQuery(n *graph.Node, t *Target) (Kernel, error) {
	g, err := groupingOf(n)
	if err != nil {
		return Kernel{}, err
	}
	if g.keys == tensor.Unknown {
		g.keys = g.cached + g.queries
	}
	if g.rotary {
		g.half = n.Inputs[groupCos].Shape[1]
	}
	v := vector.For(t.Features)
	return Kernel{Class: "attention", Bind: func(c *Call) func() error { return newGrouped(g, v, c).run }}, nil
}
