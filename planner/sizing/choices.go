package sizing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// mostRows bounds the first screen's table, which begins with firstRows choices; Show.Top asks for more.
const mostRows, firstRows = 10, 3

// choices is the table of the first screen: the cheapest few, and the cheapest with each property that a buyer may insist on.
func (t *teller) choices() report.Table {
	table := report.Table{Columns: report.Columns(">+RANK", "CHOICE", "BUY", "RUNTIME", ">"+t.percentile()+" ≤", ">+CENTRE", ">USD/H", ">USD/MONTH", ">+USD/MILLION", "NOTE", "+REGION", "+BASIS", "+PRICE")}
	for i, c := range table.Columns {
		asked := c.Name == "USD/MILLION" && t.perMillion() || c.Name == "REGION" && t.manyRegions()
		table.Columns[i].Wide = c.Wide && !asked
	}
	for _, c := range t.shown() {
		var price string
		if len(c.Cost.Prices) > 0 {
			price = c.Cost.Prices[0].Quality + " " + c.Cost.Prices[0].AsOf
		}
		table.Rows = append(table.Rows, []string{fmt.Sprint(c.Rank), times(c.Replicas) + Name(c), buyOf(c), c.Runtime + " " + c.Format, report.Milliseconds(c.Latency.SlaMs) + " ms", report.Milliseconds(c.Latency.P50Ms) + " ms",
			report.Rate(c.Cost.TotalHourlyUsd), report.Dollars(c.Cost.TotalMonthlyUsd), report.Rate(c.Cost.PerMillionUsd), t.note(c), c.Region, c.Latency.Basis, price})
	}
	return table
}

// perMillion reports whether the answer has least of what a million requests cost.
func (t *teller) perMillion() bool { return t.Spec.Objective == string(planner.PerMillion) }

// manyRegions reports whether the region of a choice goes without saying no more.
func (t *teller) manyRegions() bool {
	r := t.Spec.Constraints.Regions
	return len(r) > 1 || slices.Contains(r, "all")
}

// special is the ranks of the cheapest choices with a property, with what to call it where neither BUY nor CHOICE says so.
func (t *teller) special() []struct {
	rank *int
	name string
} {
	a := t.Status.Alternatives
	return []struct {
		rank *int
		name string
	}{
		{a.NoCommitment, "without commitment"}, {a.Uninterruptible, "uninterrupted"}, {a.OnDemand, ""}, {a.Reserved1y, ""}, {a.Reserved3y, ""}, {a.SavingsPlan, ""},
		{a.AMD64, "amd64"}, {a.ARM64, "arm64"}, {a.GPU, "GPU"}, {a.Neuron, "Neuron"}, {a.EI, ""}, {a.CPU, "CPU"},
	}
}

// shown lists the choices of the first screen by rank.
func (t *teller) shown() []*planner.Choice {
	most, limit := firstRows, mostRows
	if t.show.Top > 0 {
		most, limit = t.show.Top, t.show.Top+mostRows
	}
	var list []*planner.Choice
	add := func(rank int) {
		if c := t.Status.Ranked(rank); c != nil && !slices.Contains(list, c) && len(list) < limit {
			list = append(list, c)
		}
	}
	for i := range min(most, len(t.Status.Plans)) {
		add(t.Status.Plans[i].Rank)
	}
	for _, x := range t.special() {
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
func (t *teller) note(c *planner.Choice) string {
	var first, notes []string
	for _, x := range t.special() {
		if c.Rank > 1 && x.rank != nil && *x.rank == c.Rank && x.name != "" {
			first = append(first, x.name)
		}
	}
	if len(first) > 0 {
		notes = append(notes, "cheapest "+strings.Join(first, ", "))
	}
	notes = append(notes, c.Notes...)
	if o := c.Owned; o != nil && len(o.Commitments) > 0 {
		notes = append(notes, fmt.Sprintf("blended %s USD/h, paid until %s", report.Rate(o.BlendedHourlyUsd), o.Commitments[0].Expires))
	}
	if h := c.Purchase.BreakEvenHours; h != nil {
		notes = append(notes, fmt.Sprintf("pays above %.0f h/month", *h))
	}
	for _, p := range c.Cost.Prices {
		if t.age(p.AsOf) > oldPrice {
			notes = append(notes, "price of "+p.AsOf)
			break
		}
	}
	return strings.Join(notes, "; ")
}

// age is how many days a date lies before the day of buying; 0 where either is no date.
func (t *teller) age(date string) int {
	then, err := pricing.ParseDate(date)
	if err != nil {
		return 0
	}
	buying, err := pricing.ParseDate(t.Spec.Constraints.AsOf)
	if err != nil {
		return 0
	}
	return then.DaysUntil(buying)
}
