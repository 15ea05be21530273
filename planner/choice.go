package planner

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/pricing"
)

// excluded is what no price here holds.
var excluded = [...]string{"EBS", "load balancer", "data transfer", "NAT", "support", "tax"}

// choice writes an entry out. Its prices are asked for anew: the catalogue gives the same answer each time.
func (p *problem) choice(e *entry, rank int) *Choice {
	m, s := e.machine, e.machine.service
	c := &Choice{
		Rank: rank, Region: e.region, Instance: m.instance.Name, Arch: m.instance.Arch, Accelerator: name(m.accelerator()), Count: m.count(),
		Precision: precisionName(m.precision), Format: m.target.Format.String(), Runtime: string(m.target.Runtime), Batch: p.Batch,
		Replicas: s.replicas, Servers: s.replicas * s.perServer, Lifecycle: p.lifecycle(e), Latency: p.latency(s), Memory: m.memory.tightest(), Utilisation: p.utilisation(m),
	}
	host, accelerator := p.offers(e)
	c.Purchase = purchase(host)
	c.Cost = p.costs(e, host, accelerator)
	c.Owned = p.owned(e)
	c.Notes = append(notes(e, host, accelerator), p.unknownRates(e)...)
	if p.Explain {
		c.Explanation = p.explain(m)
		if ms := s.prediction.TflopsMs; ms > 0 {
			c.Latency.TflopsMs = rounded(ms)
		}
	}
	return c
}

// offers finds the offers that an entry was priced with; accelerator is nil without Elastic Inference.
func (p *problem) offers(e *entry) (host, accelerator *pricing.Offer) {
	find := func(subject string, fits func(pricing.Purchase) bool) *pricing.Offer {
		for _, o := range p.terms.offersOf(e.region, subject) {
			if fits(o.Purchase) {
				return &o
			}
		}
		panic("planner: the catalogue no longer offers " + subject + " in " + e.region)
	}
	host = find(e.machine.instance.Name, func(q pricing.Purchase) bool { return q == e.purchase })
	if e.machine.ei != nil {
		accelerator = find(e.machine.ei.Name, func(q pricing.Purchase) bool { return q.Way().Accelerators })
	}
	return host, accelerator
}

func (p *problem) lifecycle(e *entry) Lifecycle {
	l := Lifecycle{Instance: p.Catalog.Sold(e.region, e.machine.instance.Name, p.AsOf).State.String()}
	switch {
	case e.machine.ei != nil:
		sold := p.Catalog.Sold(e.region, e.machine.ei.Name, p.AsOf)
		l.Accelerator = name(sold.State.String())
		if sold.State == pricing.Retired && sold.Retired != 0 {
			l.AcceleratorRetired = sold.Retired.String()
		}
	case e.machine.own != nil:
		l.Accelerator = name(l.Instance)
	}
	return l
}

func (p *problem) latency(s *service) Latency {
	pr := &s.prediction
	return Latency{
		ComputeMs: round6(pr.ComputeMs), NetworkMs: round6(pr.NetworkMs), OverheadMs: round6(pr.OverheadMs), QueueMs: round6(s.wait),
		P50Ms: round6(s.p50), P99Ms: round6(s.p99), SlaMs: round6(s.sla), LowMs: round6(s.low), HighMs: round6(s.high),
		Confidence: p.SLA.Confidence, HeadroomMs: round6(p.budget - s.sla), Basis: pr.Basis, Source: pr.Source, AsOf: pr.AsOf,
		TailFactor: round6(s.tail),
	}
}

func (p *problem) utilisation(m *machine) Utilisation {
	u := Utilisation{Memory: rounded(m.memory.hostNeeds / m.memory.hostHas)}
	if m.memory.acceleratorHas > 0 {
		u.AcceleratorMemory = rounded(m.memory.acceleratorNeeds / m.memory.acceleratorHas)
	}
	switch {
	case p.Rate == 0:
	case m.kind() == hardware.CPU:
		u.CPU = rounded(m.service.busy)
	default:
		u.Accelerator = rounded(m.service.busy)
	}
	return u
}

func purchase(o *pricing.Offer) Purchase {
	q := Purchase{
		Option: o.Purchase.Option.String(), Term: name(o.Purchase.Term.String()), Payment: name(o.Purchase.Payment.String()),
		Class: name(o.Purchase.Class.String()),
	}
	if o.Band != nil {
		q.InterruptionBand = &o.Band.Label
	}
	if o.BreakEvenHours > 0 {
		q.BreakEvenHours = rounded(o.BreakEvenHours)
	}
	return q
}

