package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/models/tensor"
)

// The inputs and outputs of Attention.
const (
	attendQuery = iota
	attendKey
	attendValue
	attendMask
	attendPastKey
	attendPastValue
	attendLengths

	attendPresentKey   = 1
	attendPresentValue = 2
	attendScores       = 3
)

// attention is softmax(scale·Q·Kᵀ + bias)·V for each head of each sample. Q is batch×heads×queries×size, K and V have kvHeads heads, each of which
// serves as many neighbouring heads of Q; or all have rank 3 with the heads of a position side by side. Earlier keys and values may come first.
// A query none of whose keys may be seen yields zeros.
func attentionOp() Op {
	return Op{Infer: inferAttention, Cost: costAttention, Prepare: halved(byFloat(prepareAttention[float32], prepareAttention[float64]))}
}

// attention is the geometry of a node; dimensions may be tensor.Unknown.
type attention struct {
	packed                    bool // rank 3
	batch, heads, kvHeads     int
	queries, past, new        int // positions
	size, valueSize           int // elements of a head of Q and K, and of V
	scale, softcap            float64
	causal                    bool
	qStride, kStride, vStride int // elements between positions, as the inputs lie
}

// keys is how many positions each query may look at.
func (a *attention) keys() int { return plus(a.past, a.new) }

// plus adds dimensions.
func plus(a, b int) int {
	if a == tensor.Unknown || b == tensor.Unknown {
		return tensor.Unknown
	}
	return a + b
}

// part divides a dimension that n must divide.
func part(d, n int) (int, error) {
	switch {
	case n < 1:
		return 0, fmt.Errorf("%d heads", n)
	case d == tensor.Unknown:
		return d, nil
	case d%n != 0:
		return 0, fmt.Errorf("%d elements of %d heads", d, n)
	}
	return d / n, nil
}

// attentionOf reads the geometry from the shapes of Q, K and V, whose ranks are known.
func attentionOf(n *graph.Node) (*attention, error) {
	q, k, v := n.Inputs[attendQuery].Shape, n.Inputs[attendKey].Shape, n.Inputs[attendValue].Shape
	if len(q) != len(k) || len(q) != len(v) || len(q) != 3 && len(q) != 4 {
		return nil, fmt.Errorf("query %s, key %s and value %s; all of rank 3 or all of rank 4 are wanted", q, k, v)
	}
	a := &attention{packed: len(q) == 3, batch: q[0], causal: n.Int("is_causal", 0) != 0, softcap: float64(n.Float("softcap", 0))}
	var err error
	if a.packed {
		a.heads, a.kvHeads = n.Int("q_num_heads", 0), n.Int("kv_num_heads", 0)
		a.queries, a.new = q[1], k[1]
		var kSize int
		for _, x := range []struct {
			to       *int
			d, heads int
		}{{&a.size, q[2], a.heads}, {&kSize, k[2], a.kvHeads}, {&a.valueSize, v[2], a.kvHeads}} {
			if *x.to, err = part(x.d, x.heads); err != nil {
				return nil, err
			}
		}
		a.qStride, a.kStride, a.vStride = q[2], k[2], v[2]
		if kSize != a.size && kSize != tensor.Unknown && a.size != tensor.Unknown {
			return nil, fmt.Errorf("heads of %d elements in Q %s and of %d in K %s", a.size, q, kSize, k)
		}
	} else {
		a.heads, a.kvHeads, a.queries, a.new, a.size, a.valueSize = q[1], k[1], q[2], k[2], q[3], v[3]
		a.qStride, a.kStride, a.vStride = q[3], k[3], v[3]
		if k[3] != q[3] && k[3] != tensor.Unknown && q[3] != tensor.Unknown {
			return nil, fmt.Errorf("heads of %d elements in Q %s and of %d in K %s", q[3], q, k[3], k)
		}
	}
	if p := n.In(attendPastKey); p != nil {
		if a.past = tensor.Unknown; len(p.Shape) == 4 {
			a.past = p.Shape[2]
		}
	}
	a.scale = float64(n.Float("scale", 0))
	if a.scale == 0 {
		a.scale = 1 / math.Sqrt(float64(max(a.size, 1)))
	}
	if a.heads != tensor.Unknown && a.kvHeads != tensor.Unknown && (a.kvHeads < 1 || a.heads%a.kvHeads != 0) {
		return nil, fmt.Errorf("%d heads of Q share %d of K", a.heads, a.kvHeads)
	}
	return a, a.agree(q, k, v)
}

// agree compares the dimensions that Q, K and V have in common.
func (a *attention) agree(q, k, v tensor.Shape) error {
	same := func(x, y int) bool { return x == y || x == tensor.Unknown || y == tensor.Unknown }
	at := len(k) - 2
	if !same(q[0], k[0]) || !same(k[0], v[0]) || !same(k[at], v[at]) || !a.packed && !same(k[1], v[1]) {
		return fmt.Errorf("query %s, key %s and value %s do not fit each other", q, k, v)
	}
	return nil
}

