package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/pool"
	"github.com/eiplan/eiplan/models/tensor"
)

// convAverage is eiplan/ConvAverage: the means over all pixels of what an eiplan/Conv with the same inputs and attributes makes, which is never
// written. See AveragesConv.
func convAverage() Op {
	return Op{Infer: inferConvAverage, Cost: costConvAverage, Prepare: packedConv}
}

func inferConvAverage(n *graph.Node) error {
	if err := inferFusedConv(n); err != nil {
		return err
	}
	y := n.Outputs[0]
	for i := 2; i < len(y.Shape); i++ {
		y.Shape[i] = 1
	}
	return nil
}

// costConvAverage is the cost of the convolution, which writes less.
func costConvAverage(n *graph.Node) Cost {
	c := costConv(n)
	win, err := convWindow(n)
	if err != nil {
		panic("ops: " + n.Name + ": " + err.Error()) // its output has a shape
	}
	pixels := tensor.Shape(win.out).Elements()
	c.M *= pixels
	c.FLOPs *= float64(pixels)
	return c
}

// AveragesConv reports whether an eiplan/Conv should make the averages that pool, a GlobalAveragePool which alone reads its output, would: of images that are
// worth not writing, with panels enough for all threads. Layouts and types are settled.
func AveragesConv(c, pool *graph.Node, t *Target) bool {
	const largeImage, widestPanel, panelsPerWorker = 128 << 10, 32, 4 // elements, columns
	x, y := c.Outputs[0], pool.Outputs[0]
	if !c.Is("eiplan", "Conv") || !pool.Is("", "GlobalAveragePool") || !packable(c) || c.In(scaleInput) != nil || !x.Layout.Channels || !y.Layout.Channels ||
		y.DType != x.DType || x.Shape[1:].Elements() < largeImage {
		return false
	}
	g, err := placedGeometry(c)
	return err == nil && g.CanAverage() && g.N*g.Out.Channels >= widestPanel*panelsPerWorker*t.Threads
}

// averages reports whether a convolution keeps averages alone.
func averages(n *graph.Node) bool { return n.Is("eiplan", "ConvAverage") }

// averagedImage is how the results of an eiplan/ConvAverage would lie.
func averagedImage(n *graph.Node) (conv.Image, error) {
	win, err := convWindow(n)
	if err != nil {
		return conv.Image{}, err
	}
	g, err := win.grid()
	return conv.NewImage(g.out[1], g.out[2], n.In(1).Shape[0], channelLanes, conv.Halo{}), err
}

// meanOf is the mean over so many pixels.
func meanOf(pixels int, t *Target) conv.Mean {
	f := pool.For(t.Features)
	all := func(size int) []pool.Window { return []pool.Window{{Taps: size, Dilation: 1, Divisor: size}} }
	rows, cols := all(1), all(pixels)
	return conv.Mean{
		F32: func(y, x []float32, pitch int) {
			f.Average(y, pool.Image{}, x, pool.Image{PixelPitch: pitch}, len(y), rows, cols)
		},
		BF16: func(y, x []uint16, pitch int) {
			f.AverageBF16(y, pool.Image{}, x, pool.Image{PixelPitch: pitch}, len(y), rows, cols)
		},
	}
}
