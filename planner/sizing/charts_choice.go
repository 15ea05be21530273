package sizing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// wayColumn is a way to buy as the charts of costs compare them: option and term.
func wayColumn(p *planner.Purchase) string {
	if p.Term != nil {
		return OptionName(p.Option) + " " + *p.Term
	}
	return OptionName(p.Option)
}

// cheapestByWay is the cheapest choice of each way to buy, as far as the report names it, in the order of Alternatives.
func (t *teller) cheapestByWay() []planner.Brief {
	a := t.Status.Alternatives
	var list []planner.Brief
	for _, rank := range []*int{a.OnDemand, a.Spot, a.Reserved1y, a.Reserved3y, a.SavingsPlan} {
		if rank == nil {
			continue
		}
		if c := t.Status.Ranked(*rank); c != nil {
			list = append(list, briefOf(c))
		}
	}
	return list
}

// costByWay compares the ways to buy: with whatever is cheapest in each, and with the answer's own machine.
func (t *teller) costByWay() report.Chart {
	c := report.Chart{Kind: report.Grouped, Title: "Cost by way to buy", X: t.priceAxis(), Y: report.Axis{Title: "Way to buy"},
		Caption: "The cheapest choice of each way, at what it costs on average with upfront fees spread over the term. For Spot, the share of instances interrupted in a month, as the Spot Advisor states it."}
	first := t.cheapestByWay()
	rows := func(list []planner.Brief, s *report.Series, labelled bool) {
		seen := map[string]bool{}
		for i := range list {
			b := &list[i]
			way := wayColumn(&b.Purchase)
			if seen[way] {
				continue
			}
			seen[way] = true
			if !slices.Contains(c.Y.Names, way) {
				c.Y.Names = append(c.Y.Names, way)
			}
			p := report.Point{X: t.price(b), Y: float64(slices.Index(c.Y.Names, way))}
			if labelled {
				p.Label = times(b.Replicas) + briefName(b)
			}
			if band := b.Purchase.InterruptionBand; band != nil {
				p.Label = strings.TrimPrefix(p.Label+", "+*band+" interrupted", ", ")
			}
			s.Points = append(s.Points, p)
		}
	}
	cheapest := report.Series{Name: "cheapest of all"}
	rows(first, &cheapest, true)
	c.Series = []report.Series{cheapest}
	if a := t.Status.Analysis; a != nil && len(a.Ways) > 0 {
		own := report.Series{Name: "the answer's machine, " + briefName(&a.Ways[0])}
		rows(a.Ways, &own, false)
		c.Series = append(c.Series, own)
	}
	if len(c.Y.Names) == 0 {
		c.Missing = "This report names no cheapest choice of any way to buy."
	}
	return c
}

