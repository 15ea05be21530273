package planner

import (
	"cmp"
	"strings"

	"github.com/eiplan/eiplan/planner/commit"
	"github.com/eiplan/eiplan/pricing"
)

// An entry is a machine that meets everything, in a region, bought one way, at a known price.
type entry struct {
	machine  *machine
	region   string
	purchase pricing.Purchase
	hourly   pricing.USDPerHour // of one instance and its accelerator, on average
	total    pricing.USDPerHour // of all replicas: what they add to the bill
	blended  pricing.USDPerHour // total, with the share of what is owned and paid in any case
	cover    *commit.Cover      // by what is owned; nil: nothing applies
	cost     float64            // what the objective counts
	retired  bool               // it needs what is no longer sold to anyone
}

// compare orders entries as they are ranked: by cost, then by how much of what is owned they use up, then latency, then name.
func (e *entry) compare(f *entry) int {
	if c := cmp.Compare(e.cost, f.cost); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(e.blended-e.total, f.blended-f.total), cmp.Compare(e.machine.service.sla, f.machine.service.sla),
		cmp.Compare(e.machine.instance.Name, f.machine.instance.Name), cmp.Compare(e.machine.accelerator(), f.machine.accelerator()),
		cmp.Compare(e.region, f.region), cmp.Compare(e.machine.precision, f.machine.precision), e.purchase.Compare(f.purchase),
	)
}

// market is what the regions sell of the machines.
type market struct {
	p       *problem
	entries []entry // feasible, in no order

	retired, ei, near *entry // the cheapest that needs retired parts; with Elastic Inference; and that misses the budget by little
	counts            tally
	total             int
	rows              []RejectedRow
	unpriced          []Unpriced
	priceExcluded     bool // a candidate is out for the age or quality of its prices alone
}

// nearMiss is how far over the budget a candidate may be to be named as worth a little patience.
const nearMiss = 1.25

// sell prices machines in every region asked for.
func (p *problem) sell(machines []machine) *market {
	k := &market{p: p}
	if !p.cheapest {
		k.entries = make([]entry, 0, p.common.entries)
	}
	for _, region := range p.regions {
		for i := 0; i < len(machines); {
			j := i + 1
			for j < len(machines) && machines[j].instance == machines[i].instance {
				j++
			}
			k.instance(region, machines[i:j])
			i = j
		}
	}
	p.common.entries = max(p.common.entries, len(k.entries))
	return k
}

// instance handles the machines of one instance type in one region.
func (k *market) instance(region string, machines []machine) {
	stall := k.p.terms.stall(region, machines[0].instance)
	for i := range machines {
		m := &machines[i]
		k.total++
		switch {
		case m.rejected != nil && m.rejected.reason == NotAsked:
			k.reject(region, m, m.rejected.reason, m.rejected.text)
		case stall.life.State == pricing.NotOffered:
			k.reject(region, m, NotInRegion, "not sold in the region")
		case m.rejected != nil && !k.nearly(m):
			k.reject(region, m, m.rejected.reason, m.rejected.text)
		default:
			k.machine(m, stall)
		}
	}
}

// nearly tells whether a machine that the rules leave out is worth pricing.
func (k *market) nearly(m *machine) bool {
	return m.rejected.reason == TooSlow && k.p.Rate == 0 && m.service.sla <= nearMiss*k.p.budget
}

// machine buys a machine in every way there is, or files why there is none.
func (k *market) machine(m *machine, s *stall) {
	retired := s.life.State != pricing.Current
	var extra pricing.USDPerHour
	var fail *rejection
	if m.ei != nil {
		sale := s.accelerator(m.ei)
		if why := together(s.life, sale.life); why != nil {
			k.reject(s.region, m, why.reason, why.text)
			return
		}
		retired = retired || sale.life.State != pricing.Current
		fail = sale.fail
		if sale.offer != nil {
			extra = sale.offer.Hourly
		}
	}
	if m.rejected != nil {
		k.reject(s.region, m, m.rejected.reason, m.rejected.text)
	}
	if fail == nil {
		admitted := s.admitted(retired)
		for _, w := range admitted.ways {
			e := entry{machine: m, region: s.region, purchase: w.purchase, hourly: w.hourly + extra, retired: retired}
			k.p.charge(&e, w.hourly, extra)
			k.enter(&e)
		}
		fail = admitted.fail
	}
	switch {
	case m.rejected != nil:
	case retired && k.p.Constraints.Lifecycle == OnlyCurrent:
		k.reject(s.region, m, Retired, k.whatRetired(m, s))
	case fail != nil:
		k.missing(s.region, m, *fail)
	}
}

// together holds an accelerator against its region and its host: it must have been offered there, while the host was.
func together(host, accelerator pricing.Lifecycle) *rejection {
	switch {
	case accelerator.State == pricing.NotOffered:
		return &rejection{NotInRegion, "the accelerator was not sold in the region"}
	case accelerator.Retired != 0 && host.From >= accelerator.Retired, host.Retired != 0 && accelerator.From >= host.Retired:
		return &rejection{EIRule, "instance and accelerator were never sold at the same time"}
	}
	return nil
}

