package sizing

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// Review tells a report to those who decide on it: the answer with its charts, every choice, what was assumed, and what speaks against it.
func (r *Report) Review(show Show) (report.Document, error) {
	d, err := r.Document(show)
	if err != nil {
		return d, err
	}
	t := &teller{r, show.or(r.Spec.Show)}
	d.Title = fmt.Sprintf("Capacity review: %s within %g ms", r.Spec.Model.Name, r.Spec.Budget.InferenceMs)
	if r.Spec.Rate > 0 {
		d.Title += fmt.Sprintf(" at %.4g/s", r.Spec.Rate)
	}
	d.Facts, d.Facets = t.facts(), facets[:]
	d.Charts = t.charts()
	explanation, err := t.explanation()
	if err != nil {
		return d, err
	}
	d.Tables = nil
	if choices := t.allChoices(); len(choices.Rows) > 0 {
		d.Tables = append(d.Tables, choices)
	}
	d.Tables = append(append(d.Tables, explanation...), t.assumptions())
	if best := r.Status.Best; best != nil {
		d.Tables = append(d.Tables, pricesOf(best))
	}
	d.Tail = t.remarks()
	for _, w := range r.Status.Warnings {
		if w.Code == savingsPlanUnknown {
			continue // it stands beside what is not in the price
		}
		level := report.Info
		if w.Severity == planner.Caution {
			level = report.Warn
		}
		d.Findings = append(d.Findings, report.Finding{Rule: w.Code, Subject: w.Subject, Level: level, Message: report.Sentence(w.Text)})
	}
	return d, nil
}

// facets are what choices can be filtered by.
var facets = [...]string{"Region", "Way to buy", "Architecture", "Accelerator", "Precision"}

// tagsOf is what a choice is, facet by facet.
func tagsOf(b *planner.Brief) []string {
	return []string{b.Region, OptionName(b.Purchase.Option), b.Arch, kindName(b.Kind), b.Precision}
}

// kinds words what does the work, in the order in which charts list it.
var kinds = [...]struct{ kind, name string }{{"cpu", "CPU"}, {"gpu", "GPU"}, {"neuron", "Neuron"}, {"ei", "Elastic Inference"}}

func kindName(kind string) string {
	for _, k := range kinds {
		if k.kind == kind {
			return k.name
		}
	}
	return kind
}

// briefOf is a choice in the few figures that charts show.
func briefOf(c *planner.Choice) planner.Brief {
	b := planner.Brief{
		Region: c.Region, Instance: c.Instance, Arch: c.Arch, Accelerator: c.Accelerator, Kind: "cpu", Precision: c.Precision, Format: c.Format, Runtime: c.Runtime,
		Replicas: c.Replicas, Purchase: c.Purchase, P50Ms: c.Latency.P50Ms, SlaMs: c.Latency.SlaMs, LowMs: c.Latency.LowMs, HighMs: c.Latency.HighMs,
		TotalHourlyUsd: c.Cost.TotalHourlyUsd, TotalMonthlyUsd: c.Cost.TotalMonthlyUsd, PerMillionUsd: c.Cost.PerMillionUsd, InBudget: true,
	}
	switch {
	case c.Accelerator == nil:
	case c.Cost.AcceleratorHourlyUsd > 0:
		b.Kind = "ei"
	case c.Runtime == "neuron":
		b.Kind = "neuron"
	default:
		b.Kind = "gpu"
	}
	return b
}

// briefName is what a brief buys, as nameOf says it of a choice.
func briefName(b *planner.Brief) string {
	if b.Accelerator != nil && b.Kind == "ei" {
		return b.Instance + " + " + *b.Accelerator
	}
	return b.Instance
}

// briefWay is how, with the interruption band where there is one.
func briefWay(b *planner.Brief) string {
	if band := b.Purchase.InterruptionBand; band != nil {
		return fmt.Sprintf("%s (%s interrupted)", Way(&b.Purchase), *band)
	}
	return Way(&b.Purchase)
}

// facts are the figures that a review is about.
func (t *teller) facts() []report.Fact {
	best := t.Status.Best
	if best == nil {
		return nil
	}
	list := []report.Fact{
		{Name: "Cost of the answer", Value: report.Dollars(best.Cost.TotalMonthlyUsd) + " USD/month", Note: times(best.Replicas) + Name(best) + ", " + OptionName(best.Purchase.Option)},
		{Name: "Inference " + t.percentile() + ", bounded", Value: "≤ " + report.Milliseconds(best.Latency.SlaMs) + " ms",
			Note: fmt.Sprintf("within %g ms; %.0f%% spare", t.Spec.Budget.InferenceMs, math.Floor(100*best.Latency.HeadroomMs/t.Spec.Budget.InferenceMs))},
	}
	for _, x := range []struct {
		name string
		rank *int
	}{{"Without interruption", t.Status.Alternatives.Uninterruptible}, {"On-Demand", t.Status.Alternatives.OnDemand}} {
		if x.rank == nil || *x.rank == best.Rank {
			continue
		}
		if c := t.Status.Ranked(*x.rank); c != nil {
			list = append(list, report.Fact{Name: x.name, Value: report.Dollars(c.Cost.TotalMonthlyUsd) + " USD/month", Note: times(c.Replicas) + Name(c) + ", " + Way(&c.Purchase)})
		}
	}
	return list
}

