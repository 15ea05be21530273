// Package commit is how AWS applies Reserved Instances and Savings Plans that are owned already to instances that are launched On-Demand. It knows no
// latency and no model, and it plans no new commitment.
package commit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// Use is instances of one type that run all the time.
type Use struct {
	Region   string
	Instance string
	Count    int
	OnDemand pricing.USDPerHour // of one
	At       pricing.Date       // what expired before does not apply
	Rate     func(pricing.Purchase) (rate pricing.USDPerHour, known bool)
}

// Cover is what commitments pay of a use.
type Cover struct {
	Parts    []Part             // in the order of application; empty: nothing applies
	OnDemand pricing.Decimal    // instances that nothing covers; a fraction where one is covered in part
	Marginal pricing.USDPerHour // what the use adds to the bill: OnDemand, at its price
	Blended  pricing.USDPerHour // with its share of what is paid in any case
	Unrated  []string           // plans that would apply, had they a known rate for the instance
}

// Part is what one commitment covers.
type Part struct {
	ID        string
	Way       pricing.Option
	Instances pricing.Decimal    // of the use
	Hourly    pricing.USDPerHour // share of what is paid in any case
	Expires   pricing.Date
}

// factors are the normalisation factors of instance sizes, times four (EC2 user guide 2023-06-15, "How Reserved Instances are applied").
var factors = map[string]int64{
	"nano": 1, "micro": 2, "small": 4, "medium": 8, "large": 16, "xlarge": 32, "2xlarge": 64, "3xlarge": 96, "4xlarge": 128, "6xlarge": 192, "8xlarge": 256,
	"9xlarge": 288, "10xlarge": 320, "12xlarge": 384, "16xlarge": 512, "18xlarge": 576, "24xlarge": 768, "32xlarge": 1024, "56xlarge": 1792, "112xlarge": 3584,
}

// rigid are the families of which a Reserved Instance covers its own size alone (the same page).
var rigid = []string{"g4ad", "g4dn", "g5", "g5g", "inf1"}

// whole is one instance.
const whole = pricing.Decimal(1_000_000_000)

// Apply covers a use in AWS's order: zonal Reserved Instances, regional ones, EC2 Instance Savings Plans, Compute Savings Plans; of each kind, the one
// with the highest discount first. What is left is On-Demand. Zonal ones apply as if the instances ran in their zone.
func Apply(owned *pricing.Commitments, use Use) Cover {
	c := Cover{OnDemand: pricing.Decimal(use.Count) * whole}
	for _, r := range reserved(owned, &use) {
		c.take(Part{ID: r.ID, Way: pricing.Reserved, Expires: r.Expires}, r.covers, r.paid)
	}
	for _, class := range []pricing.Class{pricing.EC2Instance, pricing.Compute} {
		for _, s := range plans(owned, class, &use, &c) {
			if s.rate > 0 && s.rate < use.OnDemand {
				c.take(Part{ID: s.ID, Way: pricing.SavingsPlan, Expires: s.Expires}, (s.Commitment - s.InUse).Buys(s.rate), s.rate)
			}
		}
	}
	c.Marginal = use.OnDemand.Of(c.OnDemand)
	c.Blended = c.Marginal
	for _, part := range c.Parts {
		c.Blended += part.Hourly
	}
	return c
}

// take covers up to so many of the instances that are left; each costs what is paid for it in any case.
func (c *Cover) take(part Part, most pricing.Decimal, paid pricing.USDPerHour) {
	part.Instances = min(most, c.OnDemand)
	if part.Instances <= 0 {
		return
	}
	part.Hourly = paid.Of(part.Instances)
	c.OnDemand -= part.Instances
	c.Parts = append(c.Parts, part)
}

// applicable is Reserved Instances with how many of a use they cover and what is paid for each of those.
type applicable struct {
	*pricing.OwnedReserved
	covers pricing.Decimal
	paid   pricing.USDPerHour
}

func reserved(owned *pricing.Commitments, use *Use) []applicable {
	var list []applicable
	for i := range owned.Reserved {
		r := &owned.Reserved[i]
		if r.Region != use.Region || use.At > r.Expires {
			continue
		}
		free := int64(r.Count - r.InUse)
		has, needs := size(r.Instance), size(use.Instance)
		switch {
		case r.Instance == use.Instance:
			list = append(list, applicable{r, pricing.Decimal(free) * whole, r.Effective()})
		case r.Zone == "" && flexible(r.Instance, use.Instance) && has > 0 && needs > 0:
			list = append(list, applicable{r, pricing.Decimal(free*has*int64(whole)) / pricing.Decimal(needs), r.Effective().Of(pricing.Decimal(needs) * whole / pricing.Decimal(has))})
		}
	}
	slices.SortFunc(list, func(a, b applicable) int {
		return cmp.Or(-cmp.Compare(min(len(a.Zone), 1), min(len(b.Zone), 1)), cmp.Compare(a.paid, b.paid), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// flexible reports whether a Reserved Instance of one type may cover part of another: of the same family, where that has size flexibility.
func flexible(a, b string) bool {
	family, _, _ := strings.Cut(a, ".")
	other, _, _ := strings.Cut(b, ".")
	return family == other && !slices.Contains(rigid, family)
}

// size is a type's normalisation factor times four; 0 where it has none, as bare metal.
func size(instance string) int64 {
	_, name, _ := strings.Cut(instance, ".")
	return factors[name]
}

// rated is a plan with its rate for an instance.
type rated struct {
	*pricing.OwnedPlan
	rate pricing.USDPerHour
}

// plans lists those of a class that apply to a use, highest discount first. Those without a known rate are named in the cover.
func plans(owned *pricing.Commitments, class pricing.Class, use *Use, c *Cover) []rated {
	family, _, _ := strings.Cut(use.Instance, ".")
	var list []rated
	for i := range owned.SavingsPlans {
		s := &owned.SavingsPlans[i]
		if s.Class != class || use.At > s.Expires || class == pricing.EC2Instance && (s.Family != family || s.Region != use.Region) {
			continue
		}
		rate, known := use.Rate(s.Purchase())
		if !known {
			c.Unrated = append(c.Unrated, s.ID)
			continue
		}
		list = append(list, rated{s, rate})
	}
	slices.SortFunc(list, func(a, b rated) int { return cmp.Or(cmp.Compare(a.rate, b.rate), cmp.Compare(a.ID, b.ID)) })
	return list
}
