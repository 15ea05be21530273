package latency

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// Predictor predicts one model. It remembers what it has worked out, so one caller may use it at a time, and its fields stay as they are.
type Predictor struct {
	Coefficients *Coefficients
	FP32, Mixed  *engine.Workload // of the model in either precision
	Batch        int              // inputs in one request; it narrows intervals
	Scaling      Scaling
	Local        *Local       // nil: nothing was measured here
	Calibration  *Calibration // nil: nothing was measured elsewhere
	Anchored     *Calibration // of predictions that are scaled from Local; nil: nothing is said of them
	Subject      Subject      // the model, as measurements name it

	RuntimeStated bool // by the user; else a target's runtime is the one that is usual there, which may not be the one deployed

	runs        map[runKey]timed
	conversions map[conversionKey]conversion
	traits      [2]*traits // by precision
	doubts      [2]struct {
		Doubt
		asked, ok bool
	}
	here residual
}

// Local is what was measured here: the host as a target and the median time of a run, in either precision.
type Local struct {
	FP32, Mixed Measured
	AsOf        string
}

// Measured is one precision's run. Ms is 0 where it was not measured, P99Ms where too few samples claim it.
type Measured struct {
	Host          Target // its TFLOPS and GBs are measured peaks; its Name is the processor's key, as far as it is known
	Ms            float64
	P99Ms         float64
	LowMs, HighMs float64 // the 95% interval of Ms; 0 where it is not known
}

// scalable tells whether other machines can be compared with the one that was measured.
func (m *Measured) scalable() bool { return m.Ms > 0 && m.Host.TFLOPS > 0 && m.Host.GBs > 0 }

// doubt is the interval of the median, narrowed from 95% to p10 and p90.
func (m *Measured) doubt() (d Doubt, ok bool) {
	if m.LowMs <= 0 || m.LowMs > m.Ms || m.HighMs < m.Ms {
		return Doubt{}, false
	}
	return narrowed("measurement", m.Ms, m.LowMs, m.HighMs, fmt.Sprintf("the median measured here lies within %s to %s", ms(m.LowMs), ms(m.HighMs))), true
}

// narrowed is the doubt of a figure within a 95% interval, whose ends become p10 and p90.
func narrowed(code string, value, low, high float64, source string) Doubt {
	const narrower = z90 / 1.959963984540054
	return Doubt{code, math.Pow(low/value, narrower), math.Pow(high/value, narrower), source}
}

func (l *Local) of(p engine.Precision) *Measured {
	switch {
	case l == nil:
		return &Measured{}
	case p == engine.Mixed:
		return &l.Mixed
	}
	return &l.FP32
}

// Prediction is how long a target takes for one request that does not wait. ComputeMs, OverheadMs and NetworkMs sum to the centre.
type Prediction struct {
	Evidence
	ComputeMs  float64
	OverheadMs float64
	NetworkMs  float64
	Tail       Tail
	Doubts     []Doubt // what widened the interval, the class's own spread first

	TflopsMs  float64 // what the plain rule says; 0 where it has nothing to scale
	Split     Split
	AnchorMs  float64 // the local measurement scaled from; 0: none
	AnchorX   float64
	RuntimeX  float64 // the part of AnchorX that brings it from this project's engine to the target's runtime; 0 without a local measurement
	Scale     float64 // what measurements make of the model's own figure; 1 without one, 0 under other rules
	Corrected string  // by which of them, where the model was not anchored
}

// Split is what the parts of a prediction would take, each on its own.
type Split struct{ ComputeMs, MemoryMs, LaunchMs, HostMs, TransferMs float64 }

// Percentile is the time that the given percentile of requests takes, 0 < percentile < 100, without waiting.
func (p *Prediction) Percentile(percentile float64) Evidence {
	factor, doubt := p.Tail.At(percentile)
	e := p.Evidence
	b := Bounds{e.Low / e.Value, e.High / e.Value}.And(doubt)
	e.Value *= factor
	e.Low, e.High = e.Value*b.Low, e.Value*b.High
	return e
}

// workload of a precision.
func (p *Predictor) workload(prec engine.Precision) *engine.Workload {
	if prec == engine.Mixed && p.Mixed != nil {
		return p.Mixed
	}
	return p.FP32
}