func inferAttention(n *graph.Node) error {
	if err := arity(n, 3, 7); err != nil {
		return err
	}
	if err := sameTypes(n, floats, attendQuery, attendKey, attendPastKey); err != nil {
		return err
	}
	if err := sameTypes(n, floats, attendValue, attendPastValue); err != nil {
		return err
	}
	if q, v := n.Inputs[attendQuery].DType, n.Inputs[attendValue].DType; (q == tensor.Float64) != (v == tensor.Float64) {
		return fmt.Errorf("values are %s where queries are %s", v, q)
	}
	if err := takes(n, attendMask, floats|integers|bools); err != nil {
		return err
	}
	if err := takes(n, attendLengths, 1<<tensor.Int64); err != nil {
		return err
	}
	if (n.In(attendPastKey) == nil) != (n.In(attendPastValue) == nil) {
		return fmt.Errorf("past keys need past values, and the other way round")
	}
	q, v := n.Inputs[attendQuery], n.Inputs[attendValue]
	if q.Shape == nil || n.Inputs[attendKey].Shape == nil || v.Shape == nil {
		yields(n, 0, q.DType, nil)
		yields(n, attendPresentKey, q.DType, nil)
		yields(n, attendPresentValue, v.DType, nil)
		yields(n, attendScores, q.DType, nil)
		return nil
	}
	a, err := attentionOf(n)
	if err != nil {
		return err
	}
	out := tensor.Shape{a.batch, a.heads, a.queries, a.valueSize}
	if a.packed {
		out = tensor.Shape{a.batch, a.queries, tensor.Unknown}
		if a.valueSize != tensor.Unknown {
			out[2] = a.heads * a.valueSize
		}
	}
	yields(n, 0, q.DType, out)
	yields(n, attendPresentKey, q.DType, tensor.Shape{a.batch, a.kvHeads, a.keys(), a.size})
	yields(n, attendPresentValue, v.DType, tensor.Shape{a.batch, a.kvHeads, a.keys(), a.valueSize})
	yields(n, attendScores, q.DType, tensor.Shape{a.batch, a.heads, a.queries, a.keys()})
	return a.checkInputs(n)
}

// checkInputs compares the mask, the past and the lengths with the geometry.
func (a *attention) checkInputs(n *graph.Node) error {
	if m := n.In(attendMask); m != nil && m.Static() && a.keys() != tensor.Unknown {
		want := tensor.Shape{a.batch, a.heads, a.queries, a.keys()}
		if len(m.Shape) > 0 && m.Shape[len(m.Shape)-1] < a.keys() && m.Shape[len(m.Shape)-1] > 1 {
			want[3] = m.Shape[len(m.Shape)-1] // the keys after it are hidden
		}
		if both, ok := broadcastDims(want, m.Shape); !ok || !both.Equal(want) {
			return fmt.Errorf("mask %s for scores %s", m.Shape, want)
		}
	}
	for i, size := range map[int]int{attendPastKey: a.size, attendPastValue: a.valueSize} {
		want := tensor.Shape{a.batch, a.kvHeads, a.past, size}
		if p := n.In(i); p != nil && p.Shape != nil && len(p.Shape) != len(want) {
			return fmt.Errorf("input %d is %s; batch×heads×positions×size is wanted", i, p.Shape)
		}
		if p := n.In(i); p != nil && p.Static() && want.Static() && !p.Shape.Equal(want) {
			return fmt.Errorf("input %d is %s; %s is wanted", i, p.Shape, want)
		}
	}
	if l := n.In(attendLengths); l != nil && l.Static() && a.batch != tensor.Unknown && !l.Shape.Equal(tensor.Shape{a.batch}) {
		return fmt.Errorf("lengths %s for a batch of %d", l.Shape, a.batch)
	}
	return nil
}

// costAttention counts the two products, which are as one over the elements of K and V, and the softmax between them.
func costAttention(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = BatchMatMul
	a, err := attentionOf(n)
	if err != nil {
		panic("ops: cost of an attention that was not inferred: " + err.Error())
	}
	c.M, c.N, c.K, c.Groups, c.Steps = a.queries, a.keys(), a.size+a.valueSize, a.batch*a.heads, 1
	c.FLOPs = (2*float64(c.K) + softmaxFLOPs) * float64(c.M) * float64(c.N) * float64(c.Groups)
	return c
}

// softmaxFLOPs is what a softmax does with each element: scale, compare, subtract, exponentiate, add, divide.
const softmaxFLOPs = 15

// attending is an attention that is prepared for elements of type T.
type attending[T real] struct {
	attention
	mask      broadcast // the mask's place in step with batch×heads×queries
	maskWidth int       // the keys that it covers
	maskStep  int       // from one key to the next: 0 where it is the same for all
	mode      int       // at which stage the scores are an output
	f         *normalize.Funcs
	multiply  multiplier[T]
}

func prepareAttention[T real](n *graph.Node, t *Target) (Kernel, error) {
	a, err := attentionOf(n)
	if err != nil {
		return Kernel{}, err
	}
	p := &attending[T]{attention: *a, mode: n.Int("qk_matmul_output_mode", 0), f: normalize.For(t.Features), multiply: multiplierOf[T](t)}
	if p.mode < 0 || p.mode > 3 {
		return Kernel{}, fmt.Errorf("qk_matmul_output_mode %d; it may be 0 to 3", p.mode)
	}
	rows := tensor.Shape{a.batch, a.heads, a.queries}
	if m := n.In(attendMask); m != nil {
		shape := tensor.Shape{1}
		if len(m.Shape) > 0 {
			shape = m.Shape
		}
		width := shape[len(shape)-1]
		p.maskWidth, p.maskStep = width, 1
		if width == 1 {
			p.maskWidth, p.maskStep = a.keys(), 0
		}
		strides := append(make([]int, 4), stretchedStrides(shape)...)
		for i, d := range rows {
			p.mask.push(d, i, [][]int{strides[len(strides)-4:]})
		}
		if err := p.mask.finish(); err != nil {
			return Kernel{}, err
		}
	}
	if p.streams(n) {
		return p.streamed(n, t)
	}
	return p.kernel(n)
}

// stretchedStrides is the strides of a shape, 0 along dimensions of 1.
func stretchedStrides(s tensor.Shape) []int {
	list := s.Strides()
	for i, d := range s {
		if d == 1 {
			list[i] = 0
		}
	}
	return list
}
