package main

import (
	"embed"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// schemas holds a JSON Schema (2020-12) for each kind of report, made from the types that are written.
//
//go:embed schema
var schemas embed.FS

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of a kind of report, or list the kinds",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			kinds := schemaKinds()
			if len(args) == 0 {
				t := report.Table{Columns: report.Columns("KIND")}
				for _, k := range kinds {
					t.Rows = append(t.Rows, []string{k})
				}
				return a.emit(report.Document{Tables: []report.Table{t}, Answer: strings.Join(kinds, " "), Value: map[string]any{"kinds": kinds}})
			}
			b, err := schemas.ReadFile("schema/" + args[0] + ".json")
			if err != nil {
				e := usageError("unknown kind %q; the kinds are %s", args[0], strings.Join(kinds, ", "))
				e.hint = didYouMean(pricing.Nearest(args[0], kinds))
				return e
			}
			return a.write(b)
		},
	}
}

func schemaKinds() []string {
	entries, err := schemas.ReadDir("schema")
	if err != nil {
		panic("eiplan: no schemas embedded: " + err.Error())
	}
	var kinds []string
	for _, e := range entries {
		kinds = append(kinds, strings.TrimSuffix(e.Name(), ".json"))
	}
	return kinds
}
