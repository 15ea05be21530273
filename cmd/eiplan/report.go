package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// retold is how each kind of report is told again from its file alone.
var retold = []struct {
	kind string
	tell teller
}{
	{sizing.Kind, tellSizing},
	{portfolio.ReportKind, tellPortfolio},
	{"Benchmark", fromEnvelope(tellBenchmark)},
	{gate.CheckKind, fromEnvelope(tellCheck)},
	{gate.DiffKind, fromEnvelope(tellDiff)},
	{gate.PortfolioDiffKind, fromEnvelope(tellPortfolioDiff)},
}

// teller tells the report that bytes hold, for a format.
type teller func(b []byte, format string, show sizing.Show) (report.Document, error)

func newReport(a *app) *cobra.Command {
	var show sizing.Show
	c := &cobra.Command{
		Use:   "report REPORT...",
		Short: "Show reports that were written before, in another format",
		Long: `report reads what -o yaml or json wrote, a file or - for standard input, and shows it in any format:
as the command that wrote it would have. Nothing is measured, planned or looked up for it.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			docs := make([]report.Document, len(args))
			for i, file := range args {
				b, err := readInput(file)
				if err != nil {
					return err
				}
				if docs[i], err = retell(b, a.format, show); err != nil {
					return withFile(file, err)
				}
				if file != "-" {
					docs[i] = located(file, docs[i])
				}
			}
			return a.emit(withTotals(docs, a.format)...)
		},
	}
	c.Flags().StringVar(&a.format, "format", "table", "the same as --output")
	addExplain(c.Flags(), &show.Explain)
	c.Flags().IntVar(&show.Top, "top", 0, "choices of one model's plan to list (default as the plan was asked)")
	return c
}

// retell finds out of which kind a report is and tells it.
func retell(b []byte, format string, show sizing.Show) (report.Document, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := report.Decode(b, &head); err != nil {
		return report.Document{}, err
	}
	var kinds []string
	for _, r := range retold {
		if r.kind == head.Kind && head.APIVersion == report.APIVersion {
			if show.Explain != "" && r.kind != sizing.Kind {
				return report.Document{}, explainsOne("this is of kind " + r.kind)
			}
			return r.tell(b, format, show)
		}
		kinds = append(kinds, r.kind)
	}
	slices.Sort(kinds)
	return report.Document{}, fmt.Errorf("apiVersion %q and kind %q: report shows %s of %s", head.APIVersion, head.Kind, strings.Join(kinds, ", "), report.APIVersion)
}

func tellSizing(b []byte, format string, show sizing.Show) (report.Document, error) {
	r, err := sizing.Read(b)
	if err != nil {
		return report.Document{}, err
	}
	d, err := told(r, show, format)
	return d, unexplained(err)
}

func tellPortfolio(b []byte, format string, _ sizing.Show) (report.Document, error) {
	r, err := portfolio.Read(b)
	if err != nil {
		return report.Document{}, err
	}
	return toldTogether(r, format), nil
}

// toldTogether is a portfolio's report as a format tells it: html as a review.
func toldTogether(r *portfolio.Report, format string) report.Document {
	if format == htmlFormat {
		return r.Review()
	}
	return r.Document()
}

// told is a report as a format tells it: html as a review.
func told(r *sizing.Report, show sizing.Show, format string) (report.Document, error) {
	if format == htmlFormat {
		return r.Review(show)
	}
	return r.Document(show)
}

// htmlFormat is the format of reviews.
const htmlFormat = "html"

// withTotals puts the sum of several plans before their reviews.
func withTotals(docs []report.Document, format string) []report.Document {
	var plans []*sizing.Report
	for _, d := range docs {
		if r, ok := d.Value.(*sizing.Report); ok {
			plans = append(plans, r)
		}
	}
	if format != htmlFormat || len(plans) < 2 {
		return docs
	}
	return append([]report.Document{sizing.Totals(plans)}, docs...)
}

// fromEnvelope reads an envelope with its spec and status for a function that tells them.
func fromEnvelope[Spec, Status any](tell func(format string, env report.Envelope, spec Spec, status Status) (report.Document, error)) teller {
	return func(b []byte, format string, _ sizing.Show) (report.Document, error) {
		var doc struct {
			APIVersion string          `json:"apiVersion"`
			Kind       string          `json:"kind"`
			Metadata   report.Metadata `json:"metadata"`
			Spec       Spec            `json:"spec"`
			Status     Status          `json:"status"`
		}
		if err := report.Decode(b, &doc); err != nil {
			return report.Document{}, err
		}
		env := report.Envelope{APIVersion: doc.APIVersion, Kind: doc.Kind, Metadata: doc.Metadata, Spec: doc.Spec, Status: doc.Status}
		return tell(format, env, doc.Spec, doc.Status)
	}
}

func tellBenchmark(format string, env report.Envelope, spec benchSpec, status benchStatus) (report.Document, error) {
	if len(status.Runs) == 0 {
		return report.Document{}, errors.New("status.runs is empty")
	}
	r := &benchReport{Spec: spec, Status: status}
	return r.document(format, env), nil
}

// readInput reads a file, or standard input for -.
func readInput(file string) ([]byte, error) {
	if file == "-" {
		b, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, usageError("standard input: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError("%w", err)
	}
	return b, nil
}

// withFile names the input that an error is of.
func withFile(file string, err error) error {
	if file == "-" {
		file = "standard input"
	}
	e := usageError("%s: %w", file, err)
	var was *exitError
	if errors.As(err, &was) {
		e.hint = was.hint
	}
	return e
}
