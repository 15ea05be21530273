package pricing

import (
	"slices"
)

// Changes are what differs from one catalogue to another, each list in order of
// name, region and purchase.
type Changes struct {
	NewTypes, GoneTypes []string // instance types and accelerators that only one of the two describes
	Prices              []PriceChange
	Lifecycles          []LifecycleChange
}

// A PriceChange is a purchase that costs otherwise, or that only one of the two
// has a price for.
type PriceChange struct {
	Subject, Region string
	Purchase        Purchase
	Old, New        *Offer // nil where there is no price
}

// Percent is by how much the hourly cost rose, negative where it fell; ok is
// false where either price is unknown.
func (c *PriceChange) Percent() (percent float64, ok bool) {
	if c.Old == nil || c.New == nil {
		return 0, false
	}
	return (float64(c.New.Hourly)/float64(c.Old.Hourly) - 1) * 100, true
}

// A LifecycleChange is a place where something began or ceased to be sold.
type LifecycleChange struct {
	Subject, Region string
	Old, New        Lifecycle
}

// Diff compares what two catalogues answer today: their newest prices and
// states. A price that is the same from another source or date is no change.
// Only names and regions that keep accepts are compared; nil accepts all.
func Diff(a, b *Catalog, keep func(region, subject string) bool) Changes {
	if keep == nil {
		keep = func(string, string) bool { return true }
	}
	regions := union(a.regions, b.regions)
	var c Changes
	for _, subject := range union(a.subjectNames(), b.subjectNames()) {
		_, inA := a.subjects[subject]
		_, inB := b.subjects[subject]
		kept := false
		for _, region := range regions {
			if !keep(region, subject) {
				continue
			}
			kept = true
			c.comparePlace(a, b, region, subject)
		}
		switch {
		case kept && !inA:
			c.NewTypes = append(c.NewTypes, subject)
		case kept && !inB:
			c.GoneTypes = append(c.GoneTypes, subject)
		}
	}
	return c
}

func (c *Changes) comparePlace(a, b *Catalog, region, subject string) {
	q := Query{Region: region, Subject: subject}
	before, after := a.Offers(q), b.Offers(q)
	for len(before) > 0 || len(after) > 0 {
		change := PriceChange{Subject: subject, Region: region}
		order := 0
		switch {
		case len(after) == 0:
			order = -1
		case len(before) == 0:
			order = 1
		default:
			order = before[0].Purchase.Compare(after[0].Purchase)
		}
		if order <= 0 {
			change.Old, change.Purchase, before = &before[0], before[0].Purchase, before[1:]
		}
		if order >= 0 {
			change.New, change.Purchase, after = &after[0], after[0].Purchase, after[1:]
		}
		if order != 0 || change.Old.Upfront != change.New.Upfront || change.Old.Recurring != change.New.Recurring {
			c.Prices = append(c.Prices, change)
		}
	}
	if old, now := a.Sold(region, subject, 0), b.Sold(region, subject, 0); old.State != now.State {
		c.Lifecycles = append(c.Lifecycles, LifecycleChange{subject, region, old, now})
	}
}

// union is every element of either list, sorted, once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
