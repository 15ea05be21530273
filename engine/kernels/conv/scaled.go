package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Scale does dst[i] = x[i]·s.
type Scale func(dst, x []float32, s float32)

// CanScale reports whether PrepareScaled takes g.
func (g Geometry) CanScale() bool {
	return g.N == 1 && g.Groups == 1 && g.pointwise() && !g.In.planar() && !g.Out.planar()
}

// PrepareScaled is Prepare, in FP32, for an input each channel of which is to be
// multiplied by a number that a run is given: see Call.ScaleBy. The weights are
// multiplied in its stead, which is less work where pixels are many.
func PrepareScaled(arena *gemm.Arena, features cpu.Features, g Geometry, weights []float32, e gemm.Epilogue, scale Scale) (*Plan, error) {
	if err := g.check(len(weights), len(e.Bias)); err != nil {
		return nil, err
	}
	if !g.CanScale() {
		panic("conv: a convolution that is not pointwise is to be scaled")
	}
	d := &direct{g: g, view: g}
	kernel := gemm.ChooseWhole(features, gemm.FP32, g.lines().pixels, g.Out.Channels, g.In.Channels)
	p := d.prepare(kernel, kernel.MR, arena, gemm.FP32, weights, e)
	p.class, p.link, p.direct, p.scratch = "scaled "+p.class, nil, nil, d.groups[0].Bytes()
	p.bind = func(workers int, scratch []byte) runner {
		c := &scaledCall{directCall: d.bind(workers, nil).(*directCall), times: scale}
		c.scaled = unsafe.Pointer(unsafe.SliceData(scratch))
		return c
	}
	return p, nil
}

// scaledCall multiplies the weights, a panel a unit, and then convolves.
type scaledCall struct {
	*directCall
	times   Scale
	factors []float32
}

// ScaleBy sets the numbers, one for each input channel, by which the next run of a
// plan of PrepareScaled multiplies its input.
func (c *Call) ScaleBy(factors []float32) {
	s := c.runner.(*scaledCall)
	s.factors = factors[:s.g.In.Channels]
}

func (c *scaledCall) run(team *parallel.Team, m memory) {
	team.Run(c.panels, c)
	c.directCall.run(team, m)
}

// Do multiplies one panel.
func (c *scaledCall) Do(_, panel int) {
	c.groups[0].ScaleRows(c.scaled, panel, c.factors, c.times)
}
