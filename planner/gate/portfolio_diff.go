package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/sizing"
)

// PortfolioDiffKind is the kind of a report of what differs between two portfolios.
const PortfolioDiffKind = "PortfolioDiff"

// PortfolioDiff is what differs between two portfolios, BASE (old) and HEAD (new): the status of kind PortfolioDiff, and the variable portfolioDiff of rules.
type PortfolioDiff struct {
	Same    bool         `json:"same"`    // every model is in both, and the same
	Outcome Text         `json:"outcome"` // the gravest
	Prices  Prices       `json:"prices"`  // that Cost is at
	Total   TotalDiff    `json:"total"`
	Members []MemberDiff `json:"members"` // HEAD's in its order, then those that only BASE has
	Causes  []TotalCause `json:"causes"`
}

// TotalDiff is the sum of all models on both sides. What was added or removed costs nothing on the side that does not have it, and has its own report's prices.
type TotalDiff struct {
	Models      Change   `json:"models"`
	Instances   Change   `json:"instances"`
	Cost        Money    `json:"cost"` // of a million requests there is no sum
	AsReported  Money    `json:"asReported"`
	OfPrices    Money    `json:"ofPrices"`
	NotCompared []string `json:"notCompared"` // models without an answer on a side that has them: they are in neither sum
}

// MemberDiff is what differs of one model.
type MemberDiff struct {
	Name     string   `json:"name"`
	Presence Presence `json:"presence"`
	Answer   Text     `json:"answer"`
	Diff     *Diff    `json:"diff"`  // nil where not both sides have a plan
	Alone    *Change  `json:"alone"` // USD a month of what only one side has; nil where both do, or there is no answer

	old, now *planner.Choice
}

// TotalCause is one thing that the plans follow from, in all models.
type TotalCause struct {
	Cause      string   `json:"cause"`
	Differs    *bool    `json:"differs"` // in any model; null: the reports can't tell of some, and it does in no other
	Models     []string `json:"models"`  // where it differs, or where the reports can't tell
	Old        string   `json:"old"`     // empty where it is not the same for all of these
	New        string   `json:"new"`
	MonthlyUsd *float64 `json:"monthlyUsd"` // its share of the change of the total as reported; null: unknown
}

// The causes that only a portfolio has.
const (
	ofAdded   = "added"
	ofRemoved = "removed"
	ofOwned   = "owned" // what the models before one leave of the commitments that are owned
)

// ComparePortfolios tells what differs between two portfolios, whose models are paired by name.
func ComparePortfolios(base, head *portfolio.Report, prices Prices) *PortfolioDiff {
	d := &PortfolioDiff{Outcome: texts(string(base.Status.Outcome), string(head.Status.Outcome)), Prices: prices}
	for i := range head.Status.Models {
		d.Members = append(d.Members, memberDiff(base, head, base.Index(head.Status.Models[i].Name), i, prices))
	}
	for i := range base.Status.Models {
		if head.Index(base.Status.Models[i].Name) < 0 {
			d.Members = append(d.Members, memberDiff(base, head, i, -1, prices))
		}
	}
	d.Same = !slices.ContainsFunc(d.Members, func(m MemberDiff) bool { return m.Changed() })
	d.Total = d.total(len(base.Status.Models), len(head.Status.Models))
	d.Causes = d.causes()
	return d
}

// memberDiff compares the i-th model of BASE with the k-th of HEAD; either index may be -1.
func memberDiff(base, head *portfolio.Report, i, k int, prices Prices) MemberDiff {
	m := MemberDiff{Presence: InBoth}
	side := func(r *portfolio.Report, i int, absent Presence) (answered string, best *planner.Choice, report *sizing.Report) {
		if i < 0 {
			m.Presence = absent
			return "", nil, nil
		}
		member := &r.Status.Models[i]
		if m.Name, best = member.Name, member.Best(); best != nil {
			return sizing.Title(best), best, r.Member(i)
		}
		return string(member.Outcome), nil, r.Member(i)
	}
	was, old, before := side(base, i, Added)
	is, now, after := side(head, k, Gone)
	m.Answer, m.old, m.now = texts(was, is), old, now
	if c := moneyDiff(costOrNone(old), costOrNone(now)).MonthlyUsd; m.Presence != InBoth && m.compared() {
		m.Alone = &c
	}
	if before != nil && after != nil {
		d := pair{before, after}
		m.Diff = d.compare(prices, ownedCause(base, head, i, k))
	}
	return m
}

// Changed reports whether anything about a model that a buyer would notice is not as it was.
func (m *MemberDiff) Changed() bool {
	return m.Presence != InBoth || m.Answer.Changed || m.Diff != nil && !m.Diff.Same
}

// compared reports whether a model is in the sums.
func (m *MemberDiff) compared() bool {
	return (m.Presence == Added || m.old != nil) && (m.Presence == Gone || m.now != nil)
}

func (d *PortfolioDiff) total(old, now int) TotalDiff {
	t := TotalDiff{Models: whole(old, now), NotCompared: []string{}}
	instances := func(c *planner.Choice) int {
		if c == nil {
			return 0
		}
		return c.Replicas
	}
	were, are := 0, 0
	var cost, reported, ofPrices []Money
	for i := range d.Members {
		m := &d.Members[i]
		if !m.compared() {
			t.NotCompared = append(t.NotCompared, m.Name)
			continue
		}
		were, are = were+instances(m.old), are+instances(m.now)
		if m.Presence == InBoth {
			cost, reported, ofPrices = append(cost, m.Diff.Cost), append(reported, m.Diff.AsReported), append(ofPrices, m.Diff.OfPrices)
			continue
		}
		own := moneyDiff(costOrNone(m.old), costOrNone(m.now))
		cost, reported = append(cost, own), append(reported, own)
	}
	t.Instances, t.Cost, t.AsReported, t.OfPrices = whole(were, are), sum(cost), sum(reported), sum(ofPrices)
	return t
}

