package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// maxPool is ONNX MaxPool: the largest element of each window, and on demand where it lay.
func maxPool() Op { return Op{Infer: inferMaxPool, Cost: costPool, Prepare: prepareMaxPool} }

// averagePool is ONNX AveragePool.
func averagePool() Op {
	return Op{Infer: inferPool, Cost: costPool, Prepare: byFloat(planePooling(plainAveragePool[float32], averageOfWindows), plainAveragePool[float64])}
}

// lpPool is ONNX LpPool: (Σ |x|^p)^(1/p) over each window.
func lpPool() Op {
	return Op{Infer: inferPool, Cost: costPool, Prepare: byFloat(prepareLpPool, plainLpPool[float64])}
}

// inferPool sets Y to N×C×out.
func inferPool(n *graph.Node) error {
	if err := arity(n, 1, 1); err != nil {
		return err
	}
	x, y := n.In(0), n.Outputs[0]
	y.DType = x.DType
	if x.Shape == nil {
		return nil
	}
	win, err := poolWindow(n)
	if err != nil {
		return err
	}
	y.Shape = append(x.Shape[:2:2].Clone(), win.out...)
	return nil
}

// inferMaxPool adds the places.
func inferMaxPool(n *graph.Node) error {
	if err := takes(n, 0, floats|1<<tensor.Int8|1<<tensor.Uint8); err != nil {
		return err
	}
	if n.Outputs[0] == nil {
		n.Outputs[0] = &graph.Value{}
	}
	if err := inferPool(n); err != nil {
		return err
	}
	yields(n, 1, tensor.Int64, n.Outputs[0].Shape)
	return nil
}

// poolWindow is how a pool slides.
func poolWindow(n *graph.Node) (*window, error) {
	x := n.In(0).Shape
	if len(x) < 3 {
		return nil, fmt.Errorf("input %s; a pool wants N×C and spatial dimensions", x)
	}
	kernel := n.Ints("kernel_shape")
	if kernel == nil {
		return nil, fmt.Errorf("no kernel_shape")
	}
	return windowOf(n, x[2:], kernel)
}

// costPool counts one operation for each element of each window.
func costPool(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Pool
	taps := tensor.Shape(n.Ints("kernel_shape")).Elements()
	c.FLOPs = float64(taps) * float64(n.Outputs[0].Shape.Elements())
	c.Window, c.Stride = planar(n, n.Ints("kernel_shape"))
	return c
}

// pooling is what all plain pools share: plane is one input plane's work.
func pooling[T any](n *graph.Node, class string, plane func(win *window, g *grid, dst, src []T)) (Kernel, error) {
	win, err := poolWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	g, err := win.grid()
	if err != nil {
		return Kernel{}, err
	}
	planes, in, out := n.In(0).Shape[:2].Elements(), size(g.in), size(g.out)
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			plane(win, &g, elements[T](&c.Out[0].Tensor)[i*out:][:out], elements[T](&c.In[0].Tensor)[i*in:][:in])
		}
		return func() error {
			inParts(c.Team, planes, part)
			return nil
		}
	}
	return Kernel{Class: class, Bind: bind}, nil
}

// prepareMaxPool picks the plain pool of a type; with places or without.
func prepareMaxPool(n *graph.Node, t *Target) (Kernel, error) {
	if wants(n, 1) {
		return prepareMaxPoolPlaces(n, t)
	}
	switch d := n.In(0).DType; {
	case d == tensor.Float32:
		return planePooling(plainMaxPool, maxOfWindows)(n, t)
	case d == tensor.Float64:
		return pooling(n, "plain max pool", maxPlane(math.Inf(-1)))
	case d == tensor.Int8:
		return pooling(n, "plain max pool", maxPlane(int8(math.MinInt8)))
	case d == tensor.Uint8:
		return pooling(n, "plain max pool", maxPlane(uint8(0)))
	case narrow(d):
		return widened(n, t, prepareMaxPool)
	default:
		return Kernel{}, badType(d)
	}
}

func plainMaxPool(n *graph.Node, _ *Target) (Kernel, error) {
	return pooling(n, "plain max pool", maxPlane(float32(math.Inf(-1))))
}

