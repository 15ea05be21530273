package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// transposedVolume is a transposed convolution over three dimensions, one output slice after the other: for each tap in depth that meets an input slice, the
// pixels of that are multiplied by the weights of all taps in the plane at once, and the output's pixels add up what the taps that meet them gave.
type transposedVolume struct {
	sums    tapSums
	in, out sliceMover
	panels  []*gemm.Panels // of each tap in depth
	pixels  int            // of an input slice
	columns int            // taps in the plane × maps
}

// transposesVolume reports whether a transposed convolution can run so.
func transposesVolume(n *graph.Node) bool {
	return len(n.In(0).Shape) == 5 && n.Int("group", 1) == 1 && packedOperands(n) && n.Precision == graph.FP32
}

// prepareTransposedVolume packs the weights of a transposed convolution between dense volumes.
func prepareTransposedVolume(n *graph.Node, t *Target) (Kernel, error) {
	win, err := transposedWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	g, err := win.grid()
	if err != nil {
		return Kernel{}, err
	}
	channels, maps, f := n.In(0).Shape[1], n.In(1).Shape[1], move.For(t.Features)
	v := &transposedVolume{
		sums: tapSums{
			g: g, maps: maps, taps: g.kernel[1] * g.kernel[2], clamp: clampOf(n), v: vector.For(t.Features),
			in:  conv.NewImage(g.out[1], g.out[2], channels, channelLanes, conv.Halo{}),
			out: conv.NewImage(g.in[1], g.in[2], maps, channelLanes, conv.Halo{}),
		},
		pixels: g.out[1] * g.out[2],
	}
	v.in, v.out = moverOf(v.sums.in, channels, g.out[0], f), moverOf(v.sums.out, maps, g.in[0], f)
	v.columns = v.sums.taps * maps
	if b := n.In(2); b != nil {
		v.sums.bias = constant[float32](b)
	}
	kernel := gemm.ChooseWhole(t.Features, gemm.FP32, v.pixels, v.columns, channels)
	for tap := range g.kernel[0] {
		p, err := gemm.Pack(t.Weights(), kernel, v.sums.weights(n.In(1), tap), channels, v.columns, v.columns, false)
		if err != nil {
			return Kernel{}, err
		}
		v.panels = append(v.panels, p)
	}
	return v.kernel(n, t)
}

// kernel gives each thread memory for a slice of the input, its products, and a slice of the output.
func (v *transposedVolume) kernel(n *graph.Node, t *Target) (Kernel, error) {
	trial, err := v.panels[0].Bind(v.pixels, 1, gemm.Epilogue{Clamp: gemm.Unbounded()})
	if err != nil {
		return Kernel{}, err
	}
	ins, products, outs := roundUp(v.sums.in.ImagePitch, 16), roundUp(v.pixels*v.columns, 16), roundUp(v.sums.out.ImagePitch, 16)
	each := 4 * (ins + products + outs)
	k := Kernel{Class: "gemm " + trial.Kernel().String(), Scratch: max(t.Threads, 1) * each, Packed: []int{1}}
	k.Bind = func(c *Call) func() error {
		workers := make([]transposedWorker, c.Team.Size())
		for i := range workers {
			w := &workers[i]
			var rest []byte
			w.in, rest = scratchFloats(c.Scratch[i*each:], ins)
			w.products, rest = scratchFloats(rest, products)
			w.out, _ = scratchFloats(rest, outs)
			for _, p := range v.panels {
				call, err := p.Bind(v.pixels, 1, gemm.Epilogue{Clamp: gemm.Unbounded()})
				if err != nil {
					panic("ops: a product that bound before: " + err.Error())
				}
				w.calls = append(w.calls, call)
			}
		}
		depth := v.sums.g.in[0]
		slice := func(worker, i int) {
			v.slice(&workers[worker], tensor.Data[float32](c.Out[0].Tensor), tensor.Data[float32](c.In[0].Tensor), i/depth, i%depth)
		}
		return func() error {
			inParts(c.Team, n.In(0).Shape[0]*depth, slice)
			return nil
		}
	}
	return k, nil
}

// transposedWorker is the memory of one thread.
type transposedWorker struct {
	in, products, out []float32
	calls             []*gemm.Call // of each tap in depth
}

// slice makes one slice of the output.
func (v *transposedVolume) slice(w *transposedWorker, y, x []float32, batch, z int) {
	s := &v.sums
	for row := range s.out.Height {
		s.begin(w.out, 0, row)
	}
	for tap, call := range w.calls {
		at := z + s.g.begin[0] - tap*s.g.dilation[0]
		from := at / s.g.stride[0]
		if at < 0 || at%s.g.stride[0] != 0 || from >= v.in.slices {
			continue
		}
		for piece := range v.in.pieces {
			v.in.load(w.in, x, batch, from, 0, 0, piece)
		}
		call.Run(nil, gemm.Matrix{F32: w.in, Stride: s.in.PixelPitch}, gemm.Matrix{F32: w.products, Stride: v.columns}, gemm.Matrix{})
		for row := range s.out.Height {
			s.addTaps(w.out, w.products, 0, row)
		}
	}
	for row := range s.out.Height {
		s.end(w.out, 0, row)
	}
	for piece := range v.out.pieces {
		v.out.store(y, w.out, batch, z, 0, piece)
	}
}
