package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"slices"
	"strconv"
)

//go:embed page.css
var pageStyle markup

//go:embed page.js
var pageScript markup

// page is a page in the making.
type page struct {
	writer
	title   string
	filters []filter
	parts   []section // the document itself, then its parts
	plan    markup    // JSON
}

// line begins an element on a line of its own.
func (p *page) line(tag markup, lists ...attributes) {
	p.raw("\n")
	p.open(tag, lists...)
}

// end ends an element on a line of its own.
func (p *page) end(tag markup) {
	p.raw("\n")
	p.close(tag)
}

// textLine is an element with a text in it, on a line of its own.
func (p *page) textLine(tag markup, text string, lists ...attributes) {
	p.raw("\n")
	p.element(tag, text, lists...)
}

func (p *page) write() {
	p.raw(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">`)
	policy := "default-src 'none'; style-src " + hashOf(pageStyle) + "; script-src " + hashOf(pageScript) + "; base-uri 'none'; form-action 'none'"
	p.line("meta", attributes{{"http-equiv", "Content-Security-Policy"}, {"content", policy}}) // nothing but what is in the page itself
	p.raw(`
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">`)
	p.textLine("title", p.title)
	p.raw("\n<style>" + pageStyle + `</style>
</head>
<body>
<a class="skip" href="#main">Skip to the answer</a>
` + patterns() + `
<main id="main" tabindex="-1">`)
	form := slices.IndexFunc(p.parts, func(s section) bool { return len(s.filtered) > 0 })
	for i := range p.parts {
		p.article(&p.parts[i], i == 0, i == form)
	}
	p.raw(`
</main>
<script type="application/json" id="plan">` + p.plan + `</script>
<script>` + pageScript + `</script>
</body>
</html>
`)
}

// hashOf allows one inline element, by its bytes.
func hashOf(content markup) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// article writes a document. The first one lists what is on the page; the filters stand above what they apply to.
func (p *page) article(s *section, first, filters bool) {
	p.line("article", attributes{{"id", s.id}, {"aria-labelledby", s.id + "-h"}})
	if first {
		p.textLine("h1", s.title, attributes{{"id", s.id + "-h"}})
	} else {
		p.textLine("h2", s.title, class("part"), attributes{{"id", s.id + "-h"}})
	}
	if s.answer != "" {
		p.textLine("p", s.answer, class("answer"))
	}
	for _, lead := range s.lead {
		p.textLine("p", lead, class("lead"))
	}
	p.facts(s.facts)
	if first {
		p.contents()
	}
	if filters {
		p.form(s.noun)
	}
	for _, b := range slices.Concat(s.filtered, s.blocks) {
		p.block(&b)
	}
	p.judged(s)
	p.notes(s)
	p.end("article")
}

func (p *page) facts(facts []Fact) {
	if len(facts) == 0 {
		return
	}
	p.line("dl", class("facts"))
	for _, f := range facts {
		p.line("div")
		p.element("dt", f.Name)
		p.open("dd")
		p.element("b", f.Value)
		if f.Note != "" {
			p.raw(" ")
			p.element("span", f.Note)
		}
		p.raw("</dd></div>")
	}
	p.end("dl")
}

// The headings of what follows the blocks of a section.
const judgedTitle, notesTitle = "Gates and warnings", "Notes"

// contents links to what is in the first section, and to the other ones.
func (p *page) contents() {
	link := func(id, title string) {
		p.line("li")
		p.element("a", title, attributes{{"href", "#" + id}})
		p.close("li")
	}
	p.line("nav", attributes{{"aria-label", "Contents"}})
	p.line("ul")
	first := &p.parts[0]
	for _, b := range slices.Concat(first.filtered, first.blocks) {
		link(b.id, b.title)
	}
	if len(first.judged) > 0 {
		link(first.id+"-judged", judgedTitle)
	}
	if first.hasNotes() {
		link(first.id+"-notes", notesTitle)
	}
	for _, s := range p.parts[1:] {
		link(s.id, s.title)
	}
	p.end("ul")
	p.end("nav")
}

// form is what the script filters by.
func (p *page) form(noun string) {
	if len(p.filters) == 0 {
		return
	}
	p.line(`form class="filters" hidden`, attributes{{"aria-label", "Filters of " + noun + " and charts"}, {"data-unit", noun}})
	for _, f := range p.filters {
		facet := strconv.Itoa(f.facet)
		p.line("label", attributes{{"for", "filter-" + facet}})
		p.escape(f.name)
		p.raw(" ")
		p.open("select", attributes{{"id", "filter-" + facet}, {"data-facet", facet}})
		p.raw(`<option value="">all</option>`)
		for _, value := range f.values {
			p.element("option", value)
		}
		p.raw("</select></label>")
	}
	p.raw(`
<label for="filter-text">Text <input id="filter-text" type="search" autocomplete="off" spellcheck="false"></label>
<button type="reset">Show all</button>
<output aria-live="polite"></output>
</form>`)
}

// heading begins a section.
func (p *page) heading(id, title string) {
	p.line("section", attributes{{"id", id}, {"aria-labelledby", id + "-h"}})
	p.textLine("h2", title, attributes{{"id", id + "-h"}})
}

func (p *page) block(b *block) {
	p.heading(b.id, b.title)
	switch {
	case b.missing != "":
		p.textLine("p", b.missing, class("missing"))
	case b.chart == "":
		p.table(&b.table, class("hidden")) // the heading says it
	default:
		if b.caption != "" {
			p.textLine("p", b.caption, class("caption"))
		}
		p.line("div", class("scroll figure"), region(b.title+": chart"))
		p.raw(b.chart + `</div>
<details>
<summary>Data of this chart`)
		p.element("span", ": "+b.title, class("hidden"))
		p.raw("</summary>")
		p.table(&b.table, nil)
		p.end("details")
	}
	p.end("section")
}

// region are the attributes of what scrolls on its own.
func region(label string) attributes {
	return attributes{{"role", "region"}, {"tabindex", "0"}, {"aria-label", label}}
}

func (p *page) judged(s *section) {
	if len(s.judged) == 0 {
		return
	}
	p.heading(s.id+"-judged", judgedTitle)
	p.line("ul", class("warnings"))
	for _, f := range s.judged {
		p.line("li")
		if f.Passed {
			p.element("b", "passed", class("badge passed"))
		} else {
			p.element("b", string(f.Level), class("badge"))
		}
		p.raw(" ")
		if f.Subject != "" {
			p.element("b", f.Subject)
			p.raw(": ")
		}
		p.escape(f.Message)
		p.close("li")
	}
	p.end("ul")
	p.end("section")
}

func (s *section) hasNotes() bool { return len(s.tail)+len(s.remarks) > 0 }

func (p *page) notes(s *section) {
	if !s.hasNotes() {
		return
	}
	p.heading(s.id+"-notes", notesTitle)
	p.line("ul", class("notes"))
	for _, f := range s.remarks {
		p.textLine("li", f.Message)
	}
	for _, text := range s.tail {
		p.textLine("li", text)
	}
	p.end("ul")
	p.end("section")
}

// table writes a table. The first column that is not of numbers names the row.
func (p *page) table(t *Table, caption attributes) {
	name := cmp.Or(t.Title, "Result")
	p.line("div", class("scroll"), region(name+": table"))
	p.line("table")
	p.textLine("caption", name, caption)
	p.line("thead")
	p.open("tr")
	classes := make([]attributes, len(t.Columns))
	for i, c := range t.Columns {
		classes[i] = class(t.classes(i))
		p.element("th", sentenceCase(c.Name), attributes{{"scope", "col"}}, classes[i])
	}
	p.raw("</tr></thead>\n<tbody>")
	header := slices.IndexFunc(t.Columns, func(c Column) bool { return !c.Right })
	for i, row := range t.Rows {
		var tags attributes
		if len(t.Tags) > 0 {
			tags = tagged(t.Tags[i])
		}
		p.line("tr", tags)
		for k, text := range row {
			if k == header {
				p.element("th", text, attributes{{"scope", "row"}}, classes[k])
			} else {
				p.element("td", text, classes[k])
			}
		}
		p.close("tr")
	}
	p.raw(`
</tbody>
</table>
</div>`)
}
