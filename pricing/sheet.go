package pricing

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A sheet is a list of prices for people to write: CSV with a header of column
// names in any order, or YAML
//
//	apiVersion: eiplan/v1
//	kind: PriceSheet
//	prices:
//	  - {region: us-east-1, name: c5.xlarge, option: on-demand, hourlyUsd: 0.17, asOf: 2026-07-20}
//
// with the same names as keys.

// SheetColumn is a column of a sheet.
type SheetColumn struct {
	Name     string
	Meaning  string
	Required bool
}

// SheetColumns lists the columns of a sheet as [WriteSheet] writes them.
func SheetColumns() []SheetColumn {
	columns := make([]SheetColumn, len(sheetColumns))
	for i, c := range sheetColumns {
		columns[i] = c.SheetColumn
	}
	return columns
}

type sheetColumn struct {
	SheetColumn
	read  func(*Price, string) error
	write func(*Price) string
}

func textColumn[T interface {
	fmt.Stringer
	comparable
}](name, meaning string, required bool, field func(*Price) *T, parse func(*T, []byte) error) sheetColumn {
	return sheetColumn{
		SheetColumn{name, meaning, required},
		func(p *Price, text string) error { return parse(field(p), []byte(text)) },
		func(p *Price) string { return (*field(p)).String() },
	}
}

func wordColumn(name, meaning string, required bool, field func(*Price) *string) sheetColumn {
	return sheetColumn{
		SheetColumn{name, meaning, required},
		func(p *Price, text string) error { *field(p) = text; return nil },
		func(p *Price) string { return *field(p) },
	}
}

var sheetColumns = [...]sheetColumn{
	wordColumn("region", "region, such as us-east-1", true, func(p *Price) *string { return &p.Region }),
	wordColumn("name", "instance type or accelerator, such as c5.xlarge or eia2.medium", true, func(p *Price) *string { return &p.Subject }),
	textColumn("option", "on-demand, reserved, savings-plan, spot or spot-block", true, func(p *Price) *Option { return &p.Purchase.Option }, (*Option).UnmarshalText),
	textColumn("term", "of a commitment: 1y or 3y", false, func(p *Price) *Term { return &p.Purchase.Term }, (*Term).UnmarshalText),
	textColumn("payment", "of a commitment: no-upfront, partial-upfront or all-upfront", false, func(p *Price) *Payment { return &p.Purchase.Payment }, (*Payment).UnmarshalText),
	textColumn("class", "of a commitment: standard or convertible; compute or ec2-instance", false, func(p *Price) *Class { return &p.Purchase.Class }, (*Class).UnmarshalText),
	textColumn("upfrontUsd", "due at the start of a commitment", false, func(p *Price) *USD { return &p.Upfront }, func(u *USD, b []byte) error { return parseInto(u, b, ParseUSD) }),
	textColumn("hourlyUsd", "due every hour, without the upfront fee", false, func(p *Price) *USDPerHour { return &p.Recurring }, func(h *USDPerHour, b []byte) error { return parseInto(h, b, ParseUSDPerHour) }),
	textColumn("asOf", "day on which the price was seen, such as 2026-07-20 (default --as-of)", false, func(p *Price) *Date { return &p.AsOf }, (*Date).UnmarshalText),
	wordColumn("source", "who says so (default the file's name)", false, func(p *Price) *string { return &p.Source }),
	textColumn("quality", "observed, derived or inferred (default observed)", false, func(p *Price) *Quality { return &p.Quality }, (*Quality).UnmarshalText),
	wordColumn("rule", "how it was derived or inferred; what an observation covers", false, func(p *Price) *string { return &p.Rule }),
	wordColumn("caveat", "known doubt, shown with the price", false, func(p *Price) *string { return &p.Caveat }),
}

func parseInto[T any](to *T, text []byte, parse func(string) (T, error)) (err error) {
	if len(text) > 0 {
		*to, err = parse(string(text))
	}
	return err
}

// SheetDefaults stand in for what a row of a sheet leaves open.
type SheetDefaults struct {
	Source string
	AsOf   Date // zero: every row needs its own
}

