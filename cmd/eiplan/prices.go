package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

func newPrices(a *app) *cobra.Command {
	var regions []string
	var asOf, quality string
	var files sourceFlags
	c := &cobra.Command{
		Use:   "prices TYPE...",
		Short: "List every known price of an instance type or accelerator, and what is not known",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return usageError("prices takes instance types or accelerators, such as c5.xlarge eia2.medium")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			q := pricing.Query{}
			if asOf != "" {
				d, err := pricing.ParseDate(asOf)
				if err != nil {
					return &exitError{code: exitUsage, err: fmt.Errorf("--as-of: %w", err)}
				}
				q.At = d
			}
			if err := q.Quality.UnmarshalText([]byte(quality)); err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--price-quality: %w", err)}
			}
			in, err := files.read()
			if err != nil {
				return err
			}
			if q.At == 0 && len(files.overlays) > 0 {
				q.At = max(in.catalog.AsOf(), pricing.DateOf(now())) // an overlay's prices may hold until a day
			}
			d, err := pricesDocument(a, in, regions, args, q)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return a.emit(d)
		},
	}
	c.Flags().StringSliceVar(&regions, "region", []string{"us-east-1"}, "regions, or all")
	c.Flags().StringVar(&asOf, "as-of", "", "prices of that day: 2020-06-01")
	files.add(c.Flags())
	files.addLock(c.Flags())
	c.Flags().StringVar(&quality, "price-quality", "", "the worst that counts: observed, derived or inferred")
	c.AddCommand(newPricesRefresh(a), newPricesImport(a))
	return c
}

// priceRow is one way to buy one thing in one region: its price, or why there is none.
type priceRow struct {
	Name       string              `json:"name"`
	Region     string              `json:"region"`
	Purchase   string              `json:"purchase"`
	Hourly     *pricing.USDPerHour `json:"hourlyUsd"` // upfront fees spread over the term; null where it is not known
	UpfrontUsd *pricing.USD        `json:"upfrontUsd"`
	AsOf       string              `json:"asOf,omitempty"`
	Quality    string              `json:"quality,omitempty"`
	Source     string              `json:"source,omitempty"`
	Rule       string              `json:"rule,omitempty"`
	Caveat     string              `json:"caveat,omitempty"`
	Overlay    string              `json:"overlay,omitempty"` // the overlays that changed or made it
	Unknown    string              `json:"unknown,omitempty"` // why there is no price

	option pricing.Option
}

// note is the doubt about a price, and whose it is.
func (r *priceRow) note() string {
	if r.Overlay == "" {
		return r.Caveat
	}
	return strings.TrimSuffix("price by "+r.Overlay+"; "+r.Caveat, "; ")
}

// priceSpec is the spec of kind PriceList.
type priceSpec struct {
	Names   []string `json:"names"`
	Regions []string `json:"regions"`
	AsOf    string   `json:"asOf"`
}

// priceStatus is the status of kind PriceList.
type priceStatus struct {
	Prices []priceRow `json:"prices"`
}

// mostStates bounds the sentences about what is not sold.
const mostStates = 10

func pricesDocument(a *app, in *sources, regions, names []string, q pricing.Query) (report.Document, error) {
	cat := in.catalog
	if len(regions) == 1 && regions[0] == "all" {
		regions = cat.Regions()
	}
	rows := []priceRow{}
	var states []string
	for _, name := range names {
		if err := known(cat, name); err != nil {
			return report.Document{}, err
		}
		for _, r := range regions {
			region, err := cat.Region(r)
			if err != nil {
				return report.Document{}, err
			}
			q.Region, q.Subject = region, name
			rows = append(rows, pricesOf(cat, q)...)
			if text := notOnSale(cat.Sold(region, name, q.At)); text != "" && len(states) < mostStates {
				states = append(states, fmt.Sprintf("%s in %s %s.", name, region, text))
			}
		}
	}
	asOf := cmp.Or(q.At, cat.AsOf())
	env := a.envelope("PriceList", priceSpec{names, regions, asOf.String()}, priceStatus{rows})
	env.Metadata.Catalog, env.Metadata.Overlays = catalogOrigin(cat), origins(in.pins.Overlays)
	for _, w := range in.warnings {
		states = append(states, report.Sentence("Warning: "+w))
	}
	unknown := 0
	for _, r := range rows {
		if r.Hourly == nil {
			unknown++
		}
	}
	return report.Document{Tables: []report.Table{priceTable(rows)}, Tail: append(states, fmt.Sprintf("Prices as of %v, from catalogue %.8s; USD/H spreads what is due upfront over the term.", asOf, cat.SHA256())),
		Answer: fmt.Sprintf("%d prices, %d unknown", len(rows)-unknown, unknown), Value: env}, nil
}

