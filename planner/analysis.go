package planner

import (
	"cmp"
	"slices"

	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/pricing"
)

// Analysis is what a review asks beyond the answer: what else there is, and how the answer depends on what was asked and assumed.
type Analysis struct {
	Candidates  []Brief       `json:"candidates" yaml:"candidates"`   // the frontier of cost against latency and, around it, the cheapest of each family and way to buy; also such as miss the budget
	Ways        []Brief       `json:"ways" yaml:"ways"`               // the best choice's machine, bought in every way with a known price, the cheapest first
	Sensitivity []Sensitivity `json:"sensitivity" yaml:"sensitivity"` // empty without a best choice
	Map         DecisionMap   `json:"map" yaml:"map"`
	Roofline    *Roofline     `json:"roofline" yaml:"roofline"` // of the best choice; nil where another rule than the roofline predicted it
}

// Brief is a choice in a few figures, named as in Choice.
type Brief struct {
	Region      string   `json:"region" yaml:"region"`
	Instance    string   `json:"instance" yaml:"instance"`
	Arch        string   `json:"arch" yaml:"arch"`
	Accelerator *string  `json:"accelerator" yaml:"accelerator"` // nil: the CPU does the work
	Kind        string   `json:"kind" yaml:"kind"`               // of what does the work: cpu, gpu, neuron or ei
	Precision   string   `json:"precision" yaml:"precision"`
	Format      string   `json:"format" yaml:"format"`
	Runtime     string   `json:"runtime" yaml:"runtime"`
	Replicas    int      `json:"replicas" yaml:"replicas"`
	Purchase    Purchase `json:"purchase" yaml:"purchase"`

	P50Ms  float64 `json:"p50Ms" yaml:"p50Ms"`
	SlaMs  float64 `json:"slaMs" yaml:"slaMs"`
	LowMs  float64 `json:"lowMs" yaml:"lowMs"`
	HighMs float64 `json:"highMs" yaml:"highMs"`

	TotalHourlyUsd  float64 `json:"totalHourlyUsd" yaml:"totalHourlyUsd"`
	TotalMonthlyUsd float64 `json:"totalMonthlyUsd" yaml:"totalMonthlyUsd"`
	PerMillionUsd   float64 `json:"perMillionUsd" yaml:"perMillionUsd"`
	InBudget        bool    `json:"inBudget" yaml:"inBudget"`
	Frontier        bool    `json:"frontier" yaml:"frontier"` // of Candidates: nothing is both cheaper and faster
}

// A lot is a machine that meets everything but, maybe, the budget and the rate, in a region, at the least price of one option.
type lot struct {
	machine  int // index into analyst.machines
	region   string
	purchase pricing.Purchase
	host     pricing.USDPerHour // of the instance
	extra    pricing.USDPerHour // of the accelerator beside it
	retired  bool
}

// An analyst answers the request again under other budgets, rates and assumptions, from predictions and prices that are made once.
type analyst struct {
	*problem
	machines []machine
	lots     []lot                // those of one machine stand together
	first    []int                // of each machine, its lots' first index; one more at the end
	least    []pricing.USDPerHour // of each machine, with its accelerator
}

// analysis is nil unless the request asks for it.
func (p *problem) analysis(machines []machine, plan *Plan) *Analysis {
	if !p.Analysis {
		return nil
	}
	a := p.analyst(machines)
	return &Analysis{Candidates: a.candidates(plan.Best != nil), Ways: a.ways(plan.Best), Sensitivity: a.sensitivity(plan.Best), Map: a.decisionMap(plan.Best != nil), Roofline: a.roofline(plan.Best)}
}

func (p *problem) analyst(machines []machine) *analyst {
	a := &analyst{problem: p}
	for _, m := range machines {
		if m.rejected == nil || m.rejected.reason == TooSlow || m.rejected.reason == CannotKeepUp {
			m.rejected = nil
			a.machines = append(a.machines, m)
		}
	}
	index := map[*machine]int{}
	for i := range a.machines {
		index[&a.machines[i]] = i
	}
	listed := *p
	listed.Owned, listed.Explain, listed.cheapest = nil, false, false
	for _, e := range listed.sell(a.machines).entries {
		l := lot{machine: index[e.machine], region: e.region, purchase: e.purchase, host: e.hourly, retired: e.retired}
		if _, accelerator := p.offers(&e); accelerator != nil {
			l.extra = accelerator.Hourly
			l.host -= l.extra
		}
		a.lots = append(a.lots, l)
	}
	a.lots = leastOfEach(a.lots)
	for i, k := 0, 0; i <= len(a.machines); i++ {
		for k < len(a.lots) && a.lots[k].machine < i {
			k++
		}
		a.first = append(a.first, k)
	}
	for i := range a.machines {
		var least pricing.USDPerHour
		for k, l := range a.lots[a.first[i]:a.first[i+1]] {
			if price := l.host + l.extra; k == 0 || price < least {
				least = price
			}
		}
		a.least = append(a.least, least)
	}
	return a
}

// leastOfEach keeps the cheapest lot of each machine, region and option, in their order: no budget, rate or factor on an option's prices prefers another.
func leastOfEach(list []lot) []lot {
	slices.SortStableFunc(list, func(a, b lot) int {
		return cmp.Or(cmp.Compare(a.machine, b.machine), cmp.Compare(a.region, b.region), cmp.Compare(a.purchase.Option, b.purchase.Option),
			cmp.Compare(a.host, b.host), a.purchase.Compare(b.purchase))
	})
	return slices.CompactFunc(list, func(a, b lot) bool {
		return a.machine == b.machine && a.region == b.region && a.purchase.Option == b.purchase.Option
	})
}

