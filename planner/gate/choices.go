package gate

import (
	"fmt"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/sizing"
)

// listed calls f with every choice that a plan lists, by rank, until f returns false.
func listed(p *planner.Plan, f func(*planner.Choice) bool) {
	for _, list := range [][]planner.Choice{p.Plans, p.AlternativePlans} {
		for i := range list {
			if !f(&list[i]) {
				return
			}
		}
	}
}

// find looks in a plan for what another plan chose: the same thing bought in the same way in the same place. Of several, the one in the same precision
// and on the same runtime is it, else the cheapest. It is nil where none is listed.
func find(p *planner.Plan, like *planner.Choice) *planner.Choice {
	var found *planner.Choice
	better := func(c *planner.Choice) bool {
		was, is := found.Precision == like.Precision && found.Runtime == like.Runtime, c.Precision == like.Precision && c.Runtime == like.Runtime
		return is && !was || is == was && c.Rank < found.Rank
	}
	listed(p, func(c *planner.Choice) bool {
		if sameThing(c, like) && (found == nil || better(c)) {
			found = c
		}
		return true
	})
	return found
}

// complete reports whether a plan lists everything that is feasible.
func complete(p *planner.Plan) bool { return len(p.Plans)+len(p.AlternativePlans) >= p.Feasible }

// absence says what it means that a report does not list a choice: it lists the cheapest, and every near tie of its answer.
func absence(r *sizing.Report) string {
	p := &r.Status
	if complete(p) || len(p.Plans) == 0 || p.Best == nil {
		return "is no longer feasible"
	}
	least, what := counted(r, &p.Plans[len(p.Plans)-1])
	if len(r.Metadata.Commitments) == 0 {
		answer, _ := counted(r, p.Best)
		least = max(least, (1+planner.NearTiePercent/100.0)*answer)
	}
	return fmt.Sprintf("is no longer feasible, or costs at least %s %s (%s)", money(least), what, listing("the report", p))
}

// listing says how much of what is feasible a report lists, and what would list all.
func listing(side string, p *planner.Plan) string {
	return fmt.Sprintf("of %d that are feasible %s lists the %d cheapest; eiplan plan --top %d lists all", p.Feasible, side, len(p.Plans), p.Feasible)
}

// counted is what a choice costs in the terms of a report's objective.
func counted(r *sizing.Report, c *planner.Choice) (cost float64, what string) {
	if r.Spec.Objective == string(planner.PerMillion) {
		return c.Cost.PerMillionUsd, "per million requests"
	}
	return c.Cost.TotalMonthlyUsd, "a month"
}

// blended is what an hour of a choice costs with the share of what is owned and paid in any case.
func blended(c *planner.Choice) float64 {
	if c.Owned != nil {
		return c.Owned.BlendedHourlyUsd
	}
	return c.Cost.TotalHourlyUsd
}

// nearTie reports whether a choice is a near tie with the report's answer, or what else is judged, as the planner has it.
func nearTie(r *sizing.Report, c, answer *planner.Choice) bool {
	then, _ := counted(r, c)
	now, _ := counted(r, answer)
	return growth(now, then) <= planner.NearTiePercent && (c.Owned == nil || growth(blended(answer), blended(c)) <= planner.NearTiePercent)
}

// sameWay reports whether two choices are bought in the same way.
func sameWay(a, b *planner.Purchase) bool {
	return a.Option == b.Option && text(a.Term) == text(b.Term) && text(a.Payment) == text(b.Payment) && text(a.Class) == text(b.Class)
}

// sameThing reports whether two choices buy the same in the same place and way; how many may differ.
func sameThing(a, b *planner.Choice) bool {
	return a.Region == b.Region && a.Instance == b.Instance && text(a.Accelerator) == text(b.Accelerator) && sameWay(&a.Purchase, &b.Purchase)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
