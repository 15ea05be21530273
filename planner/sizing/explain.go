package sizing

import (
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
	is := func(c *planner.Choice) bool { return c.Instance == name || compact(Name(c)) == compact(name) }
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
		return t.arithmetic(c), nil
	}
	if rows := t.rejected(name); len(rows.Rows) > 0 {
		return []report.Table{rows}, nil
	}
	if t.Status.Best == nil {
		return nil, nil
	}
	return nil, &UnexplainedError{Name: name, Listed: len(t.Status.Plans), Feasible: t.Status.Feasible}
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
