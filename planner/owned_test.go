package planner

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/pricing"
)

// c7i.xlarge costs 0.1785 On-Demand; half of it is one Reserved c7i.large at 0.0589.
func TestOwnedIsMarginal(t *testing.T) {
	r := request(200)
	r.Constraints = Constraints{Instances: []string{"c7i.xlarge"}, Accelerators: []string{"none"}, Purchase: []pricing.Option{pricing.OnDemand}}
	r.Owned = &pricing.Commitments{Reserved: []pricing.OwnedReserved{{ID: "ri", Instance: "c7i.large", Region: "us-east-1", Count: 1, Term: pricing.OneYear, Recurring: 58_900_000, Expires: 20270301}}}
	best := mustSolve(t, r).Best
	if best == nil || best.Owned == nil {
		t.Fatalf("%+v", best)
	}
	if c, o := best.Cost, best.Owned; c.TotalHourlyUsd != 0.08925 || c.HourlyUsd != 0.08925 || *c.OnDemandEquivalentUsd != 0.1785 || o.BlendedHourlyUsd != 0.14815 || o.OnDemandInstances != 0.5 ||
		len(o.Commitments) != 1 || o.Commitments[0] != (Covered{ID: "ri", Option: "reserved", Instances: 0.5, PaidHourlyUsd: 0.0589, Expires: "2027-03-01"}) {
		t.Errorf("%+v, %+v", c, *o)
	}
	r.AsOf = 20270302
	if best := mustSolve(t, r).Best; best.Owned != nil || best.Cost.TotalHourlyUsd != 0.1785 {
		t.Errorf("after it expired: %+v", best.Cost)
	}
}

// TestOwningNeverCostsMore: with commitments the answer is never dearer than without, and every cost still adds up.
func TestOwningNeverCostsMore(t *testing.T) {
	catalogs := randomCatalogs(t)
	applied := 0
	for seed := range uint64(60) {
		r := randomRequest(seed, catalogs)
		before := mustSolve(t, r)
		random := rand.New(rand.NewPCG(seed, 11))
		r.Owned = &pricing.Commitments{}
		for i := range 8 {
			types := []string{"c5.large", "c5.xlarge", "c6i.2xlarge", "c7g.xlarge", "g4dn.xlarge", "inf2.xlarge", "m4.large"}
			r.Owned.Reserved = append(r.Owned.Reserved, pricing.OwnedReserved{ID: fmt.Sprint(i), Instance: types[random.IntN(len(types))], Region: []string{"east", "west"}[random.IntN(2)],
				Count: 1 + random.IntN(4), Term: pricing.OneYear, Recurring: pricing.USDPerHour(1 + random.Int64N(1e9)), Expires: 20400101})
			r.Owned.SavingsPlans = append(r.Owned.SavingsPlans, pricing.OwnedPlan{ID: fmt.Sprint("sp", i), Class: pricing.Compute, Term: pricing.OneYear, Payment: pricing.NoUpfront,
				Commitment: pricing.USDPerHour(1 + random.Int64N(1e8)), Expires: 20400101})
		}
		after := mustSolve(t, r)
		if before.Feasible > after.Feasible || before.Best != nil && objective(&r, after.Best) > objective(&r, before.Best)*1.00001 {
			t.Errorf("seed %d: %+v after %+v; %s", seed, after.Best, before.Best, describe(r))
		}
		for i := range after.Plans {
			c := &after.Plans[i]
			if o := c.Owned; o != nil {
				applied++
				left := o.OnDemandInstances
				for _, part := range o.Commitments {
					left += part.Instances
				}
				if diff := left - float64(c.Replicas); diff > 1e-3*left || diff < -1e-3*left || o.BlendedHourlyUsd < c.Cost.TotalHourlyUsd {
					t.Errorf("seed %d: %d replicas, %+v at %g", seed, c.Replicas, *o, c.Cost.TotalHourlyUsd)
				}
			}
		}
	}
	if applied < 20 {
		t.Errorf("commitments applied to %d choices alone", applied)
	}
}
