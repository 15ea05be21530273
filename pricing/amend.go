package pricing

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// amend applies the overlay to the offers that answer a query, and adds those
// that it alone knows.
func (r *resolved) amend(q Query, offers []Offer) []Offer {
	for i := range offers {
		for k := range r.changes {
			if a := &r.changes[k]; within(a.from, a.until, q.At) && a.matches(q.Region, q.Subject, offers[i].Purchase) {
				a.apply(&offers[i], r.name)
			}
		}
	}
	for _, s := range r.prices[[2]string{q.Region, q.Subject}] {
		if !within(s.from, s.until, q.At) {
			continue
		}
		o := s.offer
		if q.At != 0 && o.AsOf > q.At {
			o.Caveat = knownLater(o.AsOf)
		}
		i, found := slices.BinarySearchFunc(offers, o.Purchase, func(o Offer, p Purchase) int { return o.Purchase.Compare(p) })
		if found {
			o.Band = offers[i].Band
			offers[i] = o
			continue
		}
		offers = slices.Insert(offers, i, o)
	}
	return offers
}

func (a *amendment) matches(region, subject string, p Purchase) bool {
	return a.subjects[subject] && (len(a.regions) == 0 || slices.Contains(a.regions, region)) && (len(a.purchase) == 0 || slices.Contains(a.purchase, p.Option))
}

// apply changes an offer.
func (a *amendment) apply(o *Offer, name string) {
	o.Upfront, o.Recurring = a.reprice(o.Upfront, o.Recurring)
	o.Hourly = o.Purchase.Term.Effective(o.Upfront, o.Recurring)
	o.Rule = strings.TrimPrefix(o.Rule+"; "+a.text, "; ")
	if !strings.Contains(", "+o.Overlay+", ", ", "+name+", ") {
		o.Overlay = strings.TrimPrefix(o.Overlay+", "+name, ", ")
		o.Source += " with " + name
	}
}

// reprice changes a price. What a percentage would round to nothing stays 1e-9.
func (a *amendment) reprice(upfront USD, recurring USDPerHour) (USD, USDPerHour) {
	scale := func(n int64) int64 {
		scaled, ok := mulDiv(n, int64(wholePercent+a.percent), wholePercent)
		if !ok {
			panic(fmt.Sprintf("pricing: %s of %s USD is too large", a.text, USD(n)))
		}
		if n > 0 {
			scaled = max(scaled, 1)
		}
		return scaled
	}
	return USD(scale(int64(upfront))), USDPerHour(scale(int64(recurring))) + a.perHour
}

// survey holds an overlay against every price that it may touch, in the
// catalogue below it. The warnings name the entries that touch none; the error is
// of changes that, taken together and whatever their days, leave no price.
func (r *resolved) survey(c *Catalog) (warnings []string, err error) {
	touched := make([]bool, len(r.changes))
	takes := slices.ContainsFunc(r.changes, func(a amendment) bool { return a.perHour < 0 })
	for _, region := range c.regions {
		if !slices.ContainsFunc(r.changes, func(a amendment) bool { return len(a.regions) == 0 || slices.Contains(a.regions, region) }) {
			continue
		}
		for _, subject := range c.subjectNames() {
			if !takes && !slices.Contains(touched, false) {
				break
			}
			if err := r.surveyPrices(c, region, subject, touched); err != nil {
				return nil, err
			}
		}
	}
	for i, done := range touched {
		if !done {
			warnings = append(warnings, fmt.Sprintf("%s: changes[%d] matches no price of the catalogue", r.name, i))
		}
	}
	for key := range r.prices {
		if region, subject := key[0], key[1]; c.Sold(region, subject, 0).State == NotOffered {
			warnings = append(warnings, fmt.Sprintf("%s: %s is not known to be sold in %s: its price there does nothing", r.name, subject, region))
		}
	}
	slices.Sort(warnings)
	return warnings, nil
}

// surveyPrices holds the changes against the prices of one subject in one region.
func (r *resolved) surveyPrices(c *Catalog, region, subject string, touched []bool) error {
	if !slices.ContainsFunc(r.changes, func(a amendment) bool { return a.subjects[subject] }) {
		return nil
	}
	for p, price := range c.everyPrice(region, subject) {
		for k := range r.changes {
			a := &r.changes[k]
			if !a.matches(region, subject, p) {
				continue
			}
			touched[k] = true
			price.upfront, price.recurring = a.reprice(price.upfront, price.recurring)
			if price.recurring < 0 || price.upfront == 0 && price.recurring == 0 {
				return fmt.Errorf("changes[%d]: %s leaves %s USD/h of %s in %s, %s", k, a.text, price.recurring, subject, region, p)
			}
		}
	}
	return nil
}

// everyPrice yields every vintage of every price of a subject in a region, under
// the overlays that the catalogue has, whatever their days.
func (c *Catalog) everyPrice(region, subject string) iter.Seq2[Purchase, vintage] {
	return func(yield func(Purchase, vintage) bool) {
		amended := func(p Purchase, v vintage) bool {
			for i := range c.overlays {
				for k := range c.overlays[i].changes {
					if a := &c.overlays[i].changes[k]; a.matches(region, subject, p) {
						v.upfront, v.recurring = a.reprice(v.upfront, v.recurring)
					}
				}
			}
			return yield(p, v)
		}
		for _, s := range c.shelf(region, subject).series {
			for _, v := range s.vintages {
				if !amended(s.purchase, v) {
					return
				}
				if s.purchase.Option != OnDemand {
					continue
				}
				for _, b := range spotBlocks(&Offer{Recurring: v.recurring}) {
					if !amended(b.Purchase, vintage{recurring: b.Recurring}) {
						return
					}
				}
			}
		}
		for i := range c.overlays {
			for _, s := range c.overlays[i].prices[[2]string{region, subject}] {
				if !yield(s.offer.Purchase, vintage{upfront: s.offer.Upfront, recurring: s.offer.Recurring}) {
					return
				}
			}
		}
	}
}