// Predict fails where the runtime does not run on the target, where the target's speed is not known, or where the rule has nothing to scale from.
func (p *Predictor) Predict(t *Target, prec engine.Precision) (Prediction, error) {
	c := p.Coefficients
	stack, ok := c.Stack(t.Runtime, t.Kind, t.Name)
	if !ok {
		return Prediction{}, fmt.Errorf("%s does not run on a %s", t.Runtime, t.Kind)
	}
	if t.TFLOPS <= 0 || t.GBs <= 0 {
		return Prediction{}, fmt.Errorf("the speed of %s in %s is not known", t.Name, t.Format)
	}
	if t.Kind == hardware.EI && t.HostGbps <= 0 {
		return Prediction{}, fmt.Errorf("the host's bandwidth to the accelerator is not known")
	}
	out := Prediction{Tail: c.Tail(stack.Class), NetworkMs: p.network(t, prec)}
	out.AsOf = c.AsOf
	p.plainRule(&out, t, prec)
	switch p.Scaling {
	case TFLOPS:
		return out, p.byTFLOPS(&out, t, prec)
	case Efficiency:
		p.byEfficiency(&out, t, prec)
	default:
		p.byRoofline(&out, t, stack, prec)
	}
	return out, nil
}

// byRoofline is the model proper.
func (p *Predictor) byRoofline(out *Prediction, t *Target, stack *Stack, prec engine.Precision) {
	w, timed := p.workload(prec), p.runOnce
	if t.Kind == hardware.CPU { // of which each is another
		timed = p.run
	}
	said := timed(t, stack, prec)
	run := said.run
	out.Scale = 1
	const usual = 8 // doubts
	out.Doubts = make([]Doubt, 0, usual)
	var bounds Bounds
	if local := p.Local.of(prec); t.Kind == hardware.CPU && local.scalable() {
		bounds = p.anchor(out, t, stack, local, &said, prec)
	} else {
		bounds = p.correct(out, t, p.modelDoubt(out, t, stack, said.seen, prec))
	}
	run = run.times(out.Scale)
	out.ComputeMs, out.OverheadMs = run.roof, run.total-run.roof
	out.Split = Split{ComputeMs: run.compute, MemoryMs: run.memory, LaunchMs: run.launch, HostMs: run.host}
	if t.LinkGBs > 0 {
		out.Split.TransferMs = (w.InBytes + w.OutBytes) / 1e6 / t.LinkGBs
	}
	out.OverheadMs += out.Split.TransferMs + p.hostMs(t, prec)
	out.Value = out.ComputeMs + out.OverheadMs + out.NetworkMs
	out.Low, out.High = out.Value*bounds.Low, out.Value*bounds.High
	if out.Basis == "" {
		out.Basis, out.Source = "modelled", "roofline for "+stack.Class+" on "+t.Name+out.Corrected+": "+stack.Source
	}
}

// correct carries over what measurements elsewhere and, on accelerators, the one made here say of predictions of this model and on this target.
func (p *Predictor) correct(out *Prediction, t *Target, bounds Bounds) Bounds {
	factor, bounds, why := p.Calibration.correct(t, p.Subject, bounds)
	silent := p.Calibration != nil && why == ""
	if t.Kind != hardware.CPU && why == "" {
		r := p.localResidual()
		factor, why = r.factor, r.why
	}
	if silent {
		why += ", of which the calibration says nothing"
	}
	out.Scale, out.Corrected = factor, why
	return bounds
}

// FromMeasurement is the prediction that a measurement on the very hardware makes: itself. A figure of an unstated percentile stands for whichever is asked.
func (p *Predictor) FromMeasurement(m *Measurement, t *Target) Prediction {
	c := p.Coefficients
	d := c.doubt("measured-there")
	out := Prediction{Tail: Tail{P99: 1, High: 1, Source: "the percentile of the measurement is not stated"}, Doubts: []Doubt{d}, ComputeMs: m.Ms}
	out.Value = m.Ms
	if stack, ok := c.Stack(t.Runtime, t.Kind, t.Name); ok && m.Percentile > 0 {
		out.Tail = c.Tail(stack.Class)
		above, _ := out.Tail.At(m.Percentile)
		out.Value, out.ComputeMs = m.Ms/above, m.Ms/above
	}
	out.Low, out.High = out.Value*d.Low, out.Value*d.High
	out.Basis, out.AsOf, out.Source = "measured", p.Calibration.AsOf, fmt.Sprintf("%s measured on %s", ms(m.Ms), m.Device)
	return out
}

