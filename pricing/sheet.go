package pricing

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
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

// ReadSheetCSV reads prices from CSV. Errors name the line.
func ReadSheetCSV(r io.Reader, d SheetDefaults) ([]Price, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	header = slices.Clone(header)
	for _, name := range header {
		if err := checkColumn(name); err != nil {
			return nil, fmt.Errorf("line 1: %w", err)
		}
	}
	var prices []Price
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return prices, nil
		}
		if err != nil {
			return nil, err
		}
		p, err := d.price(func(column string) (string, bool) {
			i := slices.Index(header, column)
			if i < 0 {
				return "", false
			}
			return row[i], true
		})
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		prices = append(prices, p)
	}
}

// ReadSheetYAML reads prices from YAML of kind PriceSheet. Errors name the line.
func ReadSheetYAML(r io.Reader, d SheetDefaults) ([]Price, error) {
	var sheet struct {
		APIVersion string      `yaml:"apiVersion"`
		Kind       string      `yaml:"kind"`
		Prices     []yaml.Node `yaml:"prices"`
	}
	decoder := yaml.NewDecoder(r)
	decoder.KnownFields(true)
	if err := decoder.Decode(&sheet); err != nil {
		return nil, err
	}
	if sheet.APIVersion != "eiplan/v1" || sheet.Kind != "PriceSheet" {
		return nil, fmt.Errorf("apiVersion %q, kind %q: a sheet of prices has apiVersion eiplan/v1 and kind PriceSheet", sheet.APIVersion, sheet.Kind)
	}
	var prices []Price
	for i := range sheet.Prices {
		p, err := d.yamlPrice(&sheet.Prices[i])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", sheet.Prices[i].Line, err)
		}
		prices = append(prices, p)
	}
	return prices, nil
}

func (d SheetDefaults) yamlPrice(n *yaml.Node) (Price, error) {
	if n.Kind != yaml.MappingNode {
		return Price{}, errors.New("not a price but a list or a plain value")
	}
	cells := map[string]string{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if err := checkColumn(key); err != nil {
			return Price{}, err
		}
		if value.Kind != yaml.ScalarNode {
			return Price{}, fmt.Errorf("%s is not a plain value", key)
		}
		if value.Tag != "!!null" {
			cells[key] = value.Value
		}
	}
	return d.price(func(column string) (string, bool) { text, ok := cells[column]; return text, ok })
}

// price reads one row and checks it as [Tables.Check] does.
func (d SheetDefaults) price(cell func(column string) (string, bool)) (Price, error) {
	p := Price{Provenance: Provenance{Quality: Observed, Source: d.Source, AsOf: d.AsOf}}
	for _, c := range sheetColumns {
		text, _ := cell(c.Name)
		text = strings.TrimSpace(text)
		switch {
		case text == "" && c.Required:
			return p, fmt.Errorf("no %s", c.Name)
		case text == "":
			continue
		}
		if err := c.read(&p, text); err != nil {
			return p, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	if p.AsOf == 0 {
		return p, errors.New("no asOf, and no date for the whole file")
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
