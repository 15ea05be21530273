package main

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
)

// portfolioComparison tells a PortfolioDiff.
func portfolioComparison(env report.Envelope, d *gate.PortfolioDiff) report.Document {
	doc := report.Document{Value: env, Subject: "diff of portfolios", Answer: "same", Lead: []string{"The same choices, latencies and costs."}}
	if !d.Same {
		doc.Answer = "differs"
		doc.Lead = portfolioMovement(d)
	}
	monthly := &d.Total.Cost.MonthlyUsd
	doc.Outputs = []report.Output{
		{Name: "diff", Value: doc.Answer}, {Name: "old", Value: optionalFigure(monthly.Old)}, {Name: "new", Value: optionalFigure(monthly.New)},
		{Name: "monthly-usd-percent", Value: optionalFigure(monthly.Percent)},
	}
	doc.Tables = []report.Table{totalDifferences(d)}
	if members := memberDifferences(d); len(members.Rows) > 0 {
		doc.Tables = append(doc.Tables, members)
	}
	doc.Tables = append(doc.Tables, totalCauses(d))
	if d.Prices == gate.BasePrices {
		doc.Tail = append(doc.Tail, "Costs are at the base's prices, as far as BASE tells them; what was added is at HEAD's.")
	} else {
		doc.Tail = append(doc.Tail, "Costs are at each report's own prices.")
	}
	if skipped := d.Total.NotCompared; len(skipped) > 0 {
		doc.Tail = append(doc.Tail, "In neither sum, for want of an answer on one side: "+strings.Join(skipped, ", ")+".")
	}
	for i := range d.Members {
		m := &d.Members[i]
		if m.Diff != nil && m.Diff.Cost.MonthlyUsd.New == nil && m.Diff.AsReported.MonthlyUsd.New != nil {
			doc.Tail = append(doc.Tail, fmt.Sprintf("%s at the base's prices: %s.", m.Name, m.Diff.PricesNote))
		}
	}
	return doc
}

func tellPortfolioDiff(_ string, env report.Envelope, _ comparisonSpec, d gate.PortfolioDiff) (report.Document, error) {
	return portfolioComparison(env, &d), nil
}

// portfolioMovement is what a buyer would notice first.
func portfolioMovement(d *gate.PortfolioDiff) []string {
	var changed, added, removed []string
	for i := range d.Members {
		switch m := &d.Members[i]; {
		case m.Presence == gate.Added:
			added = append(added, m.Name)
		case m.Presence == gate.Gone:
			removed = append(removed, m.Name)
		case m.Changed():
			changed = append(changed, m.Name)
		}
	}
	c := &d.Total.Cost.MonthlyUsd
	text := "In total: unknown at the base's prices."
	if c.Delta != nil {
		text = fmt.Sprintf("In total %s USD/month (%s), from %s to %s.", signedFigure(c.Delta), signedPercent(*c), optionalDollars(c.Old), optionalDollars(c.New))
	}
	for _, x := range []struct {
		what  string
		names []string
	}{{"Changed", changed}, {"Added", added}, {"Removed", removed}} {
		if len(x.names) > 0 {
			text += fmt.Sprintf(" %s: %s.", x.what, report.Some(x.names, mostNames))
		}
	}
	return []string{text}
}

func totalDifferences(d *gate.PortfolioDiff) report.Table {
	t := report.Table{Title: "Total", Columns: report.Columns("WHAT", ">BASE", ">HEAD", ">DELTA", ">CHANGE")}
	for _, x := range []struct {
		what   string
		change gate.Change
	}{
		{"models", d.Total.Models}, {"instances", d.Total.Instances}, {"USD/hour", d.Total.Cost.HourlyUsd}, {"USD/month", d.Total.Cost.MonthlyUsd}, {"USD upfront", d.Total.Cost.UpfrontUsd},
	} {
		t.Rows = append(t.Rows, figureRow(x.what, x.change))
	}
	if d.Prices == gate.BasePrices {
		t.Rows = append(t.Rows, figureRow("USD/month, by new prices", d.Total.OfPrices.MonthlyUsd))
	}
	return t
}

// memberDifferences is a row for each model that is not as it was.
func memberDifferences(d *gate.PortfolioDiff) report.Table {
	t := report.Table{Title: "Models that changed", Columns: report.Columns(
		"MODEL", "BASE", "HEAD", ">USD/MONTH", ">DELTA", ">CHANGE", ">BOUND, ms", ">BOUND'S CHANGE", "WHY", ">+BASE, USD/MONTH", ">+BASE, ms")}
	for i := range d.Members {
		m := &d.Members[i]
		if !m.Changed() {
			continue
		}
		row := []string{m.Name, dash(m.Answer.Old), dash(m.Answer.New), "", "", "", "", "", string(m.Presence), "", ""}
		if c := m.Alone; c != nil {
			row[3], row[4], row[9] = plainFigure(c.New), signedFigure(c.Delta), plainFigure(c.Old)
		}
		if x := m.Diff; x != nil {
			c, l := &x.Cost.MonthlyUsd, &x.Latency.SlaMs
			copy(row[3:], []string{
				plainFigure(c.New), signedFigure(c.Delta), signedPercent(*c), plainFigure(l.New), signedPercent(*l),
				strings.Join(differing(x), ", "), plainFigure(c.Old), plainFigure(l.Old),
			})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// differing lists the causes that differ, or may.
func differing(d *gate.Diff) []string {
	var list []string
	for _, c := range d.Causes {
		switch {
		case c.Differs == nil:
			list = append(list, c.Cause+"?")
		case *c.Differs:
			list = append(list, c.Cause)
		}
	}
	return list
}

// totalCauses lists the inputs of all plans and which of them differ.
func totalCauses(d *gate.PortfolioDiff) report.Table {
	t := report.Table{Title: "Why", Columns: report.Columns("CAUSE", "DIFFERS", ">USD/MONTH", "MODELS", "BASE", "HEAD")}
	for _, c := range d.Causes {
		row := []string{c.Cause, answered(c.Differs), "", report.Some(c.Models, mostNames), dash(c.Old), dash(c.New)}
		if row[1] != "no" {
			row[2] = signedFigure(c.MonthlyUsd)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
