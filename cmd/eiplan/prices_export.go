package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/pricing"
)

func newPricesExport(a *app) *cobra.Command {
	var catalog string
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a catalogue to a file that import reads: .csv for a sheet of its prices, else all of it",
		Long: `export writes what --catalog names (the snapshot). FILE.csv is a sheet of every price, of every date, with its quality, source
and rule, for spreadsheets; any other FILE is the whole catalogue, with types, lifecycles and interruption bands, as --catalog FILE
reads it. eiplan prices import reads both; laid over the catalogue that they were exported from, they make the same catalogue.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cat, err := openCatalog(catalog)
			if err != nil {
				return err
			}
			tables := cat.Tables()
			var content []byte
			if strings.EqualFold(filepath.Ext(args[0]), ".csv") {
				var b bytes.Buffer
				err = pricing.WriteSheet(&b, tables.Prices)
				content = b.Bytes()
			} else {
				content, err = pricing.Encode(tables)
			}
			if err != nil {
				return err
			}
			if err := writeFile(args[0], content); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%d prices of catalogue %.8s: %s\n", len(tables.Prices), cat.SHA256(), args[0])
			return nil
		},
	}
	addCatalogFlag(c.Flags(), &catalog)
	return c
}
