package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// quantized is every type that QuantizeLinear makes.
const quantized = packed | float8&^(1<<tensor.Float8E8M0) | 1<<tensor.Int8 | 1<<tensor.Uint8 | 1<<tensor.Int16 | 1<<tensor.Uint16

// quantizeLinear is y = saturate(round(x / scale) + zero), ties to even, with a scale and a zero point for the whole tensor, for each position of an
// axis, or for each block of positions of an axis. Inputs: x, scale, zero.
func quantizeLinear() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 3); err != nil {
				return err
			}
			if err := takes(n, 0, floats|1<<tensor.Int32); err != nil {
				return err
			}
			if err := takes(n, 1, floats|1<<tensor.Int32|1<<tensor.Float8E8M0); err != nil {
				return err
			}
			d := tensor.DType(n.Int("output_dtype", 0))
			if zero := n.In(2); zero != nil {
				d = zero.DType
			} else if d == tensor.Undefined {
				d = tensor.Uint8
			}
			if !quantized.has(d) {
				return badType(d)
			}
			yields(n, 0, d, n.Inputs[0].Shape)
			return checkScales(n)
		},
		Cost: costElementwise(2),
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			s, err := newScales(n)
			if err != nil {
				return Kernel{}, err
			}
			how := conversion{saturate: n.Int("saturate", 1) != 0}
			fast := n.Inputs[0].DType == tensor.Float32 && n.Inputs[1].DType == tensor.Float32
			v := vector.For(t.Features)
			return Kernel{Class: "quantize", Bind: func(c *Call) func() error {
				return func() error {
					if fast && s.runs(c.Out[0].DType) {
						s.quantizeRuns(c, v)
						return nil
					}
					return s.quantize(c, how)
				}
			}}, nil
		},
	}
}

// dequantizeLinear is y = (x - zero) · scale, the inverse of quantizeLinear.
func dequantizeLinear() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 3); err != nil {
				return err
			}
			if err := sameTypes(n, quantized|1<<tensor.Int32, 0, 2); err != nil {
				return err
			}
			if err := takes(n, 1, floats); err != nil {
				return err
			}
			d := n.Inputs[1].DType
			if to := tensor.DType(n.Int("output_dtype", 0)); to != tensor.Undefined {
				d = to
			}
			if !floats.has(d) {
				return badType(d)
			}
			yields(n, 0, d, n.Inputs[0].Shape)
			return checkScales(n)
		},
		Cost: costElementwise(2),
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			s, err := newScales(n)
			if err != nil {
				return Kernel{}, err
			}
			fast := n.Outputs[0].DType == tensor.Float32 && n.Inputs[1].DType == tensor.Float32
			v := vector.For(t.Features)
			return Kernel{Class: "quantize", Bind: func(c *Call) func() error {
				return func() error {
					if fast && s.runs(c.In[0].DType) {
						s.dequantizeRuns(c, v)
						return nil
					}
					return s.dequantize(c)
				}
			}}, nil
		},
	}
}

// checkScales checks the shapes of scale and zero point where all are known.
func checkScales(n *graph.Node) error {
	if !n.Inputs[0].Static() || !n.Inputs[1].Static() {
		return nil
	}
	if zero := n.In(2); zero != nil && zero.Static() && !zero.Shape.Equal(n.Inputs[1].Shape) && (zero.Shape.Elements() != 1 || n.Inputs[1].Shape.Elements() != 1) {
		return fmt.Errorf("scale %s and zero point %s differ in shape", n.Inputs[1].Shape, zero.Shape)
	}
	_, err := newScales(n)
	return err
}

// scales says which scale belongs to which element: the tensor is outer × d × inner elements, and block positions of d share a scale. With a block
// there is a scale for each of the inner elements too.
type scales struct {
	fibres
	block int // 0: one scale for each position of d
}

func newScales(n *graph.Node) (*scales, error) {
	x, scale, block := n.Inputs[0].Shape, n.Inputs[1].Shape, n.Int("block_size", 0)
	if scale.Elements() == 1 && block == 0 {
		return &scales{fibres: fibres{outer: 1, d: 1, inner: x.Elements()}}, nil
	}
	f, err := newFibres(x, n.Int("axis", 1))
	if err != nil {
		return nil, err
	}
	if block == 0 {
		if len(scale) != 1 || scale[0] != f.d {
			return nil, fmt.Errorf("scale %s for an axis of %d", scale, f.d)
		}
		return &scales{fibres: *f}, nil
	}
	if block < 0 || f.outer*ceilDiv(f.d, block)*f.inner != scale.Elements() || len(scale) != len(x) {
		return nil, fmt.Errorf("scale %s for input %s in blocks of %d", scale, x, block)
	}
	return &scales{fibres: *f, block: block}, nil
}

// of is the scale that an element has.
func (s *scales) of(i int) int {
	k := i / s.inner % s.d
	if s.block == 0 {
		return k
	}
	return (i/(s.d*s.inner)*ceilDiv(s.d, s.block)+k/s.block)*s.inner + i%s.inner
}

// runs reports whether elements of one scale lie side by side in numbers worth a vector loop.
func (s *scales) runs(d tensor.DType) bool {
	return (d == tensor.Uint8 || d == tensor.Int8) && s.block == 0 && s.inner >= 8
}

