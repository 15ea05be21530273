package sizing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// anyAccelerator reports whether the request leaves open what does the work.
func (t *teller) anyAccelerator() bool {
	a := t.Spec.Constraints.Accelerators
	return slices.Contains(a, "*") && slices.Contains(a, "none")
}

// elasticInference is the cheapest plan with it, which is shown whether it can be bought or not.
func (t *teller) elasticInference() string {
	c := t.Status.BestElasticInference
	if c == nil {
		return "Elastic Inference: nothing with it meets the request, at a known price."
	}
	state := ""
	switch since := c.Lifecycle.AcceleratorRetired; {
	case onSale(c):
	case since != "":
		state = fmt.Sprintf(" (retired %s, can't be bought)", since)
	default:
		state = " (can't be bought any more)"
	}
	return fmt.Sprintf("Elastic Inference%s: %s%s, %s, %s ≤ %s ms, %s USD/h.", state, times(c.Replicas), Name(c), buyOf(c), t.percentile(), report.Milliseconds(c.Latency.SlaMs), report.Rate(c.Cost.TotalHourlyUsd))
}

// baseline compares with what runs today.
func (t *teller) baseline() []string {
	b := t.Status.Baseline
	switch {
	case t.Spec.Baseline == "":
		return nil
	case b == nil:
		return []string{fmt.Sprintf("Baseline %s: it has no known price or can't be predicted, so there is nothing to compare with.", t.Spec.Baseline)}
	}
	line := fmt.Sprintf("Baseline %s%s, %s: %s ≤ %s ms, %s USD/h", times(b.Replicas), Name(&b.Choice), buyOf(&b.Choice), t.percentile(), report.Milliseconds(b.Latency.SlaMs), report.Rate(b.Cost.TotalHourlyUsd))
	if !b.MeetsSLA {
		line += ", misses the SLA"
	}
	if p := b.SavingsPercent; p != nil && *p >= 0 {
		line += fmt.Sprintf("; the answer costs %.0f%% less", *p)
	} else if p != nil {
		line += fmt.Sprintf("; the answer costs %.0f%% more", -*p)
	}
	return []string{line + "."}
}

// The codes of warnings that another sentence tells.
const (
	noRedundancy       = "no-redundancy"
	priceUnknown       = "price-unknown"
	savingsPlanUnknown = "savings-plan-unknown"
)

// savingsPlans says where the rates of Savings Plans are unknown, for the answer could be cheaper with one.
func (t *teller) savingsPlans() string {
	for _, w := range t.Status.Warnings {
		if w.Code == savingsPlanUnknown {
			return " " + report.Sentence(w.Text)
		}
	}
	return ""
}

// provenance dates the prices and counts the candidates.
func (t *teller) provenance() string {
	var dated []string
	for _, d := range t.Status.PriceDates {
		dated = append(dated, OptionName(d.Option)+" "+d.AsOf)
	}
	var catalogue string
	if c := t.Metadata.Catalog; c != nil {
		catalogue = fmt.Sprintf("%.8s", c.SHA256)
	}
	for _, o := range t.Metadata.Overlays {
		catalogue += fmt.Sprintf(" under %s %.8s", o.Source, o.SHA256)
	}
	var parts []string
	others := 0
	for _, r := range reasons {
		switch n := t.Status.Rejected.Count[r.reason]; {
		case r.plain:
			others += n
		case n > 0:
			parts = append(parts, report.Count(n)+" "+r.text)
		}
	}
	if others > 0 {
		parts = append(parts, report.Count(others)+" out by rule or flag")
	}
	return fmt.Sprintf("Prices: %s (catalogue %s). %s ways to buy meet everything; of %s candidates: %s.",
		strings.Join(dated, ", "), catalogue, report.Count(t.Status.Feasible), report.Count(t.Status.Considered), strings.Join(parts, ", "))
}

// doubts are the warnings as sentences, but for those that the answer itself tells.
func (t *teller) doubts() []string {
	var lines []string
	for _, w := range t.Status.Warnings {
		switch {
		case slices.Contains([]string{noRedundancy, priceUnknown, savingsPlanUnknown}, w.Code):
		case w.Severity == planner.Caution:
			lines = append(lines, report.Sentence(fmt.Sprintf("Warning: %s: %s", w.Subject, w.Text)))
		default:
			lines = append(lines, report.Sentence(w.Text))
		}
	}
	return lines
}

// Drift says how far mixed precision strayed in a benchmark; empty where nothing was measured.
func Drift(b *planner.Benchmark) string {
	switch {
	case b == nil || b.Drift == nil:
		return ""
	case !slices.ContainsFunc(b.Runs, func(r planner.Run) bool { return r.Mixed > 0 }):
		return "Mixed precision: every product ran in FP32 here, so that its drift is not known."
	}
	d := b.Drift
	s := fmt.Sprintf("Mixed precision drift %.2g%% RMS, largest error %.2g", 100*d.RelativeRMS, d.LargestError)
	if d.Overflows > 0 {
		s += fmt.Sprintf(", %d overflows", d.Overflows)
	}
	switch {
	case d.Top1Agree == nil:
	case *d.Top1Agree == 1:
		s += ", same top-1"
	default:
		s += fmt.Sprintf(", same top-1 in %.0f%% of rows", 100**d.Top1Agree)
	}
	return s + "."
}
