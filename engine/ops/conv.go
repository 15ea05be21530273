package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// convolution is ONNX Conv: Y[n,m,…] = B[m] + Σ over c and the window of X[n,c,…]·W[m,c,…], per group of channels.
func convolution() Op {
	return Op{Infer: ofOneType(inferConv), Cost: costConv, Prepare: byFloat(prepareConv, plainConv[float64])}
}

// ofOneType refuses nodes whose input, weights and bias are not of one floating-point type, before infer.
func ofOneType(infer func(*graph.Node) error) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if err := sameTypes(n, floats, 0, 1, 2); err != nil {
			return err
		}
		return infer(n)
	}
}

// inferConv sets Y to N×M×out.
func inferConv(n *graph.Node) error {
	if len(n.Inputs) < 2 || n.In(0) == nil || n.In(1) == nil || n.Domain == "" && len(n.Inputs) > 3 {
		return wrongInputs(n, "X, W and optionally B")
	}
	x, w, y := n.In(0), n.In(1), n.Outputs[0]
	y.DType = x.DType
	if x.Shape == nil || w.Shape == nil {
		return nil
	}
	win, err := convWindow(n)
	if err != nil {
		return err
	}
	group, c, m := n.Int("group", 1), x.Shape[1], w.Shape[0]
	if group < 1 || c != tensor.Unknown && w.Shape[1] != tensor.Unknown && w.Shape[1]*group != c {
		return fmt.Errorf("weights %s with group %d for input %s", w.Shape, group, x.Shape)
	}
	if m != tensor.Unknown && m%max(group, 1) != 0 {
		return fmt.Errorf("%d output channels do not divide into %d groups", m, group)
	}
	if b := n.In(2); b != nil && b.Shape != nil && m != tensor.Unknown && (len(b.Shape) != 1 || b.Shape[0] != m && b.Shape[0] != tensor.Unknown) {
		return fmt.Errorf("bias %s for %d output channels", b.Shape, m)
	}
	y.Shape = append(tensor.Shape{x.Shape[0], m}, win.out...)
	return nil
}

// convWindow is how a Conv slides; its kernel's size is the weights'. The shapes' ranks are known.
func convWindow(n *graph.Node) (*window, error) {
	x, w := n.In(0).Shape, n.In(1).Shape
	if len(x) < 3 || len(x) != len(w) {
		return nil, fmt.Errorf("input %s with weights %s", x, w)
	}
	kernel := []int(w[2:])
	if k := n.Ints("kernel_shape"); k != nil {
		if len(k) != len(kernel) {
			return nil, fmt.Errorf("kernel_shape %v for weights %s", k, w)
		}
		for i := range k {
			if kernel[i] != tensor.Unknown && k[i] != kernel[i] {
				return nil, fmt.Errorf("kernel_shape %v for weights %s", k, w)
			}
		}
		kernel = k
	}
	if !tensor.Shape(kernel).Static() {
		return nil, fmt.Errorf("weights %s of a size that only a run tells", w)
	}
	return windowOf(n, x[2:], kernel)
}

// costConv counts 2·M·N·K FLOPs a group.
func costConv(n *graph.Node) Cost {
	x, w, y := n.In(0).Shape, n.In(1).Shape, n.Outputs[0].Shape
	c := moved(n)
	group := n.Int("group", 1)
	c.Kind = convKind(group, x[1], w[0])
	c.Groups, c.Steps = group, 1
	c.M = y[0] * y[2:].Elements()
	c.N = w[0] / group
	c.K = w[1] * w[2:].Elements()
	c.FLOPs = 2 * float64(c.M) * float64(c.N) * float64(c.K) * float64(group)
	c.Window, c.Stride = planar(n, w[2:])
	return c
}

// convKind tells dense, grouped and depthwise convolutions apart.
func convKind(group, in, out int) Kind {
	switch {
	case group == 1:
		return Conv
	case group == in && out%group == 0:
		return DepthwiseConv
	}
	return GroupedConv
}

