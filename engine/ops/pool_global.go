package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// globalAveragePool, globalMaxPool and globalLpPool are ONNX's pools over all spatial dimensions at once.
func globalAveragePool() Op { return globalPool(vectorGlobalAverage, globalAverage[float64]) }
func globalMaxPool() Op     { return globalPool(vectorGlobalMax, globalMax[float64]) }
func globalLpPool() Op      { return globalPool(globalLp[float32], globalLp[float64]) }

func globalPool(f32, f64 preparer) Op {
	return Op{Infer: inferGlobalPool, Cost: costGlobalPool, Prepare: byFloat(f32, f64)}
}

// inferGlobalPool sets Y to N×C×1×….
func inferGlobalPool(n *graph.Node) error {
	if err := arity(n, 1, 1); err != nil {
		return err
	}
	x := n.In(0)
	shape := x.Shape.Clone()
	if x.Shape == nil {
		shape = nil
	} else if len(shape) < 2 {
		return fmt.Errorf("input %s; a pool wants N×C and spatial dimensions", x.Shape)
	}
	for i := 2; i < len(shape); i++ {
		shape[i] = 1
	}
	yields(n, 0, x.DType, shape)
	return nil
}

func costGlobalPool(n *graph.Node) Cost {
	c := moved(n)
	c.Kind, c.FLOPs = Reduction, c.Reads
	return c
}

// overPlanes is a kernel that makes one number of each plane.
func overPlanes[T real](n *graph.Node, class string, one func(plane []T) T) (Kernel, error) {
	x := n.In(0).Shape
	planes, in := x[:2].Elements(), x[2:].Elements()
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			tensor.Data[T](c.Out[0].Tensor)[i] = one(tensor.Data[T](c.In[0].Tensor)[i*in:][:in])
		}
		return func() error {
			inParts(c.Team, planes, part)
			return nil
		}
	}
	return Kernel{Class: class, Bind: bind}, nil
}

func globalAverage[T real](n *graph.Node, _ *Target) (Kernel, error) {
	return overPlanes(n, "plain average pool", func(plane []T) T { return T(sum(plane) / float64(len(plane))) })
}

func globalMax[T real](n *graph.Node, _ *Target) (Kernel, error) {
	return overPlanes(n, "plain max pool", func(plane []T) T {
		largest := T(math.Inf(-1))
		for _, v := range plane {
			if v > largest || v != v {
				largest = v
			}
		}
		return largest
	})
}

func vectorGlobalMax(n *graph.Node, t *Target) (Kernel, error) {
	v := vector.For(t.Features)
	return overPlanes(n, "max pool "+v.Variant, v.Reduce[vector.Maximum])
}

func vectorGlobalAverage(n *graph.Node, t *Target) (Kernel, error) {
	v := vector.For(t.Features)
	total := v.Reduce[vector.Sum]
	return overPlanes(n, "average pool "+v.Variant, func(plane []float32) float32 { return total(plane) / float32(len(plane)) })
}

func globalLp[T real](n *graph.Node, _ *Target) (Kernel, error) {
	p := float64(n.Int("p", 2))
	return overPlanes(n, "plain lp pool", func(plane []T) T {
		total := 0.0
		for _, v := range plane {
			total += math.Pow(math.Abs(float64(v)), p)
		}
		return T(math.Pow(total, 1/p))
	})
}

// sum adds in float64.
func sum[T real](x []T) float64 {
	total := 0.0
	for _, v := range x {
		total += float64(v)
	}
	return total
}
