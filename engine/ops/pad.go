package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// pad puts elements before and after each dimension, or takes them off where a pad is negative. Inputs: data, pads (all begins, then all ends),
// constant_value, axes.
func pad() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 4); err != nil {
				return err
			}
			if err := sameTypes(n, anything, 0, 2); err != nil {
				return err
			}
			in := n.Inputs[0]
			if in.Shape == nil {
				yields(n, 0, in.DType, nil)
				return nil
			}
			if !n.Inputs[1].Known() || n.In(3) != nil && !n.In(3).Known() {
				yields(n, 0, in.DType, unknowns(len(in.Shape)))
				return nil
			}
			m, err := newMargins(n, in.Shape, func(i int) *tensor.Tensor {
				if n.In(i) == nil {
					return nil
				}
				return n.In(i).Const
			})
			if err != nil {
				return err
			}
			yields(n, 0, in.DType, m.out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			plan := func(content func(int) *tensor.Tensor) (*margins, error) {
				return newMargins(n, n.Inputs[0].Shape, content)
			}
			return settled(n, "copy", []int{1, 3}, plan, func(c *Call, m *margins) func() error {
				if n.Str("mode", "constant") == "constant" {
					return padConstant(c, t, m)
				}
				bind := bySize(c.In[0].DType, padMapped[uint8], padMapped[uint16], padMapped[uint32], padMapped[uint64], padMapped[complex128], padMapped[string])
				return bind(c, m)
			})
		}),
	}
}

// margins are how much a Pad adds to each dimension, and the resulting shape.
type margins struct {
	in, out    tensor.Shape
	begin, end []int
	mode       string
}

func newMargins(n *graph.Node, in tensor.Shape, content func(int) *tensor.Tensor) (*margins, error) {
	m := &margins{in: in, out: in.Clone(), begin: make([]int, len(in)), end: make([]int, len(in)), mode: n.Str("mode", "constant")}
	list, err := integersOf(content(1))
	if err != nil {
		return nil, fmt.Errorf("pads: %w", err)
	}
	axes := make([]int, len(in))
	for i := range axes {
		axes[i] = i
	}
	if t := content(3); t != nil {
		if axes, err = integersOf(t); err != nil {
			return nil, fmt.Errorf("axes: %w", err)
		}
		if axes, err = axesOf(axes, len(in)); err != nil {
			return nil, err
		}
	}
	if len(list) != 2*len(axes) {
		return nil, fmt.Errorf("%d pads for %d axes; two are wanted for each", len(list), len(axes))
	}
	for i, a := range axes {
		m.begin[a], m.end[a] = list[i], list[len(axes)+i]
		if in[a] == tensor.Unknown {
			continue
		}
		m.out[a] = in[a] + m.begin[a] + m.end[a]
		if m.out[a] < 0 {
			return nil, fmt.Errorf("pads %d and %d take more than the dimension %d of axis %d", m.begin[a], m.end[a], in[a], a)
		}
		if err := m.reach(a); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// reach checks that the mode can fill an axis from what there is.
func (m *margins) reach(a int) error {
	most := max(m.begin[a], m.end[a])
	_, count := m.left(a)
	switch m.mode {
	case "constant":
		return nil
	case "edge", "wrap":
		if count > 0 || m.out[a] == 0 {
			return nil
		}
	case "reflect":
		if count > 1 || count == 1 && most <= 0 || m.out[a] == 0 {
			return nil
		}
	default:
		return fmt.Errorf("unknown mode %q", m.mode)
	}
	return fmt.Errorf("axis %d of %d elements cannot be padded by %d in mode %s", a, m.in[a], most, m.mode)
}

// padConstant fills the output with the value and copies the input into its middle.
func padConstant(c *Call, t *Target, m *margins) func() error {
	p := piece{to: move.View{Stride: m.out.Strides()}, from: move.View{Stride: m.in.Strides()}}
	for a := range m.in {
		first, count := m.left(a)
		p.from.Origin += first * p.from.Stride[a]
		p.to.Origin += max(m.begin[a], 0) * p.to.Stride[a]
		p.shape = append(p.shape, max(count, 0))
	}
	work := copyPieces(c, t, []piece{p})
	return func() error {
		place(c.Out[0], c.In[0].DType, m.out)
		var value *tensor.Tensor
		if len(c.In) > 2 && c.In[2] != nil {
			value = &c.In[2].Tensor
		}
		fillWith(&c.Out[0].Tensor, value)
		return work()
	}
}

// fillWith sets every element of t to that of a scalar of the same type; nil is zero.
func fillWith(t, value *tensor.Tensor) {
	if value == nil || value.Len() == 0 {
		clear(t.Bytes)
		clear(t.Strings)
		return
	}
	if packed.has(t.DType) {
		clear(t.Bytes)
		for i := range t.Len() {
			setCode(t, i, codeAt(value, 0))
		}
		return
	}
	bySize(t.DType, fillElements[uint8], fillElements[uint16], fillElements[uint32], fillElements[uint64], fillElements[complex128], fillElements[string])(t, value)
}

func fillElements[T word](t, value *tensor.Tensor) {
	v := elements[T](value)[0]
	list := elements[T](t)
	for i := range list {
		list[i] = v
	}
}

// padMapped copies each element from where the mode says that it comes from.
func padMapped[T word](c *Call, m *margins) func() error {
	strides := m.in.Strides()
	offsets := make([][]int, len(m.in)) // by axis and output position, in elements of the input
	for a, d := range m.out {
		offsets[a] = make([]int, d)
		for i := range offsets[a] {
			offsets[a][i] = m.source(a, i-m.begin[a]) * strides[a]
		}
	}
	var axis func(dst, src []T, a, from int) []T
	axis = func(dst, src []T, a, from int) []T {
		if a == len(offsets) {
			dst[0] = src[from]
			return dst[1:]
		}
		if a == len(offsets)-1 {
			for i, o := range offsets[a] {
				dst[i] = src[from+o]
			}
			return dst[len(offsets[a]):]
		}
		for _, o := range offsets[a] {
			dst = axis(dst, src, a+1, from+o)
		}
		return dst
	}
	return func() error {
		place(c.Out[0], c.In[0].DType, m.out)
		if c.Out[0].Len() > 0 {
			axis(elements[T](&c.Out[0].Tensor), elements[T](&c.In[0].Tensor), 0, 0)
		}
		return nil
	}
}

// source is the position in the input that fills position i of an axis, where 0 is the input's first. Negative pads come first: the mode continues what
// they leave.
func (m *margins) source(a, i int) int {
	first, d := m.left(a)
	i -= first
	switch {
	case m.mode == "edge":
		return first + min(max(i, 0), d-1)
	case m.mode == "wrap":
		return first + ((i%d)+d)%d
	case d == 1:
		return first
	}
	i = ((i % (2*d - 2)) + 2*d - 2) % (2*d - 2) // reflections repeat after two crossings
	return first + min(i, 2*d-2-i)
}

// left is the first position of an axis that negative pads leave, and how many there are.
func (m *margins) left(a int) (first, count int) {
	first = max(-m.begin[a], 0)
	return first, m.in[a] - first - max(-m.end[a], 0)
}
