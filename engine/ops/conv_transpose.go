package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// convTranspose is ONNX ConvTranspose: each input element adds its multiple of the kernel to a window of the output.
func convTranspose() Op {
	return Op{Infer: ofOneType(inferConvTranspose), Cost: costConvTranspose, Prepare: byFloat(prepareConvTranspose, plainConvTranspose[float64])}
}

// inferConvTranspose sets Y to N×M×out, with M the group times the weights' second dimension.
func inferConvTranspose(n *graph.Node) error {
	if len(n.Inputs) < 2 || n.In(0) == nil || n.In(1) == nil {
		return wrongInputs(n, "X, W and optionally B")
	}
	x, w, y := n.In(0), n.In(1), n.Outputs[0]
	y.DType = x.DType
	if x.Shape == nil || w.Shape == nil {
		return nil
	}
	win, err := transposedWindow(n)
	if err != nil {
		return err
	}
	group, c := n.Int("group", 1), x.Shape[1]
	if c != tensor.Unknown && w.Shape[0] != tensor.Unknown && c != w.Shape[0] || group < 1 || c > 0 && c%group != 0 {
		return fmt.Errorf("weights %s with group %d for input %s", w.Shape, group, x.Shape)
	}
	maps := w.Shape[1]
	if maps != tensor.Unknown {
		maps *= group
	}
	if b := n.In(2); b != nil && b.Shape != nil && maps != tensor.Unknown && (len(b.Shape) != 1 || b.Shape[0] != maps && b.Shape[0] != tensor.Unknown) {
		return fmt.Errorf("bias %s for %d output channels", b.Shape, maps)
	}
	y.Shape = append(tensor.Shape{x.Shape[0], maps}, win.in...)
	return nil
}

// transposedWindow is how the convolution slides of which this is the transpose: its input is this node's output.
func transposedWindow(n *graph.Node) (*window, error) {
	x, w := n.In(0).Shape, n.In(1).Shape
	rank := len(x) - 2
	if rank < 1 || len(x) != len(w) {
		return nil, fmt.Errorf("input %s with weights %s", x, w)
	}
	if !w[2:].Static() {
		return nil, fmt.Errorf("weights %s of a size that only a run tells", w)
	}
	win := &window{in: make([]int, rank), out: x[2:], kernel: w[2:]}
	var err error
	if win.stride, err = perAxis(n, "strides", rank, 1); err != nil {
		return nil, err
	}
	if win.dilation, err = perAxis(n, "dilations", rank, 1); err != nil {
		return nil, err
	}
	extra, err := perAxis(n, "output_padding", rank, 0)
	if err != nil {
		return nil, err
	}
	shape := n.Ints("output_shape")
	if shape != nil && len(shape) != rank || negative(shape) >= 0 {
		return nil, fmt.Errorf("output_shape %v for %d spatial dimensions", shape, rank)
	}
	for i := range rank {
		if win.kernel[i] < 1 || win.stride[i] < 1 || win.dilation[i] < 1 || extra[i] < 0 {
			return nil, fmt.Errorf("kernel %v, strides %v and dilations %v must be positive, and output_padding %v not negative", win.kernel, win.stride, win.dilation, extra)
		}
	}
	if mode := n.Str("auto_pad", "NOTSET"); mode != "SAME_UPPER" && mode != "SAME_LOWER" {
		if err := win.pad(n); err != nil {
			return nil, err
		}
	} else {
		win.begin, win.end = make([]int, rank), make([]int, rank)
	}
	for i := range rank {
		if err := win.widen(n, i, extra[i]); err != nil {
			return nil, err
		}
	}
	return win, nil
}

// widen settles the transposed window's input size (this operator's output size) along an axis, and the padding that a stated size implies.
func (w *window) widen(n *graph.Node, axis, extra int) error {
	positions := w.out[axis]
	if positions == tensor.Unknown {
		w.in[axis] = tensor.Unknown
		return nil
	}
	full := (positions-1)*w.stride[axis] + w.effective(axis) + extra
	mode := n.Str("auto_pad", "NOTSET")
	same := mode == "SAME_UPPER" || mode == "SAME_LOWER"
	switch shape := n.Ints("output_shape"); {
	case shape != nil:
		w.in[axis] = shape[axis]
	case same:
		w.in[axis] = positions * w.stride[axis]
	default:
		w.in[axis] = full - w.begin[axis] - w.end[axis]
		if w.in[axis] < 0 {
			return fmt.Errorf("pads %v and %v exceed the output", w.begin, w.end)
		}
		return nil
	}
	if mode != "SAME_UPPER" {
		mode = "SAME_LOWER"
	}
	w.begin[axis], w.end[axis] = splitPadding(max(full-w.in[axis], 0), mode)
	return nil
}

