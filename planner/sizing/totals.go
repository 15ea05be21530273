package sizing

import (
	"fmt"

	"github.com/eiplan/eiplan/planner/report"
)

// Totals sums the answers of several reports up, as the first page of a review of them all. It has no Value of its own.
func Totals(reports []*Report) report.Document {
	d := report.Document{Title: fmt.Sprintf("Capacity review of %d plans", len(reports))}
	table := report.Table{Title: "All plans", Columns: report.Columns("MODEL", "BUDGET", "RATE", "VERDICT", "CHOICE", "BUY", "REGION", ">BOUND, ms", ">USD/MONTH", ">DUE AT ONCE, USD")}
	chart := report.Chart{Kind: report.Grouped, Title: "Cost by model", Caption: "The answer of each plan, for all its replicas. A plan without an answer has no bar.",
		X: report.Axis{Title: "Cost", Unit: "USD/month"}, Y: report.Axis{Title: "Plan"}}
	costs := report.Series{Name: "the answer"}
	monthly, upfront, answered := 0.0, 0.0, 0
	for i, r := range reports {
		t := &teller{Report: r}
		rate := "one at a time"
		if r.Spec.Rate > 0 {
			rate = fmt.Sprintf("%.4g/s", r.Spec.Rate)
		}
		row := []string{r.Spec.Model.Name, t.percentile() + " ≤ " + t.budget(), rate, string(r.Status.Verdict), "", "", "", "", "", ""}
		chart.Y.Names = append(chart.Y.Names, fmt.Sprintf("%s, %g ms, %s", r.Spec.Model.Name, r.Spec.Budget.InferenceMs, rate))
		if b := r.Status.Best; b != nil {
			due := b.Cost.UpfrontUsd * float64(b.Replicas)
			copy(row[4:], []string{times(b.Replicas) + Name(b), buyOf(b), b.Region, report.Milliseconds(b.Latency.SlaMs), report.Dollars(b.Cost.TotalMonthlyUsd), report.Dollars(due)})
			monthly, upfront, answered = monthly+b.Cost.TotalMonthlyUsd, upfront+due, answered+1
			costs.Points = append(costs.Points, report.Point{X: b.Cost.TotalMonthlyUsd, Y: float64(i), Label: times(b.Replicas) + Name(b)})
		}
		table.Rows = append(table.Rows, row)
	}
	table.Rows = append(table.Rows, []string{"Sum", "", "", fmt.Sprintf("%d of %d feasible", answered, len(reports)), "", "", "", "", report.Dollars(monthly), report.Dollars(upfront)})
	chart.Series = []report.Series{costs}
	d.Tables, d.Charts = []report.Table{table}, []report.Chart{chart}
	d.Lead = []string{fmt.Sprintf("%d plans, %s USD a month in all.", len(reports), report.Dollars(monthly))}
	if answered < len(reports) {
		d.Lead = append(d.Lead, fmt.Sprintf("%d of them have no answer, and are not in the sum.", len(reports)-answered))
	}
	d.Answer = d.Lead[0]
	d.Facts = []report.Fact{
		{Name: "Sum", Value: report.Dollars(monthly) + " USD/month", Note: "730 hours"}, {Name: "Due at once", Value: report.Dollars(upfront) + " USD"},
		{Name: "Feasible", Value: fmt.Sprintf("%d of %d", answered, len(reports))},
	}
	return d
}
