package latency

import (
	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// runKey is all that the time of a workload depends on: the host's network is not part of it.
type runKey struct {
	target    Target
	stack     *Stack
	precision engine.Precision
}

// timed is the time of the workload on a target; seen is whether measurements of the target were in the fit.
type timed struct {
	run
	seen bool
}

// run works the time of the workload on a target out once.
func (p *Predictor) run(t *Target, stack *Stack, prec engine.Precision) timed {
	key := runKey{*t, stack, prec}
	key.target.HostGbps = 0
	v, ok := p.runs[key]
	if !ok {
		var r rates
		r, v.seen = p.Coefficients.resolve(t, stack)
		v.run = r.run(p.workload(prec))
		if p.runs == nil {
			p.runs = map[runKey]timed{}
		}
		p.runs[key] = v
	}
	return v
}

// traits are what accelerators ask of a workload.
type traits struct {
	hostSteps int     // operators that they leave to the CPU
	hostMs    float64 // that those take
	grouped   bool    // it has depthwise or other grouped convolutions
}

func (p *Predictor) traitsOf(prec engine.Precision) *traits {
	i := 0
	if prec == engine.Mixed {
		i = 1
	}
	if p.traits[i] != nil {
		return p.traits[i]
	}
	const switchMs, hostGBs = 0.05, 5 // assumed: a synchronisation each, and one core's memory traffic
	w, out := p.workload(prec), &traits{}
	for i := range w.Steps {
		switch s := &w.Steps[i]; s.Kind {
		case engine.Host:
			out.hostSteps++
			out.hostMs += switchMs + 4*(s.Reads+s.Writes)/1e6/hostGBs
		case engine.GroupedConv, engine.DepthwiseConv:
			out.grouped = true
		}
	}
	p.traits[i] = out
	return out
}

// hostMs is the time of the operators that an accelerator leaves to the CPU.
func (p *Predictor) hostMs(t *Target, prec engine.Precision) float64 {
	if t.Kind == hardware.CPU {
		return 0
	}
	return p.traitsOf(prec).hostMs
}

// conversionKey is all that a conversion depends on, beside the local host.
type conversionKey struct {
	runtime   Runtime
	isa       string
	precision engine.Precision
}

// conversion is convert, worked out once.
func (p *Predictor) conversion(t *Target, prec engine.Precision) conversion {
	key := conversionKey{t.Runtime, t.ISA, prec}
	v, ok := p.conversions[key]
	if !ok {
		v = p.convert(t, &p.Local.of(prec).Host, p.workload(prec))
		if p.conversions == nil {
			p.conversions = map[conversionKey]conversion{}
		}
		p.conversions[key] = v
	}
	return v
}
