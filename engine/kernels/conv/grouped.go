package conv

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// grouped computes a convolution one group after the other, each as one of its
// own on its channels of the images: for groups so wide that they have a better
// way than the direct sum.
type grouped []*Plan

// group is the i-th group of g as a convolution of its own.
func (g Geometry) group(i int) Geometry {
	ins, outs := g.In.Channels/g.Groups, g.Out.Channels/g.Groups
	g.In, g.Out = g.In.Slice(i*ins, ins), g.Out.Slice(i*outs, outs)
	if g.hasResidual() {
		g.Residual = g.Residual.Slice(i*outs, outs)
	}
	g.Groups = 1
	return g
}

// groupWay is the best way to compute a group of g by itself, if it is better
// than the direct sum of all groups.
func (g Geometry) groupWay(features cpu.Features, format gemm.Format) (way, bool) {
	if g.Groups == 1 || g.In.planar() || g.In.Channels/g.Groups%vectorLanes != 0 || g.Out.Channels/g.Groups%vectorLanes != 0 {
		return way{}, false
	}
	best := ways(features, format, g.group(0))[0]
	return best, best.name != directName
}

// prepareGroups prepares every group in a way of its own.
func prepareGroups(w way, arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	p := &Plan{geometry: g, format: format}
	var all grouped
	each, outs := len(weights)/g.Groups, g.Out.Channels/g.Groups
	for i := range g.Groups {
		own := e
		if e.Bias != nil {
			own.Bias = e.Bias[i*outs : (i+1)*outs]
		}
		part := w.prepare(arena, features, format, g.group(i), weights[i*each:(i+1)*each], own)
		all = append(all, part)
		p.bytes += part.bytes
		p.scratch = max(p.scratch, part.scratch)
	}
	p.class = fmt.Sprintf("%s in %d groups", all[0].class, g.Groups)
	p.bind = all.bind
	return p
}

func (all grouped) bind(workers int, scratch []byte) runner {
	var runners groupRunners
	for _, p := range all {
		runners = append(runners, p.bind(workers, scratch))
	}
	return runners
}

type groupRunners []runner

func (all groupRunners) run(team *parallel.Team, m memory) {
	for _, r := range all {
		r.run(team, m)
	}
}
