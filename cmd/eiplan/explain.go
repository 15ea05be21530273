package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// explainAll is the value of --explain that lists every rejected candidate.
const explainAll = "all"

// joinExplain writes --explain VALUE as --explain=VALUE. The flag's value may be left out, so that the next word belongs to it only if it can be one: a
// rank, all, or an instance type, with an accelerator or without.
func joinExplain(args []string) []string {
	i := slices.Index(args, "--explain")
	if i < 0 || i+1 == len(args) || slices.Contains(args[:i], "--") {
		return args
	}
	value := args[i+1]
	_, err := strconv.Atoi(value)
	if err != nil && value != explainAll {
		instance, _, _ := strings.Cut(value, "+")
		if _, err := pricing.Snapshot().Instance(strings.TrimSpace(instance)); err != nil {
			return args
		}
	}
	return slices.Concat(args[:i], []string{"--explain=" + value}, args[i+2:])
}

// explanation is what --explain adds: the arithmetic of one choice, or why candidates lost. What is neither a choice nor a rejected candidate is an error.
func (s *screen) explanation() ([]report.Table, error) {
	name := s.flags.explain
	switch name {
	case "":
		return nil, nil
	case explainAll:
		return []report.Table{s.rejected("")}, nil
	}
	c, err := s.explained(name)
	if err != nil {
		return nil, err
	}
	if c != nil {
		return []report.Table{s.latencyOf(c), s.costOf(c), s.termsOf(c)}, nil
	}
	if t := s.rejected(name); len(t.Rows) > 0 {
		return []report.Table{t}, nil
	}
	if s.plan.Best == nil {
		return nil, nil
	}
	e := usageError("--explain %s: the plan has no such choice", name)
	e.hint = fmt.Sprintf("it lists ranks 1 to %d of %s, and every candidate by instance type; --top lists more", len(s.plan.Plans), count(s.plan.Feasible))
	return nil, e
}

// explained finds the choice of a rank, or the cheapest on an instance of that name; nil where there is none.
func (s *screen) explained(name string) (*planner.Choice, error) {
	if rank, err := strconv.Atoi(name); err == nil {
		return s.plan.Ranked(rank), nil
	}
	for _, list := range [][]planner.Choice{s.plan.Plans, s.plan.AlternativePlans} {
		for i := range list {
			if c := &list[i]; c.Instance == name || compact(nameOf(c)) == compact(name) {
				return c, nil
			}
		}
	}
	if slices.ContainsFunc(s.plan.Rejected.Rows, func(r planner.RejectedRow) bool { return r.Instance == name && r.Reason == planner.NotByDefault }) {
		return nil, nil
	}
	alone := s.request // the plan may rank it too low to list it
	instance, accelerator, paired := strings.Cut(compact(name), "+")
	alone.Constraints.Instances, alone.Top = []string{instance}, 1
	if paired {
		alone.Constraints.Accelerators = []string{accelerator}
	}
	plan, err := planner.Solve(alone)
	if err != nil {
		return nil, usageError("--explain: %w", err)
	}
	return plan.Best, nil
}

// compact is a name without spaces, so that c5.large+eia2.medium is c5.large + eia2.medium.
func compact(name string) string { return strings.ReplaceAll(name, " ", "") }

// latencyOf is the sum that makes the SLA's percentile.
func (s *screen) latencyOf(c *planner.Choice) report.Table {
	l := c.Latency
	t := report.Table{Title: fmt.Sprintf("Latency of %s, %s %s", nameOf(c), c.Runtime, c.Format), Columns: report.Columns("PART", ">MS", "HOW")}
	add := func(part string, v float64, how string) { t.Rows = append(t.Rows, []string{part, ms(v), how}) }
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
	add(s.percentile()+", low", l.LowMs, fmt.Sprintf("p10 of the prediction; the tail is %.3g times the centre", l.TailFactor))
	add(s.percentile()+", high", l.HighMs, "p90 of the prediction")
	add(s.percentile()+" ≤", l.SlaMs, fmt.Sprintf("at %.0f%% confidence, held against %s", 100*l.Confidence, s.budget()))
	if e == nil {
		return t
	}
	if l.TflopsMs != nil {
		add("by TFLOPS alone", *l.TflopsMs, e.TflopsRule)
	}
	for _, d := range e.Doubts {
		t.Rows = append(t.Rows, []string{"doubt", "", d})
	}
	return t
}

func (s *screen) costOf(c *planner.Choice) report.Table {
	t := report.Table{Title: "Cost", Columns: report.Columns("WHAT", ">USD/H", "AS OF", "QUALITY", "RULE", "SOURCE")}
	for _, p := range c.Cost.Prices {
		t.Rows = append(t.Rows, []string{p.What, usd(p.Usd), p.AsOf, p.Quality, p.Rule, p.Source})
	}
	if o := c.Owned; o != nil {
		for _, part := range o.Commitments {
			t.Rows = append(t.Rows, []string{fmt.Sprintf("%.4g x %s", part.Instances, part.ID), usd(part.PaidHourlyUsd), "", "", "paid in any case until " + part.Expires, "owned: " + part.Option})
		}
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%.4g x On-Demand", o.OnDemandInstances), usd(c.Cost.TotalHourlyUsd - float64(c.Replicas)*c.Cost.AcceleratorHourlyUsd), "", "", fmt.Sprintf("what the others leave; blended %s USD/h in all", usd(o.BlendedHourlyUsd)), ""})
	}
	t.Rows = append(t.Rows, []string{fmt.Sprintf("%d x in all", c.Replicas), usd(c.Cost.TotalHourlyUsd), "", "", fmt.Sprintf("times 730 h: %s USD/month", dollars(c.Cost.TotalMonthlyUsd)), ""})
	return t
}

// termsOf lists the operators that take the longest.
func (s *screen) termsOf(c *planner.Choice) report.Table {
	t := report.Table{Title: "Largest operators", Columns: report.Columns("OPERATOR", "NODE", "KIND", ">MS", ">SHARE", ">COMPUTE", ">MEMORY", ">LAUNCH")}
	if c.Explanation == nil {
		return t
	}
	for _, x := range c.Explanation.Terms {
		t.Rows = append(t.Rows, []string{x.Op, x.Name, x.Kind, ms(x.Ms), fmt.Sprintf("%.0f%%", x.Percent), ms(x.ComputeMs), ms(x.MemoryMs), ms(x.LaunchMs)})
	}
	return t
}

// rejected lists the candidates that lost on an instance, with an accelerator or without; all of them where nothing is named.
func (s *screen) rejected(name string) report.Table {
	t := report.Table{Title: "Rejected", Columns: report.Columns("REGION", "CANDIDATE", "PRECISION", "REASON", "WHY")}
	for _, r := range s.plan.Rejected.Rows {
		candidate := r.Instance
		if r.Accelerator != nil {
			candidate += " + " + *r.Accelerator
		}
		if name == "" || name == r.Instance || compact(name) == compact(candidate) {
			t.Rows = append(t.Rows, []string{r.Region, candidate, r.Precision, string(r.Reason), r.Text})
		}
	}
	return t
}
