package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

func newCatalogDiff(a *app) *cobra.Command {
	var regions, instances []string
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Show what differs between two catalogues: types, prices, what is sold",
		Long: `diff compares the newest prices and what is sold today in two catalogues, each of which is snapshot, cache or a file
that prices refresh or import saved. A price that is the same, with another date or source, is no difference.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return usageError("diff takes two catalogues: snapshot, cache or a file")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := openCatalog(args[0])
			if err != nil {
				return err
			}
			after, err := openCatalog(args[1])
			if err != nil {
				return err
			}
			for _, region := range regions {
				if _, err := before.Region(region); err != nil {
					if _, err := after.Region(region); err != nil {
						return usageError("--region: %w", err)
					}
				}
			}
			return a.emit(diffDocument(a, before, after, regions, instances))
		},
	}
	c.Flags().StringSliceVar(&regions, "region", nil, "regions to compare (default all)")
	c.Flags().StringSliceVar(&instances, "instance", nil, "names to compare, as globs: 'c5.*'")
	return c
}

// diffSpec is the spec of kind CatalogDiff.
type diffSpec struct {
	From    report.Origin `json:"from"`
	To      report.Origin `json:"to"`
	Regions []string      `json:"regions"` // empty: all
	Names   []string      `json:"names"`   // globs; empty: all
}

// diffStatus is the status of kind CatalogDiff.
type diffStatus struct {
	NewTypes   []string             `json:"newTypes"`
	GoneTypes  []string             `json:"goneTypes"`
	Prices     []priceChangeRow     `json:"prices"`
	Lifecycles []lifecycleChangeRow `json:"lifecycles"`
}

// priceChangeRow is a price that is another, new (no from) or gone (no to).
type priceChangeRow struct {
	Name     string     `json:"name"`
	Region   string     `json:"region"`
	Purchase string     `json:"purchase"`
	From     *pricedRow `json:"from"`
	To       *pricedRow `json:"to"`
	Percent  *float64   `json:"percent"` // by how much the hour costs more
}

// pricedRow is one side of a change.
type pricedRow struct {
	HourlyUsd  pricing.USDPerHour `json:"hourlyUsd"` // upfront fees spread over the term
	UpfrontUsd pricing.USD        `json:"upfrontUsd"`
	AsOf       string             `json:"asOf"`
	Quality    string             `json:"quality"`
	Source     string             `json:"source"`
}

// lifecycleChangeRow is a place where something began or ceased to be sold.
type lifecycleChangeRow struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	From   string `json:"from"`
	To     string `json:"to"`
	Source string `json:"source,omitempty"`
}

func priced(o *pricing.Offer) *pricedRow {
	if o == nil {
		return nil
	}
	return &pricedRow{o.Hourly, o.Upfront, o.AsOf.String(), o.Quality.String(), o.Source}
}

// text is the hourly cost, as a table shows it.
func (r *pricedRow) text() (hourly, upfront string) {
	if r == nil {
		return "unknown", ""
	}
	if r.UpfrontUsd != 0 {
		upfront = r.UpfrontUsd.Fixed(2)
	}
	return report.Rate(r.HourlyUsd.DollarsPerHour()), upfront
}

func diffDocument(a *app, before, after *pricing.Catalog, regions, globs []string) report.Document {
	changes := pricing.Diff(before, after, func(region, subject string) bool {
		return (len(regions) == 0 || slices.Contains(regions, region)) && anyGlob(globs, subject)
	})
	status := diffStatus{NewTypes: changes.NewTypes, GoneTypes: changes.GoneTypes}
	prices := report.Table{Title: "Prices", Columns: report.Columns("NAME", "REGION", "BUY", ">USD/H", ">TO", ">CHANGE", ">+UPFRONT", ">+TO UPFRONT", "AS OF", "+SOURCE")}
	for i := range changes.Prices {
		c := &changes.Prices[i]
		row := priceChangeRow{Name: c.Subject, Region: c.Region, Purchase: c.Purchase.String(), From: priced(c.Old), To: priced(c.New)}
		change, asOf, source := "new", "", ""
		if row.To == nil {
			change = "gone"
		} else {
			asOf, source = row.To.AsOf, row.To.Source
		}
		if percent, ok := c.Percent(); ok {
			row.Percent = &percent
			change = fmt.Sprintf("%+.1f%%", percent)
		}
		status.Prices = append(status.Prices, row)
		from, fromUpfront := row.From.text()
		to, toUpfront := row.To.text()
		prices.Rows = append(prices.Rows, []string{row.Name, row.Region, row.Purchase, from, to, change, fromUpfront, toUpfront, asOf, source})
	}
	lifecycles := report.Table{Title: "On sale", Columns: report.Columns("NAME", "REGION", "FROM", "TO", "SOURCE")}
	for _, l := range changes.Lifecycles {
		row := lifecycleChangeRow{l.Subject, l.Region, l.Old.State.String(), l.New.State.String(), l.New.Source}
		status.Lifecycles = append(status.Lifecycles, row)
		lifecycles.Rows = append(lifecycles.Rows, []string{row.Name, row.Region, row.From, row.To, row.Source})
	}
	answer := fmt.Sprintf("Catalogue %.8s to %.8s: %d types new, %d gone; %d prices and %d lifecycles differ.", before.SHA256(), after.SHA256(),
		len(status.NewTypes), len(status.GoneTypes), len(status.Prices), len(status.Lifecycles))
	d := report.Document{Answer: answer, Tail: []string{answer}}
	if len(prices.Rows) > 0 {
		d.Tables = append(d.Tables, prices)
	}
	if len(lifecycles.Rows) > 0 {
		d.Tables = append(d.Tables, lifecycles)
	}
	for _, list := range []struct {
		what  string
		names []string
	}{{"New", status.NewTypes}, {"Gone", status.GoneTypes}} {
		if len(list.names) > 0 {
			d.Tail = append(d.Tail, fmt.Sprintf("%s: %s.", list.what, report.Some(list.names, mostNames)))
		}
	}
	env := a.envelope("CatalogDiff", diffSpec{*catalogOrigin(before), *catalogOrigin(after), regions, globs}, status)
	env.Metadata.Catalog = catalogOrigin(after)
	d.Value = env
	return d
}
