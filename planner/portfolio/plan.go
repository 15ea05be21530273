package portfolio

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/pricing"
)

// Input is one model to plan: what to ask the planner, or why it can't be asked.
type Input struct {
	Name    string
	Tags    map[string]string
	Request planner.Request
	Doubts  []planner.Warning // about what the request was made from; they go before the plan's own
	Failure *Failure          // nil: ask
}

// Plan plans the models, one after the other in their order as far as owned commitments go: what the best choice of one uses up is gone for those after it.
// failed words what the planner says of the request of model i.
func Plan(models []Input, owned *pricing.Commitments, failed func(i int, err error) *Failure) Status {
	var requests []planner.Request
	for i := range models {
		if models[i].Failure == nil {
			requests = append(requests, models[i].Request)
		}
	}
	answers, left := planner.SolveAll(requests, owned)
	s := Status{Models: make([]Member, len(models))}
	for i := range models {
		m := Member{Name: models[i].Name, Outcome: Failed, Failure: models[i].Failure}
		if m.Failure == nil {
			a := answers[0]
			answers = answers[1:]
			if m.Plan = a.Plan; a.Err != nil {
				m.Failure = failed(i, a.Err)
			} else {
				m.Outcome = Outcome(a.Plan.Verdict)
				a.Plan.Warnings = append(slices.Clone(models[i].Doubts), a.Plan.Warnings...)
			}
		}
		s.Models[i] = m
	}
	s.Outcome = gravest(s.Models)
	s.sum(models)
	s.Commitments = commitments(s.Models)
	s.Owned = ownedUses(owned, left, s.Models)
	return s
}

// gravest is the outcome of all models.
func gravest(models []Member) Outcome {
	for _, o := range []Outcome{Failed, Infeasible, Unknown} {
		if slices.ContainsFunc(models, func(m Member) bool { return m.Outcome == o }) {
			return o
		}
	}
	return Feasible
}

// Best is the choice that a model's plan answers with; nil where there is none.
func (m *Member) Best() *planner.Choice {
	if m.Plan == nil {
		return nil
	}
	return m.Plan.Best
}

// hourly makes a choice's dollars an amount that sums exactly.
func hourly(dollars float64) pricing.USDPerHour { return pricing.USDPerHour(math.Round(dollars * 1e9)) }

func upfront(c *planner.Choice) pricing.USD {
	return pricing.USD(math.Round(c.Cost.UpfrontUsd*1e9)) * pricing.USD(c.Replicas)
}

// add counts a model's best choice.
func (s *Share) add(c *planner.Choice) {
	s.Models++
	s.Instances += c.Replicas
	s.HourlyUsd += hourly(c.Cost.TotalHourlyUsd)
	s.MonthlyUsd = s.HourlyUsd.PerMonth()
	s.UpfrontUsd += upfront(c)
}

// sum adds the best choices up, as a whole and by what they have in common.
func (s *Status) sum(models []Input) {
	var all Share
	t := Total{Models: len(s.Models), LeftOut: []string{}, NoOnDemandPrice: []string{}}
	regions, ways := shares{}, shares{}
	for i := range s.Models {
		c := s.Models[i].Best()
		if c == nil {
			t.LeftOut = append(t.LeftOut, s.Models[i].Name)
			continue
		}
		all.add(c)
		way := purchaseOf(c)
		total := hourly(c.Cost.TotalHourlyUsd)
		if way.Way().Commits {
			t.CommittedHourlyUsd += hourly(c.Cost.InstanceHourlyUsd).Times(c.Replicas)
		}
		if way.Way().Interruptible {
			t.InterruptibleHourlyUsd += hourly(c.Cost.InstanceHourlyUsd).Times(c.Replicas)
		}
		if t.BlendedHourlyUsd += total; c.Owned != nil {
			t.BlendedHourlyUsd += hourly(c.Owned.BlendedHourlyUsd) - total
		}
		if v := c.Cost.OnDemandEquivalentUsd; v != nil {
			t.OnDemandEquivalentUsd += hourly(*v).Times(c.Replicas)
		} else {
			t.NoOnDemandPrice = append(t.NoOnDemandPrice, s.Models[i].Name)
		}
		regions.of(c.Region).add(c)
		ways.of(way.String()).add(c)
	}
	t.Feasible, t.Instances, t.HourlyUsd, t.MonthlyUsd, t.UpfrontUsd = all.Models, all.Instances, all.HourlyUsd, all.MonthlyUsd, all.UpfrontUsd
	s.Total, s.ByRegion, s.ByPurchase, s.ByTag = t, regions.sorted(), ways.sorted(), s.byTag(models)
}

