package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// trilu keeps the upper or lower triangle of each matrix, from the k-th diagonal on, and zeroes the rest. k is the optional second input.
func trilu() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 2); err != nil {
				return err
			}
			if err := takes(n, 0, anything); err != nil {
				return err
			}
			if s := n.Inputs[0].Shape; s != nil && len(s) < 2 {
				return fmt.Errorf("input %s is no matrix", s)
			}
			if err := takes(n, 1, 1<<tensor.Int64); err != nil {
				return err
			}
			if k := n.In(1); k != nil && k.Static() && k.Shape.Elements() != 1 {
				return fmt.Errorf("k is %s; a scalar is wanted", k.Shape)
			}
			yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, _ *Target) (Kernel, error) {
			bind := bySize(n.Inputs[0].DType, bindTrilu[uint8], bindTrilu[uint16], bindTrilu[uint32], bindTrilu[uint64], bindTrilu[complex128], bindTrilu[string])
			return Kernel{Class: "copy", Bind: bind(n.Inputs[0].Shape, n.Int("upper", 1) != 0)}, nil
		}),
	}
}

func bindTrilu[T word](shape tensor.Shape, upper bool) binder {
	rows, cols := shape[len(shape)-2], shape[len(shape)-1]
	return func(c *Call) func() error {
		return func() error {
			k := 0
			if len(c.In) > 1 && c.In[1] != nil {
				k = int(tensor.Data[int64](c.In[1].Tensor)[0])
			}
			k = min(max(k, -rows), cols) // so that sums with it don't overflow
			x, out := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for i := 0; i < len(x); i += cols {
				first, end := 0, cols // of what is kept
				if row := i / cols % rows; upper {
					first = min(max(row+k, 0), cols)
				} else {
					end = min(max(row+k+1, 0), cols)
				}
				to := out[i:][:cols]
				clear(to[:first])
				copy(to[first:end], x[i+first:i+end])
				clear(to[end:])
			}
			return nil
		}
	}
}

// eyeLike is a matrix of the input's shape with ones on the k-th diagonal, of the type that dtype states or else of the input's.
func eyeLike() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			d := tensor.DType(n.Int("dtype", int(n.Inputs[0].DType)))
			if !(numbers | bools).has(d) {
				return badType(d)
			}
			if s := n.Inputs[0].Shape; s != nil && len(s) != 2 {
				return fmt.Errorf("input %s is no matrix", s)
			}
			yields(n, 0, d, n.Inputs[0].Shape)
			return nil
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			d := n.Outputs[0].DType
			one := tensor.New(d, tensor.Shape{1})
			ones := tensor.Scalar(tensor.Uint8, uint8(1))
			if err := (conversion{}).convert(&one, &ones); err != nil {
				return Kernel{}, err
			}
			shape, k := n.Inputs[0].Shape, n.Int("k", 0)
			return Kernel{Class: "copy", Bind: func(c *Call) func() error {
				return func() error {
					out := &c.Out[0].Tensor
					clear(out.Bytes)
					size := len(one.Bytes)
					for row := range shape[0] {
						if col := row + k; col >= 0 && col < shape[1] {
							copy(out.Bytes[(row*shape[1]+col)*size:], one.Bytes)
						}
					}
					return nil
				}
			}}, nil
		},
	}
}

// compress keeps the slices along an axis, or of the flattened input, for which the second input is true; it may be shorter than the axis.
func compress() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, bools); err != nil {
				return err
			}
			if err := takes(n, 0, anything); err != nil {
				return err
			}
			out := tensor.Shape{tensor.Unknown}
			if _, ok := n.Attributes["axis"]; ok {
				in := n.Inputs[0].Shape
				if out = in; in != nil {
					axis, err := axisOf(n.Int("axis", 0), len(in))
					if err != nil {
						return err
					}
					out = in.Clone()
					out[axis] = tensor.Unknown
				}
			}
			yields(n, 0, n.Inputs[0].DType, out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, _ *Target) (Kernel, error) {
			in, axis := n.Inputs[0].Shape, 0
			flat := in
			if _, ok := n.Attributes["axis"]; ok {
				var err error
				if axis, err = axisOf(n.Int("axis", 0), len(in)); err != nil {
					return Kernel{}, err
				}
			} else {
				flat = tensor.Shape{in.Elements()}
			}
			bind := bySize(n.Inputs[0].DType, bindCompress[uint8], bindCompress[uint16], bindCompress[uint32], bindCompress[uint64], bindCompress[complex128], bindCompress[string])
			return Kernel{Class: "copy", Bind: bind(flat, axis)}, nil
		}),
	}
}

