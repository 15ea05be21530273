package main

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// place is where something is sold: the key of most files.
type place struct{ region, subject string }

// onDemand is every On-Demand price, with the newest of each place apart: other
// files were derived from those.
type onDemand struct {
	prices []pricing.Price
	newest map[place]pricing.Price
}

// readOnDemand takes the settled price of each place from prices_ondemand.csv
// and older vintages from its history. History that is newer than the settled
// price was judged wrong by whoever settled it: bare-metal rows of a source
// that asks for Dedicated tenancy.
func readOnDemand(folder string, left leftOut) (*onDemand, error) {
	list := &onDemand{newest: map[place]pricing.Price{}}
	s, err := openSheet(folder, "prices_ondemand.csv")
	if err != nil {
		return nil, err
	}
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("instance_type"),
			Purchase:  pricing.Purchase{Option: pricing.OnDemand},
			Recurring: s.hourly("usd_per_hour"), Provenance: s.provenance(),
		}
		if quality := s.text("quality"); quality != "ok" {
			p.Caveat = joined(p.Caveat, quality)
		}
		at := place{p.Region, p.Subject}
		if _, twice := list.newest[at]; twice {
			s.fail("instance_type", fmt.Errorf("%s in %s is listed twice", p.Subject, p.Region))
		}
		list.newest[at] = p
		list.prices = append(list.prices, p)
	}
	if s.err != nil {
		return nil, s.err
	}
	if err := list.readHistory(folder, left); err != nil {
		return nil, err
	}
	return list, list.readInferred(folder, left)
}

func (l *onDemand) readHistory(folder string, left leftOut) error {
	s, err := openSheet(folder, "prices_ondemand_history.csv")
	if err != nil {
		return err
	}
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("instance_type"),
			Purchase:  pricing.Purchase{Option: pricing.OnDemand},
			Recurring: s.hourly("usd_per_hour"), Provenance: s.provenance(),
		}
		settled, ok := l.newest[place{p.Region, p.Subject}]
		switch {
		case !ok:
			s.fail("instance_type", fmt.Errorf("%s in %s has a past but no price", p.Subject, p.Region))
		case p.AsOf > settled.AsOf:
			left["On-Demand history newer than the settled price (bare metal at Dedicated tenancy)"]++
		case p.AsOf < settled.AsOf:
			l.prices = append(l.prices, p)
		}
	}
	return s.err
}

// readInferred adds the prices of us-east-1 that were taken over to its sister
// regions, unless the price in us-east-1 has since become another or the region
// has a newer one of its own.
func (l *onDemand) readInferred(folder string, left leftOut) error {
	s, err := openSheet(folder, "prices_ondemand_inferred.csv")
	if err != nil {
		return err
	}
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("instance_type"),
			Purchase: pricing.Purchase{Option: pricing.OnDemand}, Recurring: s.hourly("usd_per_hour"),
		}
		origin, ok := l.newest[place{"us-east-1", p.Subject}]
		own, hasOwn := l.newest[place{p.Region, p.Subject}]
		p.Provenance = origin.Provenance
		p.Quality, p.Rule = pricing.Inferred, s.text("rule")
		switch {
		case !ok || origin.Recurring != p.Recurring:
			left["inferred On-Demand price that us-east-1 no longer has"]++
		case hasOwn && own.AsOf >= p.AsOf:
			left["inferred On-Demand price contradicted by a newer observed one"]++
		default:
			l.prices = append(l.prices, p)
		}
	}
	return s.err
}

var (
	terms    = map[string]pricing.Term{"1yr": pricing.OneYear, "3yr": pricing.ThreeYears}
	payments = map[string]pricing.Payment{"no": pricing.NoUpfront, "partial": pricing.PartialUpfront, "all": pricing.AllUpfront}
	classes  = map[string]pricing.Class{"standard": pricing.Standard, "convertible": pricing.Convertible, "Compute": pricing.Compute, "EC2Instance": pricing.EC2Instance}
)

// roundedDollars is by how much a rate may differ from the one published when
// its upfront fee is in whole dollars: half a dollar over a year, and as much
// again for the sixth decimal.
const roundedDollars pricing.USDPerHour = 62_000

func readReserved(folder string, _ *onDemand, _ leftOut) ([]pricing.Price, error) {
	s, err := openSheet(folder, "prices_reserved.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.Price
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("instance_type"),
			Purchase: pricing.Purchase{
				Option: pricing.Reserved, Term: terms[s.text("term")],
				Payment: payments[s.text("payment")], Class: classes[s.text("class")],
			},
			Upfront: s.usd("upfront_usd"), Recurring: s.hourly("usd_per_hour"), Provenance: s.provenance(),
		}
		switch kind := s.text("kind"); {
		case strings.HasPrefix(kind, "derived: "):
			p.Quality, p.Rule = pricing.Derived, strings.TrimPrefix(kind, "derived: ")
			p.Source = sources["ec2instances-csv"]
		case !strings.HasPrefix(kind, "exact"):
			p.Rule = kind
		}
		effective := p.Purchase.Term.Effective(p.Upfront, p.Recurring)
		if off := effective - s.hourly("effective_usd_per_hour"); off > roundedDollars || -off > roundedDollars {
			s.fail("effective_usd_per_hour", fmt.Errorf("upfront and hourly part make %s USD/h", effective))
		}
		all = append(all, p)
	}
	return all, s.err
}

func readSavingsPlans(folder string, _ *onDemand, _ leftOut) ([]pricing.Price, error) {
	s, err := openSheet(folder, "savings_plans.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.Price
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("instance_type"),
			Purchase: pricing.Purchase{
				Option: pricing.SavingsPlan, Term: terms[s.text("term")],
				Payment: payments[s.text("payment")], Class: classes[s.text("plan")],
			},
			Recurring: s.hourly("usd_per_hour"), Provenance: s.provenance(),
		}
		if kind := s.text("kind"); kind != "exact" {
			p.Quality, p.Rule = pricing.Inferred, kind
		}
		all = append(all, p)
	}
	return all, s.err
}

// elasticInferenceSeen are the dates at which a price list held each size (the
// files named in ei_prices.csv). Sizes without a row come from a table that
// agrees with the price list of its generation's medium size.
var elasticInferenceSeen = map[string][]pricing.Date{
	"eia1": {20210500},
	"eia2": {20220400}, "eia2.medium": {20220400, 20240500},
}

func readElasticInference(folder string, _ *onDemand, left leftOut) ([]pricing.Price, error) {
	s, err := openSheet(folder, "ei_prices.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.Price
	for s.next() {
		p := pricing.Price{
			Region: s.text("region"), Subject: s.text("accelerator"),
			Purchase:   pricing.Purchase{Option: pricing.OnDemand},
			Provenance: pricing.Provenance{Source: s.text("source"), Quality: pricing.Observed},
		}
		if s.text("usd_per_hour") == "" {
			left["Elastic Inference price not found"]++
			continue
		}
		p.Recurring = s.hourly("usd_per_hour")
		generation, _, _ := strings.Cut(p.Subject, ".")
		seen := elasticInferenceSeen[generation]
		switch {
		case p.Region != "us-east-1":
			p.Quality, p.Rule = pricing.Inferred, "AWS's slides print one price for (US)"
		case s.text("confidence") != "high":
			p.Caveat = "from a table that names no region; its medium sizes agree with the price list"
		case elasticInferenceSeen[p.Subject] != nil:
			seen = elasticInferenceSeen[p.Subject]
		}
		for _, p.AsOf = range seen {
			all = append(all, p)
		}
	}
	return all, s.err
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
