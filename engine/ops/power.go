package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// power raises the first operand to the second, which may be of another type; the result has the first one's. Integers to the power of integers stay
// exact; all else goes through float64.
func power() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 0, floats|indices); err != nil {
				return err
			}
			if err := takes(n, 1, numbers); err != nil {
				return err
			}
			return inferBroadcast(n, n.Inputs[0].DType)
		},
		Cost: func(n *graph.Node) Cost {
			if e := n.Inputs[1]; e.Known() && e.Const.Len() == 1 && realAt(e.Const, 0) == 2 {
				return costElementwise(1)(n)
			}
			return costElementwise(20)(n)
		},
		Prepare: halved(func(n *graph.Node, t *Target) (Kernel, error) {
			if bind := constantPower(n, t); bind != nil {
				return Kernel{Class: "elementwise", Bind: bind}, nil
			}
			w, err := newBroadcast(n.Outputs[0].Shape, n.Inputs[0].Shape, n.Inputs[1].Shape)
			if err != nil {
				return Kernel{}, err
			}
			return Kernel{Class: "elementwise", Bind: laneOf(n.Inputs[1].DType).power(n.Inputs[0].DType, w)}, nil
		}),
	}
}

// constantPower is the loop for the powers that models take most: the square, the root and the inverse of float32; nil for others.
func constantPower(n *graph.Node, t *Target) binder {
	x, e := n.Inputs[0], n.Inputs[1]
	if x.DType != tensor.Float32 || !e.Known() || e.Const.Len() != 1 || !n.Outputs[0].Shape.Equal(x.Shape) {
		return nil
	}
	v := vector.For(t.Features)
	switch realAt(e.Const, 0) {
	case 2:
		times := v.Binary[vector.Mul]
		return eachChunk(func(dst, x []float32) { times(dst, x, x) })
	case 0.5:
		return eachChunk(v.Unary[vector.Sqrt])
	case -1:
		return eachChunk(v.Unary[vector.Reciprocal])
	}
	return nil
}

// power is for exponents of type T.
func (lanes[T]) power(base tensor.DType, w *broadcast) binder {
	switch base {
	case tensor.Float32:
		return bindPower[float32, T](w)
	case tensor.Float64:
		return bindPower[float64, T](w)
	case tensor.Int32:
		return bindPower[int32, T](w)
	}
	return bindPower[int64, T](w)
}

func bindPower[A, B number](w *broadcast) binder {
	loop := eachPair(powerOf[A, B]())
	return func(c *Call) func() error {
		do := overRows(c, w, loop, c.In[0], c.In[1], c.Out[0])
		return func() error { do(); return nil }
	}
}

func powerOf[A, B number]() func(a A, b B) A {
	if !isReal[A]() && !isReal[B]() {
		return integerPower[A, B]
	}
	if _, single := any(*new(A)).(float32); single {
		return func(a A, b B) A { return A(singlePower(float64(a), float64(b))) }
	}
	return func(a A, b B) A { return A(math.Pow(float64(a), float64(b))) }
}

// integerPower squares its way to aᵇ; a negative power is 0, but for the units.
func integerPower[A, B number](a A, b B) A {
	if b < 0 {
		if a == 1 || a*a == 1 && int64(b)%2 == 0 {
			return 1
		}
		if a*a == 1 {
			return a
		}
		return 0
	}
	result := A(1)
	for e := uint64(b); e > 0; e >>= 1 {
		if e&1 == 1 {
			result *= a
		}
		a *= a
	}
	return result
}
