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
	c.AddCommand(newPricesCompare(a), newPricesExport(a), newPricesImport(a), newPricesRefresh(a))
	return c
}

// bought is one way to buy one thing in one region, with the words that flags and reports use.
type bought struct {
	Instance string `json:"instance"` // or an Elastic Inference accelerator
	Region   string `json:"region"`
	Purchase string `json:"purchase"` // as --purchase takes it
	Term     string `json:"term,omitempty"`
	Payment  string `json:"payment,omitempty"`
	Class    string `json:"class,omitempty"`

	way pricing.Purchase
}

func boughtBy(subject, region string, p pricing.Purchase) bought {
	return bought{subject, region, p.Option.String(), p.Term.String(), p.Payment.String(), p.Class.String(), p}
}

// offerRow is a known price.
type offerRow struct {
	bought
	Hourly         pricing.USDPerHour `json:"hourlyUsd"`    // upfront fees spread over the term
	Recurring      pricing.USDPerHour `json:"recurringUsd"` // due every hour
	UpfrontUsd     pricing.USD        `json:"upfrontUsd"`
	BreakEvenHours *float64           `json:"breakEvenHours,omitempty"` // hours of use in a month from which on a commitment pays
	Source         string             `json:"source"`
	AsOf           string             `json:"asOf"`
	Quality        string             `json:"quality"`
	Rule           string             `json:"rule,omitempty"`
	Caveat         string             `json:"caveat,omitempty"`
	Overlay        string             `json:"overlay,omitempty"` // the overlays that changed or made it
}

func offerRowOf(o *pricing.Offer) offerRow {
	r := offerRow{bought: boughtBy(o.Subject, o.Region, o.Purchase), Hourly: o.Hourly, Recurring: o.Recurring, UpfrontUsd: o.Upfront,
		Source: o.Source, AsOf: o.AsOf.String(), Quality: o.Quality.String(), Rule: o.Rule, Caveat: o.Caveat, Overlay: o.Overlay}
	if o.BreakEvenHours > 0 {
		r.BreakEvenHours = &o.BreakEvenHours
	}
	return r
}

// note is the doubt about a price, and whose it is.
func (r *offerRow) note() string {
	if r.Overlay == "" {
		return r.Caveat
	}
	return strings.TrimSuffix("price by "+r.Overlay+"; "+r.Caveat, "; ")
}

// gapRow is a way to buy whose price is not known.
type gapRow struct {
	bought
	Reason string `json:"reason"`
}

// priceSpec is the spec of kind PriceList.
type priceSpec struct {
	Names   []string `json:"names"`
	Regions []string `json:"regions"`
	AsOf    string   `json:"asOf"`
}

// priceStatus is the status of kind PriceList.
type priceStatus struct {
	Offers  []offerRow `json:"offers"`
	Unknown []gapRow   `json:"unknown"`
}

// mostStates bounds the sentences about what is not sold.
const mostStates = 10

func pricesDocument(a *app, in *sources, regions, names []string, q pricing.Query) (report.Document, error) {
	cat := in.catalog
	if len(regions) == 1 && regions[0] == "all" {
		regions = cat.Regions()
	}
	status := priceStatus{Offers: []offerRow{}, Unknown: []gapRow{}}
	var states []string
	t := report.Table{Columns: report.Columns("NAME", "REGION", "BUY", ">USD/H", ">UPFRONT", "AS OF", "QUALITY", "+SOURCE", "+RULE", "NOTE")}
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
			here := pricesOf(cat, q)
			t.Rows = append(t.Rows, here.cells()...)
			status.Offers, status.Unknown = append(status.Offers, here.Offers...), append(status.Unknown, here.Unknown...)
			if text := notOnSale(cat.Sold(region, name, q.At)); text != "" && len(states) < mostStates {
				states = append(states, fmt.Sprintf("%s in %s %s.", name, region, text))
			}
		}
	}
	asOf := cmp.Or(q.At, cat.AsOf())
	env := a.envelope("PriceList", priceSpec{names, regions, asOf.String()}, status)
	env.Metadata.Catalog, env.Metadata.Overlays = catalogOrigin(cat), origins(in.pins.Overlays)
	for _, w := range in.warnings {
		states = append(states, report.Sentence("Warning: "+w))
	}
	return report.Document{Tables: []report.Table{t}, Tail: append(states, fmt.Sprintf("Prices as of %v, from catalogue %.8s; USD/H spreads what is due upfront over the term.", asOf, cat.SHA256())),
		Answer: fmt.Sprintf("%d prices, %d unknown", len(status.Offers), len(status.Unknown)), Value: env}, nil
}

// pricesOf lists what is known of one thing in one region, and what is not.
func pricesOf(cat *pricing.Catalog, q pricing.Query) priceStatus {
	var s priceStatus
	for _, o := range cat.Offers(q) {
		s.Offers = append(s.Offers, offerRowOf(&o))
	}
	for _, g := range cat.Gaps(q) {
		s.Unknown = append(s.Unknown, gapRow{boughtBy(q.Subject, q.Region, g.Purchase), g.Reason.String()})
	}
	return s
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

// cells are the lines of a table. The terms and classes of one way to buy whose prices are unknown for the same reason share a line.
func (s *priceStatus) cells() (rows [][]string) {
	for _, r := range s.Offers {
		upfront := ""
		if r.UpfrontUsd != 0 {
			upfront = r.UpfrontUsd.Fixed(2)
		}
		rows = append(rows, []string{r.Instance, r.Region, r.way.String(), report.Rate(r.Hourly.DollarsPerHour()), upfront, r.AsOf, r.Quality, r.Source, r.Rule, r.note()})
	}
	for i := 0; i < len(s.Unknown); {
		g, n := s.Unknown[i], 1
		for i+n < len(s.Unknown) && s.Unknown[i+n].Purchase == g.Purchase && s.Unknown[i+n].Reason == g.Reason {
			n++
		}
		buy := g.way.String()
		if n > 1 {
			buy = fmt.Sprintf("%s (%d kinds)", g.way.Way().Name, n)
		}
		rows = append(rows, []string{g.Instance, g.Region, buy, "unknown", "", "", "", "", "", gapTexts[g.Reason]})
		i += n
	}
	return rows
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