// quantizeRuns quantizes float32 to 8 bits, run by run.
func (s *scales) quantizeRuns(c *Call, v *vector.Funcs) {
	x, scale := tensor.Data[float32](c.In[0].Tensor), tensor.Data[float32](c.In[1].Tensor)
	for r := range s.outer * s.d {
		from, to := r*s.inner, (r+1)*s.inner
		zero := zeroPoint(c, r%s.d)
		if c.Out[0].DType == tensor.Uint8 {
			v.QuantizeUint8(c.Out[0].Bytes[from:to], x[from:to], scale[r%s.d], uint8(zero))
		} else {
			v.QuantizeInt8(tensor.Data[int8](c.Out[0].Tensor)[from:to], x[from:to], scale[r%s.d], int8(zero))
		}
	}
}

// dequantizeRuns is the inverse of quantizeRuns.
func (s *scales) dequantizeRuns(c *Call, v *vector.Funcs) {
	out, scale := tensor.Data[float32](c.Out[0].Tensor), tensor.Data[float32](c.In[1].Tensor)
	for r := range s.outer * s.d {
		from, to := r*s.inner, (r+1)*s.inner
		zero := zeroPoint(c, r%s.d)
		if c.In[0].DType == tensor.Uint8 {
			v.DequantizeUint8(out[from:to], c.In[0].Bytes[from:to], scale[r%s.d], uint8(zero))
		} else {
			v.DequantizeInt8(out[from:to], tensor.Data[int8](c.In[0].Tensor)[from:to], scale[r%s.d], int8(zero))
		}
	}
}

// zeroPoint is the third input's i-th element, or 0 where there is none.
func zeroPoint(c *Call, i int) float64 {
	if len(c.In) < 3 || c.In[2] == nil {
		return 0
	}
	return realAt(&c.In[2].Tensor, min(i, c.In[2].Len()-1))
}

// quantize quantizes any types. The quotient is rounded in float32, as in the vector loops; a double's stays one.
func (s *scales) quantize(c *Call, how conversion) error {
	in, out := &c.In[0].Tensor, &c.Out[0].Tensor
	low, high, whole := rangeOfType(out.DType)
	if out.DType.Bits() < 8 {
		clear(out.Bytes)
	}
	var e scalars
	for at := 0; at < in.Len(); at += chunk {
		count := min(chunk, in.Len()-at)
		e.load(in, at, count)
		if err := e.change(in.DType, tensor.Float64, count); err != nil {
			return err
		}
		for i := range count {
			k := s.of(at + i)
			q := e.part[i] / realAt(&c.In[1].Tensor, k)
			if in.DType != tensor.Float64 {
				q = float64(float32(q))
			}
			if !whole {
				e.part[i] = q + zeroPoint(c, k)
				continue
			}
			e.whole[i] = int64(min(max(math.RoundToEven(q)+zeroPoint(c, k), low), high))
		}
		how.store(out, at, count, &e)
	}
	return nil
}

// rangeOfType are the bounds of an integer type; whole is false for the floating-point ones.
func rangeOfType(d tensor.DType) (low, high float64, whole bool) {
	if float8.has(d) || d == tensor.Float4E2M1 {
		return 0, 0, false
	}
	bits := d.Bits()
	if d == tensor.Int2 || d == tensor.Int4 || signed.has(d) {
		return -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1) - 1, true
	}
	return 0, math.Ldexp(1, bits) - 1, true
}

// dequantize is the inverse of quantize.
func (s *scales) dequantize(c *Call) error {
	in, out := &c.In[0].Tensor, &c.Out[0].Tensor
	var e scalars
	for at := 0; at < in.Len(); at += chunk {
		count := min(chunk, in.Len()-at)
		e.load(in, at, count)
		if err := e.change(in.DType, tensor.Float64, count); err != nil {
			return err
		}
		for i := range count {
			k := s.of(at + i)
			e.part[i] = (e.part[i] - zeroPoint(c, k)) * realAt(&c.In[1].Tensor, k)
		}
		conversion{}.store(out, at, count, &e)
	}
	return nil
}

// dynamicQuantizeLinear quantizes float32 to uint8 by the range of its own elements and 0, and tells the scale and zero point that it took.
func dynamicQuantizeLinear() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			yields(n, 0, tensor.Uint8, n.Inputs[0].Shape)
			yields(n, 1, tensor.Float32, tensor.Shape{})
			yields(n, 2, tensor.Uint8, tensor.Shape{})
			return takes(n, 0, 1<<tensor.Float32)
		},
		Cost: costElementwise(4),
		Prepare: func(_ *graph.Node, t *Target) (Kernel, error) {
			v := vector.For(t.Features)
			return Kernel{Class: "quantize", Bind: func(c *Call) func() error {
				return func() error {
					x := tensor.Data[float32](c.In[0].Tensor)
					low, high := min(v.Reduce[vector.Minimum](x), 0), max(v.Reduce[vector.Maximum](x), 0)
					scale := (high - low) / 255
					zero := uint8(0)
					if scale != 0 {
						zero = uint8(min(max(math.RoundToEven(float64(-low/scale)), 0), 255))
					}
					if c.Out[0] != nil {
						v.QuantizeUint8(c.Out[0].Bytes, x, scale, zero)
					}
					if len(c.Out) > 1 && c.Out[1] != nil {
						tensor.Data[float32](c.Out[1].Tensor)[0] = scale
					}
					if len(c.Out) > 2 && c.Out[2] != nil {
						c.Out[2].Bytes[0] = zero
					}
					return nil
				}
			}}, nil
		},
	}
}
