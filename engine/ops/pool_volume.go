package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// depthFirst lets a pool over three dimensions be two over two, as a window's result is that of its slices' results: one in depth, to which a slice is
// one row, and one in the plane, to which the slices that are left are planes.
func depthFirst(o Op) Op {
	prepare := o.Prepare
	o.Prepare = func(n *graph.Node, t *Target) (Kernel, error) {
		if x := n.In(0); x.DType != tensor.Float32 || len(x.Shape) != 5 || n.Outputs[0].Shape.Elements() == 0 || wants(n, 1) {
			return prepare(n, t)
		}
		win, err := poolWindow(n)
		if err != nil {
			return Kernel{}, err
		}
		return poolDepthFirst(n, t, win, prepare)
	}
	return o
}

func poolDepthFirst(n *graph.Node, t *Target, win *window, prepare preparer) (Kernel, error) {
	x := n.In(0).Shape
	left := tensor.Shape{x[0], x[1] * win.out[0], win.in[1], win.in[2]}
	depth := poolOf(n, win.flat(), tensor.Shape{x[0], x[1], win.in[0], win.in[1] * win.in[2]}, tensor.Shape{x[0], x[1], win.out[0], win.in[1] * win.in[2]})
	plane := poolOf(n, win.from(1), left, tensor.Shape{x[0], left[1], win.out[1], win.out[2]})
	if win.single(0) {
		return prepare(plane, t)
	}
	first, err := prepare(depth, t)
	if err != nil || win.single(1) && win.single(2) {
		return first, err
	}
	second, err := prepare(plane, t)
	if err != nil {
		return Kernel{}, err
	}
	own := roundUp(max(first.Scratch, second.Scratch), 64)
	k := Kernel{Class: second.Class, Scratch: own + tensor.Float32.Bytes(left.Elements())}
	k.Bind = func(c *Call) func() error {
		between := &Slot{Tensor: tensor.Tensor{DType: tensor.Float32, Shape: left, Bytes: c.Scratch[own:][:tensor.Float32.Bytes(left.Elements())]}}
		one := first.Bind(&Call{In: c.In, Out: []*Slot{between}, Scratch: c.Scratch[:own], Team: c.Team})
		two := second.Bind(&Call{In: []*Slot{between}, Out: c.Out, Scratch: c.Scratch[:own], Team: c.Team})
		return func() error {
			if err := one(); err != nil {
				return err
			}
			return two()
		}
	}
	return k, nil
}

// poolOf is a pool of n's kind with a window of its own.
func poolOf(n *graph.Node, w *window, in, out tensor.Shape) *graph.Node {
	p := &graph.Node{Name: n.Name, Op: n.Op, Domain: n.Domain, Attributes: map[string]models.Attribute{}, From: n.From}
	for _, name := range []string{"ceil_mode", "count_include_pad", "p"} {
		if a, ok := n.Attributes[name]; ok {
			p.Attributes[name] = a
		}
	}
	for name, list := range map[string][]int{
		"kernel_shape": w.kernel, "strides": w.stride, "dilations": w.dilation, "pads": append(w.begin[:len(w.begin):len(w.begin)], w.end...),
	} {
		a := models.Attribute{Kind: models.IntsAttribute}
		for _, x := range list {
			a.Ints = append(a.Ints, int64(x))
		}
		p.Attributes[name] = a
	}
	p.Inputs = []*graph.Value{{Name: n.In(0).Name, DType: tensor.Float32, Shape: in}}
	p.Outputs = []*graph.Value{{Name: n.Outputs[0].Name, DType: tensor.Float32, Shape: out}}
	return p
}

// single reports whether a window does nothing along an axis.
func (w *window) single(axis int) bool {
	return w.kernel[axis] == 1 && w.stride[axis] == 1 && w.begin[axis] == 0 && w.end[axis] == 0
}

// from is the window over the axes from one on.
func (w *window) from(axis int) *window {
	return &window{
		in: w.in[axis:], out: w.out[axis:], kernel: w.kernel[axis:], stride: w.stride[axis:], dilation: w.dilation[axis:],
		begin: w.begin[axis:], end: w.end[axis:], ceil: w.ceil,
	}
}

// flat is the window over the first axis alone, and one that does nothing over the others as one.
func (w *window) flat() *window {
	with := func(list []int, last int) []int { return []int{list[0], last} }
	rest := tensor.Shape(w.in[1:]).Elements()
	return &window{
		in: with(w.in, rest), out: with(w.out, rest), kernel: with(w.kernel, 1), stride: with(w.stride, 1), dilation: with(w.dilation, 1),
		begin: with(w.begin, 0), end: with(w.end, 0), ceil: w.ceil,
	}
}