// pricesOf lists what is known of one thing in one region, and then what is not.
func pricesOf(cat *pricing.Catalog, q pricing.Query) []priceRow {
	var rows []priceRow
	for _, o := range cat.Offers(q) {
		rows = append(rows, priceRow{Name: q.Subject, Region: q.Region, Purchase: o.Purchase.String(), Hourly: &o.Hourly, UpfrontUsd: &o.Upfront,
			AsOf: o.AsOf.String(), Quality: o.Quality.String(), Source: o.Source, Rule: o.Rule, Caveat: o.Caveat, Overlay: o.Overlay, option: o.Purchase.Option})
	}
	for _, g := range cat.Gaps(q) {
		rows = append(rows, priceRow{Name: q.Subject, Region: q.Region, Purchase: g.Purchase.String(), Unknown: g.Reason.String(), option: g.Purchase.Option})
	}
	return rows
}

// notOnSale says since when something is not sold to everyone, or nothing.
func notOnSale(l pricing.Lifecycle) string {
	switch {
	case l.State == pricing.Retired && l.Retired != 0:
		return "is not sold any more, since " + l.Retired.String()
	case l.State == pricing.Closed && l.Closed != 0:
		return "is sold only to those who had it before " + l.Closed.String()
	case l.State != pricing.Current:
		return "is " + l.State.String()
	}
	return ""
}

// priceTable folds the terms and classes of one way to buy whose prices are unknown for the same reason into one row.
func priceTable(rows []priceRow) report.Table {
	t := report.Table{Columns: report.Columns("NAME", "REGION", "BUY", ">USD/H", ">UPFRONT", "AS OF", "QUALITY", "+SOURCE", "+RULE", "NOTE")}
	for i := 0; i < len(rows); {
		r := rows[i]
		if r.Hourly != nil {
			upfront := ""
			if *r.UpfrontUsd != 0 {
				upfront = r.UpfrontUsd.Fixed(2)
			}
			t.Rows = append(t.Rows, []string{r.Name, r.Region, r.Purchase, report.Rate(r.Hourly.DollarsPerHour()), upfront, r.AsOf, r.Quality, r.Source, r.Rule, r.note()})
			i++
			continue
		}
		n := 1
		for i+n < len(rows) && rows[i+n].Name == r.Name && rows[i+n].Region == r.Region && rows[i+n].option == r.option && rows[i+n].Unknown == r.Unknown {
			n++
		}
		buy := r.Purchase
		if n > 1 {
			buy = fmt.Sprintf("%s (%d kinds)", pricing.WayOf(r.option).Name, n)
		}
		t.Rows = append(t.Rows, []string{r.Name, r.Region, buy, "unknown", "", "", "", "", "", gapTexts[r.Unknown]})
		i += n
	}
	return t
}

// gapTexts words why there is no price.
var gapTexts = map[string]string{
	pricing.NoPrice.String(): "no price known", pricing.NotSoldThere.String(): "not sold there", pricing.WayNotSold.String(): "not sold that way",
}

func known(cat *pricing.Catalog, name string) error {
	if _, err := cat.Accelerator(name); err == nil {
		return nil
	}
	_, err := cat.Instance(name)
	return err
}
