package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Products of quantized numbers run on bytes where one factor is a constant matrix, or constant weights of a convolution over one or two dimensions; other products of
// matrices by float32 kernels, as long as these are exact. Others are computed in float64, in which they are exact, by the plain
// kernels of MatMul and Conv.

// integerProduct is MatMulInteger or ConvInteger: the product of a and b, each less its zero point, as int32. Inputs: a, b, and their zero points.
func integerProduct(inner Op) Op {
	return quantizedProduct(inner, factors{a: 0, aZero: 2, b: 1, bZero: 3, aScale: -1, bScale: -1, yScale: -1, yZero: -1, bias: -1}, 2, 4)
}

// qLinearMatMul and qLinearConv are products of quantized tensors, quantized again. Inputs: a, its scale and zero point, the same of b, the scale and
// zero point of the result, and for a convolution an int32 bias.
func qLinearMatMul() Op { return quantizedProduct(matMul(), linearFactors(-1), 8, 8) }

func qLinearConv() Op { return quantizedProduct(convolution(), linearFactors(8), 8, 9) }

func linearFactors(bias int) factors {
	return factors{a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, yScale: 6, yZero: 7, bias: bias}
}

// factors says which inputs are what; -1 is none.
type factors struct{ a, aZero, aScale, b, bZero, bScale, yScale, yZero, bias int }

func quantizedProduct(inner Op, f factors, atLeast, atMost int) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, atLeast, atMost); err != nil {
				return err
			}
			for _, pair := range [][2]int{{f.a, f.aZero}, {f.b, f.bZero}} {
				if err := sameTypes(n, 1<<tensor.Int8|1<<tensor.Uint8, pair[0], pair[1]); err != nil {
					return err
				}
			}
			d := tensor.Int32
			if f.yZero >= 0 {
				if err := f.checkScaling(n); err != nil {
					return err
				}
				d = n.Inputs[f.yZero].DType
			}
			plain := f.plain(n)
			if err := inner.Infer(plain); err != nil {
				return err
			}
			yields(n, 0, d, plain.Outputs[0].Shape)
			return nil
		},
		Cost: func(n *graph.Node) Cost {
			plain := f.plain(n)
			if err := inner.Infer(plain); err != nil || inner.Cost == nil {
				return moved(n)
			}
			return inner.Cost(plain)
		},
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			if p := f.onBytes(n); p != nil {
				return p.prepare(n, t)
			}
			if p := f.windowOnBytes(n); p != nil {
				return p.prepare(n, t)
			}
			if p := f.onFloats(n, inner, t); p != nil {
				return p.prepare(), nil
			}
			plain := f.plain(n)
			if err := inner.Infer(plain); err != nil {
				return Kernel{}, err
			}
			k, err := inner.Prepare(plain, t)
			if err != nil {
				return Kernel{}, err
			}
			at, err := f.layout(n, plain)
			bind := k.Bind
			k.Class = "integers in float64"
			k.Bind = func(c *Call) func() error { return f.bind(plain, at, c, bind) }
			return k, err
		},
	}
}

// checkScaling checks the types of the scales, and that the result has one scale and one zero point.
func (f factors) checkScaling(n *graph.Node) error {
	for _, i := range []int{f.aScale, f.bScale, f.yScale} {
		if err := takes(n, i, floats); err != nil {
			return err
		}
	}
	if f.bias >= 0 {
		if err := takes(n, f.bias, 1<<tensor.Int32); err != nil {
			return err
		}
	}
	if err := single("the scale of the result", n.Inputs[f.yScale]); err != nil {
		return err
	}
	if err := single("the zero point of the result", n.Inputs[f.yZero]); err != nil {
		return err
	}
	return takes(n, f.yZero, 1<<tensor.Int8|1<<tensor.Uint8)
}

// plain is the node over float64 that computes the product.
func (f factors) plain(n *graph.Node) *graph.Node {
	p := &graph.Node{Op: "MatMul", Attributes: n.Attributes, Outputs: []*graph.Value{{}}}
	if f.isConv(n) {
		p.Op = "Conv"
	}
	for _, i := range []int{f.a, f.b, f.bias} {
		if v := n.In(max(i, 0)); i >= 0 && v != nil {
			p.Inputs = append(p.Inputs, &graph.Value{Name: v.Name, Kind: models.TensorKind, DType: tensor.Float64, Shape: v.Shape})
		}
	}
	return p
}

func (f factors) isConv(n *graph.Node) bool { return n.Op == "ConvInteger" || n.Op == "QLinearConv" }

// layout says which element of a zero point or scale belongs to which of a, of b, and of the product by its rows and columns.
type layout struct {
	a, b, rows, columns *scales
	known               bool // b and the bias, before any run
}

