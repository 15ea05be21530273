package sizing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// unanalysed is what stands in place of a chart whose figures the report does not hold.
const unanalysed = "Not in this report: plan with --analysis."

// charts are those of a review, in its order.
func (t *teller) charts() []report.Chart {
	if t.Status.Best == nil { // there is nothing to take apart
		return append([]report.Chart{t.costAgainstLatency(), t.decisionMap()}, t.histograms()...)
	}
	list := []report.Chart{t.costAgainstLatency(), t.latencyParts(), t.costByWay(), t.breakEven(), t.sensitivity(), t.decisionMap(), t.roofline()}
	return append(list, t.histograms()...)
}

// price is what a chart of costs shows: a month of all replicas, or a million requests where that is the objective.
func (t *teller) price(b *planner.Brief) float64 {
	if t.perMillion() {
		return b.PerMillionUsd
	}
	return b.TotalMonthlyUsd
}

func (t *teller) priceAxis() report.Axis {
	if t.perMillion() {
		return report.Axis{Title: "Cost", Unit: "USD/million"}
	}
	return report.Axis{Title: "Cost", Unit: "USD/month"}
}

// said is a cost in a label.
func (t *teller) said(b *planner.Brief) string {
	if t.perMillion() {
		return report.Rate(b.PerMillionUsd)
	}
	return report.Dollars(b.TotalMonthlyUsd)
}

