package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// A stall is one instance type in one region: its offers, read when first asked for.
type stall struct {
	*market
	region   string
	instance *pricing.InstanceType
	life     pricing.Lifecycle
	read     [2]bool
	admit    [2]admission
}

// admission is the offers that the request admits, or why there are none.
type admission struct {
	ways []way
	fail *rejection
}

// way is a way to buy an instance, with its price.
type way struct {
	purchase pricing.Purchase
	hourly   pricing.USDPerHour
}

// admitted depends on whether what is bought is still sold, since ways to buy end too.
func (s *stall) admitted(retired bool) *admission {
	i := 0
	if retired {
		i = 1
	}
	a := &s.admit[i]
	if s.read[i] {
		return a
	}
	s.read[i] = true
	offers := s.p.offersOf(s.region, s.instance.Name)
	for i := range offers {
		why := s.refuse(&offers[i], retired)
		switch {
		case why == nil:
			a.ways = append(a.ways, way{offers[i].Purchase, offers[i].Hourly})
		case a.fail == nil || gravity(why.reason) > gravity(a.fail.reason):
			a.fail = why
		}
	}
	switch {
	case len(a.ways) > 0:
		a.fail = nil
	case a.fail == nil || a.fail.reason != PriceTooOld:
		if missing := s.withoutPrice(offers, retired); missing != "" {
			a.fail = &rejection{NoPrice, missing}
		}
	}
	return a
}

// gravity orders reasons to refuse a price, by how little it would take to lift them.
func gravity(r Reason) int {
	return slices.Index([]Reason{NotAsked, NotOffered, CommitmentTooLong, TooInterrupted, PriceTooOld}, r)
}

// withoutPrice names the ways to buy that are asked for and on sale but have no offer, or "".
func (s *stall) withoutPrice(offers []pricing.Offer, retired bool) string {
	if len(offers) == 0 {
		return "any price of " + s.instance.Name
	}
	c := &s.p.Constraints
	var names []string
	for _, way := range pricing.Ways() {
		if !c.asks(way) || s.wayState(way, retired) != pricing.Current || way.PerPool && !s.instance.SpotSold || !way.Sells(0, s.instance.Family) {
			continue
		}
		within := func(q pricing.Purchase) bool { return c.MaxCommit == 0 || q.Term <= c.MaxCommit }
		offered := func(o pricing.Offer) bool { return o.Purchase.Option == way.Option && within(o.Purchase) }
		if slices.ContainsFunc(way.Purchases(), within) && !slices.ContainsFunc(offers, offered) {
			names = append(names, way.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, " and ") + " price of " + s.instance.Name
}

// offersOf is what the catalogue knows of a subject's prices on the day of buying, as far as their quality counts.
func (p *problem) offersOf(region, subject string) []pricing.Offer {
	return p.Catalog.Offers(pricing.Query{Region: region, Subject: subject, At: p.AsOf, Quality: p.Constraints.PriceQuality})
}

// asks reports whether a way to buy is one to consider. One that ends by itself is no way to keep a service up, and has to be named.
func (c *Constraints) asks(way pricing.Way) bool {
	if len(c.Purchase) == 0 {
		return !way.Ends
	}
	return slices.Contains(c.Purchase, way.Option)
}

// refuse says why an offer is not for this request, or nil.
func (k *market) refuse(o *pricing.Offer, retired bool) *rejection {
	c := &k.p.Constraints
	way := o.Purchase.Way()
	switch sold := k.wayState(way, retired); {
	case !c.asks(way):
		return &rejection{NotAsked, way.Name + " not asked for"}
	case sold != pricing.Current:
		return &rejection{NotOffered, way.Name + " is not sold"}
	case c.MaxCommit != 0 && o.Purchase.Term > c.MaxCommit:
		return &rejection{CommitmentTooLong, fmt.Sprintf("commits for %s", o.Purchase.Term)}
	case way.Ends && c.MaxInterruptionPercent > 0:
		return &rejection{TooInterrupted, way.Name + " ends by itself"}
	case way.Interruptible && c.MaxInterruptionPercent > 0 && (o.Band == nil || float64(o.Band.MaxPercent) > c.MaxInterruptionPercent):
		return &rejection{TooInterrupted, "Spot interruptions " + bandLabel(o.Band)}
	case k.tooOld(o):
		return &rejection{PriceTooOld, fmt.Sprintf("the price of %s is of %s", o.Subject, o.AsOf)}
	}
	return nil
}

// wayState is whether a way to buy is on offer; with what is no longer sold, ways of its time count too.
func (k *market) wayState(way pricing.Way, retired bool) pricing.State {
	state := way.Sold(k.p.AsOf).State
	if k.p.Constraints.Lifecycle == AnyTime && retired && (state == pricing.Closed || state == pricing.Retired) {
		return pricing.Current
	}
	return state
}

// tooOld holds for prices of a later day too: they are as far from the day of buying.
func (k *market) tooOld(o *pricing.Offer) bool {
	limit, age := k.p.Constraints.MaxPriceAgeDays, o.AsOf.DaysUntil(k.p.AsOf)
	return limit > 0 && max(age, -age) > limit
}

func bandLabel(b *pricing.Band) string {
	if b == nil {
		return "are not known"
	}
	return b.Label + " a month"
}
