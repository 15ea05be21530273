package main

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// readSpot takes regional prices as they are, and of prices by zone the lowest.
func readSpot(folder string, list *onDemand, _ leftOut) ([]pricing.Price, error) {
	s, err := openSheet(folder, "prices_spot.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.Price
	zones := map[place]*zonePrices{}
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("instance_type"),
			Purchase:  pricing.Purchase{Option: pricing.Spot},
			Recurring: s.hourly("usd_per_hour"), Provenance: s.provenance(),
		}
		at := place{p.Region, p.Subject}
		if zone := s.text("az"); zone != "" {
			if zones[at] == nil {
				zones[at] = &zonePrices{lowest: p}
			}
			zones[at].add(p)
			continue
		}
		kind := s.text("kind")
		p.Rule = strings.Replace(kind, "min over AZs", "min over zones", 1)
		if rule, ok := strings.CutPrefix(kind, "derived: "); ok {
			p.Quality, p.Rule = pricing.Derived, rule
			p.Caveat = joined(p.Caveat, list.newest[at].Caveat)
		}
		all = append(all, p)
	}
	for _, z := range zones {
		z.lowest.Rule = fmt.Sprintf("min over %d zones; the dearest costs %s", z.count, z.highest)
		all = append(all, z.lowest)
	}
	return all, s.err
}

// zonePrices is what the zones of one place ask.
type zonePrices struct {
	lowest  pricing.Price
	highest pricing.USDPerHour
	count   int
}

func (z *zonePrices) add(p pricing.Price) {
	if p.Recurring < z.lowest.Recurring {
		z.lowest = p
	}
	z.highest = max(z.highest, p.Recurring)
	z.count++
}

var bands = map[string]struct{ min, max int }{
	"<5%": {0, 5}, "5-10%": {5, 10}, "10-15%": {10, 15}, "15-20%": {15, 20}, ">20%": {20, 100},
}

func readBands(folder string, left leftOut) ([]pricing.RegionBand, error) {
	s, err := openSheet(folder, "spot_advisor.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.RegionBand
	for s.next() {
		label := s.text("interruption_bucket")
		b := pricing.RegionBand{Region: s.text("region"), Instance: s.text("instance_type"), Band: pricing.Band{
			Label: label, MinPercent: bands[label].min, MaxPercent: bands[label].max,
			SavingsPercent: s.int("savings_pct"), Source: s.source(),
		}}
		b.AsOf, _ = s.date("as_of")
		if b.SavingsPercent < 0 {
			left["advisor row with negative savings"]++
			continue
		}
		all = append(all, b)
	}
	return all, s.err
}
