package conv

import (
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// TestTransposed adds each input times the window, as the definition says.
func TestTransposed(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	for _, s := range []struct {
		reason                string
		c, h, w, k            int
		kh, kw, sh, sw        int
		dh, dw, top, left     int
		bottom, right, groups int
		extra                 int // output_padding
	}{
		{"stride of the kernel's size", 16, 4, 5, 20, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1, 0},
		{"windows that overlap", 16, 4, 5, 20, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0},
		{"kernel 3, stride 2, padded output", 8, 5, 4, 6, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1},
		{"stride above the kernel leaves gaps", 4, 3, 3, 4, 2, 1, 3, 2, 1, 1, 0, 0, 0, 0, 1, 0},
		{"dilation and stride without common factor", 4, 5, 5, 8, 3, 3, 2, 3, 3, 2, 1, 2, 1, 2, 1, 0},
		{"dilation and stride with one", 4, 5, 5, 8, 3, 2, 2, 4, 2, 2, 1, 0, 1, 0, 1, 0},
		{"one dimension", 6, 1, 9, 5, 1, 8, 1, 4, 1, 1, 0, 2, 0, 2, 1, 0},
		{"groups", 8, 4, 4, 12, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 4, 0},
		{"a channel to a group", 16, 4, 4, 16, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 16, 0},
	} {
		t.Run(s.reason, func(t *testing.T) {
			x := Transposed{N: 2, KernelH: s.kh, KernelW: s.kw, StrideH: s.sh, StrideW: s.sw,
				DilationH: s.dh, DilationW: s.dw, PadTop: s.top, PadLeft: s.left, Groups: s.groups}
			x.Out = NewImage((s.h-1)*s.sh+(s.kh-1)*s.dh+1-s.top-s.bottom+s.extra, (s.w-1)*s.sw+(s.kw-1)*s.dw+1-s.left-s.right+s.extra, s.k, 16, Halo{1, 1, 1, 1})
			x.In = NewImage(s.h, s.w, s.c, 16, Halo{})
			x.In = NewImage(s.h, s.w, s.c, 16, x.Halo())
			r := rand.New(rand.NewPCG(3, 4))
			weights := make([]float32, s.c*s.k/s.groups*s.kh*s.kw)
			for i := range weights {
				weights[i] = r.Float32()*2 - 1
			}
			e := gemm.Epilogue{Clamp: gemm.Clamp{Lo: -2, Hi: 2}, Bias: make([]float32, s.k)}
			for i := range e.Bias {
				e.Bias[i] = r.Float32()
			}
			in := make([]float32, x.In.Size(x.N))
			fill(r, gemm.FP32, in, x.In, x.N)
			p := problem{g: Geometry{Out: x.Out}, epilogue: e, in: buffer(t, in, false), tolerance: 1e-5, want: x.scatter(weights, e, in)}
			for _, features := range levels() {
				plan, err := PrepareTransposed(nil, features, gemm.FP32, x, weights, e)
				if err != nil {
					t.Fatal(err)
				}
				fresh := make([]float32, len(p.want))
				for i := range fresh {
					fresh[i] = untouched
				}
				out := buffer(t, fresh, false)
				plan.Bind(2, nil).Run(team, p.in, out, Buffer{})
				p.compare(t, plan.Class(), out)
			}
		})
	}
}

// scatter computes t by its definition.
func (t Transposed) scatter(weights []float32, e gemm.Epilogue, in []float32) []float32 {
	out := make([]float32, t.Out.Size(t.N))
	for i := range out {
		out[i] = untouched
	}
	ins, outs := t.In.Channels/t.Groups, t.Out.Channels/t.Groups
	for n := range t.N {
		for o := range t.Out.Channels {
			sums := make([]float64, t.Out.Height*t.Out.Width)
			for c := o / outs * ins; c < (o/outs+1)*ins; c++ {
				for i := range t.In.Height * t.KernelH {
					for j := range t.In.Width * t.KernelW {
						y, ky, x, kx := i/t.KernelH, i%t.KernelH, j/t.KernelW, j%t.KernelW
						oy, ox := y*t.StrideH-t.PadTop+ky*t.DilationH, x*t.StrideW-t.PadLeft+kx*t.DilationW
						if oy < 0 || oy >= t.Out.Height || ox < 0 || ox >= t.Out.Width {
							continue
						}
						w := weights[((c*outs+o%outs)*t.KernelH+ky)*t.KernelW+kx]
						sums[oy*t.Out.Width+ox] += float64(w) * float64(in[t.In.Index(n, c, y, x)])
					}
				}
			}
			for i, sum := range sums {
				sum = min(max(sum+float64(e.Bias[o]), float64(e.Clamp.Lo)), float64(e.Clamp.Hi))
				out[t.Out.Index(n, o, i/t.Out.Width, i%t.Out.Width)] = float32(sum)
			}
		}
	}
	return out
}

func TestBadTransposed(t *testing.T) {
	good := Transposed{N: 1, In: NewImage(3, 3, 4, 16, Halo{}), Out: NewImage(6, 6, 2, 16, Halo{}),
		KernelH: 2, KernelW: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Groups: 1}
	for _, c := range []struct {
		reason  string
		change  func(*Transposed)
		weights int
	}{
		{"weights of another shape", func(*Transposed) {}, 31},
		{"no stride", func(x *Transposed) { x.StrideH = 0 }, 32},
		{"no halo where the window overlaps", func(x *Transposed) { x.KernelH = 4 }, 64},
	} {
		x := good
		c.change(&x)
		if _, err := PrepareTransposed(nil, 0, gemm.FP32, x, make([]float32, c.weights), gemm.Epilogue{}); err == nil {
			t.Errorf("%s: no error", c.reason)
		}
	}
	if _, err := PrepareTransposed(nil, 0, gemm.FP32, good, make([]float32, 32), gemm.Epilogue{}); err != nil {
		t.Errorf("good shape: %v", err)
	}
}
