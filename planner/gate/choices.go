package gate

import "github.com/eiplan/eiplan/planner"

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
