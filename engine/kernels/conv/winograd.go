package conv

import (
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// scheme is one size of F(tile×tile, 3×3): patches of input with an edge of
// tile+2 become tile×tile outputs through edge² products (Lavin and Gray, Fast
// Algorithms for Convolutional Neural Networks, 2015, section 4).
type scheme struct {
	name   string
	tile   int
	g      [][3]float64 // transforms a filter's rows
	input  func(*Patch)
	output func(*Patch)
}

// longestEdge is that of the largest scheme.
const longestEdge = 6

func (s *scheme) edge() int   { return s.tile + 2 }
func (s *scheme) planes() int { return s.edge() * s.edge() }

var schemes = [...]scheme{
	{"winograd_f4x3", 4, [][3]float64{
		{1. / 4, 0, 0},
		{-1. / 6, -1. / 6, -1. / 6},
		{-1. / 6, 1. / 6, -1. / 6},
		{1. / 24, 1. / 12, 1. / 6},
		{1. / 24, -1. / 12, 1. / 6},
		{0, 0, 1},
	}, compiledWinogradInput4, compiledWinogradOutput4},
	{"winograd_f2x3", 2, [][3]float64{
		{1, 0, 0},
		{1. / 2, 1. / 2, 1. / 2},
		{1. / 2, -1. / 2, 1. / 2},
		{0, 0, 1},
	}, compiledWinogradInput2, compiledWinogradOutput2},
}

// winogradLanes is how many channels the transforms take at a time.
const winogradLanes = 16

// winogradBytes bounds what a block's transformed patches take: a quarter of a
// common L2, so that weights and images find room beside them. Where the weights
// are larger, larger blocks load them less often: up to as many bytes of patches
// as of weights.
const winogradBytes = 512 << 10

// winograd convolves 3×3 windows of stride 1 by transforming patches of input,
// multiplying each of their elements by transformed weights as matrices of
// patches × channels, and transforming back. Blocks of patches keep what is
// between in the cache.
type winograd struct {
	*scheme
	g       Geometry
	clamp   gemm.Clamp
	bias    gemm.Block
	weights []*gemm.Panels // of each plane
	across  int            // patches in a row of the image
	down    int
	block   int // patches at a time
}

// scheme is the fastest way to convolve g by transformed patches, nil where the
// direct sum should be as fast.
func (g Geometry) scheme() *scheme {
	if !g.transformable() {
		return nil
	}
	var best *scheme
	least := worthTransforming * g.directCost()
	for i := range schemes {
		if cost := g.winogradCost(&schemes[i]); cost < least {
			best, least = &schemes[i], cost
		}
	}
	return best
}

// transformable reports whether the schemes compute g, fast or not.
func (g Geometry) transformable() bool {
	return g.KernelH == 3 && g.KernelW == 3 && g.StrideH == 1 && g.StrideW == 1 && g.DilationH == 1 && g.DilationW == 1 && g.Groups == 1 &&
		!g.In.planar() && g.In.Channels%winogradLanes == 0 && g.Out.Channels%winogradLanes == 0
}

// The costs below are in FLOPs at the rate of a product whose operands lie in the
// cache. Weights that do not stay there are streamed while the products run.
const (
	flopsPerByte        = 12  // while a byte of weights is streamed
	flopsPerTransformed = 30  // for an element of a transformed patch, there and back
	worthTransforming   = 0.9 // transforms round more, and are less certain to pay
	residentWeights     = 1 << 20
)

func (g Geometry) directCost() float64 {
	return streamed(g.FLOPs(), 9*4*float64(g.In.Channels*g.Out.Channels))
}

func (g Geometry) winogradCost(s *scheme) float64 {
	patches := g.N * ((g.Out.Height + s.tile - 1) / s.tile) * ((g.Out.Width + s.tile - 1) / s.tile)
	planes, weights := float64(s.planes()), float64(g.In.Channels*g.Out.Channels)
	transformed := planes * float64(patches*(g.In.Channels+g.Out.Channels))
	return streamed(2*planes*float64(max(patches, shortestBlock))*weights, planes*4*weights) + flopsPerTransformed*transformed
}

// streamed is the cost of products with weights of a size in bytes.
func streamed(flops, bytes float64) float64 {
	if bytes <= residentWeights {
		return flops
	}
	return max(flops, flopsPerByte*bytes)
}

// transforms reports whether a processor has the schemes' transforms for a format.
func transforms(features cpu.Features, format gemm.Format) bool {
	return compiled && features.Has(cpu.AVX512) && format == gemm.FP32
}

func (s *scheme) prepare(arena *gemm.Arena, features cpu.Features, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	w := &winograd{scheme: s, g: g, clamp: e.Clamp,
		across: (g.Out.Width + s.tile - 1) / s.tile,
		down:   (g.Out.Height + s.tile - 1) / s.tile}
	ins, outs := g.In.Channels, g.Out.Channels
	w.bias = arena.Allocate(4 * outs)
	copy(w.bias.Floats(), e.Bias)
	w.block = w.patchesAtATime(features)
	kernel := gemm.ChooseWhole(features, gemm.FP32, w.block, outs, ins)
	w.weights = gemm.Blank(arena, kernel, s.planes(), ins, outs)
	s.packWeights(w.weights, weights, ins)
	bytes := s.planes() * w.weights[0].Bytes()
	return &Plan{geometry: g, class: s.name + " " + kernel.String(), format: gemm.FP32, bytes: bytes, scratch: w.scratch(w.room()), bind: w.bind}
}

// patchesAtATime is how many patches make up a block: so many that they fill whole
// tiles.
func (w *winograd) patchesAtATime(features cpu.Features) int {
	ins, outs, patches := w.g.In.Channels, w.g.Out.Channels, w.count()
	limit := max(winogradBytes, w.weightBytes())
	blocks := ceilDiv(patches*(ins+outs)*w.planes()*4, limit)
	block := max(ceilDiv(patches, blocks), min(patches, shortestBlock))
	return min(patches, roundUp(block, gemm.ChooseWhole(features, gemm.FP32, patches, outs, ins).MR))
}

// room is how many patches to have memory for: two blocks, so that two workers may
// take one each.
func (w *winograd) room() int { return min(2*w.block, w.count()) + sparePatches }

func (w *winograd) weightBytes() int { return w.planes() * w.g.In.Channels * w.g.Out.Channels * 4 }

// streams reports whether each block should find the weights beyond the cache
// again.
func (w *winograd) streams() bool { return w.weightBytes() >= residentWeights }

const (
	shortestBlock = 14 // patches that should at least share the loading of weights: fewer take as long
	sparePatches  = 8  // room for rounding up where a block's memory is divided among workers
	longestRun    = 8  // patches beside each other that a transform takes at a time
	runsPerWorker = 2  // that there should be in a block
	crossing      = 2  // what a byte costs that another core wrote, against one of weights that both read
)

// packWeights writes G·g·Gᵀ of each 3×3 filter g to the planes, which are numbered
// by column, then row, as the input transform writes them.
func (s *scheme) packWeights(planes []*gemm.Panels, weights []float32, ins int) {
	outs, widest := planes[0].Columns(), planes[0].Kernel().NR
	parallel.Each(outs/winogradLanes, func(i int) {
		panel, column := i*winogradLanes/widest, i*winogradLanes%widest
		to := make([][]float32, len(planes))
		for k, p := range planes {
			to[k] = p.Floats(panel)
		}
		s.transformFilters(to, column, weights[i*winogradLanes*ins*9:], ins)
	})
}

// transformFilters writes the transforms of the filters of winogradLanes outputs,
// which make up whole cache lines, to columns of planes of ins rows.
func (s *scheme) transformFilters(planes [][]float32, column int, weights []float32, ins int) {
	edge, width := s.edge(), len(planes[0])/ins
	var lines [longestEdge * longestEdge][winogradLanes]float32
	var half [3][longestEdge]float64
	var row [longestEdge]float64
	for i := range ins {
		for o := range winogradLanes {
			filter := (*[9]float32)(weights[(o*ins+i)*9:])
			for c := range half {
				s.transformLine(&half[c], float64(filter[c]), float64(filter[3+c]), float64(filter[6+c]))
			}
			for r := range edge {
				s.transformLine(&row, half[0][r], half[1][r], half[2][r])
				for c := range edge {
					lines[c*edge+r][o] = float32(row[c])
				}
			}
		}
		for k, plane := range planes {
			*(*[winogradLanes]float32)(plane[i*width+column:]) = lines[k]
		}
	}
}

// transformLine writes G·(x, y, z). The first row of any G takes x alone, the last
// z, and those between come in pairs that differ in the sign of y.
func (s *scheme) transformLine(to *[longestEdge]float64, x, y, z float64) {
	last := len(s.g) - 1
	to[0], to[last] = s.g[0][0]*x, s.g[last][2]*z
	for r := 1; r < last; r += 2 {
		g := &s.g[r]
		even, odd := g[0]*x+g[2]*z, g[1]*y
		to[r], to[r+1] = even+odd, even-odd
	}
}