func (f factors) layout(n, plain *graph.Node) (at layout, err error) {
	at.known = true
	for _, i := range []int{f.b, f.bZero, f.bias} {
		at.known = at.known && (i < 0 || n.In(i) == nil || n.In(i).Known())
	}
	bAxis, columns := -1, -1
	if f.isConv(n) {
		bAxis, columns = 0, 1
	}
	out := plain.Outputs[0].Shape
	if at.a, err = perPosition(n.Inputs[f.a].Shape, n.In(f.aZero), -2); err != nil {
		return at, fmt.Errorf("zero point: %w", err)
	}
	if at.b, err = perPosition(n.Inputs[f.b].Shape, n.In(f.bZero), bAxis); err != nil {
		return at, fmt.Errorf("zero point: %w", err)
	}
	if f.yScale < 0 {
		return at, nil
	}
	for _, i := range []int{f.yScale, f.yZero} {
		if v := n.Inputs[i]; v.Shape.Elements() != 1 {
			return at, fmt.Errorf("scale or zero point %s of the result; one number is wanted", v.Shape)
		}
	}
	if at.rows, err = perPosition(out, n.In(f.aScale), -2); err != nil {
		return at, fmt.Errorf("scale: %w", err)
	}
	if at.columns, err = perPosition(out, n.In(f.bScale), columns); err != nil {
		return at, fmt.Errorf("scale: %w", err)
	}
	return at, nil
}

// perPosition plans for a parameter that is one for all of a shape's elements, one for each position of an axis, or one for each of that axis and those
// before it.
func perPosition(s tensor.Shape, parameter *graph.Value, axis int) (*scales, error) {
	if parameter == nil || parameter.Shape.Elements() == 1 {
		return &scales{fibres: fibres{outer: 1, d: 1, inner: max(s.Elements(), 1)}}, nil
	}
	f, err := newFibres(s, axis)
	if err != nil {
		return nil, err
	}
	switch parameter.Shape.Elements() {
	case f.d:
		return &scales{fibres: *f}, nil
	case f.outer * f.d:
		return &scales{fibres: fibres{outer: 1, d: f.outer * f.d, inner: f.inner}}, nil
	}
	return nil, fmt.Errorf("shape %s for axis %d of %s", parameter.Shape, axis, s)
}

func (f factors) bind(plain *graph.Node, at layout, c *Call, bind binder) func() error {
	inner := &Call{Scratch: c.Scratch, Team: c.Team, Out: []*Slot{{Tensor: tensor.New(tensor.Float64, plain.Outputs[0].Shape)}}}
	for _, v := range plain.Inputs {
		inner.In = append(inner.In, &Slot{Tensor: tensor.New(tensor.Float64, v.Shape)})
	}
	work := bind(inner)
	ready := false // of b and the bias, once they are computed and can't change
	return func() error {
		if err := less(&inner.In[0].Tensor, c, f.a, f.aZero, at.a); err != nil {
			return err
		}
		if !ready {
			if err := less(&inner.In[1].Tensor, c, f.b, f.bZero, at.b); err != nil {
				return err
			}
			if len(inner.In) > 2 {
				if err := less(&inner.In[2].Tensor, c, f.bias, -1, nil); err != nil {
					return err
				}
			}
			ready = at.known
		}
		if err := work(); err != nil {
			return err
		}
		return f.finish(c, &inner.Out[0].Tensor, at)
	}
}

// less writes an input, less its zero point, as float64.
func less(dst *tensor.Tensor, c *Call, input, zero int, at *scales) error {
	if err := (conversion{}).convert(dst, &c.In[input].Tensor); err != nil {
		return err
	}
	if zero < 0 || zero >= len(c.In) || c.In[zero] == nil {
		return nil
	}
	data := tensor.Data[float64](*dst)
	if at.d == 1 {
		z := realAt(&c.In[zero].Tensor, 0)
		for i := range data {
			data[i] -= z
		}
		return nil
	}
	for i := range data {
		data[i] -= realAt(&c.In[zero].Tensor, at.of(i))
	}
	return nil
}

// finish stores sums as they are, or scaled and quantized.
func (f factors) finish(c *Call, sums *tensor.Tensor, at layout) error {
	out := &c.Out[0].Tensor
	if f.yScale < 0 {
		return conversion{}.convert(out, sums)
	}
	requantize(f, c, tensor.Data[float64](*sums), at)
	return nil
}

// requantize scales sums and quantizes them.
func requantize[T float64 | float32](f factors, c *Call, sums []T, at layout) {
	out := &c.Out[0].Tensor
	low, high, _ := rangeOfType(out.DType)
	scale, zero := realAt(&c.In[f.yScale].Tensor, 0), realAt(&c.In[f.yZero].Tensor, 0)
	for i, left := 0, 0; i < len(sums); i += left {
		left = at.alike(i, len(sums))
		factor := realAt(&c.In[f.aScale].Tensor, at.rows.of(i)) * realAt(&c.In[f.bScale].Tensor, at.columns.of(i)) / scale
		for k, v := range sums[i : i+left] {
			q := min(max(math.RoundToEven(float64(v)*factor)+zero, low), high)
			if out.DType == tensor.Uint8 {
				out.Bytes[i+k] = uint8(q)
			} else {
				out.Bytes[i+k] = uint8(int8(q))
			}
		}
	}
}

// alike is how many of n elements from the i-th on surely have its scales.
func (at layout) alike(i, n int) int {
	each := func(s *scales) int {
		if s.d == 1 {
			return n - i
		}
		return s.inner - i%s.inner
	}
	return min(each(at.rows), each(at.columns), n-i)
}