// costConvTranspose counts the products of each input element with its part of the kernel.
func costConvTranspose(n *graph.Node) Cost {
	x, w := n.In(0).Shape, n.In(1).Shape
	c := moved(n)
	c.Groups, c.Steps = n.Int("group", 1), 1
	c.Kind = convKind(c.Groups, x[1], w[1]*c.Groups)
	c.M = x[0] * x[2:].Elements()
	c.N = w[1] * w[2:].Elements()
	c.K = w[0] / c.Groups
	c.FLOPs = 2 * float64(c.M) * float64(c.N) * float64(c.K) * float64(c.Groups)
	c.Window, c.Stride = planar(n, w[2:])
	return c
}

// prepareConvTranspose is the float32 operator: volumes run on packed weights where they are known.
func prepareConvTranspose(n *graph.Node, t *Target) (Kernel, error) {
	if transposesVolume(n) {
		return prepareTransposedVolume(n, t)
	}
	return plainConvTranspose[float32](n, t)
}

// plainConvTranspose scatters the input planes, one output plane at a time.
func plainConvTranspose[T real](n *graph.Node, _ *Target) (Kernel, error) {
	win, err := transposedWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	g, err := win.grid()
	if err != nil {
		return Kernel{}, err
	}
	x, w := n.In(0).Shape, n.In(1).Shape
	group, channels := n.Int("group", 1), w[0]/n.Int("group", 1)
	perGroup := w[1]
	maps := perGroup * group
	inPlane, outPlane, taps := size(g.out), size(g.in), size(g.kernel)
	bind := func(c *Call) func() error {
		plane := func(_, i int) {
			batch, m := i/maps, i%maps
			dst := tensor.Data[T](c.Out[0].Tensor)[i*outPlane : (i+1)*outPlane]
			fill(dst, biasAt[T](c, 2, m))
			for ch := m / perGroup * channels; ch < (m/perGroup+1)*channels; ch++ {
				src := tensor.Data[T](c.In[0].Tensor)[(batch*x[1]+ch)*inPlane:][:inPlane]
				scatter(&g, dst, src, tensor.Data[T](c.In[1].Tensor)[(ch*perGroup+m%perGroup)*taps:][:taps])
			}
		}
		return func() error {
			inParts(c.Team, x[0]*maps, plane)
			return nil
		}
	}
	return Kernel{Class: "plain conv transposed", Bind: bind}, nil
}

// scatter is correlate's transpose:
//
//	dst[o·stride + k·dilation - begin] += src[o]·weights[k] for all o and taps k
func scatter[T real](g *grid, dst, src, weights []T) {
	for kz := range g.kernel[0] {
		z0, z1 := g.inside(0, kz)
		for ky := range g.kernel[1] {
			y0, y1 := g.inside(1, ky)
			for kx := range g.kernel[2] {
				x0, x1 := g.inside(2, kx)
				w := weights[(kz*g.kernel[1]+ky)*g.kernel[2]+kx]
				if x0 >= x1 {
					continue
				}
				for z := z0; z < z1; z++ {
					oz := z*g.stride[0] + kz*g.dilation[0] - g.begin[0]
					for y := y0; y < y1; y++ {
						oy := y*g.stride[1] + ky*g.dilation[1] - g.begin[1]
						to := dst[(oz*g.in[1]+oy)*g.in[2]:][:g.in[2]]
						row := src[(z*g.out[1]+y)*g.out[2]:][:g.out[2]]
						at := x0*g.stride[2] + kx*g.dilation[2] - g.begin[2]
						for _, v := range row[x0:x1] {
							to[at] += v * w
							at += g.stride[2]
						}
					}
				}
			}
		}
	}
}