// anchor scales a processor's prediction from what was measured here: by model(target) ÷ model(here), and by what the runtime makes of it.
func (p *Predictor) anchor(out *Prediction, t *Target, stack *Stack, local *Measured, there *timed, prec engine.Precision) Bounds {
	c := p.Coefficients
	here := local.Host
	here.Runtime, here.Format = t.Runtime, t.Format
	model := p.runOnce(&here, stack, prec)
	out.AnchorMs = local.Ms
	ratio := p.conversion(t, prec)
	machines := there.total / model.total
	out.AnchorX, out.RuntimeX = machines*ratio.factor, ratio.factor
	out.Scale = local.Ms * out.AnchorX / there.total
	out.Basis, out.AsOf = "anchored", p.Local.AsOf
	out.Source = ms(local.Ms) + " measured here x " + trim(machines) + " for the machine"
	if t.Runtime != EIPlan {
		out.Source += " x " + trim(ratio.factor) + " for " + cmp.Or(ratio.why, string(t.Runtime))
	}
	if local.P99Ms > local.Ms {
		spread := out.Tail.High / out.Tail.P99
		out.Tail = Tail{P99: local.P99Ms / local.Ms, Source: "p99 over the median, measured here"}
		out.Tail.High = out.Tail.P99 * spread
	}

	b := out.widen(Doubt{"anchored", c.Anchored.Low, c.Anchored.High, c.Anchored.Source})
	if d, ok := p.localDoubt(prec); ok {
		b = b.And(out.widen(d))
	}
	if here.Name != t.Name {
		b = b.And(out.widen(c.doubt("other-processor")))
		if !there.seen || !model.seen {
			b = b.And(out.widen(c.doubt("unfitted-processor")))
		}
	}
	for _, d := range ratio.doubts {
		b = b.And(out.widen(d))
	}
	return p.residual(out, t, p.sharedDoubt(out, b, t, prec))
}

// residual carries over to an anchored prediction what measurements of this model on other processors say of anchored predictions of theirs.
func (p *Predictor) residual(out *Prediction, t *Target, bounds Bounds) Bounds {
	factor, bounds, why := p.Anchored.correct(t, p.Subject, bounds)
	out.Scale *= factor
	out.AnchorX *= factor
	if p.Calibration != nil && why == "" {
		why = "; the calibration has no measurement of this model on a processor"
	}
	out.Source += why
	return bounds
}

// modelDoubt is the interval of a prediction that rests on the model alone.
func (p *Predictor) modelDoubt(out *Prediction, t *Target, s *Stack, seen bool, prec engine.Precision) Bounds {
	c := p.Coefficients
	i := c.interval(s.Class, p.Batch, !seen, false)
	b := out.widen(Doubt{s.Class, i.Low, i.High, i.Source})
	switch {
	case t.Kind == hardware.CPU && !seen:
		b = b.And(out.widen(c.doubt("unfitted-processor")))
	case !seen && !i.Unseen:
		b = b.And(out.widen(c.doubt("unseen-device")))
	}
	if t.Kind != hardware.EI {
		b = b.And(out.widen(c.doubt("stack-version")))
	}
	if t.Kind == hardware.GPU && p.traitsOf(prec).grouped {
		b = b.And(out.widen(c.doubt("grouped-convolutions")))
	}
	return p.sharedDoubt(out, b, t, prec)
}

// sharedDoubt adds what widens anchored and modelled predictions alike.
func (p *Predictor) sharedDoubt(out *Prediction, b Bounds, t *Target, prec engine.Precision) Bounds {
	c := p.Coefficients
	points := c.CPU.Cores
	if t.Kind == hardware.CPU && t.Tiles > points[len(points)-1].Cores {
		b = b.And(out.widen(c.doubt("many-cores")))
	}
	if !p.RuntimeStated && (t.Kind == hardware.CPU || t.Kind == hardware.GPU) {
		b = b.And(out.widen(c.doubt("unstated-runtime")))
	}
	if t.Fraction {
		b = b.And(out.widen(c.doubt("fractional-device")))
	}
	if len(p.workload(prec).Unknown) > 0 {
		b = b.And(out.widen(c.doubt("unknown-operators")))
	}
	if t.Kind != hardware.CPU && p.traitsOf(prec).hostSteps > 0 {
		b = b.And(out.widen(c.doubt("host-operators")))
	}
	return b
}

