package planner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// nearest is the candidate on sale that misses the request by the least share of it: time first, memory where none is merely too slow.
func (p *problem) nearest(machines []machine) *Nearest {
	for _, reason := range []Reason{TooSlow, CannotKeepUp, LacksMemory} {
		var missing []*machine
		for i := range machines {
			if r := machines[i].rejected; r != nil && r.reason == reason {
				missing = append(missing, &machines[i])
			}
		}
		slices.SortStableFunc(missing, func(a, b *machine) int { return cmp.Compare(p.shortfall(a).Amount, p.shortfall(b).Amount) })
		for _, m := range missing {
			if e := p.sold(m); e != nil {
				return &Nearest{Choice: *p.choice(e, 0), Shortfall: p.shortfall(m)}
			}
		}
	}
	return nil
}

// shortfall is by how much a rejected machine misses.
func (p *problem) shortfall(m *machine) Shortfall {
	s := Shortfall{Reason: m.rejected.reason, Text: m.rejected.text}
	switch m.rejected.reason {
	case LacksMemory:
		f := m.memory
		s.Amount, s.Unit = math.Ceil(max(f.acceleratorNeeds-f.acceleratorHas, f.hostNeeds-f.hostHas)), "bytes"
	case CannotKeepUp:
		most := mostReplicas * float64(m.service.perServer) / m.service.prediction.Quantile(p.SLA.Confidence) * 1e3
		s.Amount, s.Unit = round6(max(0, p.Rate-most)), "requests/s"
	default:
		s.Amount, s.Unit = round6(max(0, m.service.sla-p.budget)), "ms"
	}
	return s
}

// sold is the cheapest way to buy a machine today, whatever its rejection; nil if there is none at a known price.
func (p *problem) sold(m *machine) *entry {
	bare := *m
	bare.rejected = nil
	today := *p
	today.Explain, today.cheapest = false, true
	k := today.sell([]machine{bare})
	if len(k.entries) == 0 {
		return nil
	}
	e := k.entries[0]
	e.machine = m
	return &e
}

// A relaxed request is the request with one thing changed.
type relaxed struct {
	change, from, to string
	request          Request
}

// relaxations are changes that would bring a choice where there is none, cheapest first; or that would bring a cheaper one than the best.
func (p *problem) relaxations(k *market, plan *Plan) []Relaxation {
	list := []Relaxation{}
	if plan.Best != nil {
		if e := k.near; e != nil && e.cost < p.objectiveOf(plan.Best) {
			list = append(list, p.relaxation("latency", ms(p.SLA.TotalMs), ms(p.totalFor(e.machine.service.sla)), p.choice(e, 0)))
		}
		if e := k.retired; e != nil && p.Constraints.Lifecycle == OnlyCurrent && e.cost < p.objectiveOf(plan.Best) {
			list = append(list, p.relaxation("lifecycle", string(OnlyCurrent), string(AnyTime), plan.BestRetired))
		}
		return list
	}
	for _, r := range p.relaxedRequests(plan.Rejected.Nearest) {
		r.request.Explain, r.request.Baseline, r.request.Top = false, "", 1
		sub, err := prepare(r.request, p.common)
		if err != nil {
			continue // a request that can't be relaxed so, such as a pattern that is now alone
		}
		sub.cheapest, sub.predictions = true, p.predictions
		if sub.Scaling != p.Scaling || sub.Runtime != p.Runtime {
			sub.predictions = map[*aim]*predicted{}
		}
		machines := sub.machines()
		market := sub.sell(machines)
		if len(market.entries) > 0 {
			list = append(list, p.relaxation(r.change, r.from, r.to, sub.choice(&market.entries[0], 0)))
		}
	}
	slices.SortStableFunc(list, func(a, b Relaxation) int { return cmp.Compare(*a.HourlyUsd, *b.HourlyUsd) })
	return list
}

// totalFor is the whole budget, in milliseconds rounded up to three digits, within which an inference of this length would fit.
func (p *problem) totalFor(inference float64) float64 {
	total := p.SLA.TotalMs - p.budget + inference
	unit := math.Pow(10, math.Floor(math.Log10(total))-2)
	return round6(math.Ceil(total/unit) * unit)
}