// breakEven is the cost of a month by the hours in which the machine is wanted: what is bought by the hour rises, what is committed to does not.
func (t *teller) breakEven() report.Chart {
	c := report.Chart{Kind: report.Lines, Title: "Hours from which a commitment pays", X: report.Axis{Title: "Hours of use a month", Unit: "h"}, Y: report.Axis{Title: "Cost", Unit: "USD/month"},
		Caption: "The cheapest choice of each way to buy. A mark is where a commitment begins to cost less than the cheapest On-Demand choice."}
	var onDemand *planner.Brief
	list := t.cheapestByWay()
	commits := slices.ContainsFunc(list, func(b planner.Brief) bool { return b.Purchase.Term != nil })
	for i := range list {
		if list[i].Purchase.Option == "on-demand" {
			onDemand = &list[i]
		}
	}
	if !commits || onDemand == nil {
		c.Missing = "There is no commitment and no On-Demand choice at known prices to compare."
		return c
	}
	for i := range list {
		b := &list[i]
		s := report.Series{Name: wayColumn(&b.Purchase) + ": " + times(b.Replicas) + briefName(b)}
		month := b.TotalHourlyUsd * hoursPerMonth
		if b.Purchase.Term == nil {
			s.Points = []report.Point{{}, {X: hoursPerMonth, Y: month}}
		} else {
			s.Points = []report.Point{{Y: month}, {X: hoursPerMonth, Y: month}}
			if hours := b.TotalHourlyUsd / onDemand.TotalHourlyUsd * hoursPerMonth; onDemand.TotalHourlyUsd > 0 && hours <= hoursPerMonth {
				s.Points = slices.Insert(s.Points, 1, report.Point{X: hours, Y: month, Strong: true, Note: fmt.Sprintf("pays from %.0f hours on", hours)})
				s.Name += fmt.Sprintf(", from %.0f h", hours)
			}
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// winners sorts cells into series by what wins in them, the most frequent first and none at the end.
type winners struct {
	names  []string
	points map[string][]report.Point
}

// nothing names the series of the cells where nothing is feasible.
const nothing = ""

func (w *winners) add(name string, p report.Point) {
	if w.points == nil {
		w.points = map[string][]report.Point{}
	}
	if w.points[name] == nil {
		w.names = append(w.names, name)
	}
	w.points[name] = append(w.points[name], p)
}

func (w *winners) series() []report.Series {
	slices.SortStableFunc(w.names, func(a, b string) int {
		if (a == nothing) != (b == nothing) {
			return cmp.Compare(len(b), len(a))
		}
		return cmp.Compare(len(w.points[b]), len(w.points[a]))
	})
	var list []report.Series
	for _, name := range w.names {
		list = append(list, report.Series{Name: name, Points: w.points[name]})
	}
	return list
}

// sensitivity is which assumption changes the answer.
func (t *teller) sensitivity() report.Chart {
	c := report.Chart{Kind: report.Heat, Title: "Which assumption changes the answer", X: report.Axis{Title: "Everything else being equal"}, Y: report.Axis{Title: "Assumption"}}
	a := t.Status.Analysis
	if a == nil {
		c.Missing = unanalysed
		return c
	}
	changed := 0
	var w winners
	best := briefOf(t.Status.Best)
	c.X.Names = []string{fmt.Sprintf("%d%% less", planner.SensitivityPercent), "as assumed", fmt.Sprintf("%d%% more", planner.SensitivityPercent)}
	for i, s := range a.Sensitivity {
		c.Y.Names = append(c.Y.Names, report.Sentence(s.Assumption)[:len(s.Assumption)])
		cell := func(x float64, b *planner.Brief, moved bool) {
			p := report.Point{X: x, Y: float64(i), Label: "nothing is feasible", Strong: moved}
			if b == nil {
				w.add(nothing, p)
				return
			}
			p.Label, p.Note = times(b.Replicas)+briefName(b), wayColumn(&b.Purchase)+", "+t.said(b)
			if moved {
				p.Note = "instead: " + p.Note
			}
			w.add(briefName(b)+", "+wayColumn(&b.Purchase), p)
		}
		cell(0, s.Less.Best, s.Less.Changed)
		cell(1, &best, false)
		cell(2, s.More.Best, s.More.Changed)
		if s.Less.Changed || s.More.Changed {
			changed++
		}
	}
	c.Series = w.series()
	c.Caption = fmt.Sprintf("Each assumption was moved by %d%% with everything else as it is, and the request solved again. %d of %d change what wins; those cells are framed. Costs are in %s.",
		planner.SensitivityPercent, changed, len(a.Sensitivity), t.priceAxis().Unit)
	return c
}

// decisionMap is what wins where another rate or budget is asked for.
func (t *teller) decisionMap() report.Chart {
	c := report.Chart{Kind: report.Heat, Title: "What wins at other rates and budgets", X: report.Axis{Title: "Latency budget of inference"}, Y: report.Axis{Title: "Rate"}}
	a := t.Status.Analysis
	if a == nil {
		c.Missing = unanalysed
		return c
	}
	m := &a.Map
	c.Caption = fmt.Sprintf("The cheapest choice for every pair, with its cost in %s for all replicas; the frame is what was asked. Colours tell the winners apart, as far as there are colours.", t.priceAxis().Unit)
	for _, budget := range m.BudgetsMs {
		c.X.Names = append(c.X.Names, fmt.Sprintf("%.4g ms", budget))
	}
	for _, rate := range m.RatesPerSecond {
		name := "one at a time"
		if rate > 0 {
			name = fmt.Sprintf("%.4g/s", rate)
		}
		c.Y.Names = append(c.Y.Names, name)
	}
	var w winners
	for i := range m.Cells {
		cell := &m.Cells[i]
		p := report.Point{X: float64(i % len(m.BudgetsMs)), Y: float64(i / len(m.BudgetsMs)), Strong: cell.Asked, Label: "nothing"}
		name := nothing
		if b := cell.Best; b != nil {
			name = briefName(b)
			p.Label, p.Note = name, t.said(b)
			if b.Replicas > 1 {
				p.Note = fmt.Sprintf("%d x, %s", b.Replicas, p.Note)
			}
		}
		w.add(name, p)
	}
	c.Series = w.series()
	return c
}
