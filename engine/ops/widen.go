package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// narrow reports whether d is a floating-point type of 16 bits, which plain kernels compute in float32.
func narrow(d tensor.DType) bool { return d == tensor.Float16 || d == tensor.BFloat16 }

// badType is the error for an operator that does not take a type.
func badType(d tensor.DType) error { return fmt.Errorf("%s is not supported", d) }

// preparer is the Prepare function of an Op.
type preparer func(n *graph.Node, t *Target) (Kernel, error)

// byFloat picks the kernel of a node by the type of its first input: plain for float32 and float64, and the float32 one between conversions for
// 16-bit types.
func byFloat(f32, f64 preparer) preparer {
	return func(n *graph.Node, t *Target) (Kernel, error) {
		switch d := n.In(0).DType; {
		case d == tensor.Float32:
			return f32(n, t)
		case d == tensor.Float64:
			return f64(n, t)
		case narrow(d):
			return widened(n, t, f32)
		default:
			return Kernel{}, badType(d)
		}
	}
}

// widened prepares a node of 16-bit floating-point values as if they were float32, and converts at each run what goes in and comes out.
func widened(n *graph.Node, t *Target, prepare preparer) (Kernel, error) {
	wide := *n
	wide.Inputs = make([]*graph.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		wide.Inputs[i] = widenedValue(v)
	}
	wide.Outputs = make([]*graph.Value, len(n.Outputs))
	for i, v := range n.Outputs {
		wide.Outputs[i] = widenedValue(v)
	}
	k, err := prepare(&wide, t)
	if err != nil {
		return Kernel{}, err
	}
	inner, bind := k.Scratch, k.Bind
	k.Class += " in float32"
	for _, v := range append(wide.Inputs[:len(wide.Inputs):len(wide.Inputs)], wide.Outputs...) {
		if v != nil && v.Const == nil {
			k.Scratch = roundUp(k.Scratch, 64) + v.DType.Bytes(v.Shape.Elements())
		}
	}
	k.Bind = func(c *Call) func() error {
		return bindWidened(c, n, &wide, inner, bind)
	}
	return k, nil
}

// bindWidened gives the float32 kernel slots of its own in the scratch memory behind the first inner bytes.
func bindWidened(c *Call, n, wide *graph.Node, inner int, bind func(*Call) func() error) func() error {
	rest := inner
	own := func(slots []*Slot, narrowed, widened []*graph.Value) []*Slot {
		list := make([]*Slot, len(slots))
		for i, s := range slots {
			v := widened[i]
			switch {
			case s == nil || v == nil:
			case v.Const != nil:
				list[i] = &Slot{Tensor: *v.Const}
			case v == narrowed[i]:
				list[i] = s
			default:
				rest = roundUp(rest, 64)
				size := v.DType.Bytes(v.Shape.Elements())
				list[i] = &Slot{Tensor: tensor.Tensor{DType: v.DType, Shape: v.Shape, Bytes: c.Scratch[rest : rest+size : rest+size]}}
				rest += size
			}
		}
		return list
	}
	call := &Call{In: own(c.In, n.Inputs, wide.Inputs), Out: own(c.Out, n.Outputs, wide.Outputs), Scratch: c.Scratch[:inner], Team: c.Team}
	run := bind(call)
	return func() error {
		for i, s := range call.In {
			if s != nil && s != c.In[i] && wide.Inputs[i].Const == nil {
				widen(tensor.Data[float32](s.Tensor), c.In[i].Tensor)
			}
		}
		if err := run(); err != nil {
			return err
		}
		for i, s := range call.Out {
			if s != nil && s != c.Out[i] {
				narrowTo(c.Out[i].Tensor, tensor.Data[float32](s.Tensor))
			}
		}
		return nil
	}
}

// widenedValue is v with float32 for a 16-bit floating-point type, and v itself for any other.
func widenedValue(v *graph.Value) *graph.Value {
	if v == nil || !narrow(v.DType) {
		return v
	}
	w := *v
	w.DType = tensor.Float32
	if v.Const != nil {
		c := tensor.New(tensor.Float32, v.Shape)
		widen(tensor.Data[float32](c), tensor.Aligned(*v.Const))
		w.Const = &c
	}
	return &w
}

// widen converts 16-bit floating-point elements to float32.
func widen(dst []float32, src tensor.Tensor) {
	convert := tensor.FromFloat16
	if src.DType == tensor.BFloat16 {
		convert = tensor.FromBFloat16
	}
	for i, x := range tensor.Data[uint16](src) {
		dst[i] = convert(x)
	}
}

// narrowTo rounds float32 elements to a 16-bit floating-point type.
func narrowTo(dst tensor.Tensor, src []float32) {
	convert := tensor.Float16Bits
	if dst.DType == tensor.BFloat16 {
		convert = tensor.BFloat16Bits
	}
	to := tensor.Data[uint16](dst)
	for i, x := range src {
		to[i] = convert(x)
	}
}

// constant views a known value's elements as T.
func constant[T tensor.Element](v *graph.Value) []T { return tensor.Data[T](tensor.Aligned(*v.Const)) }

// Float32s is the content of a 16-bit floating-point tensor, widened.
func Float32s(t tensor.Tensor) []float32 {
	out := make([]float32, t.Len())
	widen(out, tensor.Aligned(t))
	return out
}