// costOrNone is what a choice costs; nothing where there is none.
func costOrNone(c *planner.Choice) cost {
	if c == nil {
		return cost{new(float64), new(float64), new(float64), nil}
	}
	return costOf(c)
}

// sum adds figures up; one that is unknown makes the sum unknown.
func sum(list []Money) Money {
	add := func(of func(*Money) *Change) Change {
		var sides [2]*float64
		for k := range sides {
			total := 0.0
			sides[k] = &total
			for i := range list {
				c := of(&list[i])
				v := []*float64{c.Old, c.New}[k]
				if v == nil {
					sides[k] = nil
					break
				}
				total = round(total + *v)
			}
		}
		return change(sides[0], sides[1])
	}
	return Money{
		HourlyUsd:  add(func(m *Money) *Change { return &m.HourlyUsd }),
		MonthlyUsd: add(func(m *Money) *Change { return &m.MonthlyUsd }),
		UpfrontUsd: add(func(m *Money) *Change { return &m.UpfrontUsd }),
	}
}

// causes sums the causes of all models up.
func (d *PortfolioDiff) causes() []TotalCause {
	list := []TotalCause{d.presence(ofAdded, Added), d.presence(ofRemoved, Gone)}
	var names []string
	for i := range d.Members {
		if m := &d.Members[i]; m.Diff != nil {
			for _, c := range m.Diff.Causes {
				if !slices.Contains(names, c.Cause) {
					names = append(names, c.Cause)
				}
			}
		}
	}
	for _, name := range names {
		list = append(list, d.cause(name))
	}
	return list
}

// presence is what the models that only one side has make of the total.
func (d *PortfolioDiff) presence(name string, p Presence) TotalCause {
	t := TotalCause{Cause: name, Models: []string{}}
	share := 0.0
	for i := range d.Members {
		m := &d.Members[i]
		if m.Presence != p {
			continue
		}
		t.Models = append(t.Models, m.Name)
		if m.compared() {
			share += *m.Alone.Delta
		}
	}
	share = round(share)
	t.Differs, t.MonthlyUsd = known(len(t.Models) > 0), &share
	return t
}

// cause sums one cause up.
func (d *PortfolioDiff) cause(name string) TotalCause {
	t := TotalCause{Cause: name, Differs: known(false), Models: []string{}}
	share := 0.0
	t.MonthlyUsd = &share
	var differing, doubtful []*Cause
	var where, perhaps []string
	for i := range d.Members {
		m := &d.Members[i]
		if m.Diff == nil {
			continue
		}
		for k := range m.Diff.Causes {
			c := &m.Diff.Causes[k]
			switch {
			case c.Cause != name || c.Differs != nil && !*c.Differs:
				continue
			case c.Differs == nil:
				doubtful, perhaps = append(doubtful, c), append(perhaps, m.Name)
			default:
				differing, where = append(differing, c), append(where, m.Name)
			}
			switch delta := m.Diff.AsReported.MonthlyUsd.Delta; {
			case !m.compared() || delta != nil && *delta == 0:
			case c.MonthlyUsd == nil:
				t.MonthlyUsd = nil
			default:
				share = round(share + *c.MonthlyUsd)
			}
		}
	}
	switch {
	case len(differing) > 0:
		t.Differs = known(true)
	case len(doubtful) > 0:
		t.Differs, differing, where = nil, doubtful, perhaps
	}
	t.Models = append(t.Models, where...)
	for i, c := range differing {
		if i > 0 && (c.Old != t.Old || c.New != t.New) {
			t.Old, t.New = "", ""
			break
		}
		t.Old, t.New = c.Old, c.New
	}
	return t
}

// ownedCause compares what the models before one take of the commitments that are owned; nil where nothing is owned.
func ownedCause(base, head *portfolio.Report, i, k int) *Cause {
	if len(base.Metadata.Commitments)+len(head.Metadata.Commitments) == 0 {
		return nil
	}
	old, now := taken(base, i), taken(head, k)
	c := cause(ofOwned, old, now, known(old != now))
	return &c
}

// taken lists what the models before the i-th take of what is owned.
func taken(r *portfolio.Report, i int) string {
	var parts []string
	for k := range i {
		c := r.Status.Models[k].Best()
		if c == nil || c.Owned == nil {
			continue
		}
		for _, part := range c.Owned.Commitments {
			parts = append(parts, fmt.Sprintf("%s takes %.4g of %s", r.Status.Models[k].Name, part.Instances, part.ID))
		}
	}
	return strings.Join(parts, ", ")
}

// increase is by how much the total exceeds the base's.
func (t *TotalDiff) increase(limit float64, causes []TotalCause) gauge {
	m := &t.AsReported.MonthlyUsd
	g := gauge{rule: increaseRule, limit: limit, value: growth(*m.Old, *m.New)}
	g.text = fmt.Sprintf("total: %s a month against the base's %s, %s, at most +%g%% allowed", money(*m.New), money(*m.Old), signed(g.value), limit)
	for _, c := range causes {
		if (c.Cause == ofAdded || c.Cause == ofRemoved) && len(c.Models) > 0 {
			g.text += fmt.Sprintf("; %s: %s, %+.2f USD", c.Cause, strings.Join(c.Models, ", "), *c.MonthlyUsd)
		}
	}
	if len(t.NotCompared) > 0 {
		g.text += "; in neither sum, for want of an answer: " + strings.Join(t.NotCompared, ", ")
	}
	return g
}
