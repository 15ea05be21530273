package sizing

import (
	"fmt"
	"strconv"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// ExplainAll is the value of Show.Explain that lists every rejected candidate.
const ExplainAll = "all"

// Find is the choice that an explanation is asked of, by rank or by the name of what is bought; nil where the report holds none.
func (r *Report) Find(name string) *planner.Choice {
	if rank, err := strconv.Atoi(name); err == nil {
		return r.Status.Ranked(rank)
	}
	t := teller{Report: r}
	is := func(c *planner.Choice) bool { return c.Instance == name || compact(nameOf(c)) == compact(name) }
	if c := t.find(is); c != nil {
		return c
	}
	if c := r.Status.Explained; c != nil && is(c) {
		return c
	}
	return nil
}

// UnexplainedError is a choice that an explanation is asked of and the report does not hold.
type UnexplainedError struct {
	Name             string
	Listed, Feasible int // choices in the report, and in all
}

func (e *UnexplainedError) Error() string { return e.Name + ": the plan has no such choice" }

// explanation is the arithmetic of one choice, or why candidates lost.
func (t *teller) explanation() ([]report.Table, error) {
	name := t.show.Explain
	switch name {
	case "":
		return nil, nil
	case ExplainAll:
		return []report.Table{t.rejected("")}, nil
	}
	if c := t.Find(name); c != nil {
		return []report.Table{t.latencyOf(c), t.costOf(c), t.termsOf(c)}, nil
	}
	if rows := t.rejected(name); len(rows.Rows) > 0 {
		return []report.Table{rows}, nil
	}
	if t.Status.Best == nil {
		return nil, nil
	}
	return nil, &UnexplainedError{Name: name, Listed: len(t.Status.Plans), Feasible: t.Status.Feasible}
}

// latencyOf is the sum that makes the SLA's percentile.
func (t *teller) latencyOf(c *planner.Choice) report.Table {
	l := c.Latency
	table := report.Table{Title: fmt.Sprintf("Latency of %s, %s %s", nameOf(c), c.Runtime, c.Format), Columns: report.Columns("PART", ">MS", "HOW")}
	add := func(part string, v float64, how string) {
		table.Rows = append(table.Rows, []string{part, report.Milliseconds(v), how})
	}
	e := c.Explanation
	add("compute", l.ComputeMs, l.Source)
	if l.NetworkMs > 0 {
		add("+ network", l.NetworkMs, "round trips, and bytes in and out over the host's bandwidth")
	}
	add("+ overhead", l.OverheadMs, "launches, and what does not shrink with the hardware")
	add("= centre", l.P50Ms, l.Basis)
	if l.QueueMs > 0 {
		add("waiting", l.QueueMs, "Erlang C with the Allen-Cunneen correction, at the SLA's percentile")
	}
	add(t.percentile()+", low", l.LowMs, fmt.Sprintf("p10 of the prediction; the tail is %.3g times the centre", l.TailFactor))
	add(t.percentile()+", high", l.HighMs, "p90 of the prediction")
	add(t.percentile()+" ≤", l.SlaMs, fmt.Sprintf("at %.0f%% confidence, held against %s", 100*l.Confidence, t.budget()))
	if e == nil {
		return table
	}
	if l.TflopsMs != nil {
		add("by TFLOPS alone", *l.TflopsMs, e.TflopsRule)
	}
	for _, d := range e.Doubts {
		table.Rows = append(table.Rows, []string{"doubt", "", d})
	}
	return table
}

func (t *teller) costOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Cost", Columns: report.Columns("WHAT", ">USD/H", "AS OF", "QUALITY", "RULE", "SOURCE")}
	for _, p := range c.Cost.Prices {
		table.Rows = append(table.Rows, []string{p.What, report.Rate(p.Usd), p.AsOf, p.Quality, p.Rule, p.Source})
	}
	if o := c.Owned; o != nil {
		for _, part := range o.Commitments {
			table.Rows = append(table.Rows, []string{fmt.Sprintf("%.4g x %s", part.Instances, part.ID), report.Rate(part.PaidHourlyUsd), "", "", "paid in any case until " + part.Expires, "owned: " + part.Option})
		}
		table.Rows = append(table.Rows, []string{fmt.Sprintf("%.4g x On-Demand", o.OnDemandInstances), report.Rate(c.Cost.TotalHourlyUsd - float64(c.Replicas)*c.Cost.AcceleratorHourlyUsd), "", "", fmt.Sprintf("what the others leave; blended %s USD/h in all", report.Rate(o.BlendedHourlyUsd)), ""})
	}
	table.Rows = append(table.Rows, []string{fmt.Sprintf("%d x in all", c.Replicas), report.Rate(c.Cost.TotalHourlyUsd), "", "", fmt.Sprintf("times 730 h: %s USD/month", report.Dollars(c.Cost.TotalMonthlyUsd)), ""})
	return table
}

// termsOf lists the operators that take the longest.
func (t *teller) termsOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Largest operators", Columns: report.Columns("OPERATOR", "NODE", "KIND", ">MS", ">SHARE", ">COMPUTE", ">MEMORY", ">LAUNCH")}
	if c.Explanation == nil {
		return table
	}
	for _, x := range c.Explanation.Terms {
		table.Rows = append(table.Rows, []string{x.Op, x.Name, x.Kind, report.Milliseconds(x.Ms), fmt.Sprintf("%.0f%%", x.Percent), report.Milliseconds(x.ComputeMs), report.Milliseconds(x.MemoryMs), report.Milliseconds(x.LaunchMs)})
	}
	return table
}

// rejected lists the candidates that lost on an instance, with an accelerator or without; all of them where nothing is named.
func (t *teller) rejected(name string) report.Table {
	table := report.Table{Title: "Rejected", Columns: report.Columns("REGION", "CANDIDATE", "PRECISION", "REASON", "WHY")}
	for _, r := range t.Status.Rejected.Rows {
		candidate := r.Instance
		if r.Accelerator != nil {
			candidate += " + " + *r.Accelerator
		}
		if name == "" || name == r.Instance || compact(name) == compact(candidate) {
			table.Rows = append(table.Rows, []string{r.Region, candidate, r.Precision, string(r.Reason), r.Text})
		}
	}
	return table
}
