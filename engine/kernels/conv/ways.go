package conv

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

const directName = "direct" // of the direct sum whose tiles are as high as they come

// way is an algorithm with what it may vary in settled.
type way struct {
	name    string
	prepare func(*gemm.Arena, cpu.Features, gemm.Format, Geometry, []float32, gemm.Epilogue) *Plan
}

// Ways names the ways to convolve g that may be worth comparing, first the one
// that Prepare takes. All are right for In's halo; see WidestHalo.
func Ways(features cpu.Features, format gemm.Format, g Geometry) []string {
	var names []string
	for _, w := range ways(features, format, g) {
		names = append(names, w.name)
	}
	return names
}

// PrepareAs is Prepare in one of the Ways. Another name is an error.
func PrepareAs(name string, arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) (*Plan, error) {
	if err := g.check(len(weights), len(e.Bias)); err != nil {
		return nil, err
	}
	for _, w := range ways(features, format, g) {
		if w.name == name {
			return w.prepare(arena, features, format, g, weights, e), nil
		}
	}
	return nil, fmt.Errorf("conv: no way %q", name)
}

func ways(features cpu.Features, format gemm.Format, g Geometry) []way {
	if g.betweenPlanes() {
		return []way{{"planes", preparePlanes}}
	}
	if fitsDepthwise(features, format, g) {
		return []way{{"depthwise", prepareDepthwise}}
	}
	var first, list []way
	if w, ok := g.groupWay(features, format); ok {
		first = append(first, way{w.name + " by groups", func(arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
			return prepareGroups(w, arena, features, format, g, weights, e)
		}})
	}
	if g.transformable() && transforms(features, format) {
		for i := range schemes {
			s := &schemes[i]
			w := way{s.name, func(arena *gemm.Arena, features cpu.Features, _ gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
				return s.prepare(arena, features, g, weights, e)
			}}
			switch {
			case !g.haloOf(s).within(g.In.Halo):
			case s == g.scheme():
				first = append(first, w)
			default:
				list = append(list, w)
			}
		}
	}
	if g.fitsParts(features, format) {
		byParts := way{"direct by parts", prepareParts}
		if g.partsPay(features) {
			first = append(first, byParts)
		} else {
			list = append(list, byParts)
		}
	}
	var heights []way
	m, _ := g.merged()
	for _, rows := range gemm.ChooseWhole(features, format, 1, m.Out.Channels/m.Groups, m.depth()).Heights(g.lines().pixels) {
		name := directName
		if len(heights) > 0 {
			name = fmt.Sprintf("direct of %d rows", rows)
		}
		heights = append(heights, way{name, func(arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
			return prepareDirectOf(rows, arena, features, format, g, weights, e)
		}})
	}
	return append(append(first, heights...), list...)
}

// depth is how many products lie in one of a direct sum's taps.
func (g Geometry) depth() int {
	d := &direct{view: g}
	return len(d.cut(g.In.Channels / g.Groups).K)
}

// WidestHalo is the halo that In needs for all Ways on some processor.
func (g Geometry) WidestHalo() Halo {
	h := g.Halo()
	if g = g.group(0); g.transformable() {
		for i := range schemes {
			s := g.haloOf(&schemes[i])
			h = Halo{max(h.Top, s.Top), max(h.Left, s.Left), max(h.Bottom, s.Bottom), max(h.Right, s.Right)}
		}
	}
	return h
}

// haloOf is the halo that a scheme's patches reach.
func (g Geometry) haloOf(s *scheme) Halo {
	return g.reach(roundUp(g.Out.Height, s.tile), roundUp(g.Out.Width, s.tile))
}