// enter files an entry where it belongs.
func (k *market) enter(e *entry) {
	if e.machine.rejected != nil {
		if !e.retired {
			keepCheaper(&k.near, e)
		}
		return
	}
	if e.retired {
		keepCheaper(&k.retired, e)
	}
	if e.machine.ei != nil {
		keepCheaper(&k.ei, e)
	}
	switch {
	case e.retired && k.p.Constraints.Lifecycle == OnlyCurrent:
	case !k.p.cheapest || len(k.entries) == 0:
		k.entries = append(k.entries, *e)
	case e.compare(&k.entries[0]) < 0:
		k.entries[0] = *e
	}
}

func keepCheaper(best **entry, e *entry) {
	if *best == nil {
		*best = new(entry)
	} else if e.compare(*best) >= 0 {
		return
	}
	**best = *e
}

// charge sets what an entry costs, from the prices of one instance and of its accelerator. What is owned pays for the instance alone.
func (p *problem) charge(e *entry, host, extra pricing.USDPerHour) {
	s := e.machine.service
	e.total = e.hourly.Times(s.replicas)
	e.blended = e.total
	if p.owns() && e.purchase.Way().Covered {
		if cover := p.covered(e, host); len(cover.Parts) > 0 {
			e.cover = &cover
			e.total, e.blended = cover.Marginal+extra.Times(s.replicas), cover.Blended+extra.Times(s.replicas)
			e.hourly = cover.Marginal.Over(1).Spread(int64(s.replicas)) + extra
		}
	}
	e.cost = e.total.DollarsPerHour()
	if p.Objective == PerMillion {
		e.cost = p.perMillion(e.hourly, s)
	}
}

// covered applies what is owned to an entry that is bought On-Demand at a price.
func (p *problem) covered(e *entry, host pricing.USDPerHour) commit.Cover {
	return commit.Apply(p.Owned, commit.Use{
		Region: e.region, Instance: e.machine.instance.Name, Count: e.machine.service.replicas, OnDemand: host, At: p.AsOf,
		Rate: func(q pricing.Purchase) (pricing.USDPerHour, bool) {
			for _, o := range p.terms.offersOf(e.region, e.machine.instance.Name) {
				if o.Purchase == q {
					return o.Hourly, true
				}
			}
			return 0, false
		},
	})
}

// perMillion is the cost of a million requests: at the rate asked, or on a machine that is kept busy.
func (p *problem) perMillion(hourly pricing.USDPerHour, s *service) float64 {
	if p.Rate > 0 {
		return hourly.Times(s.replicas).DollarsPerHour() / (3600 * p.Rate) * 1e6
	}
	return hourly.DollarsPerHour() / 3600 * s.p50 / 1e3 * 1e6
}

// missing files a candidate that would do but can't be bought as asked: unpriced, or rejected.
func (k *market) missing(region string, m *machine, why rejection) {
	switch {
	case k.p.cheapest:
		return
	case why.reason == NoPrice:
		u := Unpriced{
			Region: region, Instance: m.instance.Name, Accelerator: name(m.accelerator()), Precision: precisionName(m.precision),
			Missing: why.text, SlaMs: round6(m.service.sla),
		}
		k.unpriced = append(k.unpriced, u)
	case why.reason == PriceTooOld:
		k.priceExcluded = true
	}
	k.reject(region, m, why.reason, why.text)
}

// reject counts a candidate and, where everything is to be explained, keeps its row.
func (k *market) reject(region string, m *machine, reason Reason, text string) {
	if k.p.cheapest {
		return
	}
	k.counts.add(reason)
	if !k.p.Explain || reason == NotAsked {
		return
	}
	k.rows = append(k.rows, RejectedRow{
		Region: region, Instance: m.instance.Name, Accelerator: name(m.accelerator()), Precision: precisionName(m.precision),
		Reason: reason, Text: text,
	})
}

// tally counts rejections by their reason.
type tally []struct {
	reason Reason
	n      int
}

func (t *tally) add(reason Reason) {
	for i := range *t {
		if c := &(*t)[i]; c.reason == reason {
			c.n++
			return
		}
	}
	*t = append(*t, struct {
		reason Reason
		n      int
	}{reason, 1})
}

// total is the sum, and what it is made of.
func (t tally) total() (sum int, of map[Reason]int) {
	of = make(map[Reason]int, len(t))
	for _, c := range t {
		of[c.reason] = c.n
		sum += c.n
	}
	return sum, of
}

// whatRetired says what of a machine is no longer sold, where anybody will read it.
func (k *market) whatRetired(m *machine, s *stall) string {
	if !k.p.Explain {
		return ""
	}
	var parts []string
	say := func(subject string, l pricing.Lifecycle) {
		switch {
		case l.State == pricing.Retired && l.Retired != 0:
			parts = append(parts, subject+" is not sold since "+l.Retired.String())
		case l.State != pricing.Current:
			parts = append(parts, subject+" is "+l.State.String())
		}
	}
	say(m.instance.Name, s.life)
	if m.ei != nil {
		say(m.ei.Name, s.accelerator(m.ei).life)
	}
	return strings.Join(parts, ", ")
}

// name is a pointer to a name, nil for the empty one.
func name(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
