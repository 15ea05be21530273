package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeCSV writes the tables with all their columns, one after the other with an empty line between.
func writeCSV(w io.Writer, d Document) error {
	for i, t := range d.Tables {
		if i > 0 {
			fmt.Fprintln(w)
		}
		c := csv.NewWriter(w)
		names, rows, _ := visible(t, true)
		for _, row := range append([][]string{names}, rows...) {
			cells := make([]string, len(row))
			for k, cell := range row {
				cells[k] = noFormula(cell)
			}
			if err := c.Write(cells); err != nil {
				return err
			}
		}
		c.Flush()
		if err := c.Error(); err != nil {
			return err
		}
	}
	return nil
}

// noFormula quotes a cell that a spreadsheet would run: one that begins, after space, with a sign of a formula and is no number and no percentage (OWASP, CSV injection).
func noFormula(cell string) string {
	if start := strings.TrimSpace(cell); start != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(start)[0]) {
		if _, err := strconv.ParseFloat(strings.TrimSuffix(start, "%"), 64); err != nil {
			return "'" + cell
		}
	}
	return cell
}
