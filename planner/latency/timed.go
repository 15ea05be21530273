package latency

import (
	"math"

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

// run works the time of the workload on a target out.
func (p *Predictor) run(t *Target, stack *Stack, prec engine.Precision) (v timed) {
	var r rates
	r, v.seen = p.Coefficients.resolve(t, stack)
	v.run = r.run(p.workload(prec))
	return v
}

// runOnce is run for targets that are asked for again: the host here, and devices behind another network or in another number.
func (p *Predictor) runOnce(t *Target, stack *Stack, prec engine.Precision) timed {
	key := runKey{*t, stack, prec}
	key.target.HostGbps = 0
	v, ok := p.runs[key]
	if !ok {
		v = p.run(t, stack, prec)
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

func precisionIndex(prec engine.Precision) int {
	if prec == engine.Mixed {
		return 1
	}
	return 0
}

func (p *Predictor) traitsOf(prec engine.Precision) *traits {
	i := precisionIndex(prec)
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

// localDoubt is the doubt of what was measured here in a precision, worked out once.
func (p *Predictor) localDoubt(prec engine.Precision) (d Doubt, ok bool) {
	known := &p.doubts[precisionIndex(prec)]
	if !known.asked {
		known.asked = true
		known.Doubt, known.ok = p.Local.of(prec).doubt()
	}
	return known.Doubt, known.ok
}

// residual is what the FP32 run here makes of the model's own figures on accelerators, and in words: worked out once, and 1 where nothing scalable was measured.
type residual struct {
	asked  bool
	factor float64
	why    string
}

func (p *Predictor) localResidual() *residual {
	r := &p.here
	if r.asked {
		return r
	}
	*r = residual{asked: true, factor: 1}
	if p.Local == nil || !p.Local.FP32.scalable() {
		return r
	}
	local := &p.Local.FP32
	if stack, ok := p.Coefficients.Stack(EIPlan, hardware.CPU, local.Host.Name); ok {
		r.factor = math.Pow(local.Ms/p.run(&local.Host, stack, engine.FP32).total, p.Coefficients.Residual.Exponent)
		r.why = " x " + trim(r.factor) + " for what was measured here"
	}
	return r
}
