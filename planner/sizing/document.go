package sizing

import (
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// Show says how much of a report is told. The zero Show is the first screen.
type Show struct {
	Explain string `json:"explain"` // a rank, an instance type with an accelerator or without, or ExplainAll; empty: nothing is explained
	Top     int    `json:"top"`     // choices to list; 0: the first three and the cheapest of each kind
}

// or fills in what is left open from what the report was made to show.
func (s Show) or(made Show) Show {
	if s.Explain == "" {
		s.Explain = made.Explain
	}
	if s.Top == 0 {
		s.Top = made.Top
	}
	return s
}

// teller is a report as it is told.
type teller struct {
	*Report
	show Show
}

// Document tells a report: what to buy, how it holds and what it rests on, or why nothing will do. What show leaves open is as the report was made to
// show. The error is an explanation that the report does not hold.
func (r *Report) Document(show Show) (report.Document, error) {
	t := &teller{r, show.or(r.Spec.Show)}
	explanation, err := t.explanation()
	if err != nil {
		return report.Document{}, err
	}
	d := report.Document{Value: r, Subject: r.Spec.Model.Name, Answer: t.answer(), Lead: t.lead(), Findings: r.Findings(), Metrics: r.metrics(), Outputs: t.outputs()}
	if choices := t.choices(); len(choices.Rows) > 0 {
		d.Tables = append(d.Tables, choices)
	}
	if r.Status.Best != nil {
		d.Charts = []report.Chart{t.costAgainstLatency()}
	}
	d.Tables = append(d.Tables, explanation...)
	d.Tail = t.tail()
	return d, nil
}

// percentile is the SLA's, as p99.
func (t *teller) percentile() string {
	return "p" + strconv.FormatFloat(t.Spec.Budget.Percentile, 'g', 6, 64)
}

// budget is the arithmetic of the SLA: 100 ms = 300 − 200 preprocess.
func (t *teller) budget() string {
	b := t.Spec.Budget
	text := report.Exact(b.InferenceMs) + " ms"
	if len(b.Reserved) > 0 {
		text += " = " + report.Exact(b.TotalMs)
		for _, r := range b.Reserved {
			text += " − " + report.Exact(r.Ms) + " " + r.Name
		}
	}
	return text
}

// tail is what stands beside the answer: the best plan with Elastic Inference, the baseline, what is not counted, where the prices are from, doubts.
func (t *teller) tail() []string {
	best := t.Status.Best
	var lines []string
	if c := t.Status.BestElasticInference; best != nil && t.anyAccelerator() && (c == nil || Name(c) != Name(best)) {
		lines = append(lines, t.elasticInference())
	}
	lines = append(lines, t.baseline()...)
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	if best != nil {
		lines = append(lines, "Not in the price: "+strings.Join(best.Cost.Excluded, ", ")+"."+t.savingsPlans())
	}
	lines = append(lines, t.provenance())
	if drift := Drift(t.Status.Benchmark); drift != "" {
		lines = append(lines, drift)
	}
	if notes := t.Spec.Model.Notes; len(notes) > 0 {
		lines = append(lines, strings.Join(notes, " "))
	}
	lines = append(lines, t.doubts()...)
	if best != nil {
		lines = append(lines, "Next: --explain 1 · -o wide · -o yaml --out plan.yaml")
	}
	return lines
}

// find is the first choice that is listed and fits, or nil.
func (t *teller) find(fits func(*planner.Choice) bool) *planner.Choice {
	for _, list := range [][]planner.Choice{t.Status.Plans, t.Status.AlternativePlans} {
		for i := range list {
			if fits(&list[i]) {
				return &list[i]
			}
		}
	}
	return nil
}
