package gate

import (
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// The rules of limits, as their flags are named.
const (
	monthlyRule    = "max-monthly-cost"
	perMillionRule = "max-cost-per-million"
	increaseRule   = "max-increase"
	regressionRule = "max-latency-regression"
	headroomRule   = "min-headroom"
)

// gauge is one limit read on one choice.
type gauge struct {
	rule    string
	value   float64 // NaN: there is nothing to read, which keeps no limit
	limit   float64
	atLeast bool
	free    bool   // nothing to compare with: the limit is kept
	text    string // what was read, and the limit
}

// kept is false of NaN.
func (g *gauge) kept() bool {
	switch {
	case g.free:
		return true
	case g.atLeast:
		return g.value >= g.limit
	}
	return g.value <= g.limit
}

// limits holds a choice against the limits and, where it breaks one, what the base chose.
func (r *Request) limits(choice *planner.Choice) ([]report.Finding, error) {
	gauges := r.gauges(choice)
	stay, note := r.stay(choice, gauges)
	var findings []report.Finding
	for i := range gauges {
		f, parts := r.finding(gauges[i].rule), []string{sizing.Title(choice) + ": " + gauges[i].text}
		if f.Passed = gauges[i].kept(); !f.Passed && note != "" {
			parts = append(parts, note)
		}
		if !f.Passed && stay != nil {
			f.Passed, parts = true, append(parts, stay[i].text)
		}
		f.Message = sentence(parts...)
		findings = append(findings, f)
	}
	if r.On == Measured && r.Limits.MaxLatencyRegressionPercent != nil && !r.fresh {
		measured, err := r.wallClock()
		return append(findings, measured...), err
	}
	return findings, nil
}

// stay reads the limits on what the base chose, as the report has it, where the answer breaks one and is a near tie with it. They are nil where that does not
// help; note says why, or that it does. A report lists every near tie of its answer, so that one that it does not list is none.
func (r *Request) stay(choice *planner.Choice, gauges []gauge) (kept []gauge, note string) {
	broken := func(g gauge) bool { return !g.kept() }
	if r.Base == nil || r.Base.Status.Best == nil || r.Pick != "" || !slices.ContainsFunc(gauges, broken) {
		return nil, ""
	}
	was := r.Base.Status.Best
	now := find(&r.Head.Status, was)
	switch {
	case now == nil:
		return nil, fmt.Sprintf("what the base chose, %s, %s", sizing.Title(was), absence(r.Head))
	case now == choice || sizing.Title(now) == sizing.Title(choice) && now.Precision == choice.Precision:
		return nil, "the base chose the same"
	}
	if !nearTie(r.Head, now, choice) {
		then, what := counted(r.Head, now)
		return nil, fmt.Sprintf("what the base chose, %s, is still there, but no near tie: %s %s", sizing.Title(now), money(then), what)
	}
	kept = r.gauges(now)
	if slices.ContainsFunc(kept, broken) {
		also := kept[slices.IndexFunc(kept, broken)]
		return nil, fmt.Sprintf("what the base chose, %s, breaks a limit today too: %s", sizing.Title(now), also.text)
	}
	return kept, fmt.Sprintf("passed, because what the base chose, %s, is still there and keeps every limit", sizing.Title(now))
}

// gauges reads every limit on a choice of the report.
func (r *Request) gauges(c *planner.Choice) []gauge {
	var list []gauge
	l := &r.Limits
	atMost := func(rule string, limit *float64, value float64, what string) {
		if limit != nil {
			list = append(list, gauge{rule: rule, value: value, limit: *limit, text: fmt.Sprintf("%s %s, at most %s USD allowed", over(value, *limit), what, dollars(*limit))})
		}
	}
	if r.member == "" { // else it is the total's
		atMost(monthlyRule, l.MaxMonthlyUsd, c.Cost.TotalMonthlyUsd, "a month")
	}
	atMost(perMillionRule, l.MaxPerMillionUsd, c.Cost.PerMillionUsd, "per million requests")
	if l.MaxIncreasePercent != nil {
		list = append(list, r.increase(c, *l.MaxIncreasePercent))
	}
	if l.MaxLatencyRegressionPercent != nil && (r.On != Measured || r.fresh) {
		list = append(list, r.regression(c, *l.MaxLatencyRegressionPercent))
	}
	if l.MinHeadroomPercent != nil {
		budget := r.Head.Spec.Budget.InferenceMs
		g := gauge{rule: headroomRule, value: round(100 * c.Latency.HeadroomMs / budget), limit: *l.MinHeadroomPercent, atLeast: true}
		if !(budget > 0) {
			g.value = math.NaN()
		}
		g.text = fmt.Sprintf("%s of the %g ms are spare, at least %g%% asked", percentText(g.value), budget, g.limit)
		list = append(list, g)
	}
	return list
}

// was is what the base chose; nil where there is nothing to compare with, and why.
func (r *Request) was() (c *planner.Choice, lacks string) {
	if r.fresh {
		return nil, "the base has no plan of this model to compare with"
	}
	return r.Base.Status.Best, "the base has no answer to compare with"
}

// increase is by how much a choice costs more than the base's did, under the objective.
func (r *Request) increase(c *planner.Choice, limit float64) gauge {
	g := gauge{rule: increaseRule, limit: limit}
	base, lacks := r.was()
	if base == nil {
		g.free, g.text = true, lacks
		return g
	}
	was, what := counted(r.Head, base)
	now, _ := counted(r.Head, c)
	g.value = growth(was, now)
	g.text = fmt.Sprintf("%s %s against the base's %s, %s, at most +%g%% allowed", money(now), what, money(was), signed(g.value), limit)
	g.text += r.changed()
	return g
}

// regression is by how much the modelled latency of a choice exceeds that of the base's. Where both are anchored on measurements, and on different ones, it is
// what the intervals of the two support: an anchored latency is a multiple of the median it is anchored on.
func (r *Request) regression(c *planner.Choice, limit float64) gauge {
	g := gauge{rule: regressionRule, limit: limit}
	base, lacks := r.was()
	if base == nil {
		g.free, g.text = true, lacks
		return g
	}
	was, now, what := base.Latency.SlaMs, c.Latency.SlaMs, percentileOf(r.Head)+" ≤"
	if b, h := &r.Base.Spec.Budget, &r.Head.Spec.Budget; b.Percentile != h.Percentile || b.Confidence != h.Confidence {
		was, now, what = base.Latency.P50Ms, c.Latency.P50Ms, "centre (the SLA's percentile or confidence changed)"
	}
	g.value = growth(was, now)
	g.text = fmt.Sprintf("%s %s modelled against the base's %s, %s", what, ms(now), ms(was), signed(g.value))
	if old, head := anchor(r.Base, base), anchor(r.Head, c); old != nil && head != nil && !sameRun(old, head) {
		g.value = growth(was*old.CIHighMs/old.P50Ms, now*head.CILowMs/head.P50Ms)
		g.text += fmt.Sprintf(", of which the intervals of the two measurements (medians of %s and %s) support %s", ms(old.P50Ms), ms(head.P50Ms), signed(g.value))
	}
	g.text += fmt.Sprintf(", at most +%g%% allowed", limit) + r.changed()
	return g
}

// changed says that the two reports are of different files of the model.
func (r *Request) changed() string {
	if base, head := r.Base.Spec.Model.Sha256, r.Head.Spec.Model.Sha256; base != head {
		return fmt.Sprintf(" (the model changed: %.12s to %.12s)", base, head)
	}
	return ""
}

// wallClock compares what was measured, one finding for each precision: the lower bound of the report's median with the upper bound of the base's.
func (r *Request) wallClock() ([]report.Finding, error) {
	base, head := r.Base.Status.Benchmark, r.Head.Status.Benchmark
	for _, side := range []struct {
		name string
		b    *planner.Benchmark
	}{{"the base", base}, {"the report", head}} {
		if side.b == nil || len(side.b.Runs) == 0 {
			return nil, fmt.Errorf("%s was planned without a measurement: there is nothing measured to gate on", side.name)
		}
	}
	if base.Host.CPU != head.Host.CPU || base.Host.ISA != head.Host.ISA || base.Host.Cores != head.Host.Cores {
		return nil, fmt.Errorf("the base was measured on another machine: on %d cores of %q (%s), not on %d of %q (%s)", base.Host.Cores, base.Host.CPU, base.Host.ISA, head.Host.Cores, head.Host.CPU, head.Host.ISA)
	}
	var findings []report.Finding
	for i := range head.Runs {
		now := &head.Runs[i]
		was := runOf(base, now.Precision)
		if was == nil || was.Threads != now.Threads {
			continue
		}
		g := gauge{value: growth(was.CIHighMs, now.CILowMs), limit: *r.Limits.MaxLatencyRegressionPercent}
		f := r.finding(regressionRule)
		f.Passed = g.kept()
		f.Message = sentence(fmt.Sprintf("%s measured with %d threads: the median is at least %s, the base's at most %s, %s, at most +%g%% allowed", now.Precision, now.Threads, ms(now.CILowMs), ms(was.CIHighMs), signed(g.value), g.limit) + r.changed())
		findings = append(findings, f)
	}
	if findings == nil {
		return nil, fmt.Errorf("the base and the report measured no precision alike: there is nothing measured to compare")
	}
	return findings, nil
}

// anchor is the run that a prediction is anchored on: nil where it is not anchored.
func anchor(r *sizing.Report, c *planner.Choice) *planner.Run {
	if c.Latency.Basis != "anchored" || r.Status.Benchmark == nil {
		return nil
	}
	run := runOf(r.Status.Benchmark, c.Precision)
	if run == nil || !(run.P50Ms > 0) {
		return nil
	}
	return run
}

func runOf(b *planner.Benchmark, precision string) *planner.Run {
	for i := range b.Runs {
		if b.Runs[i].Precision == precision {
			return &b.Runs[i]
		}
	}
	return nil
}

// sameRun reports whether two reports hold the same measurement.
func sameRun(a, b *planner.Run) bool {
	return a.P50Ms == b.P50Ms && a.CILowMs == b.CILowMs && a.CIHighMs == b.CIHighMs && a.Samples == b.Samples
}