// maxPlane pools one plane, tap by tap; least is what an element of an empty window gets.
func maxPlane[T number](least T) func(*window, *grid, []T, []T) {
	return func(_ *window, g *grid, dst, src []T) {
		fill(dst, least)
		g.eachRow(func(_, to, x0, x1, from int) {
			row := dst[to:]
			for x := x0; x < x1; x++ {
				if v := src[from]; v > row[x] || v != v {
					row[x] = v
				}
				from += g.stride[2]
			}
		})
	}
}

// eachRow calls f for each tap and each row of outputs that the tap meets in the input: outputs to+x0 up to to+x1 meet the inputs at from, from+stride
// and so on.
func (g *grid) eachRow(f func(tap, to, x0, x1, from int)) {
	var first, last [maxSpatial]int
	for axis := range first {
		first[axis], last[axis] = g.taps(axis)
	}
	for kz := first[0]; kz < last[0]; kz++ {
		z0, z1 := g.inside(0, kz)
		for ky := first[1]; ky < last[1]; ky++ {
			y0, y1 := g.inside(1, ky)
			for kx := first[2]; kx < last[2]; kx++ {
				x0, x1 := g.inside(2, kx)
				if x0 >= x1 {
					continue
				}
				tap := (kz*g.kernel[1]+ky)*g.kernel[2] + kx
				for z := z0; z < z1; z++ {
					iz := z*g.stride[0] + kz*g.dilation[0] - g.begin[0]
					for y := y0; y < y1; y++ {
						iy := y*g.stride[1] + ky*g.dilation[1] - g.begin[1]
						ix := x0*g.stride[2] + kx*g.dilation[2] - g.begin[2]
						f(tap, (z*g.out[1]+y)*g.out[2], x0, x1, (iz*g.in[1]+iy)*g.in[2]+ix)
					}
				}
			}
		}
	}
}

// plainAveragePool divides the sum of each window by its elements, or by its positions in the padded input where count_include_pad asks for it.
func plainAveragePool[T real](n *graph.Node, _ *Target) (Kernel, error) {
	win, err := poolWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	g, err := win.grid()
	if err != nil {
		return Kernel{}, err
	}
	counts := [maxSpatial][]int{}
	for axis := range counts {
		counts[axis] = win.counts(axis-maxSpatial+len(win.in), g.out[axis], n.Int("count_include_pad", 0) != 0)
	}
	return pooling(n, "plain average pool", func(_ *window, g *grid, dst, src []T) {
		sumPlane(g, dst, src)
		i := 0
		for _, z := range counts[0] {
			for _, y := range counts[1] {
				for _, x := range counts[2] {
					dst[i] /= T(z * y * x)
					i++
				}
			}
		}
	})
}

// sumPlane adds up each window of one plane.
func sumPlane[T real](g *grid, dst, src []T) {
	fill(dst, 0)
	g.eachRow(func(_, to, x0, x1, from int) {
		addRow(dst[to+x0:to+x1], src[from:], g.stride[2], 1)
	})
}

// counts is the number of elements that the windows along an axis are averaged over: those in the input, or with padding those in the padded input.
// A negative axis is one that the grid has made up.
func (w *window) counts(axis, outputs int, padding bool) []int {
	list := make([]int, outputs)
	for o := range list {
		if axis < 0 {
			list[o] = 1
			continue
		}
		low, high := 0, w.in[axis]
		if padding {
			low, high = -w.begin[axis], high+w.end[axis]
		}
		at := o*w.stride[axis] - w.begin[axis] // of the first tap
		from, to := max(ceilDiv(low-at, w.dilation[axis]), 0), min(max(ceilDiv(high-at, w.dilation[axis]), 0), w.kernel[axis])
		list[o] = max(to-from, 0)
	}
	return list
}

// plainLpPool takes the p-norm of each window.
func plainLpPool[T real](n *graph.Node, _ *Target) (Kernel, error) {
	p := n.Int("p", 2)
	if p < 1 {
		return Kernel{}, fmt.Errorf("p is %d", p)
	}
	return pooling(n, "plain lp pool", func(_ *window, g *grid, dst, src []T) {
		fill(dst, 0)
		g.eachRow(func(_, to, x0, x1, from int) {
			for x := x0; x < x1; x++ {
				dst[to+x] += T(math.Pow(math.Abs(float64(src[from])), float64(p)))
				from += g.stride[2]
			}
		})
		for i, v := range dst {
			dst[i] = T(math.Pow(float64(v), 1/float64(p)))
		}
	})
}
