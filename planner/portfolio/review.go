package portfolio

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// What a chart or a filter has room for: bars, and values to choose from.
const mostBars, mostValues = 15, 24

// Review tells a report to those who decide on all models at once: the totals and where they go, then every model in one table with filters. What there is
// of each model beyond its answer is in the value alone.
func (r *Report) Review() report.Document {
	d := r.Document()
	d.Title = "Capacity review: " + report.Plural(len(r.Status.Models), "model")
	d.Facts = r.facts()
	d.Charts = r.charts()
	d.Findings = slices.DeleteFunc(slices.Clone(d.Findings), func(f report.Finding) bool { return f.Passed }) // an answer stands in the table
	models := d.Tables[0]
	models.Title = "All models and their answers"
	d.Tables = d.Tables[1:]
	every := report.Document{Title: "Every model", Noun: "models", Charts: []report.Chart{r.costAgainstBudget()}}
	keys := r.tagKeys()
	every.Facets = append([]string{"Outcome", "Region", "Way to buy", "Accelerator"}, keys...)
	for i := range r.Status.Models {
		models.Tags = append(models.Tags, r.facetsOf(i, keys))
	}
	every.Tables = []report.Table{models}
	d.Parts = []report.Document{every}
	return d
}

// facts are the figures that a review is about.
func (r *Report) facts() []report.Fact {
	t := &r.Status.Total
	list := []report.Fact{
		{Name: "Cost of all answers", Value: t.MonthlyUsd.Fixed(2) + " USD/month", Note: t.HourlyUsd.Fixed(4) + " USD/h, 730 h"},
		{Name: "Models with an answer", Value: fmt.Sprintf("%d of %d", t.Feasible, t.Models), Note: report.Plural(t.Instances, "instance")},
	}
	if t.UpfrontUsd > 0 {
		list = append(list, report.Fact{Name: "Due at once", Value: t.UpfrontUsd.Fixed(2) + " USD", Note: "in the cost, spread over the terms"})
	}
	share := func(name string, of pricing.USDPerHour, note string) {
		if of > 0 && t.HourlyUsd > 0 {
			list = append(list, report.Fact{Name: name, Value: fmt.Sprintf("%.0f%%", 100*of.DollarsPerHour()/t.HourlyUsd.DollarsPerHour()), Note: note})
		}
	}
	share("Committed", t.CommittedHourlyUsd, "of the cost, used or not")
	share("On Spot", t.InterruptibleHourlyUsd, "of the cost, and can be taken back")
	if od := t.OnDemandEquivalentUsd; len(t.NoOnDemandPrice) == 0 && od > t.HourlyUsd {
		list = append(list, report.Fact{Name: "The same On-Demand", Value: od.PerMonth().Fixed(2) + " USD/month"})
	}
	return list
}

// tagKeys are the tags to filter by: those of which a reader can look through the values.
func (r *Report) tagKeys() []string {
	values := map[string][]string{}
	for i := range r.Spec.Models {
		for key, value := range r.Spec.Models[i].Tags {
			if !slices.Contains(values[key], value) {
				values[key] = append(values[key], value)
			}
		}
	}
	maps.DeleteFunc(values, func(_ string, list []string) bool { return len(list) > mostValues })
	return slices.Sorted(maps.Keys(values))
}

// none is the value of a facet that a model does not have.
const none = "(none)"

// facetsOf is what model i can be filtered by.
func (r *Report) facetsOf(i int, tags []string) []string {
	m := &r.Status.Models[i]
	list := []string{string(m.Outcome), none, none, none}
	if c := m.Best(); c != nil {
		list = []string{string(m.Outcome), c.Region, sizing.OptionName(c.Purchase.Option), "CPU alone"}
		if c.Accelerator != nil {
			list[3] = *c.Accelerator
		}
	}
	for _, tag := range tags {
		list = append(list, cmp.Or(r.Spec.Models[i].Tags[tag], none))
	}
	return list
}

// charts are where the money goes.
func (r *Report) charts() []report.Chart {
	if r.Status.Total.Feasible == 0 {
		return nil
	}
	list := []report.Chart{bars("Cost by model", "Model", r.byModel())}
	byTag := map[string][]Share{}
	for _, s := range r.Status.ByTag {
		s.Key = cmp.Or(s.Key, none)
		byTag[s.Tag] = append(byTag[s.Tag], s.Share)
	}
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		if len(byTag[tag]) > 1 {
			list = append(list, bars("Cost by tag "+tag, tag, byTag[tag]))
		}
	}
	if len(r.Status.ByRegion)+len(r.Status.ByPurchase) > 2 {
		list = append(list, r.costByRegion())
	}
	return list
}

