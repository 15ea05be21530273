// Package commit is how AWS applies Reserved Instances and Savings Plans that are owned already to instances that are launched On-Demand. It knows no
// latency and no model, and it plans no new commitment.
package commit

import (
	"cmp"
	"math/bits"
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

	index int             // of the commitment among those of its way
	used  pricing.Decimal // of what was free of it: Reserved Instances, or dollars an hour of a plan
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
		c.take(&r)
	}
	for _, class := range []pricing.Class{pricing.EC2Instance, pricing.Compute} {
		for _, s := range plans(owned, class, &use, &c) {
			c.take(&s)
		}
	}
	c.Marginal = use.OnDemand.Of(c.OnDemand)
	c.Blended = c.Marginal
	for _, part := range c.Parts {
		c.Blended += part.Hourly
	}
	return c
}

// Left is what is owned once the uses behind a cover of it run: what the cover takes is in use.
func Left(owned *pricing.Commitments, c *Cover) *pricing.Commitments {
	left := &pricing.Commitments{Reserved: slices.Clone(owned.Reserved), SavingsPlans: slices.Clone(owned.SavingsPlans)}
	for _, part := range c.Parts {
		if part.Way == pricing.Reserved {
			left.Reserved[part.index].InUse += part.used
		} else {
			left.SavingsPlans[part.index].InUse += pricing.USDPerHour(part.used)
		}
	}
	return left
}

// applicable is a commitment with how much of a use it covers.
type applicable struct {
	part   Part
	zonal  bool
	free   pricing.Decimal    // Reserved Instances, or dollars an hour of a plan
	covers pricing.Decimal    // instances of the use
	paid   pricing.USDPerHour // in any case, for each of those
}

// take covers up to as many of the instances that are left as the commitment may; each costs what is paid for it in any case.
func (c *Cover) take(a *applicable) {
	part := a.part
	part.Instances = min(a.covers, c.OnDemand)
	if part.Instances <= 0 {
		return
	}
	part.Hourly = a.paid.Of(part.Instances)
	part.used = a.share(part.Instances)
	c.OnDemand -= part.Instances
	c.Parts = append(c.Parts, part)
}

// share of what is free that so many of the instances covered take, rounded up: all of it for all of them.
func (a *applicable) share(instances pricing.Decimal) pricing.Decimal {
	hi, lo := bits.Mul64(uint64(a.free), uint64(instances))
	n, rest := bits.Div64(hi, lo, uint64(a.covers))
	if rest > 0 {
		n++
	}
	return pricing.Decimal(n)
}

// reserved lists the Reserved Instances that apply to a use, zonal ones first, then by what is paid.
func reserved(owned *pricing.Commitments, use *Use) []applicable {
	var list []applicable
	for i := range owned.Reserved {
		r := &owned.Reserved[i]
		if r.Region != use.Region || use.At > r.Expires {
			continue
		}
		a := applicable{part: Part{ID: r.ID, Way: pricing.Reserved, Expires: r.Expires, index: i}, zonal: r.Zone != "", free: r.Whole() - r.InUse}
		has, needs := size(r.Instance), size(use.Instance)
		switch {
		case r.Instance == use.Instance:
			a.covers, a.paid = a.free, r.Effective()
			list = append(list, a)
		case !a.zonal && flexible(r.Instance, use.Instance) && has > 0 && needs > 0:
			a.covers, a.paid = a.free*pricing.Decimal(has)/pricing.Decimal(needs), r.Effective().Of(pricing.Decimal(needs)*whole/pricing.Decimal(has))
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b applicable) int {
		if a.zonal != b.zonal {
			if a.zonal {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.paid, b.paid), cmp.Compare(a.part.ID, b.part.ID))
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

// plans lists those of a class that apply to a use for less than On-Demand, highest discount first. Those without a known rate are named in the cover.
func plans(owned *pricing.Commitments, class pricing.Class, use *Use, c *Cover) []applicable {
	family, _, _ := strings.Cut(use.Instance, ".")
	var list []applicable
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
		if rate > 0 && rate < use.OnDemand {
			free := s.Commitment - s.InUse
			list = append(list, applicable{part: Part{ID: s.ID, Way: pricing.SavingsPlan, Expires: s.Expires, index: i}, free: pricing.Decimal(free), covers: free.Buys(rate), paid: rate})
		}
	}
	slices.SortFunc(list, func(a, b applicable) int {
		return cmp.Or(cmp.Compare(a.paid, b.paid), cmp.Compare(a.part.ID, b.part.ID))
	})
	return list
}
