package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
)

// comparisonSpec is the spec of kind Diff.
type comparisonSpec struct {
	Base pin `json:"base"`
	Head pin `json:"head"`
}

func newDiff(a *app) *cobra.Command {
	var newPrices bool
	c := &cobra.Command{
		Use:   "diff BASE HEAD",
		Short: "Compare two reports: what differs, by how much, and why",
		Long: `diff compares two reports that size or plan wrote with -o yaml or json; one of them may be -, standard
input. The reports alone are read: a figure that they can't tell is unknown, never guessed.
Two reports of a portfolio are compared model by model, by name, and in total; a model that only one
of them has is added or removed, at that report's prices.

Costs are compared at the prices and under the commitments that BASE was made with, which its metadata
pins as eiplan lock does: HEAD's choice costs what BASE lists for it, or what it costs in HEAD where
both rest on the same catalogue, overlays and commitments. What prices changed beside that stands in a row
of its own. --new-prices compares what each report says.

The cause of a change is told where one input alone differs, or one beside prices for the same choice.
Builds of eiplan without a version can't be told apart. Exit code 0: whether it differs is no error.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && (args[0] != "-" || args[1] != "-") {
				return nil
			}
			e := usageError("diff takes two reports, of which one may be - for standard input; %d are given", len(args))
			e.hint = "usage: " + cmd.UseLine()
			return e
		},
		RunE: func(_ *cobra.Command, args []string) error {
			base, err := readPlanned(args[0])
			if err != nil {
				return err
			}
			head, err := readPlanned(args[1])
			if err == nil {
				err = sameKind(base, head)
			}
			if err != nil {
				return err
			}
			prices := gate.BasePrices
			if newPrices {
				prices = gate.HeadPrices
			}
			env := a.envelope(gate.DiffKind, comparisonSpec{base.pin, head.pin}, nil)
			env.Metadata.Catalog = head.catalog()
			if head.all != nil {
				d := gate.ComparePortfolios(base.all, head.all, prices)
				env.Kind, env.Status = gate.PortfolioDiffKind, d
				return a.emit(portfolioComparison(env, d))
			}
			d := gate.Compare(base.one, head.one, prices)
			env.Status = d
			return a.emit(comparison(env, d))
		},
	}
	c.Flags().BoolVar(&newPrices, "new-prices", false, "compare what each report says, at its own prices")
	return c
}

// comparison tells a Diff.
func comparison(env report.Envelope, d *gate.Diff) report.Document {
	doc := report.Document{Value: env, Subject: "diff " + d.Model.Name.New, Answer: "same", Lead: []string{"The same choice, latency and cost."}}
	if !d.Same {
		doc.Answer = "differs"
		doc.Lead = []string{movement(d)}
	}
	doc.Outputs = []report.Output{{Name: "diff", Value: doc.Answer}, {Name: "old", Value: d.Answer.Old}, {Name: "new", Value: d.Answer.New}, {Name: "monthly-usd-percent", Value: optionalFigure(d.Cost.MonthlyUsd.Percent)}}
	doc.Tables = []report.Table{differences(d), causes(d)}
	if d.Prices == gate.BasePrices {
		doc.Tail = append(doc.Tail, "Costs are at the base's prices: "+d.PricesNote+".")
	} else {
		doc.Tail = append(doc.Tail, "Costs are at each report's own prices.")
	}
	if d.BaseChoice != nil {
		doc.Tail = append(doc.Tail, "What BASE chose: "+d.BaseChoice.Note+".")
	}
	return doc
}

func tellDiff(_ string, env report.Envelope, _ comparisonSpec, d gate.Diff) (report.Document, error) {
	return comparison(env, &d), nil
}

// movement is what a buyer would notice first.
func movement(d *gate.Diff) string {
	text := "The same choice, " + d.Answer.New
	if d.Answer.Changed {
		text = "From " + d.Answer.Old + " to " + d.Answer.New
	}
	var parts []string
	for _, x := range []struct {
		what   string
		change gate.Change
	}{{"USD/month", d.Cost.MonthlyUsd}, {"ms", d.Latency.SlaMs}} {
		if x.change.Delta != nil {
			parts = append(parts, fmt.Sprintf("%s %s (%s)", signedFigure(x.change.Delta), x.what, signedPercent(x.change)))
		}
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text + "."
}

// differences is old, new and delta of what is compared.
func differences(d *gate.Diff) report.Table {
	t := report.Table{Columns: report.Columns("WHAT", ">BASE", ">HEAD", ">DELTA", ">CHANGE")}
	word := func(what string, x gate.Text) {
		changed := ""
		if x.Changed {
			changed = "changed"
		}
		t.Rows = append(t.Rows, []string{what, dash(x.Old), dash(x.New), "", changed})
	}
	figure := func(what string, x gate.Change) { t.Rows = append(t.Rows, figureRow(what, x)) }
	hash := d.Model.SHA256
	hash.Old, hash.New = fmt.Sprintf("%.12s", hash.Old), fmt.Sprintf("%.12s", hash.New)
	word("model", d.Model.Name)
	word("model's hash", hash)
	figure("GFLOP", scaled(d.Model.Flops, 1e9))
	figure("million parameters", scaled(d.Model.Parameters, 1e6))
	word("verdict", d.Verdict)
	word("region", d.Choice.Region)
	word("instance", d.Choice.Instance)
	word("accelerator", d.Choice.Accelerator)
	word("way to buy", d.Choice.Purchase)
	word("runtime", d.Choice.Runtime)
	figure("instances", d.Choice.Replicas)
	figure("centre, ms", d.Latency.P50Ms)
	figure("against the SLA, ms", d.Latency.SlaMs)
	figure("headroom, ms", d.Latency.HeadroomMs)
	figure("USD/hour", d.Cost.HourlyUsd)
	figure("USD/month", d.Cost.MonthlyUsd)
	figure("USD upfront", d.Cost.UpfrontUsd)
	figure("USD/million", d.Cost.PerMillionUsd)
	if d.Prices == gate.BasePrices {
		figure("USD/month, by new prices", d.OfPrices.MonthlyUsd)
	}
	return t
}

// figureRow is a figure on both sides.
func figureRow(what string, x gate.Change) []string {
	return []string{what, plainFigure(x.Old), plainFigure(x.New), signedFigure(x.Delta), signedPercent(x)}
}

// causes lists the inputs of a plan and which of them differ.
func causes(d *gate.Diff) report.Table {
	t := report.Table{Title: "Why", Columns: report.Columns("CAUSE", "DIFFERS", ">USD/MONTH", "BASE", "HEAD")}
	for _, c := range d.Causes {
		differs, effect := answered(c.Differs), ""
		if differs != "no" && d.AsReported.MonthlyUsd.Delta != nil {
			effect = signedFigure(c.MonthlyUsd)
		}
		t.Rows = append(t.Rows, []string{c.Cause, differs, effect, dash(c.Old), dash(c.New)})
	}
	return t
}

// answered is yes, no or, for nil, unknown.
func answered(v *bool) string {
	switch {
	case v == nil:
		return "unknown"
	case *v:
		return "yes"
	}
	return "no"
}

// scaled is a change in another unit.
func scaled(c gate.Change, unit float64) gate.Change {
	for _, v := range []**float64{&c.Old, &c.New, &c.Delta} {
		if *v != nil {
			in := **v / unit
			*v = &in
		}
	}
	return c
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// optionalFigure is empty where a figure is unknown.
func optionalFigure(v *float64) string {
	if v == nil {
		return ""
	}
	return plainFigure(v)
}

func plainFigure(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.6g", *v)
}

func signedFigure(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf("%+.4g", *v)
}

func signedPercent(c gate.Change) string {
	if c.Percent == nil {
		return ""
	}
	return fmt.Sprintf("%+.3g%%", *c.Percent)
}
