package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/pool"
	"github.com/eiplan/eiplan/models/tensor"
)

func fitsPool(n *graph.Node) bool { return image4(n.In(0)) && !wants(n, 1) }

// prepareChannelsPool is MaxPool or AveragePool between images.
func prepareChannelsPool(n *graph.Node, t *Target) (Kernel, error) {
	if n.In(0).DType == tensor.Uint8 {
		return prepareBytesMaxPool(n, t)
	}
	_, axes, err := poolWindows(n)
	if err != nil {
		return Kernel{}, err
	}
	return poolImages(n, t, n.Op == "MaxPool", axes[0], axes[1])
}

// poolWindows are the windows of a pool over rows and columns.
func poolWindows(n *graph.Node) (win *window, axes [2][]pool.Window, err error) {
	if win, err = poolWindow(n); err != nil {
		return nil, axes, err
	}
	if len(win.in) == 1 {
		win = win.over2()
	}
	for i := range axes {
		axes[i] = pool.Windows(nil, pool.Axis{
			In: win.in[i], Out: win.out[i], Kernel: win.kernel[i], Stride: win.stride[i], Dilation: win.dilation[i],
			PadBefore: win.begin[i], PadAfter: win.end[i], CountPad: n.Int("count_include_pad", 0) != 0,
		})
	}
	return win, axes, nil
}

// over2 is a window over one axis as one over two, the first of size 1.
func (w *window) over2() *window {
	before := func(first int, list []int) []int { return []int{first, list[0]} }
	return &window{
		in: before(1, w.in), out: before(1, w.out), kernel: before(1, w.kernel), stride: before(1, w.stride), dilation: before(1, w.dilation),
		begin: before(0, w.begin), end: before(0, w.end), ceil: w.ceil,
	}
}

// prepareChannelsGlobalPool takes the whole image as one window.
func prepareChannelsGlobalPool(n *graph.Node, t *Target) (Kernel, error) {
	height, width := planeOf(n.In(0).Shape)
	whole := func(size int) []pool.Window { return []pool.Window{{Taps: size, Dilation: 1, Divisor: size}} }
	return poolImages(n, t, n.Op == "GlobalMaxPool", whole(height), whole(width))
}

// poolImages reduces windows, a row of outputs at a time.
func poolImages(n *graph.Node, t *Target, largest bool, rows, cols []pool.Window) (Kernel, error) {
	f := pool.For(t.Features)
	from, to := imageOf(n.In(0)), imageOf(n.Outputs[0])
	src, dst := poolImage(from), poolImage(to)
	channels := n.In(0).Shape[1]
	k := Kernel{Class: fmt.Sprintf("pool %s", f.Variant)}
	run, runBF16 := f.Average, f.AverageBF16
	if largest {
		run, runBF16 = f.Max, f.MaxBF16
	}
	height := len(rows)
	k.Bind = func(c *Call) func() error {
		team := teamFor(c.Team, n.In(0).Shape.Elements())
		part := func(_, i int) {
			b, y := i/height, i%height
			one := dst
			one.Origin += y * dst.RowPitch
			in, out := c.In[0].Tensor, c.Out[0].Tensor
			if in.DType == tensor.BFloat16 {
				runBF16(tensor.Data[uint16](out)[b*to.ImagePitch:], one, tensor.Data[uint16](in)[b*from.ImagePitch:], src, channels, rows[y:y+1], cols)
				return
			}
			run(tensor.Data[float32](out)[b*to.ImagePitch:], one, tensor.Data[float32](in)[b*from.ImagePitch:], src, channels, rows[y:y+1], cols)
		}
		return func() error {
			inParts(team, n.In(0).Shape[0]*height, part)
			return nil
		}
	}
	return k, nil
}

// fitsResize reports whether a Resize is nearest or linear over height and width alone, and known before the run.
func fitsResize(n *graph.Node) bool {
	axes, err := channelsResize(n)
	return err == nil && axes != nil && image4(n.In(0))
}

// channelsResize is the plan of a Resize that pixels of a Channels layout can follow: one for each of height and width; nil where they can't.
func channelsResize(n *graph.Node) ([]axisPlan, error) {
	for i := 1; i < len(n.Inputs); i++ {
		if n.In(i) != nil && !n.In(i).Known() {
			return nil, nil
		}
	}
	s, err := samplingOf(n)
	if err != nil || s.coordinate == "tf_crop_and_resize" {
		return nil, err
	}
	x := n.In(0).Shape
	r, err := resizedBy(n, func(i int) *tensor.Tensor {
		if n.In(i) == nil {
			return nil
		}
		t := tensor.Aligned(*n.In(i).Const)
		return &t
	})
	if err != nil || r == nil || len(x) != 4 || r.shape[0] != x[0] || r.shape[1] != x[1] || r.scales[0] != 1 || r.scales[1] != 1 {
		return nil, err
	}
	axes := make([]axisPlan, 2)
	for i := range axes {
		if axes[i], err = s.plan(2+i, x[2+i], r.shape[2+i], r.scales[2+i], 0, 1); err != nil || axes[i].width > 2 {
			return nil, err
		}
	}
	return axes, nil
}

// taps is the plan in the words of package pool.
func (a *axisPlan) taps() []pool.Tap {
	taps := make([]pool.Tap, a.out)
	for o := range taps {
		taps[o].Low = a.at[o*a.width]
		if a.weight != nil {
			taps[o].High, taps[o].Weight = a.at[o*a.width+1], a.weight[o*a.width+1]
		}
	}
	return taps
}

// prepareChannelsResize resamples images, a row of outputs at a time.
func prepareChannelsResize(n *graph.Node, t *Target) (Kernel, error) {
	axes, err := channelsResize(n)
	if err != nil {
		return Kernel{}, err
	}
	f := pool.For(t.Features)
	from, to := imageOf(n.In(0)), imageOf(n.Outputs[0])
	src, dst := poolImage(from), poolImage(to)
	rows, cols := axes[0].taps(), axes[1].taps()
	channels, nearest := n.In(0).Shape[1], axes[0].weight == nil
	k := Kernel{Class: "resize " + f.Variant}
	k.Bind = func(c *Call) func() error {
		team := teamFor(c.Team, n.Outputs[0].Shape.Elements())
		part := func(_, i int) {
			b, y := i/len(rows), i%len(rows)
			one := dst
			one.Origin += y * dst.RowPitch
			row := rows[y : y+1]
			if c.In[0].DType == tensor.BFloat16 {
				in, out := tensor.Data[uint16](c.In[0].Tensor)[b*from.ImagePitch:], tensor.Data[uint16](c.Out[0].Tensor)[b*to.ImagePitch:]
				if nearest {
					pool.Nearest(out, one, in, src, channels, row, cols)
				} else {
					f.BilinearBF16(out, one, in, src, channels, row, cols)
				}
				return
			}
			in, out := tensor.Data[float32](c.In[0].Tensor)[b*from.ImagePitch:], tensor.Data[float32](c.Out[0].Tensor)[b*to.ImagePitch:]
			if nearest {
				pool.Nearest(out, one, in, src, channels, row, cols)
			} else {
				f.Bilinear(out, one, in, src, channels, row, cols)
			}
		}
		return func() error {
			inParts(team, n.In(0).Shape[0]*len(rows), part)
			return nil
		}
	}
	return k, nil
}