// costs is the arithmetic of money: exact, but for what a million requests cost.
func (p *problem) costs(e *entry, host, accelerator *pricing.Offer) Cost {
	s := e.machine.service
	c := Cost{
		HourlyUsd: e.hourly.DollarsPerHour(), MonthlyUsd: e.hourly.PerMonth().Dollars(), UpfrontUsd: host.Upfront.Dollars(),
		TotalHourlyUsd: e.total.DollarsPerHour(), TotalMonthlyUsd: e.total.PerMonth().Dollars(), PerMillionUsd: round6(p.perMillion(e.hourly, s)),
		Excluded: excluded[:], Prices: []Price{price(host)},
	}
	var extra pricing.USDPerHour
	if accelerator != nil {
		extra = accelerator.Hourly
		c.AcceleratorHourlyUsd = extra.DollarsPerHour()
		c.Prices = append(c.Prices, price(accelerator))
	}
	c.InstanceHourlyUsd = (e.hourly - extra).DollarsPerHour()
	for _, o := range p.terms.offersOf(e.region, host.Subject) {
		if o.Purchase.Option == pricing.OnDemand {
			v := (o.Hourly + extra).DollarsPerHour()
			c.OnDemandEquivalentUsd = &v
		}
	}
	return c
}

// owned is what the buyer's commitments pay of an entry; nil where none applies.
func (p *problem) owned(e *entry) *Owned {
	if e.cover == nil {
		return nil
	}
	o := &Owned{OnDemandInstances: units(e.cover.OnDemand), BlendedHourlyUsd: e.blended.DollarsPerHour()}
	for _, part := range e.cover.Parts {
		o.Commitments = append(o.Commitments, Covered{
			ID: part.ID, Option: part.Way.String(), Instances: units(part.Instances), PaidHourlyUsd: part.Hourly.DollarsPerHour(), Expires: part.Expires.String(),
		})
	}
	return o
}

// units is a number of instances that need not be whole.
func units(d pricing.Decimal) float64 { return round6(float64(d) / 1e9) }

func price(o *pricing.Offer) Price {
	rule := o.Rule
	if o.Caveat != "" {
		rule = strings.TrimPrefix(rule+"; "+o.Caveat, "; ")
	}
	return Price{
		What: o.Subject + ", " + o.Purchase.String(), Usd: o.Hourly.DollarsPerHour(), Source: o.Source, AsOf: o.AsOf.String(),
		Quality: o.Quality.String(), Rule: rule,
	}
}

// notes are what a choice asks of its buyer.
func notes(e *entry, host, accelerator *pricing.Offer) []string {
	var list []string
	add := func(applies bool, text string) {
		if applies {
			list = append(list, text)
		}
	}
	m := e.machine
	add(e.retired, "can't be bought any more")
	add(m.instance.Arch == "arm64", "arm64 image")
	add(m.kind() == hardware.Neuron, "compile for Neuron; Neuron quota")
	add(m.kind() == hardware.GPU, "GPU quota")
	add(m.ei != nil, "interface endpoint in the VPC")
	add(m.instance.SustainedCPU() < 1, fmt.Sprintf("at its CPU baseline of %g%%", 100*m.instance.SustainedCPU()))
	add(m.instance.BareMetal, "bare metal")
	add(host.Purchase.Way().Ends, endsAfter(host.Purchase.Class))
	add(host.Purchase.Way().Prepaid, "paid at the start")
	add(host.Purchase.Way().PerPool && host.Quality == pricing.Observed && host.Rule != "", host.Rule)
	for _, o := range []*pricing.Offer{host, accelerator} {
		if o != nil {
			add(o.Quality != pricing.Observed, o.Quality.String()+" price")
			add(o.Overlay != "", "price by "+o.Overlay)
		}
	}
	return list
}

// unknownRates says of a commitment, or of what is bought without one, which longer commitments have no known rate.
func (p *problem) unknownRates(e *entry) []string {
	if way := e.purchase.Way(); !way.Commits && !way.Covered {
		return nil
	}
	var list []string
	for _, term := range []pricing.Term{pricing.OneYear, pricing.ThreeYears} {
		known := slices.ContainsFunc(p.terms.offersOf(e.region, e.machine.instance.Name), func(o pricing.Offer) bool { return o.Purchase.Term == term })
		if term > e.purchase.Term && !known && p.commitAsked(term) {
			list = append(list, fmt.Sprintf("no %d-year rate known", term))
		}
	}
	return list
}

// endsAfter says when an instance of a block ends; a class of 0 leaves that to the order.
func endsAfter(c pricing.Class) string {
	if c == 0 {
		return "ends by itself"
	}
	return "ends after " + c.String()
}

// round6 keeps six significant digits, so that a plan does not depend on the last bits of an architecture's arithmetic.
func round6(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		panic("planner: rounding: " + err.Error())
	}
	return r
}

func rounded(v float64) *float64 {
	r := round6(v)
	return &r
}
