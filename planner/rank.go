package planner

import (
	"slices"

	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/pricing"
)

// ranking is the entries that a plan shows, each with its rank among all.
type ranking struct {
	first []*entry // ranks 1, 2, …
	named map[*entry]int
}

// rank orders no more of the entries than will be shown: the first, those that are named, and the near ties of the first.
func rank(entries []entry, top int, named []*entry) ranking {
	r := ranking{named: map[*entry]int{}}
	for i := range entries {
		r.first = append(r.first, &entries[i])
		if len(r.first) >= 2*top+64 {
			r.first = cheapest(r.first, top)
		}
	}
	r.first = cheapest(r.first, top)
	for i, e := range r.first {
		r.named[e] = i + 1
	}
	var beyond []*entry
	add := func(e *entry) {
		if _, ok := r.named[e]; !ok {
			r.named[e] = 1
			beyond = append(beyond, e)
		}
	}
	for _, e := range named {
		if e != nil {
			add(e)
		}
	}
	for i := range entries {
		if entries[i].nearTie(r.first[0]) {
			add(&entries[i])
		}
	}
	if len(beyond) == 0 {
		return r
	}
	for i := range entries {
		for _, e := range beyond {
			if entries[i].compare(e) < 0 {
				r.named[e]++
			}
		}
	}
	return r
}

// NearTiePercent is by how much a choice may cost more than the best, under the objective, for the two to be a near tie: tomorrow the other may win.
const NearTiePercent = 5

// nearTie reports whether e is a near tie with the best. What is owned and takes part in paying for e counts too: a choice is no near tie of one that leaves
// more of it to others. The slack is that of figures in a report, which are rounded.
func (e *entry) nearTie(best *entry) bool {
	const most = (1 + NearTiePercent/100.0) * (1 + 1e-5)
	return e.cost <= most*best.cost && (e.cover == nil || e.blended.DollarsPerHour() <= most*best.blended.DollarsPerHour())
}

func cheapest(entries []*entry, n int) []*entry {
	slices.SortFunc(entries, (*entry).compare)
	return entries[:min(n, len(entries))]
}

// property is something that a buyer may insist on.
type property struct {
	rank  func(*Alternatives) **int
	holds func(*entry) bool
}

func option(o pricing.Option) func(*entry) bool {
	return func(e *entry) bool { return e.purchase.Option == o }
}

func reservedFor(t pricing.Term) func(*entry) bool {
	return func(e *entry) bool { return e.purchase.Option == pricing.Reserved && e.purchase.Term == t }
}

func on(k hardware.Kind) func(*entry) bool {
	return func(e *entry) bool { return e.machine.kind() == k }
}

func arch(a string) func(*entry) bool {
	return func(e *entry) bool { return e.machine.instance.Arch == a }
}

// properties are those that Alternatives names, but for Fastest.
func properties() []property {
	return []property{
		{func(a *Alternatives) **int { return &a.NoCommitment }, func(e *entry) bool { return !e.purchase.Way().Commits && !e.purchase.Way().Prepaid }},
		{func(a *Alternatives) **int { return &a.Uninterruptible }, func(e *entry) bool { return !e.purchase.Way().Interruptible && !e.purchase.Way().Ends }},
		{func(a *Alternatives) **int { return &a.OnDemand }, option(pricing.OnDemand)},
		{func(a *Alternatives) **int { return &a.Reserved1y }, reservedFor(pricing.OneYear)},
		{func(a *Alternatives) **int { return &a.Reserved3y }, reservedFor(pricing.ThreeYears)},
		{func(a *Alternatives) **int { return &a.SavingsPlan }, option(pricing.SavingsPlan)},
		{func(a *Alternatives) **int { return &a.Spot }, option(pricing.Spot)},
		{func(a *Alternatives) **int { return &a.AMD64 }, arch("amd64")},
		{func(a *Alternatives) **int { return &a.ARM64 }, arch("arm64")},
		{func(a *Alternatives) **int { return &a.CPU }, on(hardware.CPU)},
		{func(a *Alternatives) **int { return &a.GPU }, on(hardware.GPU)},
		{func(a *Alternatives) **int { return &a.Neuron }, on(hardware.Neuron)},
		{func(a *Alternatives) **int { return &a.EI }, on(hardware.EI)},
	}
}

// alternatives finds the cheapest entry with each property, and at the end the fastest entry.
func alternatives(entries []entry) []*entry {
	list := properties()
	best := make([]*entry, len(list)+1)
	for i := range entries {
		e := &entries[i]
		for k, property := range list {
			if (best[k] == nil || e.compare(best[k]) < 0) && property.holds(e) {
				best[k] = e
			}
		}
		fastest := &best[len(list)]
		if *fastest == nil || faster(e, *fastest) {
			*fastest = e
		}
	}
	return best
}

// faster orders by latency, then as entries are ranked.
func faster(e, f *entry) bool {
	if a, b := e.machine.service.sla, f.machine.service.sla; a != b {
		return a < b
	}
	return e.compare(f) < 0
}

// alternativeRanks writes the ranks of what alternatives found.
func alternativeRanks(found []*entry, ranks map[*entry]int) Alternatives {
	var a Alternatives
	for k, property := range properties() {
		if e := found[k]; e != nil {
			rank := ranks[e]
			*property.rank(&a) = &rank
		}
	}
	if e := found[len(found)-1]; e != nil {
		rank := ranks[e]
		a.Fastest = &rank
	}
	return a
}