// planar is a window's kernel as height and width, and its largest stride; three-dimensional kernels fold their depth into the height.
func planar(n *graph.Node, kernel []int) (size [2]int, stride int) {
	size = [2]int{1, kernel[len(kernel)-1]}
	for _, k := range kernel[:len(kernel)-1] {
		size[0] *= k
	}
	stride = 1
	for _, s := range n.Ints("strides") {
		stride = max(stride, s)
	}
	return size, stride
}

// prepareConv is the float32 convolution: on packed weights where they are known.
func prepareConv(n *graph.Node, t *Target) (Kernel, error) {
	if packable(n) {
		return packedConv(n, t)
	}
	if packableVolume(n) {
		return packedVolumeConv(n, t)
	}
	return plainConv[float32](n, t)
}

// plainConv computes any convolution of up to three dimensions: for each output plane it adds, for each channel and tap, the row of inputs that the
// tap meets.
func plainConv[T real](n *graph.Node, _ *Target) (Kernel, error) {
	win, err := convWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	g, err := win.grid()
	if err != nil {
		return Kernel{}, err
	}
	x, w := n.In(0).Shape, n.In(1).Shape
	group, channels, maps := n.Int("group", 1), w[1], w[0]
	inPlane, outPlane, taps := size(g.in), size(g.out), size(g.kernel)
	bind := func(c *Call) func() error {
		plane := func(_, i int) {
			batch, m := i/maps, i%maps
			dst := tensor.Data[T](c.Out[0].Tensor)[i*outPlane : (i+1)*outPlane]
			fill(dst, biasAt[T](c, 2, m))
			first := m / (maps / group) * channels
			for ch := range channels {
				src := tensor.Data[T](c.In[0].Tensor)[(batch*x[1]+first+ch)*inPlane:][:inPlane]
				correlate(&g, dst, src, tensor.Data[T](c.In[1].Tensor)[(m*channels+ch)*taps:][:taps])
			}
		}
		return func() error {
			inParts(c.Team, x[0]*maps, plane)
			return nil
		}
	}
	return Kernel{Class: "plain conv", Bind: bind}, nil
}

// biasAt is element m of the optional input i, or 0.
func biasAt[T real](c *Call, i, m int) T {
	if i >= len(c.In) || c.In[i] == nil {
		return 0
	}
	return tensor.Data[T](c.In[i].Tensor)[m]
}

// fill sets all of dst to x, by copies that double.
func fill[T any](dst []T, x T) {
	if len(dst) == 0 {
		return
	}
	dst[0] = x
	for done := 1; done < len(dst); done *= 2 {
		copy(dst[done:], dst[:done])
	}
}

// correlate adds to one output plane one input plane under one kernel:
//
//	dst[o] += Σ over taps k of src[o·stride + k·dilation - begin]·weights[k]
func correlate[T real](g *grid, dst, src, weights []T) {
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
					iz := z*g.stride[0] + kz*g.dilation[0] - g.begin[0]
					for y := y0; y < y1; y++ {
						iy := y*g.stride[1] + ky*g.dilation[1] - g.begin[1]
						row := src[(iz*g.in[1]+iy)*g.in[2]:][:g.in[2]]
						to := dst[(z*g.out[1]+y)*g.out[2]:][:g.out[2]]
						addRow(to[x0:x1], row[x0*g.stride[2]+kx*g.dilation[2]-g.begin[2]:], g.stride[2], w)
					}
				}
			}
		}
	}
}

// addRow computes dst[i] += src[i·stride]·w.
func addRow[T real](dst, src []T, stride int, w T) {
	if stride == 1 {
		src = src[:len(dst)]
		for i, x := range src {
			dst[i] += x * w
		}
		return
	}
	for i := range dst {
		dst[i] += src[i*stride] * w
	}
}
