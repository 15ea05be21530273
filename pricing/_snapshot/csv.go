package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// sheet reads a CSV file by column name. The first thing that is wrong is kept,
// with its line, and makes next return false; see err.
type sheet struct {
	name    string
	columns map[string]int
	reader  *csv.Reader
	row     []string
	err     error
}

func openSheet(folder, name string) (*sheet, error) {
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	return newSheet(name, b)
}

func newSheet(name string, b []byte) (*sheet, error) {
	s := &sheet{name: name, columns: map[string]int{}, reader: csv.NewReader(bytes.NewReader(b))}
	header, err := s.reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, column := range header {
		s.columns[column] = i
	}
	return s, nil
}

func (s *sheet) next() bool {
	if s.err != nil {
		return false
	}
	row, err := s.reader.Read()
	if err == io.EOF {
		return false
	}
	if err != nil {
		s.err = fmt.Errorf("%s: %w", s.name, err)
		return false
	}
	s.row = row
	return true
}

func (s *sheet) fail(column string, err error) {
	if s.err == nil {
		line, _ := s.reader.FieldPos(0)
		s.err = fmt.Errorf("%s:%d: %s: %w", s.name, line, column, err)
	}
}

func (s *sheet) text(column string) string {
	i, ok := s.columns[column]
	if !ok {
		s.fail(column, fmt.Errorf("no such column"))
		return ""
	}
	return s.row[i]
}

// number reads a decimal; blank is 0.
func (s *sheet) number(column string) float64 {
	text := s.text(column)
	if text == "" {
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.fail(column, err)
	}
	return f
}

func (s *sheet) int(column string) int { return int(s.number(column)) }

func (s *sheet) flag(column string) bool { return s.text(column) == "1" }

// scaled reads a decimal and returns it in a finer unit, rounded.
func (s *sheet) scaled(column string, unit float64) int64 {
	return int64(math.Round(s.number(column) * unit))
}

func (s *sheet) usd(column string) pricing.USD {
	n, err := pricing.ParseUSD(s.text(column))
	if err != nil {
		s.fail(column, err)
	}
	return n
}

func (s *sheet) hourly(column string) pricing.USDPerHour { return pricing.USDPerHour(s.usd(column)) }

// date reads a date that may end in a remark, "2025-08+ (undated)": the remark
// is returned apart.
func (s *sheet) date(column string) (d pricing.Date, remark string) {
	text := s.text(column)
	if i := strings.IndexAny(text, "+ "); i >= 0 {
		text, remark = text[:i], text[i:]
	}
	d, err := pricing.ParseDate(text)
	if err != nil {
		s.fail(column, err)
	}
	return d, remark
}

// sources spells out the keys of the column source: repository and commit.
// What is not a key stands for itself.
var sources = map[string]string{
	"karpenter":                      "aws/karpenter-provider-aws@1d927085",
	"vantage-pr735":                  "vantage-sh/ec2instances.info@a19cd859",
	"leanercloud":                    "LeanerCloud/ec2-instances-info@83e9ebdd",
	"libcloud":                       "apache/libcloud@ec6a28bd",
	"ec2instances-csv":               "export of ec2instances.info",
	"skypilot-v8":                    "skypilot-org/skypilot-catalog@00148f2a",
	"spotinfo":                       "Spot Instance Advisor (alexei-led/spotinfo)",
	"spotinfo test data":             "AWS spot.js feed (alexei-led/spotinfo)",
	"spotinfo x prices_ondemand.csv": "Spot Instance Advisor (alexei-led/spotinfo) and On-Demand price",
}

func (s *sheet) source() string {
	key := s.text("source")
	if name, ok := sources[key]; ok {
		return name
	}
	return key
}

// provenance reads the columns source and as_of of an observation.
func (s *sheet) provenance() pricing.Provenance {
	p := pricing.Provenance{Source: s.source(), Quality: pricing.Observed}
	var remark string
	if p.AsOf, remark = s.date("as_of"); remark != "" {
		p.Caveat = "undated: of " + p.AsOf.String() + " or later"
	}
	return p
}
