package conv

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Transposed is the shape of a transposed convolution, which adds each input
// times the window to the output:
//
//	Out[n][o][y·StrideH − PadTop + i·DilationH][x·StrideW − PadLeft + j·DilationW] += W[c][o'][i][j] · In[n][c][y][x]
//
// Outputs whose coordinates agree modulo the strides meet the same taps of the
// window, so each such phase is an ordinary convolution into spaced-out pixels.
type Transposed struct {
	N                    int
	In, Out              Image
	KernelH, KernelW     int
	StrideH, StrideW     int
	DilationH, DilationW int
	PadTop, PadLeft      int
	Groups               int
}

// taps is what one phase of outputs meets along one axis: window positions
// first, first+step, …, count of them, as an ordinary window in reverse with a
// dilation and a pad, for outputs many coordinates.
type taps struct {
	first, step, count int
	dilation, pad      int
	outputs            int
}

// phase works out the taps of outputs phase, phase+stride, … below extent.
func phase(phase, stride, dilation, pad, kernel, extent int) taps {
	common := gcd(stride, dilation)
	t := taps{step: stride / common, dilation: dilation / common, outputs: (extent - phase + stride - 1) / stride}
	for t.first < min(kernel, t.step) && (phase+pad-t.first*dilation)%stride != 0 {
		t.first++
	}
	if t.first >= min(kernel, t.step) {
		return taps{step: 1, dilation: 1, outputs: t.outputs}
	}
	t.count = (kernel - t.first + t.step - 1) / t.step
	t.pad = (t.count-1)*t.dilation - (phase+pad-t.first*dilation)/stride
	return t
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Halo is the halo of zeros that In needs.
func (t Transposed) Halo() Halo {
	var h Halo
	for py := range min(t.StrideH, t.Out.Height) {
		for px := range min(t.StrideW, t.Out.Width) {
			g, _, _ := t.geometry(py, px)
			need := g.Halo()
			h = Halo{max(h.Top, need.Top), max(h.Left, need.Left), max(h.Bottom, need.Bottom), max(h.Right, need.Right)}
		}
	}
	return h
}

// geometry is one phase as an ordinary convolution. A phase that meets no tap
// has a window of one, whose weight is zero.
func (t Transposed) geometry(py, px int) (g Geometry, rows, columns taps) {
	rows = phase(py, t.StrideH, t.DilationH, t.PadTop, t.KernelH, t.Out.Height)
	columns = phase(px, t.StrideW, t.DilationW, t.PadLeft, t.KernelW, t.Out.Width)
	g = Geometry{N: t.N, In: t.In, Out: t.Out, KernelH: max(rows.count, 1), KernelW: max(columns.count, 1),
		StrideH: 1, StrideW: 1, DilationH: rows.dilation, DilationW: columns.dilation,
		PadTop: rows.pad, PadLeft: columns.pad, Groups: t.Groups}
	if rows.count == 0 {
		g.PadTop = 0
	}
	if columns.count == 0 {
		g.PadLeft = 0
	}
	g.Out.Height, g.Out.Width = rows.outputs, columns.outputs
	g.Out.Origin += py*t.Out.RowPitch + px*t.Out.PixelPitch
	g.Out.RowPitch *= t.StrideH
	g.Out.PixelPitch *= t.StrideW
	return g, rows, columns
}

// PrepareTransposed plans a transposed convolution. Weights are in ONNX's order:
// input channel, output channel of the group, row, column. All else is as for
// Prepare; a residual is not taken.
func PrepareTransposed(arena *gemm.Arena, features cpu.Features, format gemm.Format, t Transposed, weights []float32, e gemm.Epilogue) (*Plan, error) {
	if t.Groups < 1 || t.StrideH < 1 || t.StrideW < 1 || t.DilationH < 1 || t.DilationW < 1 || t.KernelH < 1 || t.KernelW < 1 {
		return nil, fmt.Errorf("conv: transposed: kernel %dx%d, strides %d,%d, dilations %d,%d, %d groups",
			t.KernelH, t.KernelW, t.StrideH, t.StrideW, t.DilationH, t.DilationW, t.Groups)
	}
	if need := t.In.Channels * t.Out.Channels / t.Groups * t.KernelH * t.KernelW; len(weights) != need {
		return nil, fmt.Errorf("conv: transposed: %d weights, %d needed", len(weights), need)
	}
	whole := &Plan{geometry: Geometry{N: t.N, In: t.In, Out: t.Out, Groups: t.Groups}, format: format}
	var phases []*Plan
	for py := range min(t.StrideH, t.Out.Height) {
		for px := range min(t.StrideW, t.Out.Width) {
			g, rows, columns := t.geometry(py, px)
			p, err := Prepare(arena, features, format, g, t.phaseWeights(weights, rows, columns), e)
			if err != nil {
				return nil, fmt.Errorf("conv: transposed: phase %d,%d: %w", py, px, err)
			}
			phases = append(phases, p)
			whole.bytes += p.bytes
			whole.scratch = max(whole.scratch, p.scratch)
		}
	}
	whole.class, whole.format = "transposed "+phases[0].class, phases[0].format
	whole.bind = func(workers int, scratch []byte) runner {
		var runners sequence
		for _, p := range phases {
			runners = append(runners, p.bind(workers, scratch))
		}
		return runners
	}
	return whole, nil
}

// sequence runs convolutions one after the other on the same memory.
type sequence []runner

func (s sequence) run(team *parallel.Team, m memory) {
	for _, r := range s {
		r.run(team, m)
	}
}

// phaseWeights picks a phase's taps, in reverse, in Prepare's order.
func (t Transposed) phaseWeights(weights []float32, rows, columns taps) []float32 {
	ins, outs := t.In.Channels/t.Groups, t.Out.Channels/t.Groups
	height, width := max(rows.count, 1), max(columns.count, 1)
	picked := make([]float32, t.Out.Channels*ins*height*width)
	for o := range t.Out.Channels {
		for c := range ins {
			from := ((o/outs*ins+c)*outs + o%outs) * t.KernelH * t.KernelW
			to := (o*ins + c) * height * width
			for i := range rows.count {
				for j := range columns.count {
					y, x := rows.first+i*rows.step, columns.first+j*columns.step
					picked[to+(height-1-i)*width+width-1-j] = weights[from+y*t.KernelW+x]
				}
			}
		}
	}
	return picked
}
