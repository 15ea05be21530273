package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// choices is the table of the first screen: the cheapest few, and the cheapest with each property that a buyer may insist on.
func (s *screen) choices() report.Table {
	t := report.Table{Columns: report.Columns(">+RANK", "CHOICE", "BUY", "RUNTIME", ">"+s.percentile()+" ≤", ">+CENTRE", ">USD/H", ">USD/MONTH", ">+USD/MILLION", "NOTE", "+REGION", "+BASIS", "+PRICE")}
	if s.flags.objective == string(planner.PerMillion) || len(s.request.Constraints.Regions) > 0 {
		for i, c := range t.Columns {
			t.Columns[i].Wide = c.Wide && !(c.Name == "USD/MILLION" && s.flags.objective == string(planner.PerMillion)) && !(c.Name == "REGION" && s.manyRegions())
		}
	}
	for _, c := range s.shown() {
		p := c.Cost.Prices[0]
		t.Rows = append(t.Rows, []string{fmt.Sprint(c.Rank), times(c.Replicas) + nameOf(c), buyOf(c), c.Runtime + " " + c.Format, ms(c.Latency.SlaMs) + " ms", ms(c.Latency.P50Ms) + " ms",
			usd(c.Cost.TotalHourlyUsd), dollars(c.Cost.TotalMonthlyUsd), usd(c.Cost.PerMillionUsd), s.note(c), c.Region, c.Latency.Basis, p.Quality + " " + p.AsOf})
	}
	return t
}

// manyRegions reports whether the region of a choice goes without saying no more.
func (s *screen) manyRegions() bool {
	r := s.request.Constraints.Regions
	return len(r) > 1 || slices.Contains(r, "all")
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("%d x ", n)
}

// nameOf is what is bought: the instance, and the accelerator that is billed apart from it.
func nameOf(c *planner.Choice) string {
	if c.Accelerator != nil && c.Cost.AcceleratorHourlyUsd > 0 {
		return c.Instance + " + " + *c.Accelerator
	}
	return c.Instance
}

// buyOf is the way to buy, as people say it.
func buyOf(c *planner.Choice) string {
	p := c.Purchase
	var way pricing.Purchase
	read := func(into interface{ UnmarshalText([]byte) error }, text *string) {
		if text == nil {
			return
		}
		if err := into.UnmarshalText([]byte(*text)); err != nil {
			panic("eiplan: the plan buys in a way that pricing does not know: " + err.Error())
		}
	}
	read(&way.Option, &p.Option)
	read(&way.Term, p.Term)
	read(&way.Payment, p.Payment)
	read(&way.Class, p.Class)
	if c.Owned != nil {
		return fmt.Sprintf("%v, %s", way, coveredBy(c.Owned))
	}
	if p.InterruptionBand != nil {
		return fmt.Sprintf("%v (%s interrupted)", way, *p.InterruptionBand)
	}
	return way.String()
}

// coveredBy names what is owned and how much of the choice it leaves to be paid.
func coveredBy(o *planner.Owned) string {
	ids := make([]string, len(o.Commitments))
	for i, c := range o.Commitments {
		ids[i] = c.ID
	}
	text := "covered by " + strings.Join(ids, " and ") + " (owned)"
	if o.OnDemandInstances > 0 {
		text += fmt.Sprintf(" but for %.4g", o.OnDemandInstances)
	}
	return text
}

// mostRows bounds the first screen's table; --top asks for more.
const mostRows, firstRows = 10, 3

// special is the ranks of the cheapest choices with a property, with what to call it where neither BUY nor CHOICE says so.
func (s *screen) special() []struct {
	rank *int
	name string
} {
	a := s.plan.Alternatives
	return []struct {
		rank *int
		name string
	}{
		{a.NoCommitment, "without commitment"}, {a.Uninterruptible, "uninterrupted"}, {a.OnDemand, ""}, {a.Reserved1y, ""}, {a.Reserved3y, ""}, {a.SavingsPlan, ""},
		{a.AMD64, "amd64"}, {a.ARM64, "arm64"}, {a.GPU, "GPU"}, {a.Neuron, "Neuron"}, {a.EI, ""}, {a.CPU, "CPU"},
	}
}

// shown lists the choices of the first screen by rank.
func (s *screen) shown() []*planner.Choice {
	most, limit := firstRows, mostRows
	if s.flags.top > 0 {
		most, limit = s.flags.top, s.flags.top+mostRows
	}
	var list []*planner.Choice
	add := func(rank int) {
		if c := s.plan.Ranked(rank); c != nil && !slices.Contains(list, c) && len(list) < limit {
			list = append(list, c)
		}
	}
	for i := range min(most, len(s.plan.Plans)) {
		add(s.plan.Plans[i].Rank)
	}
	for _, x := range s.special() {
		if x.rank != nil {
			add(*x.rank)
		}
	}
	slices.SortStableFunc(list, func(a, b *planner.Choice) int { return a.Rank - b.Rank })
	return list
}

// oldPrice is the age in days from which the table dates a price.
const oldPrice = 730

// note is what a buyer of the choice should know.
func (s *screen) note(c *planner.Choice) string {
	var first, notes []string
	for _, x := range s.special() {
		if c.Rank > 1 && x.rank != nil && *x.rank == c.Rank && x.name != "" {
			first = append(first, x.name)
		}
	}
	if len(first) > 0 {
		notes = append(notes, "cheapest "+strings.Join(first, ", "))
	}
	notes = append(notes, c.Notes...)
	if o := c.Owned; o != nil {
		notes = append(notes, fmt.Sprintf("blended %s USD/h, paid until %s", usd(o.BlendedHourlyUsd), o.Commitments[0].Expires))
	}
	if h := c.Purchase.BreakEvenHours; h != nil {
		notes = append(notes, fmt.Sprintf("pays above %.0f h/month", *h))
	}
	for _, p := range c.Cost.Prices {
		if d, err := pricing.ParseDate(p.AsOf); err == nil && d.DaysUntil(s.date()) > oldPrice {
			notes = append(notes, "price of "+p.AsOf)
			break
		}
	}
	return strings.Join(notes, "; ")
}

// usd formats a price with four decimals, or three significant digits where those need more.
func usd(v float64) string {
	if v == 0 {
		return "0.0000"
	}
	return fmt.Sprintf("%.*f", max(4, 2-int(math.Floor(math.Log10(math.Abs(v))))), v)
}

func dollars(v float64) string { return fmt.Sprintf("%.2f", v) }
