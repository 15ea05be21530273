package gate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/planner"
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

// pick finds the choice of a rank, or the cheapest on an instance, alone or as INSTANCE+ACCELERATOR; nil where none is listed.
func pick(p *planner.Plan, name string) *planner.Choice {
	if rank, err := strconv.Atoi(name); err == nil {
		return p.Ranked(rank)
	}
	var found *planner.Choice
	name = strings.ReplaceAll(name, " ", "")
	listed(p, func(c *planner.Choice) bool {
		if (c.Instance == name || c.Instance+"+"+text(c.Accelerator) == name) && (found == nil || c.Rank < found.Rank) {
			found = c
		}
		return true
	})
	return found
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
		if c.Region == like.Region && c.Instance == like.Instance && text(c.Accelerator) == text(like.Accelerator) && way(&c.Purchase) == way(&like.Purchase) && (found == nil || better(c)) {
			found = c
		}
		return true
	})
	return found
}

// complete reports whether a plan lists everything that is feasible.
func complete(p *planner.Plan) bool { return len(p.Plans)+len(p.AlternativePlans) >= p.Feasible }

// title says what a choice buys, how and where.
func title(c *planner.Choice) string {
	return fmt.Sprintf("%d x %s, %s, in %s", c.Replicas, hardware(c), way(&c.Purchase), c.Region)
}

// hardware is the instance, with the accelerator that is billed apart from it.
func hardware(c *planner.Choice) string {
	if c.Accelerator != nil && c.Cost.AcceleratorHourlyUsd > 0 {
		return c.Instance + " + " + *c.Accelerator
	}
	return c.Instance
}

// way is a way to buy, in the words of the report.
func way(p *planner.Purchase) string {
	words := []string{p.Option}
	for _, w := range []*string{p.Class, p.Term, p.Payment} {
		if text(w) != "" {
			words = append(words, *w)
		}
	}
	return strings.Join(words, " ")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