// byModel are the shares of the models that have an answer, the dearest first.
func (r *Report) byModel() []Share {
	models := shares{}
	for i := range r.Status.Models {
		if c := r.Status.Models[i].Best(); c != nil {
			models.of(r.Status.Models[i].Name).add(c)
		}
	}
	return models.sorted()
}

// bars are the dearest shares; the caption says what the others come to.
func bars(title, of string, list []Share) report.Chart {
	c := report.Chart{Kind: report.Grouped, Title: title, Caption: "The answers of the models, for 730 hours.", X: costAxis(), Y: report.Axis{Title: of}}
	if len(list) > mostBars {
		var rest pricing.USD
		for _, s := range list[mostBars:] {
			rest += s.MonthlyUsd
		}
		c.Caption += fmt.Sprintf(" These are the %d dearest; the other %d come to %s USD.", mostBars, len(list)-mostBars, rest.Fixed(2))
		list = list[:mostBars]
	}
	costs := report.Series{Name: "the answers"}
	for i, s := range list {
		label := ""
		if s.Models > 1 {
			label = report.Plural(s.Models, "model")
		}
		c.Y.Names = append(c.Y.Names, s.Key)
		costs.Points = append(costs.Points, report.Point{X: s.MonthlyUsd.Dollars(), Y: float64(i), Label: label})
	}
	c.Series = []report.Series{costs}
	return c
}

func costAxis() report.Axis { return report.Axis{Title: "Cost", Unit: "USD/month"} }

// costByRegion stacks the ways to buy of each region, the dearest first.
func (r *Report) costByRegion() report.Chart {
	c := report.Chart{Kind: report.Stacked, Title: "Cost by region and way to buy", Caption: "The answers of the models, for 730 hours.", X: costAxis(), Y: report.Axis{Title: "Region"}}
	for i := range r.Status.ByRegion {
		c.Y.Names = append(c.Y.Names, r.Status.ByRegion[i].Key)
	}
	ways := map[string]shares{} // of regions
	for i := range r.Status.Models {
		if best := r.Status.Models[i].Best(); best != nil {
			way := sizing.OptionName(best.Purchase.Option)
			if ways[way] == nil {
				ways[way] = shares{}
			}
			ways[way].of(best.Region).add(best)
		}
	}
	for _, way := range slices.Sorted(maps.Keys(ways)) {
		s := report.Series{Name: way}
		for y, region := range c.Y.Names {
			if share := ways[way][region]; share != nil {
				s.Points = append(s.Points, report.Point{X: share.MonthlyUsd.Dollars(), Y: float64(y)})
			}
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// costAgainstBudget shows the models that cost much, and those that a small change would put over their budgets.
func (r *Report) costAgainstBudget() report.Chart {
	const named = 6 // of the dearest
	c := report.Chart{Kind: report.Scatter, Title: "Cost against the budget's use", X: report.Axis{Title: "Latency, as bounded, of its budget", Unit: "%"}, Y: costAxis(),
		Caption: fmt.Sprintf("A mark is a model. The more of its budget a bound takes, the smaller the change that asks for another answer. The %d dearest are filled.", named),
		Limits:  []report.Limit{{Name: "budget", Value: 100}}}
	keys := r.tagKeys()
	series := map[string]*report.Series{}
	low, high := 0.0, 0.0
	dearest := r.byModel()
	dearest = dearest[:min(named, len(dearest))]
	for i := range r.Status.Models {
		m, asked := &r.Status.Models[i], r.Spec.Models[i].Asked
		best := m.Best()
		if best == nil || asked == nil || asked.Budget.InferenceMs <= 0 {
			continue
		}
		way := sizing.OptionName(best.Purchase.Option)
		if series[way] == nil {
			series[way] = &report.Series{Name: way}
		}
		cost := hourly(best.Cost.TotalHourlyUsd).PerMonth().Dollars()
		if high = max(high, cost); low == 0 || cost < low {
			low = cost
		}
		share := func(ms float64) float64 { return 100 * ms / asked.Budget.InferenceMs }
		series[way].Points = append(series[way].Points, report.Point{
			X: share(best.Latency.SlaMs), Y: cost, Low: share(best.Latency.LowMs), High: share(best.Latency.HighMs), Label: m.Name, Note: about(best),
			Strong: slices.ContainsFunc(dearest, func(s Share) bool { return s.Key == m.Name }), Tags: r.facetsOf(i, keys),
		})
	}
	if len(series) == 0 {
		return report.Chart{Title: c.Title, Missing: "No model has an answer."}
	}
	c.Y.Log = low > 0 && high > 5*low
	for _, way := range slices.Sorted(maps.Keys(series)) {
		c.Series = append(c.Series, *series[way])
	}
	return c
}

// about is a choice in a few words.
func about(c *planner.Choice) string {
	return strings.Join([]string{choiceText(c), sizing.Way(&c.Purchase), c.Region}, ", ")
}