// ReadSheetCSV reads prices from CSV. Errors are of type [FileError].
func ReadSheetCSV(r io.Reader, d SheetDefaults) ([]Price, error) {
	rows := NewCSV(NewTextFile(r))
	header, err := rows.Read()
	if err == io.EOF {
		return nil, &FileError{Line: 1, Err: errors.New("no header")}
	}
	if err != nil {
		return nil, err
	}
	header = slices.Clone(header)
	for i, name := range header {
		if err := checkColumn(name); err != nil {
			return nil, rows.At(i, err)
		}
		if slices.Contains(header[:i], name) {
			return nil, rows.At(i, fmt.Errorf("column %s twice", name))
		}
	}
	sheet := sheet{defaults: d, at: map[Price]listed{}}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return sheet.prices, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		err = sheet.add(line, func(column string) (string, bool) {
			i := slices.Index(header, column)
			if i < 0 {
				return "", false
			}
			return row[i], true
		})
		if err != nil {
			return nil, rows.At(max(slices.Index(header, columnOf(err)), 0), err)
		}
	}
}

// sheet collects the prices of a sheet.
type sheet struct {
	defaults SheetDefaults
	prices   []Price
	at       map[Price]listed // by vintage
}

// listed is where a price stands.
type listed struct{ line, index int }

// add adds the row of a line. A price that is repeated as it was is one price.
func (s *sheet) add(line int, cell func(column string) (string, bool)) error {
	p, err := s.defaults.price(cell)
	if err != nil {
		return err
	}
	had, ok := s.at[p.vintage()]
	switch {
	case !ok:
		s.at[p.vintage()] = listed{line, len(s.prices)}
		s.prices = append(s.prices, p)
	case s.prices[had.index] != p:
		return fmt.Errorf("price of %q in %s, %s, of %s: line %d has another one", p.Subject, p.Region, p.Purchase, p.AsOf, had.line)
	}
	return nil
}

// A cellError is what is wrong with one cell of a row.
type cellError struct {
	column string
	err    error
}

func (e *cellError) Error() string { return e.err.Error() }

func (e *cellError) Unwrap() error { return e.err }

// columnOf names the column at fault; empty where it is the row.
func columnOf(err error) string {
	var cell *cellError
	if errors.As(err, &cell) {
		return cell.column
	}
	return ""
}

// price reads one row and checks it as [Tables.Check] does.
func (d SheetDefaults) price(cell func(column string) (string, bool)) (Price, error) {
	p := Price{Provenance: Provenance{Quality: Observed, Source: d.Source, AsOf: d.AsOf}}
	for _, c := range sheetColumns {
		text, _ := cell(c.Name)
		text = strings.TrimSpace(text)
		switch {
		case text == "" && c.Required:
			return p, &cellError{c.Name, fmt.Errorf("no %s", c.Name)}
		case text == "":
			continue
		}
		if err := c.read(&p, text); err != nil {
			return p, &cellError{c.Name, fmt.Errorf("%s: %w", c.Name, err)}
		}
	}
	switch {
	case p.AsOf == 0:
		return p, &cellError{"asOf", errors.New("no asOf, and no date for the whole file")}
	case p.Upfront < 0:
		return p, &cellError{"upfrontUsd", fmt.Errorf("upfrontUsd: %s is negative", p.Upfront)}
	case p.Recurring < 0:
		return p, &cellError{"hourlyUsd", fmt.Errorf("hourlyUsd: %s is negative", p.Recurring)}
	}
	return p, p.check()
}

func checkColumn(name string) error {
	var known []string
	for _, c := range sheetColumns {
		if c.Name == name {
			return nil
		}
		known = append(known, c.Name)
	}
	if near := Nearest(name, known); len(near) > 0 {
		return fmt.Errorf("unknown column %q (near: %s)", name, strings.Join(near, ", "))
	}
	return fmt.Errorf("unknown column %q; the columns are %s", name, strings.Join(known, ", "))
}

// WriteSheet writes prices as CSV that [ReadSheetCSV] reads, exactly.
func WriteSheet(w io.Writer, prices []Price) error {
	out := csv.NewWriter(w)
	row := make([]string, len(sheetColumns))
	for i, c := range sheetColumns {
		row[i] = c.Name
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for i := range prices {
		for j, c := range sheetColumns {
			row[j] = c.write(&prices[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
