package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

func writeTable(w io.Writer, d Document) error { return writeText(w, d, false) }

func writeWide(w io.Writer, d Document) error { return writeText(w, d, true) }

// writeText prints the paragraphs and the tables for a terminal, without rules.
func writeText(w io.Writer, d Document, wide bool) error {
	var b bytes.Buffer
	for _, p := range d.Lead {
		fmt.Fprintln(&b, p)
	}
	for i, t := range d.Tables {
		if i > 0 || len(d.Lead) > 0 {
			fmt.Fprintln(&b)
		}
		if t.Title != "" {
			fmt.Fprintln(&b, t.Title)
		}
		if err := plainTable(&b, t, wide); err != nil {
			return err
		}
	}
	scatter := slices.IndexFunc(d.Charts, func(c Chart) bool { return c.Kind == Scatter && c.Missing == "" })
	if wide && scatter >= 0 {
		fmt.Fprintln(&b)
		plainChart(&b, &d.Charts[scatter])
	}
	if len(d.Tail) > 0 && b.Len() > 0 {
		fmt.Fprintln(&b)
	}
	for _, p := range d.Tail {
		fmt.Fprintln(&b, p)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func plainTable(b *bytes.Buffer, t Table, wide bool) error {
	var text bytes.Buffer
	none := tw.BorderNone
	rendition := tw.Rendition{Borders: none, Settings: tw.Settings{
		Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off, ShowHeader: tw.Off},
		Lines:      tw.Lines{ShowHeaderLine: tw.Off},
	}}
	if err := render(&text, t, wide, renderer.NewBlueprint(rendition), tw.Padding{Left: "", Right: "  ", Overwrite: true}); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		b.WriteString(strings.TrimRight("  "+strings.TrimRight(line, "\n"), " "))
		b.WriteByte('\n')
	}
	return nil
}

// render lays out one table with the library's renderer r.
func render(w io.Writer, t Table, wide bool, r tw.Renderer, padding tw.Padding) error {
	names, rows, align := visible(t, wide)
	table := tablewriter.NewTable(w, tablewriter.WithRenderer(r), tablewriter.WithConfig(tablewriter.Config{
		Header: tw.CellConfig{Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone}, Alignment: tw.CellAlignment{PerColumn: align}, Padding: tw.CellPadding{Global: padding}},
		Row:    tw.CellConfig{Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone}, Alignment: tw.CellAlignment{PerColumn: align}, Padding: tw.CellPadding{Global: padding}},
	}))
	table.Header(names)
	if err := table.Bulk(rows); err != nil {
		return err
	}
	return table.Render()
}

// visible drops the columns that only wide shows.
func visible(t Table, wide bool) (names []string, rows [][]string, align []tw.Align) {
	rows = make([][]string, len(t.Rows))
	for c, col := range t.Columns {
		if col.Wide && !wide {
			continue
		}
		names = append(names, col.Name)
		align = append(align, map[bool]tw.Align{false: tw.AlignLeft, true: tw.AlignRight}[col.Right])
		for r, row := range t.Rows {
			rows[r] = append(rows[r], row[c])
		}
	}
	return names, rows, align
}