func (out *Prediction) widen(d Doubt) Bounds {
	out.Doubts = append(out.Doubts, d)
	return Bounds{d.Low, d.High}
}

// network is the way to an accelerator behind the host's network and back: a hop for every part of the graph that stands between operators of the
// host, and the model's inputs and outputs over the slower of what the service carries and the host sustains.
func (p *Predictor) network(t *Target, prec engine.Precision) float64 {
	if t.Kind != hardware.EI {
		return 0
	}
	w, hop := p.workload(prec), p.Coefficients.EI
	gbps := min(hop.BandwidthGbps, t.HostGbps)
	return hop.HopMs*float64(1+p.traitsOf(prec).hostSteps) + (w.InBytes+w.OutBytes)*8/(gbps*1e6)
}

// plainRule is the rule of scaling by TFLOPS: a local time × the local peak ÷ the target's peak, each in the same precision, plus the network.
func (p *Predictor) plainRule(out *Prediction, t *Target, prec engine.Precision) {
	if local := p.Local.of(prec); local.Ms > 0 && local.Host.TFLOPS > 0 {
		out.TflopsMs = local.Ms*local.Host.TFLOPS/t.TFLOPS + out.NetworkMs
	}
}

// PlainRule is that rule with the numbers of a prediction; empty where it has nothing to scale.
func (p *Predictor) PlainRule(of *Prediction, t *Target, prec engine.Precision) string {
	if of.TflopsMs == 0 {
		return ""
	}
	local := p.Local.of(prec)
	text := fmt.Sprintf("%s here x %s GFLOPS here / %s GFLOPS in %s", ms(local.Ms), trim(local.Host.TFLOPS*1e3), trim(t.TFLOPS*1e3), t.Format)
	if of.NetworkMs > 0 {
		text += fmt.Sprintf(" + %s network", ms(of.NetworkMs))
	}
	return text + " = " + ms(of.TflopsMs)
}

func (p *Predictor) byTFLOPS(out *Prediction, t *Target, prec engine.Precision) error {
	if out.TflopsMs == 0 {
		return fmt.Errorf("scaling by TFLOPS needs a measurement here in this precision")
	}
	i := p.Coefficients.TFLOPS
	out.ComputeMs, out.Value = out.TflopsMs-out.NetworkMs, out.TflopsMs
	out.Low, out.High = out.Value*i.Low, out.Value*i.High
	out.Basis, out.Source = "tflops", p.PlainRule(out, t, prec)
	out.widen(Doubt{"tflops", i.Low, i.High, i.Source})
	return nil
}

func (p *Predictor) byEfficiency(out *Prediction, t *Target, prec engine.Precision) {
	a := p.Coefficients.achieved(t)
	ideal := p.workload(prec).FLOPs * 1e-9 / t.TFLOPS
	factor := a.Factor
	if p.Batch <= 1 {
		factor = a.Batch1
	}
	out.ComputeMs = ideal * factor
	out.Value = out.ComputeMs + out.NetworkMs
	out.Low = ideal*min(a.P10, factor) + out.NetworkMs
	out.High = ideal*max(a.P90, factor) + out.NetworkMs
	out.Basis, out.Source = "efficiency", fmt.Sprintf("FLOPs / peak x %s (%d published rows)", trim(factor), a.Rows)
	out.widen(Doubt{"efficiency", out.Low / out.Value, out.High / out.Value, p.Coefficients.AchievedBy})
}

// achieved is the row of a target's device and format, else of its kind.
func (c *Coefficients) achieved(t *Target) Achieved {
	i := slices.IndexFunc(c.Achieved, func(a Achieved) bool { return a.Device == t.Name && a.Format == t.Format.String() })
	if i < 0 {
		i = slices.IndexFunc(c.Achieved, func(a Achieved) bool { return a.Device == "" && a.Kind == t.Kind })
	}
	if i < 0 {
		panic("latency: no achieved efficiency for " + string(t.Kind))
	}
	return c.Achieved[i]
}

// ms prints a time for a sentence.
func ms(v float64) string { return trim(v) + " ms" }

// trim prints three significant digits.
func trim(v float64) string {
	if v == 0 || math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
