package conv

import "github.com/eiplan/eiplan/engine/kernels/gemm"

// Reference computes g as its comment defines it, in binary64, for what the
// fast algorithms are held against. Buffers are laid out as g says, binary32;
// residual may be nil.
func Reference(g Geometry, weights []float32, e gemm.Epilogue, in, out, residual []float32) {
	perGroup, outs := g.In.Channels/g.Groups, g.Out.Channels/g.Groups
	for n := range g.N {
		for o := range g.Out.Channels {
			filter := weights[o*perGroup*g.KernelH*g.KernelW:]
			for y := range g.Out.Height {
				for x := range g.Out.Width {
					sum := g.windowSum(filter, in, n, o/outs*perGroup, y*g.StrideH-g.PadTop, x*g.StrideW-g.PadLeft)
					if e.Bias != nil {
						sum += float64(e.Bias[o])
					}
					if residual != nil {
						sum += float64(residual[g.Residual.Index(n, o, y, x)])
					}
					sum = min(max(sum, float64(e.Clamp.Lo)), float64(e.Clamp.Hi))
					out[g.Out.Index(n, o, y, x)] = float32(sum)
				}
			}
		}
	}
}

// windowSum is one output before its epilogue; pixels outside In are zero.
func (g Geometry) windowSum(filter, in []float32, n, channel, top, left int) float64 {
	var sum float64
	for c := range g.In.Channels / g.Groups {
		for i := range g.KernelH {
			y := top + i*g.DilationH
			if y < 0 || y >= g.In.Height {
				continue
			}
			for j := range g.KernelW {
				x := left + j*g.DilationW
				if x < 0 || x >= g.In.Width {
					continue
				}
				w := filter[(c*g.KernelH+i)*g.KernelW+j]
				sum += float64(w) * float64(in[g.In.Index(n, channel+c, y, x)])
			}
		}
	}
	return sum
}
