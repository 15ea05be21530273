package planner

import (
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// checkBaseline reads "p2.xlarge" or "c5.xlarge+eia1.medium".
func (p *problem) checkBaseline() error {
	if p.Baseline == "" {
		return nil
	}
	instance, accelerator, paired := strings.Cut(p.Baseline, "+")
	if _, err := p.Catalog.Instance(instance); err != nil {
		return err
	}
	if paired {
		_, err := p.Catalog.Accelerator(accelerator)
		return err
	}
	return nil
}

// baseline is what the user runs today, bought On-Demand where that price is known and else in the cheapest way. An instance's own accelerator does
// the work if it has one, in the precision that is faster. It is nil without a baseline, or where none of it has a price or a prediction.
func (p *problem) baseline(machines []machine, best *Choice) *Baseline {
	if p.Baseline == "" {
		return nil
	}
	instance, accelerator, _ := strings.Cut(p.Baseline, "+")
	free := *p
	free.Constraints = Constraints{Lifecycle: AnyTime, Instances: []string{instance}}
	free.Explain, free.answers = false, map[*aim]*answered{}
	free.terms = p.common.termsOf(&free)
	var chosen *entry
	for i := range machines {
		m := machine{build: new(build)}
		*m.build = *machines[i].build
		if m.instance.Name != instance || accelerator != "" && m.accelerator() != accelerator || accelerator == "" && (m.ei != nil || m.own == nil && len(m.instance.Devices) > 0) {
			continue
		}
		free.admit(m.build)
		free.judge(&m)
		if m.service == nil {
			continue
		}
		if e := free.bought(&m); e != nil && (chosen == nil || faster(e, chosen)) {
			chosen = e
		}
	}
	if chosen == nil {
		return nil
	}
	b := &Baseline{Choice: *free.choice(chosen, 0), MeetsSLA: chosen.machine.rejected == nil}
	if best != nil {
		if was := p.objectiveOf(&b.Choice); was > 0 {
			b.SavingsPercent = rounded(100 * (1 - p.objectiveOf(best)/was))
		}
	}
	return b
}

// bought is a machine bought On-Demand where any region asked for has that price, else in the cheapest way; nil where none has a price.
func (p *problem) bought(m *machine) *entry {
	bare := *m
	bare.rejected = nil
	k := p.sell([]machine{bare})
	if len(k.entries) == 0 {
		return nil
	}
	e := slices.MinFunc(k.entries, func(a, b entry) int {
		if x, y := a.purchase.Option == pricing.OnDemand, b.purchase.Option == pricing.OnDemand; x != y {
			if x {
				return -1
			}
			return 1
		}
		return a.compare(&b)
	})
	e.machine = m
	return &e
}
