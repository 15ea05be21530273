package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// section is one document on the page.
type section struct {
	id, title string
	answer    string
	lead      []string
	facts     []Fact
	noun      string  // of filtered rows
	filtered  []block // what the filters apply to
	blocks    []block
	judged    []Finding // what did not pass, and gates that did
	remarks   []Finding
	tail      []string
}

// block is a chart with its table, a table, or what is said of a chart that is missing.
type block struct {
	id, title, caption, missing string
	chart                       markup
	table                       Table
}

// filter is one facet with what it can be.
type filter struct {
	facet  int
	name   string
	values []string
}

// writeHTML writes one page that needs nothing else: drawings, style, script and the values as JSON are in it.
func writeHTML(w io.Writer, docs []Document) error {
	value, err := json.Marshal(values(docs)) // it escapes <, > and & as a script element needs it
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	all := withParts(docs)
	p := page{title: cmp.Or(all[0].title(), "eiplan"), filters: filtersOf(all), plan: markup(inertJSON(value))}
	for i := range all {
		p.parts = append(p.parts, all[i].section("s"+strconv.Itoa(i)))
	}
	p.write()
	_, err = io.WriteString(w, string(p.markup()))
	return err
}

// withParts lists documents, each before its parts.
func withParts(docs []Document) []Document {
	var all []Document
	for _, d := range docs {
		all = append(append(all, d), withParts(d.Parts)...)
	}
	return all
}

func (d *Document) title() string { return cmp.Or(d.Title, d.Answer) }

// section lays a document out: what is filtered stands together, behind the answer.
func (d *Document) section(id string) section {
	s := section{id: id, title: d.title(), lead: d.Lead, facts: d.Facts, noun: cmp.Or(d.Noun, "choices"), tail: nonEmpty(d.Tail)}
	if len(d.Lead) > 0 {
		s.answer, s.lead = d.Lead[0], d.Lead[1:]
	}
	for i := range d.Charts {
		b := d.Charts[i].block(id + "-c" + strconv.Itoa(i+1))
		if d.Charts[i].filtered() {
			s.filtered = append(s.filtered, b)
		} else {
			s.blocks = append(s.blocks, b)
		}
	}
	for i := range d.Tables {
		t := &d.Tables[i]
		b := block{id: id + "-t" + strconv.Itoa(i+1), title: cmp.Or(t.Title, "Result"), table: *t}
		if len(t.Tags) > 0 {
			s.filtered = append(s.filtered, b)
		} else {
			s.blocks = append(s.blocks, b)
		}
	}
	for _, f := range d.Findings {
		if f.Level == Info {
			s.remarks = append(s.remarks, f)
		} else {
			s.judged = append(s.judged, f)
		}
	}
	return s
}

func nonEmpty(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// filtered reports whether a chart has points that filters apply to.
func (c *Chart) filtered() bool {
	found := false
	c.each(func(_ *Series, p *Point) { found = found || p.Tags != nil })
	return found
}

func (c *Chart) block(id string) block {
	b := block{id: id, title: c.Title, caption: c.Caption, missing: c.Missing}
	if c.Missing == "" {
		b.chart, b.table = c.svg(id), c.Table()
	}
	return b
}

// prose is the length of a cell from which it may break into lines.
const prose = 36

// classes are those of the cells of the i-th column.
func (t *Table) classes(i int) string {
	var list []string
	if t.Columns[i].Right {
		list = append(list, "num")
	}
	if t.Columns[i].Wide {
		list = append(list, "wide")
	}
	if slices.ContainsFunc(t.Rows, func(row []string) bool { return utf8.RuneCountInString(row[i]) > prose }) {
		list = append(list, "prose")
	}
	return strings.Join(list, " ")
}

// sentenceCase writes a heading that terminals show in capitals as prose does. Headings with a slash are units, and so is what follows a comma.
func sentenceCase(s string) string {
	name, unit, _ := strings.Cut(s, ", ")
	if name == strings.ToUpper(name) && !strings.Contains(name, "/") {
		name = strings.ToLower(name)
	}
	if unit != "" {
		name += ", " + unit
	}
	first, size := utf8.DecodeRuneInString(name)
	if next, _ := utf8.DecodeRuneInString(name[size:]); unicode.IsLetter(next) { // p99 stays as it is
		return string(unicode.ToUpper(first)) + name[size:]
	}
	return name
}

// filtersOf are the facets that tell rows or points of documents apart, with their values in order. Filters are those of the first document that has any;
// documents with others are not filtered.
func filtersOf(docs []Document) []filter {
	var list []filter
	for i := range docs {
		if len(docs[i].Facets) > 0 && list == nil {
			for k, name := range docs[i].Facets {
				list = append(list, filter{facet: k, name: name})
			}
		}
		if len(list) == 0 || !slices.EqualFunc(list, docs[i].Facets, func(f filter, name string) bool { return f.name == name }) {
			docs[i] = docs[i].unfiltered()
			continue
		}
		docs[i].eachTags(func(tags []string) {
			for k, tag := range tags {
				list[k].values = appendNew(list[k].values, tag)
			}
		})
	}
	for _, f := range list {
		slices.Sort(f.values)
	}
	return slices.DeleteFunc(list, func(f filter) bool { return len(f.values) < 2 })
}

// unfiltered is a document without tags.
func (d Document) unfiltered() Document {
	d.Tables = slices.Clone(d.Tables)
	for i := range d.Tables {
		d.Tables[i].Tags = nil
	}
	d.Charts = slices.Clone(d.Charts)
	for i := range d.Charts {
		d.Charts[i] = d.Charts[i].mapped(func(s string) string { return s })
		d.Charts[i].each(func(_ *Series, p *Point) { p.Tags = nil })
	}
	return d
}

// eachTags visits the tags of every row and point.
func (d *Document) eachTags(visit func([]string)) {
	for _, t := range d.Tables {
		for _, tags := range t.Tags {
			visit(tags)
		}
	}
	for i := range d.Charts {
		d.Charts[i].each(func(_ *Series, p *Point) { visit(p.Tags) })
	}
}
