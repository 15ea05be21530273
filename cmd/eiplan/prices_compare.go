package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// monthHours is a month, as AWS counts it.
const monthHours = 730

func newPricesCompare(a *app) *cobra.Command {
	var regions []string
	var asOf string
	var hours float64
	var files sourceFlags
	c := &cobra.Command{
		Use:   "compare TYPE...",
		Short: "Compare regions and ways to buy: what falls due, when, and from how many hours on a commitment pays",
		Long: `compare orders every known way to buy each TYPE in each region by what a month of --hours costs, its upfront fee spread over
the term. What is used less than the whole month is paid by the hour where nothing is committed, and in full where it is.
UPFRONT is due at the start, EACH MONTH every month from then on, IN ALL over the term, or over a year where there is none.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if !(hours > 0 && hours <= monthHours) {
				return usageError("--hours %g is not between 0 and %d, a month", hours, monthHours)
			}
			q := pricing.Query{}
			if asOf != "" {
				d, err := pricing.ParseDate(asOf)
				if err != nil {
					return usageError("--as-of: %w", err)
				}
				q.At = d
			}
			in, err := files.read()
			if err != nil {
				return err
			}
			d, err := compareDocument(a, in, args, regions, hours, q)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return a.emit(d)
		},
	}
	c.Flags().StringSliceVar(&regions, "region", []string{"us-east-1"}, "regions to compare, or all")
	c.Flags().Float64Var(&hours, "hours", monthHours, "hours of use in a month")
	c.Flags().StringVar(&asOf, "as-of", "", "prices of that day: 2020-06-01")
	files.add(c.Flags())
	return c
}

// priceComparisonSpec is the spec of kind PriceComparison.
type priceComparisonSpec struct {
	Names   []string `json:"names"`
	Regions []string `json:"regions"`
	Hours   float64  `json:"hoursPerMonth"`
	AsOf    string   `json:"asOf"`
}

// priceComparisonStatus is the status of kind PriceComparison: by what a month costs, the cheapest first, for each name.
type priceComparisonStatus struct {
	Ways []comparedRow `json:"ways"`
}

// comparedRow is a way to buy with its cash flow in US dollars.
type comparedRow struct {
	offerRow
	EachMonthUsd float64  `json:"eachMonthUsd"`         // due every month, beside UpfrontUsd at the start
	MonthlyUsd   float64  `json:"monthlyUsd"`           // that, and the upfront fee spread over the term
	InAllUsd     float64  `json:"inAllUsd"`             // over the term, or a year
	Percent      *float64 `json:"percentBelowOnDemand"` // of a month, against On-Demand in the same region; null where that is not known
}

// compare works out what an offer costs when it is used so many hours a month.
func compare(o *pricing.Offer, hours float64, onDemand *pricing.Offer) comparedRow {
	r := comparedRow{offerRow: offerRowOf(o)}
	months := 12.0
	billed := hours
	if o.Purchase.Way().Commits {
		billed = monthHours
		months *= float64(max(o.Purchase.Term, 1))
	}
	r.EachMonthUsd = o.Recurring.DollarsPerHour() * billed
	r.InAllUsd = r.EachMonthUsd*months + o.Upfront.Dollars()
	r.MonthlyUsd = r.InAllUsd / months
	if onDemand != nil {
		percent := 100 * (1 - r.MonthlyUsd/(onDemand.Recurring.DollarsPerHour()*hours))
		r.Percent = &percent
	}
	return r
}

func compareDocument(a *app, in *sources, names, regions []string, hours float64, q pricing.Query) (report.Document, error) {
	cat := in.catalog
	if len(regions) == 1 && regions[0] == "all" {
		regions = cat.Regions()
	}
	rows := []comparedRow{}
	for _, name := range names {
		if err := known(cat, name); err != nil {
			return report.Document{}, err
		}
		first := len(rows)
		for _, r := range regions {
			region, err := cat.Region(r)
			if err != nil {
				return report.Document{}, err
			}
			q.Region, q.Subject = region, name
			offers := cat.Offers(q)
			var onDemand *pricing.Offer
			if i := slices.IndexFunc(offers, func(o pricing.Offer) bool { return o.Purchase.Option == pricing.OnDemand }); i >= 0 {
				onDemand = &offers[i]
			}
			for i := range offers {
				rows = append(rows, compare(&offers[i], hours, onDemand))
			}
		}
		slices.SortStableFunc(rows[first:], func(a, b comparedRow) int { return cmp.Compare(a.MonthlyUsd, b.MonthlyUsd) })
	}
	t := report.Table{Columns: report.Columns("NAME", "REGION", "BUY", ">USD/MONTH", ">BELOW ON-DEMAND", ">UPFRONT", ">EACH MONTH", ">IN ALL", ">PAYS ABOVE", "AS OF", "QUALITY", "+SOURCE", "NOTE")}
	for _, r := range rows {
		t.Rows = append(t.Rows, r.cells())
	}
	asOf := cmp.Or(q.At, cat.AsOf())
	env := a.envelope("PriceComparison", priceComparisonSpec{names, regions, hours, asOf.String()}, priceComparisonStatus{rows})
	env.Metadata.Catalog, env.Metadata.Overlays = catalogOrigin(cat), origins(in.pins.Overlays)
	tail := []string{fmt.Sprintf("For %g of %d hours a month, as of %v, from catalogue %.8s. Ways whose price is not known are not in it: eiplan prices lists them.", hours, monthHours, asOf, cat.SHA256())}
	answer := "no price known"
	if len(rows) > 0 {
		answer = fmt.Sprintf("%s, %s, %v, %s USD/month", rows[0].Instance, rows[0].Region, rows[0].way, report.Dollars(rows[0].MonthlyUsd))
	}
	return report.Document{Tables: []report.Table{t}, Tail: tail, Answer: answer, Value: env}, nil
}

func (r *comparedRow) cells() []string {
	below, upfront, above := "", "", ""
	if r.Percent != nil && r.way.Option != pricing.OnDemand {
		below = fmt.Sprintf("%.0f%%", *r.Percent)
	}
	if r.UpfrontUsd != 0 {
		upfront = r.UpfrontUsd.Fixed(2)
	}
	if r.BreakEvenHours != nil {
		above = fmt.Sprintf("%.0f h/month", *r.BreakEvenHours)
	}
	return []string{r.Instance, r.Region, r.way.String(), report.Dollars(r.MonthlyUsd), below, upfront, report.Dollars(r.EachMonthUsd), report.Dollars(r.InAllUsd), above, r.AsOf, r.Quality, r.Source, r.note()}
}
