package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// fusedConvTranspose is eiplan/ConvTranspose: ConvTranspose of one group with constant weights and bias between images in the Channels layout, whose
// results are clamped to the attributes lo and hi where they are given; or between dense volumes. Each pixel is multiplied by the weights of all taps at once, and each output
// pixel then adds up what the taps that meet it gave.
func fusedConvTranspose() Op {
	return Op{Infer: inferFusedConvTranspose, Cost: costConvTranspose, Prepare: prepareFusedConvTranspose}
}

func inferFusedConvTranspose(n *graph.Node) error {
	if err := inferConvTranspose(n); err != nil {
		return err
	}
	n.Outputs[0].DType = tensor.Float32
	return nil
}

// packableTranspose reports whether a transposed convolution can run so.
func packableTranspose(n *graph.Node) bool {
	return n.Int("group", 1) == 1 && packable(n) && (image4(n.In(0)) && image4(n.Outputs[0]))
}

// tapSums is the second half of the work.
type tapSums struct {
	g          grid
	in, out    conv.Image
	maps, taps int
	bias       []float32 // nil for none
	clamp      gemm.Clamp
	v          *vector.Funcs
}

func prepareFusedConvTranspose(n *graph.Node, t *Target) (Kernel, error) {
	if len(n.In(0).Shape) == 5 {
		return prepareTransposedVolume(n, t)
	}
	if !n.In(0).Layout.Channels || !n.Outputs[0].Layout.Channels {
		return Kernel{}, fmt.Errorf("%v to %v: both must have their channels innermost", n.In(0), n.Outputs[0])
	}
	win, err := transposedWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	s := &tapSums{in: imageOf(n.In(0)), out: imageOf(n.Outputs[0]), maps: n.In(1).Shape[1], clamp: clampOf(n), v: vector.For(t.Features)}
	if s.g, err = win.grid(); err != nil {
		return Kernel{}, err
	}
	s.taps = size(s.g.kernel)
	if b := n.In(2); b != nil {
		s.bias = constant[float32](b)
	}
	rows, pixels := s.in.Height, s.in.Width
	if n.In(0).Layout == ChannelsOf(n.In(0).Shape) {
		rows, pixels = 1, rows*pixels
	}
	columns := s.taps * s.maps
	panels, err := gemm.Pack(t.Weights(), gemm.ChooseWhole(t.Features, formatOf(n), pixels, columns, s.in.Channels), s.weights(n.In(1), 0), s.in.Channels, columns, columns, false)
	if err != nil {
		return Kernel{}, err
	}
	e := gemm.Epilogue{Clamp: gemm.Unbounded()}
	trial, err := panels.Bind(pixels, 1, e)
	if err != nil {
		return Kernel{}, err
	}
	used := trial.Kernel()
	k := Kernel{Class: "gemm " + used.String(), Mixed: used.Format != gemm.FP32, Scratch: 4 * roundUp(rows*pixels*columns, 16), Packed: []int{1}}
	k.Bind = func(c *Call) func() error {
		call, err := panels.Bind(pixels, c.Team.Size(), e)
		if err != nil {
			panic("ops: a product that bound before: " + err.Error())
		}
		products, _ := scratchFloats(c.Scratch, rows*pixels*columns)
		image := 0
		row := func(_, y int) { s.row(tensor.Data[float32](c.Out[0].Tensor), products, image, y) }
		return func() error {
			for image = range n.In(0).Shape[0] {
				for y := range rows {
					x := rowsOf(c.In[0].Tensor, s.in.PixelPitch)
					from := s.in.Index(image, 0, y, 0)
					if x.BF16 != nil {
						x.BF16 = x.BF16[from:]
					} else {
						x.F32 = x.F32[from:]
					}
					call.Run(c.Team, x, gemm.Matrix{F32: products[y*pixels*columns:], Stride: columns}, gemm.Matrix{})
				}
				inParts(c.Team, s.out.Height, row)
			}
			return nil
		}
	}
	return k, nil
}

// weights orders a kernel of channels × maps × depth × taps as channels × (taps × maps) for one of its taps in depth.
func (s *tapSums) weights(w *graph.Value, depth int) []float32 {
	src := constant[float32](w)
	dst := make([]float32, s.in.Channels*s.maps*s.taps)
	for c := range s.in.Channels {
		for m := range s.maps {
			for tap := range s.taps {
				dst[(c*s.taps+tap)*s.maps+m] = src[((c*s.maps+m)*s.g.kernel[0]+depth)*s.taps+tap]
			}
		}
	}
	return dst
}

// row adds up one row of outputs.
func (s *tapSums) row(out, products []float32, image, y int) {
	s.begin(out, image, y)
	s.addTaps(out, products, image, y)
	s.end(out, image, y)
}

// begin sets a row of outputs to the bias.
func (s *tapSums) begin(out []float32, image, y int) {
	dst := out[s.out.Index(image, 0, y, 0):]
	for x := range s.out.Width {
		if pixel := dst[x*s.out.PixelPitch:][:s.maps]; s.bias != nil {
			copy(pixel, s.bias)
		} else {
			clear(pixel)
		}
	}
}

// addTaps adds what the taps gave to a row of outputs.
func (s *tapSums) addTaps(out, products []float32, image, y int) {
	dst := out[s.out.Index(image, 0, y, 0):]
	pitch := s.out.PixelPitch
	for ky := range s.g.kernel[1] {
		at := y + s.g.begin[1] - ky*s.g.dilation[1]
		iy := at / s.g.stride[1]
		if at < 0 || at%s.g.stride[1] != 0 || iy >= s.in.Height {
			continue
		}
		for kx := range s.g.kernel[2] {
			from, to := s.g.inside(2, kx)
			src := products[(iy*s.in.Width*s.taps+ky*s.g.kernel[2]+kx)*s.maps:]
			x := from*s.g.stride[2] + kx*s.g.dilation[2] - s.g.begin[2]
			for ix := from; ix < to; ix++ {
				s.add(dst[x*pitch:][:s.maps], src[ix*s.taps*s.maps:][:s.maps])
				x += s.g.stride[2]
			}
		}
	}
}

// end clamps a row of outputs.
func (s *tapSums) end(out []float32, image, y int) {
	if s.clamp == gemm.Unbounded() {
		return
	}
	dst := out[s.out.Index(image, 0, y, 0):]
	for x := range s.out.Width {
		pixel := dst[x*s.out.PixelPitch:][:s.maps]
		s.v.Param[vector.Clip](pixel, pixel, s.clamp.Lo, s.clamp.Hi)
	}
}

// add adds what one tap gave to a pixel.
func (s *tapSums) add(pixel, product []float32) {
	if len(pixel) >= channelLanes {
		s.v.Binary[vector.Add](pixel, pixel, product)
		return
	}
	for i, p := range product {
		pixel[i] += p
	}
}
