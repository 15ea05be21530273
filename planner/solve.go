package planner

import (
	"cmp"
	"slices"

	"github.com/eiplan/eiplan/planner/commit"
)

// solve prices and ranks what was predicted and sized. It returns too what covers the best choice of what is owned; nil where nothing does.
func (p *problem) solve(machines []machine) (*Plan, *commit.Cover) {
	k := p.sell(machines)
	found := alternatives(k.entries)
	r := rank(k.entries, p.Top, found)
	plan := &Plan{
		Benchmark: p.Measured.filled(), Alternatives: alternativeRanks(found, r.named), Feasible: len(k.entries), Considered: k.total,
		Plans: []Choice{}, Unpriced: k.firstUnpriced(p.Top), Warnings: []Warning{},
	}
	for i, e := range r.first {
		plan.Plans = append(plan.Plans, *p.choice(e, i+1))
	}
	for _, e := range sortedBeyond(r) {
		plan.AlternativePlans = append(plan.AlternativePlans, *p.choice(e, r.named[e]))
	}
	if len(plan.Plans) > 0 {
		plan.Best = &plan.Plans[0]
	}
	plan.Verdict = verdict(k)
	plan.BestRetired = p.aside(k.retired)
	plan.BestElasticInference = p.aside(k.ei)
	plan.Rejected = Rejected{Relaxations: []Relaxation{}, Rows: k.rows}
	plan.Rejected.Total, plan.Rejected.Count = k.counts.total()
	if plan.Best == nil {
		plan.Rejected.Nearest = p.nearest(machines)
	}
	plan.Rejected.Relaxations = p.relaxations(k, plan)
	plan.Baseline = p.baseline(machines, plan.Best)
	plan.PriceDates = p.priceDates(plan.Best)
	plan.Warnings = append(p.warnings(plan), p.priceDoubts(k, machines, plan.Best)...)
	plan.Analysis = p.analysis(machines, plan)
	if plan.Best == nil {
		return plan, nil
	}
	return plan, r.first[0].cover
}

// verdict: a candidate that only lacks a price, or whose prices are only too old, leaves the question open.
func verdict(k *market) Verdict {
	switch {
	case len(k.entries) > 0:
		return Feasible
	case len(k.unpriced) > 0 || k.priceExcluded:
		return Unknown
	}
	return Infeasible
}

// aside is a choice that stands beside the ranking.
func (p *problem) aside(e *entry) *Choice {
	if e == nil {
		return nil
	}
	return p.choice(e, 0)
}

// sortedBeyond lists the named entries that are not among the first, by rank.
func sortedBeyond(r ranking) []*entry {
	var beyond []*entry
	for e, rank := range r.named {
		if rank > len(r.first) {
			beyond = append(beyond, e)
		}
	}
	slices.SortFunc(beyond, func(a, b *entry) int { return cmp.Compare(r.named[a], r.named[b]) })
	return beyond
}

// firstUnpriced lists the fastest candidates without a price.
func (k *market) firstUnpriced(n int) []Unpriced {
	all := append([]Unpriced{}, k.unpriced...)
	slices.SortStableFunc(all, func(a, b Unpriced) int { return cmp.Compare(a.SlaMs, b.SlaMs) })
	return all[:min(n, len(all))]
}