// allChoices lists every choice that the report holds, for filtering.
func (t *teller) allChoices() report.Table {
	table := report.Table{Title: "Every choice in this report", Columns: report.Columns(">RANK", "CHOICE", "BUY", ">USD/MONTH", ">USD/H", ">+USD/MILLION", ">"+t.percentile()+" ≤, ms", ">+p10, ms", ">+p90, ms", "RUNTIME", "NOTE", "+REGION", "+ARCH"), Tags: [][]string{}}
	for _, list := range [][]planner.Choice{t.Status.Plans, t.Status.AlternativePlans} {
		for i := range list {
			c := &list[i]
			b := briefOf(c)
			table.Rows = append(table.Rows, []string{fmt.Sprint(c.Rank), times(c.Replicas) + Name(c), buyOf(c), report.Dollars(c.Cost.TotalMonthlyUsd), report.Rate(c.Cost.TotalHourlyUsd), report.Rate(c.Cost.PerMillionUsd),
				report.Milliseconds(c.Latency.SlaMs), report.Milliseconds(c.Latency.LowMs), report.Milliseconds(c.Latency.HighMs), c.Runtime + " " + c.Format, t.note(c), c.Region, c.Arch})
			table.Tags = append(table.Tags, tagsOf(&b))
		}
	}
	return table
}

// assumptions lists what the answer takes for granted.
func (t *teller) assumptions() report.Table {
	table := report.Table{Title: "What was asked and assumed", Columns: report.Columns("ASSUMPTION", "VALUE", "SOURCE")}
	add := func(name, value, source string) {
		if value != "" {
			table.Rows = append(table.Rows, []string{name, value, source})
		}
	}
	s, c := &t.Spec, &t.Spec.Constraints
	add("Model", s.Model.Name, fmt.Sprintf("%s, SHA-256 %.12s, %.3g GFLOP a run", s.Model.Path, s.Model.Sha256, s.Model.Flops/1e9))
	add("Latency budget", t.budget()+" at "+t.percentile(), "asked")
	add("Confidence", fmt.Sprintf("%g%% in the prediction", 100*s.Budget.Confidence), "asked")
	rate := "one request at a time"
	if s.Rate > 0 {
		rate = fmt.Sprintf("%.6g requests a second", s.Rate)
	}
	add("Load", rate+fmt.Sprintf(", batch %d", s.Batch), "asked")
	add("Least of", s.Objective, "asked")
	add("Hours a month", "730", "rule")
	add("Regions", strings.Join(c.Regions, ", "), "asked")
	add("Ways to buy", strings.Join(c.Purchase, ", ")+", commitments up to "+c.MaxCommit, "asked")
	add("On sale", c.Lifecycle+", bought on "+c.AsOf, "asked")
	add("Rule of prediction", s.Scaling+", runtime "+cmp.Or(s.Runtime, "by target"), "asked")
	if best := t.Status.Best; best != nil {
		add("Latency of the answer", best.Latency.Basis, strings.TrimSuffix(best.Latency.Source+", "+best.Latency.AsOf, ", "))
	}
	origin := func(name string, o *report.Origin) {
		if o != nil {
			add(name, cmp.Or(o.AsOf, "undated"), strings.TrimPrefix(fmt.Sprintf("%s, SHA-256 %.12s", o.Source, o.SHA256), ", "))
		}
	}
	origin("Catalogue", t.Metadata.Catalog)
	for _, d := range t.Status.PriceDates {
		add(OptionName(d.Option)+" prices", "most of "+d.AsOf, "in "+d.Region)
	}
	for i := range t.Metadata.Overlays {
		origin("Price overlay", &t.Metadata.Overlays[i])
	}
	for i := range t.Metadata.Commitments {
		origin("Commitments owned", &t.Metadata.Commitments[i])
	}
	origin("Coefficients", t.Metadata.Coefficients)
	origin("Calibration", t.Metadata.Calibration)
	add("Made by", strings.TrimSpace("eiplan "+t.Metadata.Tool.Version+" "+t.Metadata.Tool.Commit), t.Metadata.GeneratedAt)
	return table
}

// pricesOf lists what a choice's cost was made of.
func pricesOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Prices behind the answer", Columns: report.Columns("PRICE", ">USD/H", "AS OF", "QUALITY", "RULE", "SOURCE")}
	for _, p := range c.Cost.Prices {
		table.Rows = append(table.Rows, []string{p.What, report.Rate(p.Usd), p.AsOf, p.Quality, p.Rule, p.Source})
	}
	return table
}

// remarks are what stands beside the answer, but for the warnings.
func (t *teller) remarks() []string {
	var lines []string
	best := t.Status.Best
	if best != nil {
		lines = append(lines, "Not in the price: "+strings.Join(best.Cost.Excluded, ", ")+"."+t.savingsPlans())
	}
	if c := t.Status.BestElasticInference; best != nil && t.anyAccelerator() && (c == nil || Name(c) != Name(best)) {
		lines = append(lines, t.elasticInference())
	}
	lines = append(lines, t.baseline()...)
	lines = append(lines, t.provenance(), Drift(t.Status.Benchmark))
	return append(lines, t.Spec.Model.Notes...)
}
