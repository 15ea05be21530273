package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
)

// rotaryEmbedding turns pairs of elements of each head by angles that depend on the position: (x, y) becomes (x·cos - y·sin, x·sin + y·cos). The pairs
// are the two halves of a head, or with interleaved its neighbours; with rotary_embedding_dim only as many elements of a head are turned. Inputs: X
// (batch×heads×positions×size, or batch×positions×heads·size), cos and sin (for each sample and position, or with position_ids tables by position).
func rotaryEmbedding() Op {
	return Op{Infer: inferRotary, Cost: costElementwise(3), Prepare: byFloat(prepareRotary[float32], prepareRotary[float64])}
}

// rotation is the geometry of a rotary embedding.
type rotation struct {
	batch, heads, length, size int
	packed                     bool
	half                       int // pairs that are turned
	interleaved                bool
}

func rotationOf(n *graph.Node) (*rotation, error) {
	x := n.Inputs[0].Shape
	r := &rotation{batch: x[0], interleaved: n.Int("interleaved", 0) != 0}
	switch len(x) {
	case 3:
		r.packed, r.length, r.heads = true, x[1], n.Int("num_heads", 0)
		var err error
		if r.size, err = part(x[2], r.heads); err != nil {
			return nil, err
		}
	case 4:
		r.heads, r.length, r.size = x[1], x[2], x[3]
	}
	turned := n.Int("rotary_embedding_dim", 0)
	if turned == 0 {
		turned = r.size
	}
	if turned < 0 || turned > r.size || turned%2 != 0 {
		return nil, fmt.Errorf("%d of %d elements of a head can't be turned in pairs", turned, r.size)
	}
	r.half = turned / 2
	return r, nil
}

func inferRotary(n *graph.Node) error {
	if err := arity(n, 3, 4); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1, 2); err != nil {
		return err
	}
	if err := takes(n, 3, indices); err != nil {
		return err
	}
	x := n.Inputs[0]
	yields(n, 0, x.DType, x.Shape)
	if x.Shape != nil && len(x.Shape) != 3 && len(x.Shape) != 4 {
		return fmt.Errorf("input %s; rank 3 or 4 is wanted", x.Shape)
	}
	if !x.Static() || !n.Inputs[1].Static() || !n.Inputs[2].Static() {
		return nil
	}
	r, err := rotationOf(n)
	if err != nil {
		return err
	}
	cos, sin, ids := n.Inputs[1].Shape, n.Inputs[2].Shape, n.In(3)
	switch {
	case !cos.Equal(sin):
		return fmt.Errorf("cosines %s and sines %s", cos, sin)
	case ids == nil && (len(cos) != 3 || cos[0] != r.batch || cos[1] != r.length || cos[2] != r.half),
		ids != nil && (len(cos) != 2 || cos[1] != r.half):
		return fmt.Errorf("cosines %s for %d samples of %d positions of %d pairs", cos, r.batch, r.length, r.half)
	case ids != nil && ids.Static() && ids.Shape.Elements() != r.batch*r.length:
		return fmt.Errorf("position_ids %s for %d samples of %d positions", ids.Shape, r.batch, r.length)
	}
	return nil
}

func prepareRotary[T real](n *graph.Node, _ *Target) (Kernel, error) {
	r, err := rotationOf(n)
	if err != nil {
		return Kernel{}, err
	}
	table := n.In(3) != nil
	rows := n.Inputs[1].Shape[0] // of the tables
	return Kernel{Class: "elementwise", Bind: func(c *Call) func() error {
		at := make([]int, r.batch*r.length) // the row of the tables of each position
		work := inPieces(c.Team, len(at), r.heads*r.size, func(from, to int) {
			x, out := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for i := from; i < to; i++ {
				cos, sin := elements[T](&c.In[1].Tensor)[at[i]*r.half:][:r.half], elements[T](&c.In[2].Tensor)[at[i]*r.half:][:r.half]
				for h := range r.heads {
					head := (i*r.heads + h) * r.size
					if !r.packed {
						head = ((i/r.length*r.heads+h)*r.length + i%r.length) * r.size
					}
					turn(out[head:][:r.size], x[head:][:r.size], cos, sin, r.interleaved)
				}
			}
		})
		return func() error {
			for i := range at {
				at[i] = i
				if table {
					var err error
					if at[i], err = indexesOf(&c.In[3].Tensor).within(i, rows); err != nil {
						return fmt.Errorf("position_ids: %w", err)
					}
				}
			}
			work.run(c.Team)
			return nil
		}
	}}, nil
}

// turn turns the first pairs of one head, and copies the rest.
func turn[T real](out, x, cos, sin []T, interleaved bool) {
	first, second, step := 0, len(cos), 1
	if interleaved {
		second, step = 1, 2
	}
	for i, c := range cos {
		a, b := x[first+i*step], x[second+i*step]
		out[first+i*step], out[second+i*step] = a*c-b*sin[i], a*sin[i]+b*c
	}
	copy(out[2*len(cos):], x[2*len(cos):])
}

// swiglu is a·sigmoid(alpha·a)·b, of two inputs of one shape.
func swiglu() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := sameTypes(n, floats, 0, 1); err != nil {
				return err
			}
			return inferBroadcast(n, n.Inputs[0].DType)
		},
		Cost:    costElementwise(13),
		Prepare: byFloat(prepareSwiGLU[float32], prepareSwiGLU[float64]),
	}
}

func prepareSwiGLU[T real](n *graph.Node, _ *Target) (Kernel, error) {
	alpha := float64(n.Float("alpha", 1))
	w, err := newBroadcast(n.Outputs[0].Shape, n.Inputs[0].Shape, n.Inputs[1].Shape)
	if err != nil {
		return Kernel{}, err
	}
	loop := eachPair(func(a, b T) T { return T(float64(a) * sigmoid(alpha*float64(a)) * float64(b)) })
	return Kernel{Class: "elementwise", Bind: func(c *Call) func() error {
		do := overRows(c, w, loop, c.In[0], c.In[1], c.Out[0])
		return func() error { do(); return nil }
	}}, nil
}