// byTag sums by each value of each tag that any model carries.
func (s *Status) byTag(models []Input) []TagShare {
	var tags []string
	for i := range models {
		for tag := range models[i].Tags {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
	}
	slices.Sort(tags)
	list := []TagShare{}
	for _, tag := range tags {
		values := shares{}
		for i := range models {
			if c := s.Models[i].Best(); c != nil {
				values.of(models[i].Tags[tag]).add(c)
			}
		}
		for _, v := range values.sorted() {
			list = append(list, TagShare{Tag: tag, Share: v})
		}
	}
	return list
}

// shares are parts of a total by their key.
type shares map[string]*Share

func (s shares) of(key string) *Share {
	if s[key] == nil {
		s[key] = &Share{Key: key}
	}
	return s[key]
}

func (s shares) sorted() []Share {
	list := make([]Share, 0, len(s))
	for _, share := range s {
		list = append(list, *share)
	}
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(-cmp.Compare(a.HourlyUsd, b.HourlyUsd), cmp.Compare(a.Key, b.Key))
	})
	return list
}

// purchaseOf reads the way to buy that a choice names.
func purchaseOf(c *planner.Choice) pricing.Purchase {
	var q pricing.Purchase
	read := func(into interface{ UnmarshalText([]byte) error }, text *string) {
		if text == nil {
			return
		}
		if err := into.UnmarshalText([]byte(*text)); err != nil {
			panic("portfolio: a plan buys in a way that pricing does not know: " + err.Error())
		}
	}
	read(&q.Option, &c.Purchase.Option)
	read(&q.Term, c.Purchase.Term)
	read(&q.Payment, c.Purchase.Payment)
	read(&q.Class, c.Purchase.Class)
	return q
}

// commitments sums what the best choices commit to, by family, region and way to buy.
func commitments(models []Member) []Commitment {
	type key struct {
		family, region string
		purchase       pricing.Purchase
	}
	found := map[key]*Commitment{}
	for i := range models {
		c := models[i].Best()
		if c == nil {
			continue
		}
		way := purchaseOf(c)
		if !way.Way().Commits {
			continue
		}
		family, _, _ := strings.Cut(c.Instance, ".")
		k := key{family, c.Region, way}
		if found[k] == nil {
			found[k] = &Commitment{Family: family, Region: c.Region, Purchase: way.String(), Option: way.Option.String(), Term: way.Term.String(), Payment: way.Payment.String(), Class: way.Class.String()}
		}
		found[k].add(c, &models[i], way.Term)
	}
	list := make([]Commitment, 0, len(found))
	for _, c := range found {
		slices.SortFunc(c.Instances, func(a, b Count) int { return strings.Compare(a.Instance, b.Instance) })
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Commitment) int {
		return cmp.Or(-cmp.Compare(a.HourlyUsd, b.HourlyUsd), strings.Compare(a.Family, b.Family), strings.Compare(a.Region, b.Region),
			strings.Compare(a.Purchase, b.Purchase))
	})
	return list
}

func (k *Commitment) add(c *planner.Choice, m *Member, term pricing.Term) {
	i := slices.IndexFunc(k.Instances, func(n Count) bool { return n.Instance == c.Instance })
	if i < 0 {
		i, k.Instances = len(k.Instances), append(k.Instances, Count{Instance: c.Instance})
	}
	k.Instances[i].Count += c.Replicas
	k.Count += c.Replicas
	k.HourlyUsd += hourly(c.Cost.InstanceHourlyUsd).Times(c.Replicas)
	k.MonthlyUsd = k.HourlyUsd.PerMonth()
	k.UpfrontUsd += upfront(c)
	k.TermUsd = cents(k.HourlyUsd.Over(term.Hours()))
	k.Models = append(k.Models, m.Name)
}

// cents rounds what an upfront fee spread over hours lost.
func cents(u pricing.USD) pricing.USD { return (u + 5_000_000) / 10_000_000 * 10_000_000 }

// ownedUses holds what was owned against what is left of it.
func ownedUses(owned, left *pricing.Commitments, models []Member) []OwnedUse {
	list := []OwnedUse{}
	if owned == nil {
		return list
	}
	for i := range owned.Reserved {
		r := &owned.Reserved[i]
		list = append(list, OwnedUse{ID: r.ID, Option: pricing.Reserved.String(), Unit: "instances", Owned: r.Whole(), Before: r.InUse, After: left.Reserved[i].InUse, Expires: r.Expires.String()})
	}
	for i := range owned.SavingsPlans {
		p := &owned.SavingsPlans[i]
		list = append(list, OwnedUse{ID: p.ID, Option: pricing.SavingsPlan.String(), Unit: "USD/h", Owned: pricing.Decimal(p.Commitment), Before: pricing.Decimal(p.InUse),
			After: pricing.Decimal(left.SavingsPlans[i].InUse), Expires: p.Expires.String()})
	}
	for i := range list {
		use := &list[i]
		use.Idle, use.UsedBy = use.Owned-use.After, []UsedBy{}
		for k := range models {
			c := models[k].Best()
			if c == nil || c.Owned == nil {
				continue
			}
			for _, part := range c.Owned.Commitments {
				if part.ID == use.ID && part.Option == use.Option {
					use.UsedBy = append(use.UsedBy, UsedBy{Model: models[k].Name, Instances: part.Instances})
				}
			}
		}
	}
	return list
}
