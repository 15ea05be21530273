package ops

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// fastestConv plans a convolution in the fastest of its ways.
func fastestConv(t *Target, format gemm.Format, g conv.Geometry, weights []float32, e gemm.Epilogue) (*conv.Plan, error) {
	places := sha256.Sum256(fmt.Appendf(nil, "%+v", g))
	key := fmt.Sprintf("conv %v, %d of %dx%dx%d to %dx%dx%d, window %dx%d, stride %dx%d, %d groups, placed %x, %d threads", format, g.N, g.In.Height, g.In.Width, g.In.Channels,
		g.Out.Height, g.Out.Width, g.Out.Channels, g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.Groups, places[:4], t.Threads)
	way, err := t.choose(key, conv.Ways(t.Features, format, g), func(way string, team *parallel.Team) (func(), error) {
		plan, err := conv.PrepareAs(way, nil, t.Features, format, g, weights, e)
		if err != nil {
			return nil, err
		}
		var in, out, residual conv.Buffer
		out = trialBuffer(format, g.Out.Size(g.N))
		in = trialBuffer(format, g.In.Size(g.N))
		if g.Residual != (conv.Image{}) {
			residual = trialBuffer(format, max(g.Residual.Size(g.N), g.Residual.Channels))
		}
		call := plan.Bind(team.Size(), nil)
		return func() { call.Run(team, in, out, residual) }, nil
	})
	if err != nil {
		return nil, err
	}
	return conv.PrepareAs(way, t.Weights(), t.Features, format, g, weights, e)
}

// fastestTiles lets a product of m rows run on the fastest height of tiles.
func fastestTiles(t *Target, p *gemm.Panels, m int, e gemm.Epilogue) (*gemm.Panels, error) {
	format := p.Kernel().Format
	k, cols := p.Rows(), p.Columns()
	var ways []string
	for _, rows := range p.Kernel().Heights(m) {
		ways = append(ways, strconv.Itoa(rows))
	}
	way, err := t.choose(fmt.Sprintf("product %v, %d by %d by %d, %d threads", format, m, k, cols, t.Threads), ways, func(way string, team *parallel.Team) (func(), error) {
		shorter, err := shorten(p, way)
		if err != nil {
			return nil, err
		}
		call, err := shorter.Bind(m, team.Size(), e)
		if err != nil {
			return nil, err
		}
		a, c := trialBuffer(format, m*k), trialBuffer(format, m*cols)
		return func() {
			call.Run(team, gemm.Matrix{F32: a.F32, BF16: a.BF16, Stride: k}, gemm.Matrix{F32: c.F32, BF16: c.BF16, Stride: cols}, gemm.Matrix{})
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return shorten(p, way)
}

func shorten(p *gemm.Panels, way string) (*gemm.Panels, error) {
	rows, err := strconv.Atoi(way)
	if err != nil {
		return nil, err
	}
	return p.Shorter(rows), nil
}

// trialBuffer is operands for a trial: ordinary numbers, as zeros and denormal ones may take another time.
func trialBuffer(format gemm.Format, elements int) conv.Buffer {
	if format == gemm.BF16 {
		b := conv.Buffer{BF16: make([]uint16, elements)}
		for i := range b.BF16 {
			b.BF16[i] = 0x3f00 | uint16(i)<<15 // 0.5 and -0.5
		}
		return b
	}
	b := conv.Buffer{F32: make([]float32, elements)}
	for i := range b.F32 {
		b.F32[i] = float32(i&7) - 3.5
	}
	return b
}