// brief writes an entry out in a few figures.
func (p *problem) brief(e *entry) Brief {
	m, s := e.machine, e.machine.service
	host, _ := p.offers(e)
	return Brief{
		Region: e.region, Instance: m.instance.Name, Arch: m.instance.Arch, Accelerator: name(m.accelerator()), Kind: string(m.kind()),
		Precision: precisionName(m.precision), Format: m.target.Format.String(), Runtime: string(m.target.Runtime), Replicas: s.replicas, Purchase: purchase(host),
		P50Ms: round6(s.p50), SlaMs: round6(s.sla), LowMs: round6(s.low), HighMs: round6(s.high),
		TotalHourlyUsd: e.total.DollarsPerHour(), TotalMonthlyUsd: e.total.PerMonth().Dollars(), PerMillionUsd: round6(p.perMillion(e.hourly, s)),
		InBudget: s.keepsUp && s.sla-s.wait <= p.budget,
	}
}

// families is of how many families Analysis.Candidates holds the cheapest, for each kind of hardware and option, all regions together; patience is up to how
// many budgets they may take, or where nothing is within the budget, how many times as long as the fastest.
const families, patience = 10, 2.0

// candidates are the frontier, and the cheapest of the cheapest families. Under a rate only such as keep up are among them; where none does within the budget,
// those that would within a longer one.
func (a *analyst) candidates(feasible bool) []Brief {
	longest := patience * a.budget
	if !feasible {
		longest = max(longest, patience*a.fastest())
		a = a.sizedFor(longest)
	}
	var entries []entry
	for _, l := range a.lots {
		if s := a.machines[l.machine].service; s.keepsUp && s.sla <= longest {
			entries = append(entries, a.entry(&l, &a.machines[l.machine], l.host, l.extra))
		}
	}
	slices.SortFunc(entries, func(e, f entry) int { return e.compare(&f) })
	type group struct {
		region   string
		kind     hardware.Kind
		option   pricing.Option
		inBudget bool
	}
	type family struct {
		group
		name string
	}
	frontier, most := frontierOf(entries), max(families/len(a.regions), 1)
	held, seen := map[group]int{}, map[family]bool{}
	list := []Brief{}
	for i := range entries {
		e := &entries[i]
		g := group{e.region, e.machine.kind(), e.purchase.Option, e.machine.service.sla <= a.budget}
		f := family{g, e.machine.instance.Family}
		if !frontier[i] && (seen[f] || held[g] == most) {
			continue
		}
		held[g]++
		seen[f] = true
		b := a.brief(e)
		b.Frontier, b.InBudget = frontier[i], b.InBudget && feasible
		list = append(list, b)
	}
	return list
}

// sizedFor is the analysis of fleets that keep up with the rate within another budget, where they do not within the request's.
func (a *analyst) sizedFor(budget float64) *analyst {
	p, laxer := a.asked(question{rate: a.Rate, budget: budget}), *a
	laxer.machines = slices.Clone(a.machines)
	sized := map[*service]*service{}
	for i := range laxer.machines {
		m := &laxer.machines[i]
		if m.service.keepsUp {
			continue
		}
		if sized[m.service] == nil {
			answer := p.answer(m.service.prediction, m.serves)
			sized[m.service] = &answer
		}
		m.service = sized[m.service]
	}
	return &laxer
}

// fastest is the least bound on one request, of all that is sold; 0 where nothing is.
func (a *analyst) fastest() float64 {
	least := 0.0
	for _, l := range a.lots {
		if s := a.machines[l.machine].service; least == 0 || s.sla-s.wait < least {
			least = s.sla - s.wait
		}
	}
	return least
}

// frontierOf marks, of entries in the order of their cost, those than which nothing cheaper is as fast.
func frontierOf(entries []entry) map[int]bool {
	marks := map[int]bool{}
	fastest := 0.0
	for i := range entries {
		if sla := entries[i].machine.service.sla; i == 0 || sla < fastest {
			marks[i], fastest = true, sla
		}
	}
	return marks
}

// entry is a lot at given prices, on a machine that is sized.
func (p *problem) entry(l *lot, m *machine, host, extra pricing.USDPerHour) entry {
	e := entry{machine: m, region: l.region, purchase: l.purchase, hourly: host + extra, retired: l.retired}
	p.charge(&e, host, extra)
	return e
}

// ways buys the best choice's machine in every way that the request admits.
func (a *analyst) ways(best *Choice) []Brief {
	list := []Brief{}
	m := a.machineOf(best)
	if m == nil {
		return list
	}
	one := *a.problem
	one.regions, one.Explain, one.cheapest = []string{best.Region}, false, false
	entries := one.sell([]machine{*m}).entries
	slices.SortFunc(entries, func(e, f entry) int { return e.compare(&f) })
	for i := range entries {
		list = append(list, a.brief(&entries[i]))
	}
	return list
}

// machineOf finds what does the work of a choice; nil for nil.
func (a *analyst) machineOf(c *Choice) *machine {
	if c == nil {
		return nil
	}
	for i := range a.machines {
		m := &a.machines[i]
		if m.instance.Name == c.Instance && m.accelerator() == text(c.Accelerator) && precisionName(m.precision) == c.Precision {
			return m
		}
	}
	panic("planner: the best choice is on none of the machines")
}
