package pricing

import (
	"cmp"
	"fmt"
	"slices"
)

// A book is what the catalogue knows of one region.
type book struct {
	shelves map[string]*shelf
}

// A shelf is what a book knows of one subject.
type shelf struct {
	offered []Offering // none or one
	series  []series   // ordered by purchase
	bands   []Band     // ordered by date
}

// A series is every vintage of one price, ordered by date, then quality.
type series struct {
	purchase Purchase
	vintages []vintage
}

type vintage struct {
	upfront    USD
	recurring  USDPerHour
	provenance *Provenance
}

// ageBeforeGuess is by how many days a derived or inferred price must be newer
// than every observed one to be preferred. Prices of a year ago are still a
// better guide than a rule; 2019's Reserved rates and 2021's Spot prices are not.
const ageBeforeGuess = 365

// at picks the vintage that answers at a date, zero for the newest, among those
// of at least the given quality; nil if there is none.
//
// Of the vintages dated no later, the newest observed one answers, or the
// newest of all where that is derived or inferred and more than [ageBeforeGuess]
// days newer. Where every vintage is later, the first of them answers and late
// is true.
func (s *series) at(date Date, worst Quality) (v *vintage, late bool) {
	var newest, observed *vintage
	for i := range s.vintages {
		v := &s.vintages[i]
		p := v.provenance
		switch {
		case worst != 0 && p.Quality > worst:
		case date != 0 && p.AsOf > date:
			if newest == nil {
				return v, true
			}
		default:
			if newest == nil || p.AsOf > newest.provenance.AsOf {
				newest = v
			}
			if p.Quality == Observed {
				observed = v
			}
		}
	}
	if observed != nil && observed.provenance.AsOf.DaysUntil(newest.provenance.AsOf) <= ageBeforeGuess {
		return observed, false
	}
	return newest, false
}

// offer is the series' answer to a query.
func (s *series) offer(q Query) (Offer, bool) {
	v, late := s.at(q.At, q.Quality)
	if v == nil {
		return Offer{}, false
	}
	o := Offer{
		Subject: q.Subject, Region: q.Region, Purchase: s.purchase,
		Hourly:    s.purchase.Term.Effective(v.upfront, v.recurring),
		Recurring: v.recurring, Upfront: v.upfront, Provenance: *v.provenance,
	}
	if late {
		o.Caveat = joinCaveats(knownLater(o.AsOf), o.Caveat)
	}
	return o, true
}

func knownLater(d Date) string {
	return fmt.Sprintf("known only from %s on, after the date asked for", d)
}

func joinCaveats(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}

// offers answers a query from the shelf, ordered by purchase, without what an
// offer says beside others.
func (sh *shelf) offers(q Query) []Offer {
	offers := make([]Offer, 0, len(sh.series))
	for i := range sh.series {
		o, ok := sh.series[i].offer(q)
		if !ok {
			continue
		}
		if WayOf(o.Purchase.Option).Interruptible {
			o.Band = sh.band(q.At)
		}
		offers = append(offers, o)
	}
	return offers
}

// breakEven holds every commitment against On-Demand.
func breakEven(offers []Offer) {
	i := slices.IndexFunc(offers, func(o Offer) bool { return o.Purchase.Option == OnDemand })
	if i < 0 {
		return
	}
	for k := range offers {
		if o := &offers[k]; o.Purchase.Term != 0 {
			o.BreakEvenHours = HoursPerMonth * float64(o.Hourly) / float64(offers[i].Hourly)
		}
	}
}

// band is the newest band no later than the date, else the first later one.
func (sh *shelf) band(date Date) *Band {
	if len(sh.bands) == 0 {
		return nil
	}
	after, found := slices.BinarySearchFunc(sh.bands, date, func(b Band, d Date) int { return cmp.Compare(b.AsOf, d) })
	switch {
	case date == 0:
		return &sh.bands[len(sh.bands)-1]
	case found || after == 0:
		return &sh.bands[after]
	}
	return &sh.bands[after-1]
}

// sold is the lifecycle of what stands on the shelf, at a date or, at zero, now.
func (sh *shelf) sold(date Date) Lifecycle {
	if len(sh.offered) == 0 {
		return Lifecycle{State: NotOffered}
	}
	o := sh.offered[0]
	l := Lifecycle{From: o.From, Closed: o.Closed, Retired: o.Retired, Source: o.Source}
	l.State = l.stateAt(date)
	return l
}
