package sizing

import (
	"fmt"
	"math"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// answer is the report in one line.
func (t *teller) answer() string {
	b := t.Status.Best
	if b == nil {
		return string(t.Status.Verdict)
	}
	return fmt.Sprintf("%d x %s, %s, %s, %s USD/h", b.Replicas, Name(b), buyOf(b), b.Region, report.Rate(b.Cost.TotalHourlyUsd))
}

// lead is the answer, how it holds and what it rests on; or why there is none.
func (t *teller) lead() []string {
	b := t.Status.Best
	if b == nil {
		return t.noAnswer()
	}
	return []string{t.purchase(b), t.timing(b), t.basis(b)}
}

// purchase says what to buy.
func (t *teller) purchase(b *planner.Choice) string {
	text := fmt.Sprintf("%d x %s, %s, in %s: %s USD/h, %s USD/month (730 h)", b.Replicas, Name(b), buyOf(b), b.Region, report.Rate(b.Cost.TotalHourlyUsd), report.Dollars(b.Cost.TotalMonthlyUsd))
	if up := b.Cost.UpfrontUsd * float64(b.Replicas); up > 0 {
		text += fmt.Sprintf(" with %s USD due at once", report.Dollars(up))
	}
	if o := b.Owned; o != nil {
		text += fmt.Sprintf(" more than is paid already (blended %s USD/h)", report.Rate(o.BlendedHourlyUsd))
	}
	text += doubtfulPrices(b)
	if t.perMillion() {
		text += fmt.Sprintf(", %s USD per million requests", report.Rate(b.Cost.PerMillionUsd))
	}
	if !onSale(b) {
		return "The cheapest is " + text + ". Meets the SLA, but can't be bought any more."
	}
	verb := "Buy "
	if c := t.Spec.Constraints; c.AsOfGiven {
		verb = fmt.Sprintf("As of %s, buy ", c.AsOf)
	}
	return verb + text + ". Meets the SLA."
}

// timing holds the prediction against the budget.
func (t *teller) timing(b *planner.Choice) string {
	load := "One request at a time"
	if t.Spec.Rate > 0 {
		load = fmt.Sprintf("%.4g requests a second", t.Spec.Rate)
		for _, busy := range []*float64{b.Utilisation.CPU, b.Utilisation.Accelerator} {
			if busy != nil {
				load += fmt.Sprintf(" (%.2g%% busy)", 100**busy)
			}
		}
	}
	if b.Replicas == 1 {
		load += ", no redundancy"
	}
	return fmt.Sprintf("Inference %s ≤ %s ms (%.0f%% confidence; centre %s) within %s; %.0f%% spare. %s.", t.percentile(), report.Milliseconds(b.Latency.SlaMs), 100*b.Latency.Confidence, report.Milliseconds(b.Latency.P50Ms),
		t.budget(), math.Floor(100*b.Latency.HeadroomMs/t.Spec.Budget.InferenceMs), load)
}

// basis says how the answer's latency was come by.
func (t *teller) basis(b *planner.Choice) string {
	text := fmt.Sprintf("%s for %s %s", strings.ToUpper(b.Latency.Basis), b.Runtime, b.Format)
	if b.Latency.Basis == "measured" {
		var file string
		if c := t.Metadata.Calibration; c != nil {
			file = c.Source + ", "
		}
		return fmt.Sprintf("%s: %s (%sas of %s).", text, b.Latency.Source, file, b.Latency.AsOf)
	}
	model := fmt.Sprintf("%s, %.3g GFLOP", t.Spec.Model.Name, t.Spec.Model.Flops/1e9)
	if t.Status.Benchmark == nil {
		return text + fmt.Sprintf(" from the counted work of %s. Not measured anywhere.", model)
	}
	for _, r := range t.Status.Benchmark.Runs {
		if r.Precision == "fp32" {
			here := fmt.Sprintf("%s ms here (%d runs of %s, %d threads)", report.Milliseconds(r.P50Ms), r.Samples, model, r.Threads)
			switch {
			case b.Latency.Basis != "anchored":
				text += "; " + here
			case r.P99Ms == nil:
				text += " on " + here + ", too few for a p99: the tail is modelled"
			default:
				text += " on " + here
			}
		}
	}
	return text + ". Not measured there."
}
