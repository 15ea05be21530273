package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// terms are what a catalogue sells on one day to whoever buys under the same constraints. What is asked of it is looked up once.
type terms struct {
	catalog     *pricing.Catalog
	constraints Constraints // of which the termsKey holds
	asOf        pricing.Date
	offers      map[place][]pricing.Offer
	regions     map[string]*sales
	vintages    map[sale]pricing.Date
}

// sales are those of one region.
type sales struct {
	stalls       map[*pricing.InstanceType]*stall
	accelerators map[*pricing.Accelerator]*acceleratorSale
}

// sale is one way to buy in a region.
type sale struct {
	region string
	option pricing.Option
}

// place is a subject in a region.
type place struct{ region, subject string }

// termsKey is all that terms depend on.
type termsKey struct {
	catalog         *pricing.Catalog
	asOf            pricing.Date
	purchase        string
	maxCommit       pricing.Term
	maxInterruption float64
	lifecycle       Availability
	maxPriceAge     int
	quality         pricing.Quality
}

func (c *common) termsOf(p *problem) *terms {
	a := &p.Constraints
	key := termsKey{p.Catalog, p.AsOf, fmt.Sprint(a.Purchase), a.MaxCommit, a.MaxInterruptionPercent, a.Lifecycle, a.MaxPriceAgeDays, a.PriceQuality}
	t := c.terms[key]
	if t == nil {
		t = &terms{
			catalog: p.Catalog, constraints: *a, asOf: p.AsOf, offers: map[place][]pricing.Offer{}, regions: map[string]*sales{},
			vintages: map[sale]pricing.Date{},
		}
		c.terms[key] = t
	}
	return t
}

// A stall is one instance type in one region: its offers, read when first asked for.
type stall struct {
	*terms
	*sales
	region   string
	instance *pricing.InstanceType
	life     pricing.Lifecycle
	read     [2]bool
	admit    [2]admission
}

func (t *terms) stall(region string, in *pricing.InstanceType) *stall {
	at := t.salesOf(region)
	s := at.stalls[in]
	if s == nil {
		s = &stall{terms: t, region: region, sales: at, instance: in, life: t.catalog.Sold(region, in.Name, t.asOf)}
		at.stalls[in] = s
	}
	return s
}

func (t *terms) salesOf(region string) *sales {
	at := t.regions[region]
	if at == nil {
		at = &sales{map[*pricing.InstanceType]*stall{}, map[*pricing.Accelerator]*acceleratorSale{}}
		t.regions[region] = at
	}
	return at
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
	offers := s.offersOf(s.region, s.instance.Name)
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
	c := &s.constraints
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
func (t *terms) offersOf(region, subject string) []pricing.Offer {
	at := place{region, subject}
	offers, ok := t.offers[at]
	if !ok {
		offers = t.catalog.Offers(pricing.Query{Region: region, Subject: subject, At: t.asOf, Quality: t.constraints.PriceQuality})
		t.offers[at] = offers
	}
	return offers
}

// vintage is the day that most prices of a way to buy are of.
func (t *terms) vintage(region string, o pricing.Option) pricing.Date {
	at := sale{region, o}
	d, ok := t.vintages[at]
	if !ok {
		d = t.catalog.Vintage(region, o, t.asOf)
		t.vintages[at] = d
	}
	return d
}

// asks reports whether a way to buy is one to consider. One that ends by itself is no way to keep a service up, and has to be named.
func (c *Constraints) asks(way pricing.Way) bool {
	if len(c.Purchase) == 0 {
		return !way.Ends
	}
	return slices.Contains(c.Purchase, way.Option)
}

// refuse says why an offer is not for this request, or nil.
func (t *terms) refuse(o *pricing.Offer, retired bool) *rejection {
	c := &t.constraints
	way := o.Purchase.Way()
	switch sold := t.wayState(way, retired); {
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
	case t.tooOld(o):
		return &rejection{PriceTooOld, fmt.Sprintf("the price of %s is of %s", o.Subject, o.AsOf)}
	}
	return nil
}

// wayState is whether a way to buy is on offer; with what is no longer sold, ways of its time count too.
func (t *terms) wayState(way pricing.Way, retired bool) pricing.State {
	state := way.Sold(t.asOf).State
	if t.constraints.Lifecycle == AnyTime && retired && (state == pricing.Closed || state == pricing.Retired) {
		return pricing.Current
	}
	return state
}

// tooOld holds for prices of a later day too: they are as far from the day of buying.
func (t *terms) tooOld(o *pricing.Offer) bool {
	limit, age := t.constraints.MaxPriceAgeDays, o.AsOf.DaysUntil(t.asOf)
	return limit > 0 && max(age, -age) > limit
}

func bandLabel(b *pricing.Band) string {
	if b == nil {
		return "are not known"
	}
	return b.Label + " a month"
}

// acceleratorSale is how an Elastic Inference accelerator is sold in a region.
type acceleratorSale struct {
	life  pricing.Lifecycle
	offer *pricing.Offer // On-Demand, the only way; nil: the price is not known
	fail  *rejection     // what is wrong with the price
}

// accelerator looks a size of Elastic Inference up.
func (s *stall) accelerator(of *pricing.Accelerator) *acceleratorSale {
	sale, name := s.accelerators[of], of.Name
	if sale != nil {
		return sale
	}
	sale = &acceleratorSale{life: s.catalog.Sold(s.region, name, s.asOf)}
	for _, o := range s.offersOf(s.region, name) {
		if o.Purchase.Way().Accelerators {
			sale.offer = &o
			break
		}
	}
	switch {
	case sale.offer == nil:
		sale.fail = &rejection{NoPrice, "On-Demand price of " + name}
	case s.tooOld(sale.offer):
		sale.fail = &rejection{PriceTooOld, fmt.Sprintf("the price of %s is of %s", name, sale.offer.AsOf)}
	}
	s.accelerators[of] = sale
	return sale
}
