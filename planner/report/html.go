package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page is a document as the template shows it.
type page struct {
	Title    string
	Policy   string // the content security policy: nothing but what is in the page itself
	Style    template.CSS
	Script   template.JS
	Patterns template.HTML
	Filters  []filter
	Parts    []section // the document itself, then its parts
	Plan     template.JS
}

// section is one document on the page.
type section struct {
	ID, Title  string
	Answer     string
	Lead       []string
	Facts      []Fact
	Filtered   []block // what the filters apply to
	Blocks     []block
	Judged     []Finding // what did not pass, and gates that did
	Remarks    []Finding
	Tail       []string
	HasFilters bool // stands above the first section that is filtered
}

// block is a chart with its data, or a table.
type block struct {
	ID, Title, Caption, Missing string
	Chart                       template.HTML
	Table                       grid
	Folded                      bool // the table stands behind a chart
}

// grid is a table with its cells classed.
type grid struct {
	Caption string
	Heads   []head
	Rows    []gridRow
}

type head struct{ Name, Class string }

type gridRow struct {
	Tags  []facetTag
	Cells []cell
}

type cell struct {
	Text, Class string
	Header      bool
}

type facetTag struct {
	Index int
	Value string
}

// filter is one facet with what it can be.
type filter struct {
	Index  int
	ID     string
	Name   string
	Values []string
}

// writeHTML writes one page that needs nothing else: drawings, style, script and the values as JSON are in it.
func writeHTML(w io.Writer, docs []Document) error {
	t, err := template.New("page").Funcs(template.FuncMap{"data": dataAttribute}).Parse(pageTemplate)
	if err != nil {
		panic("report: the page's template: " + err.Error())
	}
	value, err := json.Marshal(values(docs)) // it escapes <, > and & as a script element needs it
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	p := page{Style: template.CSS(pageStyle), Script: template.JS(pageScript), Patterns: template.HTML(patterns()), Plan: template.JS(inertJSON(value))}
	p.Policy = "default-src 'none'; style-src " + hashOf(pageStyle) + "; script-src " + hashOf(pageScript) + "; base-uri 'none'; form-action 'none'"
	all := withParts(docs)
	p.Title = cmp.Or(all[0].title(), "eiplan")
	p.Filters = filtersOf(all)
	for i := range all {
		p.Parts = append(p.Parts, all[i].section("s"+strconv.Itoa(i)))
	}
	if i := slices.IndexFunc(p.Parts, func(s section) bool { return len(s.Filtered) > 0 }); i >= 0 && len(p.Filters) > 0 {
		p.Parts[i].HasFilters = true
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(b.Bytes())
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

// hashOf allows one inline element, by its bytes.
func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// dataAttribute is the attribute that holds a row's tag.
func dataAttribute(t facetTag) template.HTMLAttr {
	return template.HTMLAttr("data-f" + strconv.Itoa(t.Index) + `="` + template.HTMLEscapeString(t.Value) + `"`)
}

// section lays a document out: what is filtered stands together, behind the answer.
func (d *Document) section(id string) section {
	s := section{ID: id, Title: d.title(), Lead: d.Lead, Facts: d.Facts, Tail: nonEmpty(d.Tail)}
	if len(d.Lead) > 0 {
		s.Answer, s.Lead = d.Lead[0], d.Lead[1:]
	}
	for i := range d.Charts {
		b := d.Charts[i].block(id + "-c" + strconv.Itoa(i+1))
		if d.Charts[i].filtered() {
			s.Filtered = append(s.Filtered, b)
		} else {
			s.Blocks = append(s.Blocks, b)
		}
	}
	for i := range d.Tables {
		t := &d.Tables[i]
		b := block{ID: id + "-t" + strconv.Itoa(i+1), Title: cmp.Or(t.Title, "Result"), Table: t.grid()}
		if len(t.Tags) > 0 {
			s.Filtered = append(s.Filtered, b)
		} else {
			s.Blocks = append(s.Blocks, b)
		}
	}
	for _, f := range d.Findings {
		if f.Level == Info {
			s.Remarks = append(s.Remarks, f)
		} else {
			s.Judged = append(s.Judged, f)
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
	b := block{ID: id, Title: c.Title, Caption: c.Caption, Missing: c.Missing, Folded: true}
	if c.Missing == "" {
		t := c.Table()
		b.Chart, b.Table = template.HTML(c.svg(id)), t.grid()
	}
	return b
}

// prose is the length of a cell from which it may break into lines.
const prose = 36

// grid classes a table's cells. The first column that is not of numbers names the row.
func (t *Table) grid() grid {
	g := grid{Caption: cmp.Or(t.Title, "Result")}
	header := slices.IndexFunc(t.Columns, func(c Column) bool { return !c.Right })
	class := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		var list []string
		if c.Right {
			list = append(list, "num")
		}
		if c.Wide {
			list = append(list, "wide")
		}
		if slices.ContainsFunc(t.Rows, func(row []string) bool { return utf8.RuneCountInString(row[i]) > prose }) {
			list = append(list, "prose")
		}
		class[i] = strings.Join(list, " ")
		g.Heads = append(g.Heads, head{sentenceCase(c.Name), class[i]})
	}
	for i, row := range t.Rows {
		r := gridRow{}
		if len(t.Tags) > 0 {
			for k, tag := range t.Tags[i] {
				r.Tags = append(r.Tags, facetTag{k, tag})
			}
		}
		for k, text := range row {
			r.Cells = append(r.Cells, cell{text, class[k], k == header})
		}
		g.Rows = append(g.Rows, r)
	}
	return g
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
				list = append(list, filter{Index: k, ID: "filter-" + strconv.Itoa(k), Name: name})
			}
		}
		if len(list) == 0 || !slices.EqualFunc(list, docs[i].Facets, func(f filter, name string) bool { return f.Name == name }) {
			docs[i] = docs[i].unfiltered()
			continue
		}
		docs[i].eachTags(func(tags []string) {
			for k, tag := range tags {
				list[k].Values = appendNew(list[k].Values, tag)
			}
		})
	}
	for _, f := range list {
		slices.Sort(f.Values)
	}
	return slices.DeleteFunc(list, func(f filter) bool { return len(f.Values) < 2 })
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
