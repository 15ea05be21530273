package sizing

import (
	"strconv"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// VerdictRule is the rule of the finding that says whether anything meets the request.
const VerdictRule = "verdict"

// Findings judges a report by what it says itself: whether anything meets the SLA at a known price, and each of its warnings.
func (r *Report) Findings() []report.Finding {
	t := teller{Report: r}
	name := r.Spec.Model.Name
	list := []report.Finding{{Rule: VerdictRule, Subject: name, Level: report.Deny, Passed: r.Status.Verdict == planner.Feasible, Message: t.lead()[0]}}
	for _, w := range r.Status.Warnings {
		f := report.Finding{Rule: w.Code, Subject: name, Level: report.Info, Message: report.Sentence(w.Text)}
		if w.Severity == planner.Caution {
			f.Level, f.Message = report.Warn, w.Subject+": "+w.Text
		}
		list = append(list, f)
	}
	return list
}

// metrics are the figures of the answer under names that do not depend on it, and the answer as labels of one more.
func (r *Report) metrics() []report.Metric {
	var list []report.Metric
	model := report.Label{Name: "model", Value: r.Spec.Model.Name}
	add := func(name, help string, v float64, labels ...report.Label) {
		list = append(list, report.Metric{Name: "eiplan_" + name, Help: help, Labels: append([]report.Label{model}, labels...), Value: v})
	}
	feasible := 0.0
	if r.Status.Verdict == planner.Feasible {
		feasible = 1
	}
	add("feasible", "1 where something meets the SLA at a known price.", feasible)
	add("latency_budget_seconds", "What the SLA leaves for inference.", r.Spec.Budget.InferenceMs/1e3)
	b := r.Status.Best
	if b == nil {
		return list
	}
	add("latency_bound_seconds", "The SLA's percentile at the confidence asked.", b.Latency.SlaMs/1e3)
	add("latency_centre_seconds", "The median of the prediction.", b.Latency.P50Ms/1e3)
	add("latency_headroom_ratio", "Share of the budget that the bound leaves.", b.Latency.HeadroomMs/r.Spec.Budget.InferenceMs)
	add("hourly_cost_usd", "All replicas, upfront fees spread over the term.", b.Cost.TotalHourlyUsd)
	add("monthly_cost_usd", "The hourly cost for 730 hours.", b.Cost.TotalMonthlyUsd)
	add("cost_per_million_requests_usd", "At the rate asked, or on a machine that is kept busy.", b.Cost.PerMillionUsd)
	add("replicas", "Instances to buy.", float64(b.Replicas))
	add("choice_info", "What to buy.", 1, report.Label{Name: "instance", Value: Name(b)}, report.Label{Name: "region", Value: b.Region}, report.Label{Name: "purchase", Value: b.Purchase.Option})
	return list
}

// outputs are the answer for the next step of a pipeline; those of a choice are empty where there is none.
func (t *teller) outputs() []report.Output {
	list := []report.Output{{Name: "verdict", Value: string(t.Status.Verdict)}, {Name: "answer", Value: t.answer()}}
	b := t.Status.Best
	figure := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, o := range []struct {
		name  string
		value func() string
	}{
		{"instance", func() string { return b.Instance }},
		{"accelerator", func() string { return text(b.Accelerator) }},
		{"region", func() string { return b.Region }},
		{"purchase", func() string { return b.Purchase.Option }},
		{"replicas", func() string { return strconv.Itoa(b.Replicas) }},
		{"hourly-usd", func() string { return figure(b.Cost.TotalHourlyUsd) }},
		{"monthly-usd", func() string { return figure(b.Cost.TotalMonthlyUsd) }},
		{"latency-ms", func() string { return figure(b.Latency.SlaMs) }},
		{"headroom-ms", func() string { return figure(b.Latency.HeadroomMs) }},
	} {
		value := ""
		if b != nil {
			value = o.value()
		}
		list = append(list, report.Output{Name: o.name, Value: value})
	}
	return list
}

// text is what a name points to, empty for nil.
func text(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}