func bindCompress[T word](shape tensor.Shape, axis int) binder {
	outer, d, inner := span(shape, 0, axis), shape[axis], span(shape, axis+1, len(shape))
	return func(c *Call) func() error {
		return func() error {
			keep := elements[bool](&c.In[1].Tensor)
			keep = keep[:min(len(keep), d)]
			out := shape.Clone()
			out[axis] = 0
			for _, k := range keep {
				if k {
					out[axis]++
				}
			}
			place(c.Out[0], c.In[0].DType, out)
			x, dst := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for o := range outer {
				for i, k := range keep {
					if k {
						dst = dst[copy(dst, x[(o*d+i)*inner:(o*d+i+1)*inner]):]
					}
				}
			}
			return nil
		}
	}
}

// nonZero lists where elements are not zero: a matrix with a row for each dimension and a column for each such element.
func nonZero() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, numbers|bools|texts); err != nil {
				return err
			}
			out := unknowns(2)
			if s := n.Inputs[0].Shape; s != nil {
				out[0] = len(s)
			}
			yields(n, 0, tensor.Int64, out)
			return nil
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			shape := n.Inputs[0].Shape
			return Kernel{Class: "select", Bind: func(c *Call) func() error {
				return func() error {
					var found []int
					for i := range c.In[0].Len() {
						if !isZero(&c.In[0].Tensor, i) {
							found = append(found, i)
						}
					}
					place(c.Out[0], tensor.Int64, tensor.Shape{len(shape), len(found)})
					out, strides := tensor.Data[int64](c.Out[0].Tensor), shape.Strides()
					for axis, d := range shape {
						for k, at := range found {
							out[axis*len(found)+k] = int64(at / strides[axis] % d)
						}
					}
					return nil
				}
			}}, nil
		},
	}
}

// isZero reports whether an element is zero, of either sign, or an empty string.
func isZero(t *tensor.Tensor, i int) bool {
	if t.DType == tensor.String {
		return t.Strings[i] == ""
	}
	return realAt(t, i) == 0
}

// reverseSequence reverses, for each position of the batch axis, as many of the first elements along the time axis as the second input says.
func reverseSequence() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 0, anything); err != nil {
				return err
			}
			if err := takes(n, 1, 1<<tensor.Int64); err != nil {
				return err
			}
			in := n.Inputs[0]
			batch, time := n.Int("batch_axis", 1), n.Int("time_axis", 0)
			if batch+time != 1 || batch*time != 0 {
				return fmt.Errorf("batch_axis %d and time_axis %d; one is 0, the other 1", batch, time)
			}
			if in.Shape != nil && len(in.Shape) < 2 {
				return fmt.Errorf("input %s has no batch and time", in.Shape)
			}
			yields(n, 0, in.DType, in.Shape)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, _ *Target) (Kernel, error) {
			bind := bySize(n.Inputs[0].DType, bindReverse[uint8], bindReverse[uint16], bindReverse[uint32], bindReverse[uint64], bindReverse[complex128], bindReverse[string])
			return Kernel{Class: "copy", Bind: bind(n.Inputs[0].Shape, n.Int("batch_axis", 1))}, nil
		}),
	}
}

func bindReverse[T word](shape tensor.Shape, batchAxis int) binder {
	batch, time, inner := shape[batchAxis], shape[1-batchAxis], span(shape, 2, len(shape))
	strides := shape.Strides()
	perBatch, perTime := strides[batchAxis], strides[1-batchAxis]
	return func(c *Call) func() error {
		return func() error {
			x, out, lengths := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor), tensor.Data[int64](c.In[1].Tensor)
			if len(lengths) != batch {
				return fmt.Errorf("%d lengths for a batch of %d", len(lengths), batch)
			}
			for b := range batch {
				length := int(lengths[b])
				if length < 0 || length > time {
					return fmt.Errorf("length %d of %d steps", length, time)
				}
				for s := 0; s < time && inner > 0; s++ {
					from := s
					if s < length {
						from = length - 1 - s
					}
					copy(out[b*perBatch+s*perTime:][:inner], x[b*perBatch+from*perTime:][:inner])
				}
			}
			return nil
		}
	}
}
