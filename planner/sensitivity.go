package planner

import (
	"cmp"
	"math"
	"slices"

	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// SensitivityPercent is by how much Sensitivity moves an assumption.
const SensitivityPercent = 20

// Sensitivity is what becomes of the answer where one assumption is less or more by SensitivityPercent, everything else being as it was.
type Sensitivity struct {
	Assumption string  `json:"assumption" yaml:"assumption"`
	Less       Outcome `json:"less" yaml:"less"`
	More       Outcome `json:"more" yaml:"more"`
}

// Outcome is the best choice then; nil where nothing is feasible any more.
type Outcome struct {
	Best    *Brief `json:"best" yaml:"best"`
	Changed bool   `json:"changed" yaml:"changed"` // another machine, region or way to buy wins
}

// A question is the request with some of it changed.
type question struct {
	rate, budget float64
	moved        *assumption // by factor; nil: none
	factor       float64
}

// An assumption is something that may be otherwise: a prediction, a price or the request itself. Functions that are nil leave things as they are.
type assumption struct {
	name    string
	applies func(*analyst) bool // nil: always
	ask     func(q *question, factor float64)
	predict func(a *analyst, m *machine, pr *latency.Prediction, factor float64)
	moves   func(pricing.Way) bool // whose prices
	extra   bool                   // the prices of Elastic Inference accelerators
}

func times(pr *latency.Prediction, factor float64) {
	pr.Value, pr.Low, pr.High = pr.Value*factor, pr.Low*factor, pr.High*factor
}

func latencyOf(kind hardware.Kind) func(*analyst, *machine, *latency.Prediction, float64) {
	return func(_ *analyst, m *machine, pr *latency.Prediction, factor float64) {
		if m.kind() == kind {
			times(pr, factor)
		}
	}
}

func sold(kind hardware.Kind) func(*analyst) bool {
	return func(a *analyst) bool {
		return slices.ContainsFunc(a.lots, func(l lot) bool { return a.machines[l.machine].kind() == kind })
	}
}

func pricesOf(name string, o pricing.Option) assumption {
	return assumption{
		name: name,
		applies: func(a *analyst) bool {
			return slices.ContainsFunc(a.lots, func(l lot) bool { return l.purchase.Option == o })
		},
		moves: func(w pricing.Way) bool { return w.Option == o },
	}
}

// assumptions is the table of what is moved.
func assumptions() []assumption {
	return []assumption{
		{name: "latency budget", ask: func(q *question, f float64) { q.budget *= f }},
		{name: "request rate", applies: func(a *analyst) bool { return a.Rate > 0 }, ask: func(q *question, f float64) { q.rate *= f }},
		{name: "every predicted latency", predict: func(_ *analyst, _ *machine, pr *latency.Prediction, f float64) { times(pr, f) }},
		{name: "latencies on CPUs", applies: sold(hardware.CPU), predict: latencyOf(hardware.CPU)},
		{name: "latencies on GPUs", applies: sold(hardware.GPU), predict: latencyOf(hardware.GPU)},
		{name: "latencies on Neuron", applies: sold(hardware.Neuron), predict: latencyOf(hardware.Neuron)},
		{name: "latencies on Elastic Inference", applies: sold(hardware.EI), predict: latencyOf(hardware.EI)},
		{name: "width of the intervals", predict: func(_ *analyst, _ *machine, pr *latency.Prediction, f float64) {
			pr.Low, pr.High = pr.Value*math.Pow(pr.Low/pr.Value, f), pr.Value*math.Pow(pr.High/pr.Value, f)
		}},
		{name: "tail above the median", predict: func(_ *analyst, _ *machine, pr *latency.Prediction, f float64) {
			spread := pr.Tail.High / pr.Tail.P99
			pr.Tail.P99 = 1 + (pr.Tail.P99-1)*f
			pr.Tail.High = pr.Tail.P99 * spread
		}},
		{name: "network to Elastic Inference", applies: sold(hardware.EI), predict: func(_ *analyst, _ *machine, pr *latency.Prediction, f float64) {
			times(pr, 1+(f-1)*pr.NetworkMs/pr.Value)
		}},
		pricesOf("On-Demand prices", pricing.OnDemand),
		pricesOf("Spot prices", pricing.Spot),
		pricesOf("Reserved prices", pricing.Reserved),
		pricesOf("Savings Plans prices", pricing.SavingsPlan),
		{name: "Elastic Inference prices", applies: sold(hardware.EI), extra: true},
	}
}

// sensitivity moves one assumption at a time.
func (a *analyst) sensitivity(best *Choice) []Sensitivity {
	list := []Sensitivity{}
	if best == nil {
		return list
	}
	before := a.best(question{rate: a.Rate, budget: a.budget})
	outcome := func(as *assumption, factor float64) Outcome {
		q := question{rate: a.Rate, budget: a.budget, moved: as, factor: factor}
		if as.ask != nil {
			as.ask(&q, factor)
		}
		e := a.best(q)
		if e == nil {
			return Outcome{Changed: true}
		}
		b := a.asked(q).brief(e)
		return Outcome{Best: &b, Changed: !e.same(before)}
	}
	for _, as := range assumptions() {
		if as.applies == nil || as.applies(a) {
			list = append(list, Sensitivity{Assumption: as.name, Less: outcome(&as, 1-SensitivityPercent/100.0), More: outcome(&as, 1+SensitivityPercent/100.0)})
		}
	}
	return list
}

// same reports whether two entries are one thing to buy, in whatever number.
func (e *entry) same(f *entry) bool {
	return e.region == f.region && e.purchase == f.purchase && e.machine.instance == f.machine.instance && e.machine.accelerator() == f.machine.accelerator() &&
		e.machine.precision == f.machine.precision
}

// asked is the problem with the question's rate and budget.
func (a *analyst) asked(q question) *problem {
	p := *a.problem
	p.Rate, p.budget = q.rate, q.budget
	return &p
}

// best is the cheapest entry that a question has; nil where none is feasible. Machines are sized in the order of the least that they can cost, until none
// can be cheaper than what is found. Those that shared a service in the request share one here.
func (a *analyst) best(q question) *entry {
	p := a.asked(q)
	var found *entry
	sized := map[*service]*service{}
	for _, f := range a.floors(p, &q) {
		if found != nil && f.usd > found.cost {
			break
		}
		m := a.machines[f.machine]
		s := sized[m.service]
		if s == nil {
			answer := p.answer(a.predicted(&q, f.machine), m.serves)
			s = &answer
			sized[m.service] = s
		}
		m.service = s
		if !s.keepsUp || s.sla-s.wait > p.budget {
			continue
		}
		for _, l := range a.lots[a.first[f.machine]:a.first[f.machine+1]] {
			host, extra := q.prices(&l)
			if e := p.entry(&l, &m, host, extra); found == nil || e.compare(found) < 0 {
				found = &e
			}
		}
	}
	return found
}

// floor is the least that a machine can cost, in what the objective counts.
type floor struct {
	machine int
	usd     float64
}

// floors are those of all machines that are sold, in order. Commitments that are owned may pay for everything, and then all are 0.
func (a *analyst) floors(p *problem, q *question) []floor {
	list := make([]floor, 0, len(a.machines))
	for i := range a.machines {
		if a.first[i] == a.first[i+1] {
			continue
		}
		f := floor{machine: i}
		if p.Owned == nil || len(p.Owned.Reserved)+len(p.Owned.SavingsPlans) == 0 {
			f.usd = a.floor(p, q, i)
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(x, y floor) int { return cmp.Or(cmp.Compare(x.usd, y.usd), cmp.Compare(x.machine, y.machine)) })
	return list
}

// floor is the cost of as many replicas as a machine's load fills, or of as many as are asked for.
func (a *analyst) floor(p *problem, q *question, i int) float64 {
	least := a.least[i].DollarsPerHour()
	if q.moved != nil && (q.moved.moves != nil || q.moved.extra) {
		least *= min(q.factor, 1)
	}
	const rounding = 1e-9
	pr := a.predicted(q, i)
	replicas := float64(max(p.Constraints.MinInstances, 1))
	if p.Rate > 0 {
		erlangs := p.Rate * pr.Quantile(p.SLA.Confidence) / 1e3
		replicas = max(replicas, math.Ceil(erlangs*p.Coefficients.Queue.Headroom/float64(a.machines[i].serves)-rounding))
	}
	switch {
	case p.Objective != PerMillion:
		return least * replicas * (1 - rounding)
	case p.Rate > 0:
		return least * replicas / (3600 * p.Rate) * 1e6 * (1 - rounding)
	}
	return least / 3600 * pr.Value / 1e3 * 1e6 * (1 - rounding)
}

// predicted is a machine's prediction under the question's assumption.
func (a *analyst) predicted(q *question, i int) latency.Prediction {
	pr := a.machines[i].service.prediction
	if q.moved != nil && q.moved.predict != nil {
		q.moved.predict(a, &a.machines[i], &pr, q.factor)
	}
	return pr
}

// prices are a lot's under the question's assumption.
func (q *question) prices(l *lot) (host, extra pricing.USDPerHour) {
	host, extra = l.host, l.extra
	if q.moved != nil && q.moved.moves != nil && q.moved.moves(l.purchase.Way()) {
		host = scaled(host, q.factor)
	}
	if q.moved != nil && q.moved.extra {
		extra = scaled(extra, q.factor)
	}
	return host, extra
}

func scaled(price pricing.USDPerHour, factor float64) pricing.USDPerHour {
	return pricing.USDPerHour(math.Round(float64(price) * factor))
}
