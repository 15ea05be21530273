package portfolio

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// Name is the files that were planned.
func (r *Report) Name() string {
	names := make([]string, len(r.Spec.Files))
	for i, f := range r.Spec.Files {
		names[i] = f.Source
	}
	return strings.Join(names, ", ")
}

// findings say of each model whether it has a plan.
func (r *Report) findings() []report.Finding {
	var list []report.Finding
	for i := range r.Status.Models {
		m := &r.Status.Models[i]
		f := report.Finding{Rule: sizing.VerdictRule, Subject: m.Name, Level: report.Deny, Passed: m.Outcome == Feasible, Message: m.Name + ": " + m.note(), File: r.Spec.Models[i].Measured}
		if c := m.Best(); c != nil {
			f.Message = fmt.Sprintf("%s: %s, %s, in %s for %s USD/h", m.Name, choiceText(c), sizing.Way(&c.Purchase), c.Region, hourly(c.Cost.TotalHourlyUsd).Fixed(4))
		}
		list = append(list, f)
	}
	return list
}

// metrics are the totals, and what each model adds to them.
func (r *Report) metrics() []report.Metric {
	var list []report.Metric
	add := func(name, help string, v float64, label, of string) {
		list = append(list, report.Metric{Name: "eiplan_" + name, Help: help, Labels: []report.Label{{Name: label, Value: of}}, Value: v})
	}
	t := &r.Status.Total
	add("portfolio_models", "Models of the portfolio.", float64(t.Models), "portfolio", r.Name())
	add("portfolio_feasible", "Models that have a plan, which are those of the sums.", float64(t.Feasible), "portfolio", r.Name())
	add("portfolio_instances", "Instances to buy.", float64(t.Instances), "portfolio", r.Name())
	add("portfolio_hourly_cost_usd", "All models, upfront fees spread over their terms.", t.HourlyUsd.DollarsPerHour(), "portfolio", r.Name())
	add("portfolio_monthly_cost_usd", "The hourly cost for 730 hours.", t.MonthlyUsd.Dollars(), "portfolio", r.Name())
	add("portfolio_upfront_usd", "Due at once.", t.UpfrontUsd.Dollars(), "portfolio", r.Name())
	for i := range r.Status.Models {
		feasible := 0.0
		if r.Status.Models[i].Outcome == Feasible {
			feasible = 1
		}
		add("feasible", "1 where something meets the SLA at a known price.", feasible, "model", r.Status.Models[i].Name)
	}
	for i := range r.Status.Models {
		if c := r.Status.Models[i].Best(); c != nil {
			add("hourly_cost_usd", "All replicas, upfront fees spread over the term.", c.Cost.TotalHourlyUsd, "model", r.Status.Models[i].Name)
		}
	}
	return list
}

// outputs are the totals for the next step of a pipeline.
func (r *Report) outputs() []report.Output {
	t := &r.Status.Total
	return []report.Output{
		{Name: "verdict", Value: string(r.Status.Outcome)}, {Name: "answer", Value: r.answer()},
		{Name: "models", Value: strconv.Itoa(t.Models)}, {Name: "feasible", Value: strconv.Itoa(t.Feasible)}, {Name: "left-out", Value: strings.Join(t.LeftOut, ",")},
		{Name: "hourly-usd", Value: t.HourlyUsd.String()}, {Name: "monthly-usd", Value: t.MonthlyUsd.String()}, {Name: "upfront-usd", Value: t.UpfrontUsd.String()},
	}
}
