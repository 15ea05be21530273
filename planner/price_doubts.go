package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// priceDoubts are the warnings about what stands beside the answer in the market: what naming types let in, commitments of which the rates are not
// known, and plans that are owned but could not be applied.
func (p *problem) priceDoubts(k *market, machines []machine, best *Choice) []Warning {
	list := []Warning{}
	if kinds := p.lifted(machines); len(kinds) > 0 {
		list = append(list, Warning{"lifted-rules", Info, strings.Join(p.Constraints.Instances, ","), "naming instance types also admits what is left out by default: " + strings.Join(kinds, "; ")})
	}
	if best == nil {
		return list
	}
	for _, term := range []pricing.Term{pricing.OneYear, pricing.ThreeYears} {
		if without, of := p.withoutRate(k, term); without > 0 && p.commitAsked(term) {
			text := fmt.Sprintf("no %d-year rate known for %d of %d instance types that would do", term, without, of)
			if p.Constraints.MaxPriceAgeDays > 0 {
				text = fmt.Sprintf("no %d-year rate known that is recent enough for %d of %d instance types that would do", term, without, of)
			}
			list = append(list, Warning{"rate-unknown", Info, term.String(), text})
		}
	}
	for _, g := range p.Catalog.Gaps(pricing.Query{Region: best.Region, Subject: best.Instance, At: p.AsOf}) {
		if g.Purchase.Option == pricing.SavingsPlan && g.Reason == pricing.NoPrice {
			list = append(list, Warning{"savings-plan-unknown", Info, best.Instance, "Savings Plans: not every rate for " + best.Instance + " is known"})
			break
		}
	}
	if p.owns() {
		for i := range k.entries {
			e := &k.entries[i]
			if e.machine.instance.Name != best.Instance || e.region != best.Region || !e.purchase.Way().Covered {
				continue
			}
			if ids := p.covered(e, e.hourly).Unrated; len(ids) > 0 {
				list = append(list, Warning{"plan-unrated", Caution, best.Instance, strings.Join(ids, ", ") + " may pay for it, but the rate of " + best.Instance + " in that Savings Plan is not known"})
			}
			break
		}
	}
	return list
}

// priceDates dates the prices that most answers are made of.
func (p *problem) priceDates(best *Choice) []PriceDate {
	region := defaultRegion
	if asked := p.Constraints.Regions; len(asked) > 0 && asked[0] != allRegions {
		region = asked[0]
	}
	if best != nil {
		region = best.Region
	}
	dates := []PriceDate{}
	for _, o := range []pricing.Option{pricing.OnDemand, pricing.Reserved, pricing.Spot} {
		if d := p.terms.vintage(region, o); d != 0 {
			dates = append(dates, PriceDate{Region: region, Option: o.String(), AsOf: d.String()})
		}
	}
	return dates
}

// lifted counts the instance types that are in only because types are named, by what would leave them out.
func (p *problem) lifted(machines []machine) []string {
	if len(p.Constraints.Instances) == 0 {
		return nil
	}
	types := map[string][]string{}
	for i := range machines {
		m := &machines[i]
		if why := p.unusual(m.build); why != "" && m.rejected == nil && !slices.Contains(types[why], m.instance.Name) {
			types[why] = append(types[why], m.instance.Name)
		}
	}
	var kinds []string
	for why, names := range types {
		text := names[0]
		if more := len(names) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		kinds = append(kinds, text+" ("+why+")")
	}
	slices.Sort(kinds)
	return kinds
}

// withoutRate counts the instance types that meet the request, and those of them for which no commitment of a term has a known price.
func (p *problem) withoutRate(k *market, term pricing.Term) (without, of int) {
	rated := map[*pricing.InstanceType]bool{}
	for i := range k.entries {
		e := &k.entries[i]
		in := e.machine.instance
		rated[in] = rated[in] || e.purchase.Term == term
	}
	for _, known := range rated {
		if !known {
			without++
		}
	}
	return without, len(rated)
}

// commitAsked reports whether a commitment of a term may be an answer.
func (p *problem) commitAsked(term pricing.Term) bool {
	c := &p.Constraints
	if c.MaxCommit != 0 && term > c.MaxCommit {
		return false
	}
	return len(c.Purchase) == 0 || slices.ContainsFunc(c.Purchase, func(o pricing.Option) bool { return pricing.WayOf(o).Commits })
}
