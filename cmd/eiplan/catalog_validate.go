package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

func newCatalogValidate(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "validate [CATALOG]",
		Short: "Hold a catalogue against what must hold of prices",
		Long: `validate reads all of a catalogue (snapshot, cache or a file; the snapshot where none is named), every hash and row of it, and
tests its data: prices above zero, Reserved and Spot no dearer than On-Demand, more upfront no dearer than less, processors and
networks known. The exit code is 1 where something is found that no known reason excuses.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := snapshotName
			if len(args) > 0 {
				name = args[0]
			}
			cat, err := openCatalog(name)
			if err != nil {
				return err
			}
			found := append([]pricing.Violation{}, cat.Violations()...)
			t := report.Table{Columns: report.Columns("WHERE", "WHAT", "EXCUSED")}
			bad := 0
			for _, v := range found {
				t.Rows = append(t.Rows, []string{v.Where, v.What, v.Excuse})
				if v.Excuse == "" {
					bad++
				}
			}
			prices := len(cat.Tables().Prices)
			answer := fmt.Sprintf("%d prices of %d types in %d regions: %d violations, %d more with a reason.", prices, len(cat.Instances()), len(cat.Regions()), bad, len(found)-bad)
			env := a.envelope("CatalogValidation", catalogValidationSpec{name}, catalogValidationStatus{prices, bad, found})
			env.Metadata.Catalog = catalogOrigin(cat)
			if err := a.emit(report.Document{Tables: []report.Table{t}, Tail: []string{answer}, Answer: answer, Value: env}); err != nil {
				return err
			}
			if bad > 0 {
				return &exitError{code: exitGate}
			}
			return nil
		},
	}
	return c
}

// catalogValidationSpec is the spec of kind CatalogValidation.
type catalogValidationSpec struct {
	Catalog string `json:"catalog"`
}

// catalogValidationStatus is the status of kind CatalogValidation.
type catalogValidationStatus struct {
	Prices     int                 `json:"prices"`
	Violations int                 `json:"violations"` // without an excuse
	Found      []pricing.Violation `json:"found"`
}