// objectiveOf is what the objective counts of a choice.
func (p *problem) objectiveOf(c *Choice) float64 {
	if p.Objective == PerMillion {
		return c.Cost.PerMillionUsd
	}
	return c.Cost.TotalHourlyUsd
}

func (p *problem) relaxation(change, from, to string, c *Choice) Relaxation {
	hourly := c.Cost.TotalHourlyUsd
	return Relaxation{
		Change: change, From: from, To: to, HourlyUsd: &hourly, Choice: c,
		Text: fmt.Sprintf("%s %s instead of %s: %s for %.4g USD/h", change, to, from, choiceName(c), hourly),
	}
}

// relaxedRequests lifts one limit at a time, only those that the request sets.
func (p *problem) relaxedRequests(nearest *Nearest) []relaxed {
	var list []relaxed
	c := &p.Constraints
	add := func(applies bool, change, from, to string, edit func(*Request)) {
		if !applies {
			return
		}
		r := relaxed{change: change, from: from, to: to, request: p.Request}
		edit(&r.request)
		list = append(list, r)
	}
	if nearest != nil && nearest.Shortfall.Reason == TooSlow {
		total := p.totalFor(nearest.Latency.SlaMs)
		add(true, "latency", ms(p.SLA.TotalMs), ms(total), func(r *Request) { r.SLA.TotalMs = total })
	}
	add(p.SLA.Confidence > 0.5, "confidence", fmt.Sprint(p.SLA.Confidence), "0.5", func(r *Request) { r.SLA.Confidence = 0.5 })
	add(c.Lifecycle == OnlyCurrent, "lifecycle", string(OnlyCurrent), string(AnyTime), func(r *Request) { r.Constraints.Lifecycle = AnyTime })
	add(len(p.regions) < len(p.Catalog.Regions()), "region", strings.Join(p.regions, ","), allRegions, func(r *Request) { r.Constraints.Regions = []string{allRegions} })
	add(len(c.Instances) > 0, "instance", strings.Join(c.Instances, ","), "any", func(r *Request) { r.Constraints.Instances = nil })
	add(len(c.Accelerators) > 0, "accelerator", strings.Join(c.Accelerators, ","), "any", func(r *Request) { r.Constraints.Accelerators = nil })
	add(len(c.Arch) > 0, "arch", strings.Join(c.Arch, ","), "any", func(r *Request) { r.Constraints.Arch = nil })
	add(len(c.Precisions) > 0, "precision", joined(c.Precisions, precisionName), "any", func(r *Request) { r.Constraints.Precisions = nil })
	add(len(c.Purchase) > 0, "purchase", joined(c.Purchase, pricing.Option.String), "all", func(r *Request) { r.Constraints.Purchase = nil })
	add(c.MaxCommit != 0, "commitment", c.MaxCommit.String(), pricing.ThreeYears.String(), func(r *Request) { r.Constraints.MaxCommit = 0 })
	add(c.MaxInterruptionPercent > 0, "interruption", fmt.Sprintf("%g%%", c.MaxInterruptionPercent), "any", func(r *Request) { r.Constraints.MaxInterruptionPercent = 0 })
	add(c.MaxPriceAgeDays > 0, "price age", fmt.Sprintf("%dd", c.MaxPriceAgeDays), "any", func(r *Request) { r.Constraints.MaxPriceAgeDays = 0 })
	add(c.PriceQuality != 0, "price quality", c.PriceQuality.String(), "any", func(r *Request) { r.Constraints.PriceQuality = 0 })
	add(p.Runtime != "", "runtime", string(p.Runtime), "default", func(r *Request) { r.Runtime = "" })
	return list
}

func joined[T any](list []T, name func(T) string) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = name(v)
	}
	return strings.Join(names, ",")
}

func ms(v float64) string { return fmt.Sprintf("%.6g ms", v) }

// choiceName is what is bought, as a sentence says it.
func choiceName(c *Choice) string {
	s := c.Instance
	if c.Accelerator != nil && c.Cost.AcceleratorHourlyUsd > 0 {
		s += " + " + *c.Accelerator
	}
	return s + ", " + c.Purchase.Option + " in " + c.Region
}
