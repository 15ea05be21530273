package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/pricing"
	"github.com/eiplan/eiplan/pricing/awsapi"
)

func newPricesImport(a *app) *cobra.Command {
	var u catalogUpdate
	var asOf string
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Make a catalogue from files of prices",
		Long: `import reads AWS's price-list files (JSON or CSV), the Spot Advisor's JSON, price sheets of your own (CSV or YAML)
and stored catalogues, and lays them over the catalogue that --catalog names (the snapshot). No connection is opened. If
one file can't be read, nothing is written, and the error names the byte of the file (from 0) that is wrong. The result is a catalogue as prices refresh makes it.

A price sheet is CSV with these columns, in any order, or YAML with apiVersion eiplan/v1, kind PriceSheet and a list
named prices, whose items have the same keys. Those with a star are needed.

` + sheetHelp(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return usageError("import takes files of prices")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var date pricing.Date
			if asOf != "" {
				d, err := pricing.ParseDate(asOf)
				if err != nil {
					return usageError("--as-of: %w", err)
				}
				date = d
			}
			base, err := u.open()
			if err != nil {
				return err
			}
			var all pricing.Tables
			var from []updateRow
			for _, name := range args {
				read, row, err := a.importFile(cmd.Context(), name, date)
				if err != nil {
					return err
				}
				all.Add(read)
				from = append(from, row)
			}
			return u.finish(a, base, all, from)
		},
	}
	u.add(c)
	c.Flags().StringVar(&asOf, "as-of", "", "day of what holds no date itself, such as the Spot Advisor's file: 2026-07-20")
	return c
}

func sheetHelp() string {
	var b strings.Builder
	for _, c := range pricing.SheetColumns() {
		star := " "
		if c.Required {
			star = "*"
		}
		fmt.Fprintf(&b, "  %-10s %s %s\n", c.Name, star, c.Meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// importFile reads one file.
func (a *app) importFile(ctx context.Context, name string, asOf pricing.Date) (pricing.Tables, updateRow, error) {
	f, err := os.Open(name)
	if err != nil {
		return pricing.Tables{}, updateRow{}, usageError("%w", err)
	}
	defer f.Close()
	file := awsapi.File{Name: name, AsOf: asOf}
	if draw := a.progress(); draw != nil {
		p := awsapi.Progress{From: name}
		if info, err := f.Stat(); err == nil {
			p.Total = info.Size()
		}
		file.Progress = func(read int64) { p.Bytes = read; draw(p) }
	}
	tables, kind, left, err := file.Read(ctx, f)
	a.endProgress()
	if err != nil {
		e := usageError("%w", err)
		e.hint = importHint(name, kind, err)
		if asOf == 0 && strings.HasSuffix(err.Error(), "none is given for it") {
			e.hint = "--as-of 2026-07-20 gives it one"
		}
		return pricing.Tables{}, updateRow{}, e
	}
	rows := len(tables.Instances) + len(tables.Prices) + len(tables.Bands)
	return tables, updateRow{From: filepath.Base(name) + ", " + string(kind), Rows: rows, LeftOut: leftOut(left)}, nil
}

// importHint says how to mend what is wrong at one place of a file; it is empty
// where the error has none.
func importHint(name string, kind awsapi.FileKind, err error) string {
	place := (*pricing.FileError)(nil)
	if !errors.As(err, &place) {
		return ""
	}
	show := fmt.Sprintf("; tail -c +%d %s | head -c 80 shows the place", place.Offset+1, name)
	switch kind {
	case awsapi.SheetCSV, awsapi.SheetYAML:
		return "nothing was imported: correct it there and import again" + show
	}
	return "nothing was imported: download the file again, or correct it there" + show
}
