// Package report renders documents: what a command has to say, as tables for people and as one value for programs, and decodes what programs
// were told. Every renderer is a pure function of the document. It knows no plan, no price and no model.
package report

import (
	"fmt"
	"io"
	"strings"
)

// Document is what a command answers. Value is the whole answer, as an Envelope or any other value that encoding/json can write; the rest is the same for people.
type Document struct {
	Title    string   // of the whole, for formats that have one; empty: Answer
	Lead     []string // paragraphs before the tables
	Facts    []Fact   // the figures that matter most, for html
	Charts   []Chart  // wide draws the first Scatter, html all
	Tables   []Table
	Tail     []string   // paragraphs after them
	Findings []Finding  // what was judged, for the formats of CI systems and html
	Metrics  []Metric   // figures to follow over time
	Outputs  []Output   // named values for the next step of a pipeline
	Subject  string     // what the document is about, the same from run to run: a model's name
	Answer   string     // the answer in one line, for name and --quiet
	Facets   []string   // what rows and points can be filtered by, where a format can; their Tags are aligned with it
	Noun     string     // what its filtered rows are, several of them; empty: choices
	Parts    []Document // of which this is the sum, for html
	Value    any
}

// Fact is one figure with its name and, in a few words, what it is held against.
type Fact struct{ Name, Value, Note string }

// Output is a named value. Names are lower case, their words joined by hyphens.
type Output struct{ Name, Value string }

// Finding is one judgement: a gate that held or not, a warning, an answer that is missing.
type Finding struct {
	Rule    string `json:"rule"`    // identifies what was asked, the same from run to run: max-monthly-cost
	Subject string `json:"subject"` // what was judged: a model's name
	Level   Level  `json:"level"`
	Passed  bool   `json:"passed"`
	Message string `json:"message"`        // one sentence with the figure, the limit and how they compare
	File    string `json:"file,omitempty"` // where the reader should look; empty: nowhere in particular
	Line    int    `json:"line,omitempty"` // from 1; 0: the file as a whole
}

// Level says what follows where a finding did not pass.
type Level string

const (
	Deny Level = "deny" // the gate is violated
	Warn Level = "warn" // someone should look
	Info Level = "info" // someone may like to know
)

// Envelope is the frame of every report.
type Envelope struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       any      `json:"spec,omitempty"`
	Status     any      `json:"status,omitempty"`
}

// APIVersion is that of every kind.
const APIVersion = "eiplan/v1"

// Metadata says where a report comes from.
type Metadata struct {
	GeneratedAt  string   `json:"generatedAt"` // RFC 3339, UTC
	Tool         Tool     `json:"tool"`
	Catalog      *Origin  `json:"catalog,omitempty"`
	Coefficients *Origin  `json:"coefficients,omitempty"`
	Calibration  *Origin  `json:"calibration,omitempty"`
	Overlays     []Origin `json:"overlays,omitempty"`    // of prices, in the order of application
	Commitments  []Origin `json:"commitments,omitempty"` // that are owned
	Command      []string `json:"command,omitempty"`
	Seed         *int64   `json:"seed,omitempty"`
}

// Tool is the program that made a report.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
}

// Origin identifies data that a report rests on.
type Origin struct {
	AsOf   string `json:"asOf,omitempty"`
	Source string `json:"source,omitempty"`
	SHA256 string `json:"sha256"`
}

// Table is rows of text under columns. Tags, of each row, are aligned with Document.Facets; nil: the table is not filtered, and so is a row with nil.
type Table struct {
	Title   string
	Columns []Column
	Rows    [][]string
	Tags    [][]string
}

// Column heads a table's cells.
type Column struct {
	Name  string
	Right bool // numbers stand at the right
	Wide  bool // shown by wide and by the formats for programs, not by table
}

// Columns makes left-aligned columns, of names; a name that begins with > is aligned right, one that then begins with + is Wide.
func Columns(names ...string) []Column {
	cs := make([]Column, len(names))
	for i, n := range names {
		n, cs[i].Right = strings.CutPrefix(n, ">")
		n, cs[i].Wide = strings.CutPrefix(n, "+")
		cs[i].Name = n
	}
	return cs
}

// formats is every format by name.
var formats = []struct {
	name  string
	write func(w io.Writer, docs []Document) error
}{
	{"table", apart(writeTable)},
	{"wide", apart(writeWide)},
	{"json", writeJSON},
	{"yaml", writeYAML},
	{"csv", apart(writeCSV)},
	{"markdown", apart(writeMarkdown)},
	{"html", writeHTML},
	{"name", writeName},
	{"github", writeGitHub},
	{"comment", writeComment},
	{"junit", writeJUnit},
	{"sarif", writeSARIF},
	{"gitlab", writeGitLab},
	{"metrics", writeMetrics},
}

// Formats lists the names that Write knows.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Known reports an error for a format that Write does not know.
func Known(format string) error {
	for _, f := range formats {
		if f.name == format {
			return nil
		}
	}
	return fmt.Errorf("unknown format %q; the formats are %s", format, strings.Join(Formats(), ", "))
}

// Write renders one document or several as one. The same documents give the same bytes. Whatever their texts hold is shown, and neither a terminal nor a
// log, a page, a spreadsheet or a parser takes any of it for more.
func Write(w io.Writer, format string, docs ...Document) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, allLegible(docs))
		}
	}
	return Known(format)
}

// apart writes documents one after the other with an empty line between.
func apart(write func(io.Writer, Document) error) func(io.Writer, []Document) error {
	return func(w io.Writer, docs []Document) error {
		for i, d := range docs {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := write(w, d); err != nil {
				return err
			}
		}
		return nil
	}
}

// writeName writes a line for each document.
func writeName(w io.Writer, docs []Document) error {
	for _, d := range docs {
		if _, err := fmt.Fprintln(w, d.Answer); err != nil {
			return err
		}
	}
	return nil
}
