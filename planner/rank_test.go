package planner

import (
	"reflect"
	"testing"

	"github.com/eiplan/eiplan/pricing"
)

// TestNearTies: however short the list that was asked for, every choice that costs no more than a twentieth over the best is in the plan, with its rank among
// all, and no other is.
func TestNearTies(t *testing.T) {
	everywhere := request(100)
	everywhere.Constraints = Constraints{Regions: []string{"all"}, Purchase: []pricing.Option{pricing.OnDemand}}
	perMillion := everywhere
	perMillion.Objective, perMillion.Rate = PerMillion, 40
	idle := request(100)
	idle.Owned = &pricing.Commitments{SavingsPlans: []pricing.OwnedPlan{{ID: "sp", Class: pricing.Compute, Term: pricing.OneYear, Payment: pricing.NoUpfront, Commitment: 500_000_000, Expires: 20400101}}}
	for name, c := range map[string]struct {
		r      Request
		fewest int // near ties, the best among them
	}{
		"a region": {request(100), 1}, "every region": {everywhere, 5}, "per million": {perMillion, 2}, "free, but for what is owned": {idle, 1}, "nothing feasible": {request(0.1), 0},
	} {
		r := c.r
		r.Top = 100_000
		whole := mustSolve(t, r)
		r.Top = 1
		short := mustSolve(t, r)
		named := map[int]bool{}
		for alternatives, i := reflect.ValueOf(short.Alternatives), 0; i < alternatives.NumField(); i++ {
			if rank, _ := alternatives.Field(i).Interface().(*int); rank != nil {
				named[*rank] = true
			}
		}
		tied := 0
		for i := range whole.Plans {
			c := &whole.Plans[i]
			tie := objective(&r, c) <= 1.05*objective(&r, whole.Best) && (c.Owned == nil || c.Owned.BlendedHourlyUsd <= 1.05*blended(whole.Best))
			held := short.Ranked(c.Rank)
			if tie {
				tied++
			}
			if wanted := tie || c.Rank == 1 || named[c.Rank]; (held != nil) != wanted || held != nil && !reflect.DeepEqual(held, c) {
				t.Errorf("%s: rank %d at %g after %g: tie %v, held %v", name, c.Rank, objective(&r, c), objective(&r, whole.Best), tie, held)
			}
		}
		if tied < c.fewest {
			t.Errorf("%s: %d near ties, want at least %d", name, tied, c.fewest)
		}
	}
}

// blended is what an hour costs with the share of what is paid in any case.
func blended(c *Choice) float64 {
	if c.Owned != nil {
		return c.Owned.BlendedHourlyUsd
	}
	return c.Cost.TotalHourlyUsd
}
