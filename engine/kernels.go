package engine

import (
	"time"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

// KernelSpeed is a row of the table of kernels, with what it reaches here on a product that it is made for.
type KernelSpeed struct {
	Name     string  `json:"name"`
	Needs    string  `json:"needs"` // instruction sets
	Mixed    bool    `json:"mixed"`
	Runnable bool    `json:"runnable"`
	GFLOPS   float64 `json:"gflops"` // one thread; 0 where it does not run
}

// Kernels measures every row of the tables of matrix-product and convolution kernels on one thread, each for about budget.
func Kernels(features cpu.Features, budget time.Duration) ([]KernelSpeed, error) {
	var rows []KernelSpeed
	for _, k := range gemm.Kernels() {
		row := KernelSpeed{Name: k.String(), Needs: k.Needs.String(), Mixed: k.Format != gemm.FP32, Runnable: k.Runnable(features)}
		if row.Runnable {
			var err error
			if row.GFLOPS, err = gemmSpeed(k, budget); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	for _, k := range conv.WindowKernels() {
		row := KernelSpeed{Name: k.String(), Needs: k.Needs.String(), Mixed: k.Mixed, Runnable: k.Runnable(features)}
		format := gemm.FP32
		if k.Mixed {
			format = gemm.BF16
		}
		g := square(56, 64, 64)
		if err := row.measureConv(k.Needs, format, g, budget); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	winograd := KernelSpeed{Name: "winograd_f4x3 avx512 fp32", Needs: cpu.AVX512.String(), Runnable: features.Has(cpu.AVX512)}
	if err := winograd.measureConv(cpu.AVX512, gemm.FP32, square(56, 64, 1), budget); err != nil {
		return nil, err
	}
	return append(rows, winograd), nil
}

// square is a 3×3 convolution with padding, of as many channels as it makes.
func square(size, channels, groups int) conv.Geometry {
	g := conv.Geometry{N: 1, KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, Groups: groups}
	const lanes = 16
	g.In, g.Out = conv.NewImage(size, size, channels, lanes, conv.Halo{}), conv.NewImage(size, size, channels, lanes, conv.Halo{})
	g.In = conv.NewImage(size, size, channels, lanes, g.WinogradHalo())
	return g
}

// measureConv times a convolution on what the row needs and no more. FLOPs are those of the direct sum, whatever the algorithm.
func (row *KernelSpeed) measureConv(needs cpu.Features, format gemm.Format, g conv.Geometry, budget time.Duration) error {
	if !row.Runnable {
		return nil
	}
	weights := make([]float32, g.Out.Channels*g.In.Channels/g.Groups*g.KernelH*g.KernelW)
	for i := range weights {
		weights[i] = float32(i%7) - 3
	}
	p, err := conv.Prepare(nil, needs, format, g, weights, gemm.Epilogue{Clamp: gemm.Unbounded()})
	if err != nil {
		return err
	}
	call := p.Bind(1, nil)
	in, out := conv.Buffer{F32: ones(g.In.Size(1))}, conv.Buffer{F32: make([]float32, g.Out.Size(1))}
	if format == gemm.BF16 {
		in, out = conv.Buffer{BF16: make([]uint16, g.In.Size(1))}, conv.Buffer{BF16: make([]uint16, g.Out.Size(1))}
	}
	row.GFLOPS = g.FLOPs() / bestOf(budget, func() { call.Run(nil, in, out, conv.Buffer{}) })
	return nil
}

func ones(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// bestOf is the shortest time of run in nanoseconds.
func bestOf(budget time.Duration, run func()) float64 {
	best := time.Duration(1 << 62)
	for n, start := 0, time.Now(); n < 2 || time.Since(start) < budget; n++ {
		began := time.Now()
		run()
		best = min(best, time.Since(began))
	}
	return float64(max(best, 1))
}

// gemmSpeed is the best rate of a product whose operands lie in the nearest cache.
func gemmSpeed(k gemm.Kernel, budget time.Duration) (float64, error) {
	const depth, panels, tiles = 256, 2, 4
	m, n := tiles*k.MR, panels*k.NR
	arena := gemm.NewArena()
	weights := make([]float32, depth*n)
	for i := range weights {
		weights[i] = float32(i%7) - 3
	}
	p, err := gemm.Pack(arena, k, weights, depth, n, n, false)
	if err != nil {
		return 0, err
	}
	call, err := p.Bind(m, 1, gemm.Epilogue{Clamp: gemm.Unbounded()})
	if err != nil {
		return 0, err
	}
	a := gemm.Matrix{Stride: depth}
	if k.Format == gemm.BF16 {
		a.BF16 = make([]uint16, m*depth)
		for i := range a.BF16 {
			a.BF16[i] = 0x3f80
		}
	} else {
		a.F32 = ones(m * depth)
	}
	c := gemm.Matrix{F32: make([]float32, m*n), Stride: n}
	return 2 * float64(m) * float64(n) * depth / bestOf(budget, func() { call.Run(nil, a, c, gemm.Matrix{}) }), nil
}
