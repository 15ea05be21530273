package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// clip limits elements to [min, max], its optional second and third inputs; where min > max, everything becomes max.
func clip() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 3); err != nil {
				return err
			}
			if err := sameTypes(n, numbers, 0, 1, 2); err != nil {
				return err
			}
			for i := 1; i < 3; i++ {
				if v := n.In(i); v != nil && v.Static() && v.Shape.Elements() != 1 {
					return fmt.Errorf("input %d has shape %s; a limit is a scalar", i, v.Shape)
				}
			}
			yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
			return nil
		},
		Cost: costElementwise(2),
		Prepare: halved(func(n *graph.Node, t *Target) (Kernel, error) {
			return Kernel{Class: "elementwise", Bind: laneOf(n.Inputs[0].DType).clip(t)}, nil
		}),
	}
}

func (lanes[T]) clip(t *Target) binder {
	low, high := limits[T]()
	loop := func(dst, x []T, low, high T) {
		for i, v := range x {
			dst[i] = min(max(v, low), high)
		}
	}
	if f, ok := any(vector.For(t.Features).Param[vector.Clip]).(func(dst, x []T, low, high T)); ok {
		loop = f
	}
	return func(c *Call) func() error {
		limit := func(input int, fallback T) T {
			if input >= len(c.In) || c.In[input] == nil {
				return fallback
			}
			return elements[T](&c.In[input].Tensor)[0]
		}
		p := inPieces(c.Team, c.Out[0].Len(), 1, func(from, to int) {
			loop(elements[T](&c.Out[0].Tensor)[from:to], elements[T](&c.In[0].Tensor)[from:to], limit(1, low), limit(2, high))
		})
		return func() error { p.run(c.Team); return nil }
	}
}

// limits are the least and the greatest value of a type; infinities where it has them.
func limits[T number]() (low, high T) {
	low, high = 0, 0
	switch p := any(&low).(type) {
	case *float32:
		*p = float32(math.Inf(-1))
	case *float64:
		*p = math.Inf(-1)
	case *int8:
		*p = math.MinInt8
	case *int16:
		*p = math.MinInt16
	case *int32:
		*p = math.MinInt32
	case *int64:
		*p = math.MinInt64
	}
	if isReal[T]() {
		return low, -low
	}
	return low, -low - 1 // two's complement; the greatest unsigned number where low is 0
}

// classify is IsNaN or IsInf: a bool for each floating-point element.
func classify() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, floats|float8); err != nil {
				return err
			}
			yields(n, 0, tensor.Bool, n.Inputs[0].Shape)
			return nil
		},
		Cost: costElementwise(1),
		Prepare: halved(func(n *graph.Node, _ *Target) (Kernel, error) {
			if n.Inputs[0].DType == tensor.Float64 {
				return Kernel{Class: "elementwise", Bind: eachChunk(eachElement(class[float64](n)))}, nil
			}
			is := class[float32](n)
			if m, ok := minifloatOf(n.Inputs[0].DType); ok {
				return Kernel{Class: "elementwise", Bind: eachChunk(eachElement(func(code uint8) bool { return is(m.decode(code)) }))}, nil
			}
			return Kernel{Class: "elementwise", Bind: eachChunk(eachElement(is))}, nil
		}),
	}
}

func class[T real](n *graph.Node) func(x T) bool {
	if n.Op == "IsNaN" {
		return func(x T) bool { return x != x }
	}
	up, down := n.Int("detect_positive", 1) != 0, n.Int("detect_negative", 1) != 0
	return func(x T) bool { return up && math.IsInf(float64(x), 1) || down && math.IsInf(float64(x), -1) }
}