// costAgainstLatency is what there is to choose from: the candidates of the analysis, else the choices that are listed.
func (t *teller) costAgainstLatency() report.Chart {
	c := report.Chart{Kind: report.Scatter, Title: "Cost against latency", X: report.Axis{Title: t.percentile() + " of inference, bounded", Unit: "ms"}, Y: t.priceAxis()}
	bounds := fmt.Sprintf(" A mark stands at the bound that holds with %g%% confidence; the bar through a filled one is the p10 to p90 of its predicted %s.", 100*t.Spec.Budget.Confidence, t.percentile())
	var candidates []planner.Brief
	if a := t.Status.Analysis; a != nil {
		candidates = a.Candidates
		c.Caption = "The cheapest of each family and way to buy, and the frontier of all: nothing is both cheaper and faster than a filled mark." + bounds
		if t.Status.Best == nil && t.Spec.Rate > 0 {
			c.Caption += " Nothing serves the rate within the budget: each has as many replicas as it takes to serve it in the time shown."
		}
	} else {
		candidates = t.listed()
		c.Caption = fmt.Sprintf("The %d choices that this report lists, not all that there are: plan with --analysis for the whole frontier.", len(candidates)) + bounds
	}
	if len(candidates) == 0 {
		c.Missing = "There is nothing to choose from."
		if t.Status.Analysis == nil {
			c.Missing = unanalysed
		}
		return c
	}
	c.Frontier = "Pareto frontier"
	c.Limits = []report.Limit{{Name: fmt.Sprintf("budget %g ms", t.Spec.Budget.InferenceMs), Value: t.Spec.Budget.InferenceMs}}
	for _, k := range kinds {
		s := report.Series{Name: k.name}
		for i := range candidates {
			if b := &candidates[i]; b.Kind == k.kind {
				s.Points = append(s.Points, report.Point{X: b.SlaMs, Y: t.price(b), Low: b.LowMs, High: b.HighMs, Label: times(b.Replicas) + briefName(b),
					Note: strings.Join([]string{briefWay(b), b.Region, b.Runtime + " " + b.Format}, ", "), Strong: b.Frontier, Tags: tagsOf(b)})
			}
		}
		if len(s.Points) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	c.X.Log, c.Y.Log = wide(candidates, func(b *planner.Brief) float64 { return b.SlaMs }), wide(candidates, t.price)
	return c
}

// wide reports whether figures are all above 0 and span so much that only a logarithm shows them.
func wide(list []planner.Brief, figure func(*planner.Brief) float64) bool {
	low, high := figure(&list[0]), figure(&list[0])
	for i := range list {
		low, high = min(low, figure(&list[i])), max(high, figure(&list[i]))
	}
	return low > 0 && high > 5*low
}

// listed are the choices that the report lists, with the frontier among them.
func (t *teller) listed() []planner.Brief {
	var list []planner.Brief
	for _, choices := range [][]planner.Choice{t.Status.Plans, t.Status.AlternativePlans} {
		for i := range choices {
			list = append(list, briefOf(&choices[i]))
		}
	}
	slices.SortStableFunc(list, func(a, b planner.Brief) int {
		return cmp.Or(cmp.Compare(t.price(&a), t.price(&b)), cmp.Compare(a.SlaMs, b.SlaMs))
	})
	for i := range list {
		list[i].Frontier = !slices.ContainsFunc(list[:i], func(b planner.Brief) bool { return b.SlaMs <= list[i].SlaMs })
	}
	return list
}

// latencyParts breaks the bounds of the first screen's choices into what they are made of.
func (t *teller) latencyParts() report.Chart {
	c := report.Chart{Kind: report.Stacked, Title: "Where the time goes", X: report.Axis{Title: t.percentile() + " of inference, bounded", Unit: "ms"}, Y: report.Axis{Title: "Choice"},
		Caption: fmt.Sprintf("Computing, overhead and network sum to the centre of the prediction. The tail is what lies between the centre and the %s, doubt what %g%% confidence adds.", t.percentile(), 100*t.Spec.Budget.Confidence)}
	var choices []*planner.Choice
	for _, choice := range t.shown() {
		name := choice.Runtime + " " + choice.Format + " on " + Name(choice)
		if !slices.Contains(c.Y.Names, name) {
			choices, c.Y.Names = append(choices, choice), append(c.Y.Names, name)
		}
	}
	c.Limits = []report.Limit{{Name: fmt.Sprintf("budget %g ms", t.Spec.Budget.InferenceMs), Value: t.Spec.Budget.InferenceMs}}
	for _, part := range []struct {
		name string
		of   func(*planner.Latency) float64
	}{
		{"computing", func(l *planner.Latency) float64 { return l.ComputeMs }},
		{"overhead", func(l *planner.Latency) float64 { return l.OverheadMs }},
		{"network", func(l *planner.Latency) float64 { return l.NetworkMs }},
		{"waiting", func(l *planner.Latency) float64 { return l.QueueMs }},
		{"tail", func(l *planner.Latency) float64 { return centre(l) * (l.TailFactor - 1) }},
		{"doubt", func(l *planner.Latency) float64 { return l.SlaMs - l.QueueMs - centre(l)*l.TailFactor }},
	} {
		s, any := report.Series{Name: part.name}, false
		for i, choice := range choices {
			v := max(part.of(&choice.Latency), 0)
			any = any || v > 1e-6*choice.Latency.SlaMs
			s.Points = append(s.Points, report.Point{X: v, Y: float64(i)})
		}
		if any {
			c.Series = append(c.Series, s)
		}
	}
	return c
}

// centre of the service time.
func centre(l *planner.Latency) float64 { return l.ComputeMs + l.OverheadMs + l.NetworkMs }

// roofline is how near the answer's operators come to its hardware's limits.
func (t *teller) roofline() report.Chart {
	c := report.Chart{Kind: report.Scatter, Title: "Roofline of the answer's operators", X: report.Axis{Title: "Arithmetic intensity", Unit: "FLOP/byte", Log: true}, Y: report.Axis{Title: "Speed", Unit: "GFLOP/s", Log: true}}
	a := t.Status.Analysis
	switch {
	case a == nil:
		c.Missing = unanalysed
		return c
	case a.Roofline == nil || len(a.Roofline.Operators) == 0:
		c.Missing = "The answer was not predicted operator by operator."
		return c
	}
	r := a.Roofline
	c.Caption = fmt.Sprintf("Predicted for %s in %s: %d operators that take %.0f%% of the time of all. The line is what %.4g GFLOP/s and %.4g GB/s of memory allow; FLOPs are counted as written, so that fast algorithms may pass it.",
		r.Target, r.Format, len(r.Operators), r.Percent, r.PeakGflops, r.BandwidthGBs)
	ridge := r.PeakGflops / r.BandwidthGBs
	low, high := ridge, ridge
	var names []string
	for i, o := range r.Operators {
		names = appendKind(names, o.Kind)
		k := slices.Index(names, o.Kind)
		if k == len(c.Series) {
			c.Series = append(c.Series, report.Series{Name: o.Kind})
		}
		intensity := o.Flops / o.Bytes
		low, high = min(low, intensity), max(high, intensity)
		const labelled = 5
		p := report.Point{X: intensity, Y: o.Flops / o.Ms / 1e6, Label: cmp.Or(o.Name, o.Op), Note: fmt.Sprintf("%s, %s ms, %.1f%%", o.Op, report.Milliseconds(o.Ms), o.Percent), Strong: i < labelled}
		c.Series[k].Points = append(c.Series[k].Points, p)
	}
	c.Series = append(c.Series, report.Series{Name: "limit of the hardware", Line: true, Points: []report.Point{
		{X: low / 1.5, Y: low / 1.5 * r.BandwidthGBs, Label: "memory"}, {X: ridge, Y: r.PeakGflops, Label: "ridge"}, {X: high * 1.5, Y: r.PeakGflops, Label: "arithmetic"},
	}})
	return c
}

func appendKind(names []string, kind string) []string {
	if slices.Contains(names, kind) {
		return names
	}
	return append(names, kind)
}

// histograms are the samples of what was measured here, where the report holds them.
func (t *teller) histograms() []report.Chart {
	var list []report.Chart
	b := t.Status.Benchmark
	if b == nil {
		return nil
	}
	for i := range b.Runs {
		r := &b.Runs[i]
		if len(r.Histogram) == 0 {
			continue
		}
		c := report.Chart{Kind: report.Histogram, Title: "Measured here in " + r.Precision, X: report.Axis{Title: "Time of a run", Unit: "ms"}, Y: report.Axis{Title: "Runs"},
			Caption: fmt.Sprintf("%d runs on %s, %d threads, with eiplan's own engine. The median lies within %s to %s ms (95%%).", r.Samples, b.Host.CPU, r.Threads, report.Milliseconds(r.CILowMs), report.Milliseconds(r.CIHighMs)),
			Limits:  []report.Limit{{Name: "median", Value: r.P50Ms}}}
		if r.P90Ms > 0 {
			c.Limits = append(c.Limits, report.Limit{Name: "p90", Value: r.P90Ms})
		}
		s := report.Series{Name: r.Precision}
		for _, bin := range r.Histogram {
			s.Points = append(s.Points, report.Point{X: (bin.FromMs + bin.ToMs) / 2, Y: float64(bin.Runs), Low: bin.FromMs, High: bin.ToMs})
		}
		c.Series = []report.Series{s}
		list = append(list, c)
	}
	return list
}
