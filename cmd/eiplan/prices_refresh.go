package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
	"github.com/eiplan/eiplan/pricing/awsapi"
)

func newPricesRefresh(a *app) *cobra.Command {
	var u catalogUpdate
	var regions, only []string
	var advisorURL, priceListURL string
	c := &cobra.Command{
		Use:   "refresh",
		Short: "Make a catalogue of today's prices from AWS",
		Long: `refresh asks AWS for types and prices and lays them over the catalogue that --catalog names (the snapshot).
The result is a catalogue in the user's cache folder, or the file of --save. It is used only where --catalog cache,
or --catalog FILE, names it.

  FEED            FROM                                            NEEDS CREDENTIALS
  instance-types  EC2 DescribeInstanceTypes                       yes
  on-demand       Pricing GetProducts, else the price-list file   no
  reserved        EC2 DescribeReservedInstancesOfferings, else it no
  savings-plan    DescribeSavingsPlansOfferingRates               yes
  spot            EC2 DescribeSpotPriceHistory                    yes
  interruption    Spot Advisor file                               no

Credentials, proxies and endpoints are those of AWS's own tools. What could not be had is told by feed; where nothing
came, nothing is written and the exit code is 2.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			feeds, err := parseFeeds(only)
			if err != nil {
				return err
			}
			base, err := u.open()
			if err != nil {
				return err
			}
			for _, r := range regions {
				if !regionName.MatchString(r) {
					return usageError("--region: %q is not a region such as us-east-1", r)
				}
			}
			sources, err := awsapi.Load(cmd.Context(), now())
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			sources.SpotAdvisorURL, sources.PriceListURL, sources.Offered = advisorURL, priceListURL, base.Offered
			sources.Progress = a.progress()
			tables, outcomes, err := sources.Refresh(cmd.Context(), regions, feeds)
			a.endProgress()
			if err != nil {
				return err
			}
			return u.finish(a, base, tables, refreshed(outcomes))
		},
	}
	u.add(c)
	f := c.Flags()
	f.StringSliceVar(&regions, "region", []string{"us-east-1"}, "regions to ask about")
	f.StringSliceVar(&only, "only", nil, "feeds to read: "+joined(awsapi.Feeds())+" (default all)")
	f.StringVar(&advisorURL, "spot-advisor-url", awsapi.SpotAdvisorURL, "where the Spot Advisor's file, or a copy of it, is")
	f.StringVar(&priceListURL, "price-list-url", awsapi.PriceListURL, "where the index of EC2's price-list files by region, or a copy of it, is")
	return c
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)

func parseFeeds(names []string) ([]awsapi.Feed, error) {
	var feeds []awsapi.Feed
	for _, name := range names {
		if !slices.Contains(awsapi.Feeds(), awsapi.Feed(name)) {
			return nil, usageError("--only: %q is not a feed: %s", name, joined(awsapi.Feeds()))
		}
		feeds = append(feeds, awsapi.Feed(name))
	}
	return feeds, nil
}

// refreshed reports what came of each reading.
func refreshed(outcomes []awsapi.Outcome) []updateRow {
	rows := make([]updateRow, len(outcomes))
	for i, o := range outcomes {
		rows[i] = updateRow{Feed: string(o.Feed), Region: o.Region, From: o.From, Rows: o.Rows, LeftOut: leftOut(o.LeftOut)}
		if o.Err != nil {
			rows[i].Error = o.Err.Error()
		}
	}
	return rows
}

// progress draws one line on a terminal, a few times a second; elsewhere it is nil.
func (a *app) progress() func(awsapi.Progress) {
	if a.quiet || !terminal(a.stderr) {
		return nil
	}
	var last time.Time
	return func(p awsapi.Progress) {
		if time.Since(last) < time.Second/5 {
			return
		}
		last = time.Now()
		text := fmt.Sprintf("%s %s: %s", p.Region, p.Feed, p.From)
		switch {
		case p.Total > 0:
			text += fmt.Sprintf(", %d of %d MiB", p.Bytes>>20, p.Total>>20)
		case p.Bytes > 0:
			text += fmt.Sprintf(", %d MiB", p.Bytes>>20)
		case p.Rows > 0:
			text += fmt.Sprintf(", %d rows", p.Rows)
		}
		fmt.Fprintf(a.stderr, "\r\x1b[K%s", text)
	}
}

func (a *app) endProgress() {
	if !a.quiet && terminal(a.stderr) {
		fmt.Fprint(a.stderr, "\r\x1b[K")
	}
}

// catalogUpdate is the making of a catalogue from another one and new rows.
type catalogUpdate struct {
	catalog string // what the rows are laid over
	save    string
}

func (u *catalogUpdate) add(c *cobra.Command) {
	addCatalogFlag(c.Flags(), &u.catalog)
	c.Flags().StringVar(&u.save, "save", "", "write the new catalogue to this file instead of the cache folder")
}

func (u *catalogUpdate) open() (pricing.Tables, error) {
	c, err := openCatalog(u.catalog)
	if err != nil {
		return pricing.Tables{}, err
	}
	return c.Tables(), nil
}

// updateRow is what came of one source of an update.
type updateRow struct {
	Feed    string       `json:"feed,omitempty"`
	Region  string       `json:"region,omitempty"`
	From    string       `json:"from"` // service, or file and what it is
	Rows    int          `json:"rows"` // types, prices and interruption bands
	LeftOut []leftOutRow `json:"leftOut,omitempty"`
	Error   string       `json:"error,omitempty"` // why nothing came
}

// leftOutRow counts rows that can't be used.
type leftOutRow struct {
	Reason string `json:"reason"`
	Rows   int    `json:"rows"`
}

func leftOut(l awsapi.LeftOut) []leftOutRow {
	var rows []leftOutRow
	for _, reason := range l.Reasons() {
		rows = append(rows, leftOutRow{reason, l[reason]})
	}
	return rows
}

// updateSpec is the spec of kind CatalogUpdate.
type updateSpec struct {
	Base report.Origin `json:"base"`
}

// updateStatus is the status of kind CatalogUpdate.
type updateStatus struct {
	File      string      `json:"file"` // where the new catalogue, metadata.catalog, is
	Sources   []updateRow `json:"sources"`
	Strangers []string    `json:"strangers"` // names in rows that no type describes; the rows are left out
	NewTypes  []string    `json:"newTypes"`
	Prices    int         `json:"prices"` // that are others, new or gone
}

// finish lays the rows over the base, stores the result and reports it.
func (u *catalogUpdate) finish(a *app, base, rows pricing.Tables, from []updateRow) error {
	came := 0
	for _, r := range from {
		came += r.Rows
		if r.Error != "" {
			fmt.Fprintf(a.stderr, "eiplan: %s\n", strings.TrimSpace(fmt.Sprintf("%s %s", r.Region, r.Feed))+": "+r.From+": "+r.Error)
		}
	}
	if came == 0 {
		for _, r := range from {
			if notes := r.note(); r.Error == "" {
				fmt.Fprintf(a.stderr, "eiplan: %s: %s\n", r.From, cmp.Or(notes, "it holds no price of Linux on shared tenancy without licence, in US dollars"))
			}
		}
		return &exitError{code: exitUsage, err: errors.New("nothing came; no catalogue is written")}
	}
	before, err := pricing.New(base)
	if err != nil {
		return err
	}
	merged, strangers := pricing.Merge(base, rows)
	merged.Source = madeFrom(base.Source, from)
	if same, err := pricing.New(merged); err == nil && same.SHA256() == before.SHA256() {
		merged.Source = base.Source
	}
	file, made, err := storeCatalog(u.save, merged)
	if err != nil {
		return err
	}
	removed := 0
	if u.save == "" {
		if removed, err = pruneCache(); err != nil {
			return err
		}
	}
	changes := pricing.Diff(before, made, nil)
	env := a.envelope("CatalogUpdate", updateSpec{*catalogOrigin(before)}, updateStatus{file, from, strangers, changes.NewTypes, len(changes.Prices)})
	env.Metadata.Catalog = catalogOrigin(made)
	t := report.Table{Columns: report.Columns("FEED", "REGION", "FROM", ">ROWS", "NOTE")}
	for _, r := range from {
		t.Rows = append(t.Rows, []string{r.Feed, r.Region, r.From, fmt.Sprint(r.Rows), r.note()})
	}
	answer := fmt.Sprintf("Catalogue %.8s: %d new types, %d prices changed. It is %s.", made.SHA256(), len(changes.NewTypes), len(changes.Prices), file)
	tail := []string{answer, "It is used where --catalog " + u.name() + " names it; eiplan catalog diff " + u.catalog + " " + u.name() + " shows what changed."}
	if len(strangers) > 0 {
		tail = append(tail, fmt.Sprintf("Left out, since no type of that name is described (the feed instance-types would): %s.", report.Some(strangers, mostNames)))
	}
	if stale := notRefreshed(from); len(stale) > 0 {
		tail = append(tail, fmt.Sprintf("Not refreshed, and kept as %s has it: %s.", u.catalog, strings.Join(stale, ", ")))
	}
	if removed > 0 {
		tail = append(tail, fmt.Sprintf("The cache keeps its newest %d catalogues; older ones removed: %d.", cacheKeeps, removed))
	}
	return a.emit(report.Document{Tables: []report.Table{t}, Tail: tail, Answer: file, Value: env})
}

// notRefreshed names the feeds that nothing came of, from any source.
func notRefreshed(from []updateRow) []string {
	came := map[string]bool{}
	name := func(r updateRow) string { return strings.TrimSpace(r.Region + " " + r.Feed) }
	for _, r := range from {
		came[name(r)] = came[name(r)] || r.Error == ""
	}
	var stale []string
	for _, r := range from {
		if n := name(r); !came[n] && !slices.Contains(stale, n) {
			stale = append(stale, n)
		}
	}
	return stale
}

// name is how --catalog names what was made.
func (u *catalogUpdate) name() string {
	if u.save != "" {
		return u.save
	}
	return cacheName
}

func (r *updateRow) note() string {
	if r.Error != "" {
		return "failed: " + r.Error
	}
	var notes []string
	for _, l := range r.LeftOut {
		notes = append(notes, fmt.Sprintf("%d left out: %s", l.Rows, l.Reason))
	}
	return strings.Join(notes, "; ")
}

// madeFrom names what a catalogue was made from.
func madeFrom(base string, from []updateRow) string {
	var parts []string
	for _, r := range from {
		if r.Error == "" && r.Rows > 0 {
			parts = append(parts, strings.Join(slices.DeleteFunc([]string{r.From, r.Region}, func(s string) bool { return s == "" }), " "))
		}
	}
	slices.Sort(parts)
	return fmt.Sprintf("%s, with %s of %s", base, strings.Join(slices.Compact(parts), ", "), pricing.DateOf(now()))
}
