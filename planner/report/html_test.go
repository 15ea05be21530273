package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostilePage is a document of which every text that html shows is s, in every kind of chart.
func hostilePage(s string) Document {
	d := hostile(s)
	point := Point{X: 1, Y: 1, Low: 0.5, High: 2, Label: s, Note: s, Strong: true, Tags: []string{s, "x"}}
	named := Point{Label: s, Note: s}
	axis, names := Axis{Title: s, Unit: s}, Axis{Title: s, Unit: s, Names: []string{s}}
	for _, kind := range []ChartKind{Scatter, Lines, Histogram} {
		d.Charts = append(d.Charts, Chart{Kind: kind, Title: s, Caption: s, X: axis, Y: axis, Frontier: s, Limits: []Limit{{s, 1, false}, {s, 1, true}}, Series: []Series{{Name: s, Points: []Point{point}}, {Name: "b", Points: []Point{{X: 2, Y: 2}}}}})
	}
	for _, kind := range []ChartKind{Stacked, Grouped} {
		d.Charts = append(d.Charts, Chart{Kind: kind, Title: s, Caption: s, X: axis, Y: names, Limits: []Limit{{s, 1, false}}, Series: []Series{{Name: s, Points: []Point{{X: 1, Label: s, Note: s}}}, {Name: "b"}}})
	}
	d.Charts = append(d.Charts, Chart{Kind: Heat, Title: s, Caption: s, X: names, Y: names, Series: []Series{{Name: s, Points: []Point{named}}}}, Chart{Title: s, Missing: s + "."})
	d.Title, d.Facts, d.Facets = s, []Fact{{s, s, s}}, []string{s, "other"}
	d.Tables[0].Tags = [][]string{{s, "x"}, {"y", s + "z"}}
	d.Parts = []Document{{Title: s, Lead: []string{s}, Tail: []string{s}}}
	return d
}

// inertPage holds a page to what it may have in it, whatever its texts are: the elements of the template and of drawings, no handlers, and links to its own
// sections alone.
func inertPage(t *testing.T, s string) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "html", hostilePage(s)); err != nil {
		t.Fatal(err)
	}
	legibleOutput(t, "html", b.String())
	p := readPage(t, b.String())
	if p.count["script"] != 2 || p.count["style"] != 1 || p.count["svg"] != 7 {
		t.Errorf("elements %v", p.count)
	}
	if want := Legible(s); want != "" && !slices.Contains(p.texts, strings.Join(strings.Fields(want), " ")) {
		t.Errorf("%q is not shown", want)
	}
	var value struct{ Name string }
	if err := json.Unmarshal([]byte(p.plan), &value); err != nil || value.Name != string([]rune(s)) {
		t.Errorf("the plan in the page: %v, name %q", err, value.Name)
	}
	for _, r := range []string{"<", ">", "&"} {
		if strings.Contains(p.plan, r) {
			t.Errorf("the plan in the page holds %s", r)
		}
	}
}

// parsedPage is what a test asks of a page.
type parsedPage struct {
	count map[string]int
	texts []string // of elements, their spaces made one
	ids   []string
	plan  string
}

// may are the attributes of a page. Others, among them every handler of events, are not in it.
var may = regexp.MustCompile(`^(aria-[a-z]+|data-f[0-9]+|data-facet|data-unit|role|id|class|for|href|tabindex|hidden|type|value|autocomplete|spellcheck|lang|charset|name|content|http-equiv|scope|` +
	`viewBox|width|height|focusable|patternUnits|d|x|y|x1|y1|x2|y2|cx|cy|r|points|fill)$`)

var mayBe = strings.Fields("html head meta title style body a main article h1 h2 p dl div dt dd b span nav ul li form label select option input button output section details summary table caption thead tbody tr th td " +
	"script svg defs pattern path desc g text line rect circle polygon")

// readPage reads a page as strictly as XML is read, but for attributes without a value and elements without an end.
func readPage(t *testing.T, page string) parsedPage {
	t.Helper()
	p := parsedPage{count: map[string]int{}}
	scripts := regexp.MustCompile(`(?s)<(script|style)([^>]*)>(.*?)</(?:script|style)>`)
	if m := regexp.MustCompile(`(?s)<script type="application/json" id="plan">(.*?)</script>`).FindStringSubmatch(page); m != nil {
		p.plan = m[1]
	}
	d := xml.NewDecoder(strings.NewReader(scripts.ReplaceAllString(page, "<$1$2></$1>")))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "input"}, map[string]string{}
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is malformed: %v", err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			p.count[x.Name.Local]++
			open = append(open, x.Name.Local)
			if !slices.Contains(mayBe, x.Name.Local) {
				t.Errorf("element %s", x.Name.Local)
			}
			for _, a := range x.Attr {
				if !may.MatchString(a.Name.Local) || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
					t.Errorf("%s with %s=%q", x.Name.Local, a.Name.Local, a.Value)
				}
				if a.Name.Local == "id" {
					if slices.Contains(p.ids, a.Value) {
						t.Errorf("id %q stands twice", a.Value)
					}
					p.ids = append(p.ids, a.Value)
				}
			}
		case xml.EndElement:
			if open[len(open)-1] != x.Name.Local {
				t.Fatalf("%s ends %s", x.Name.Local, open[len(open)-1])
			}
			open = open[:len(open)-1]
		case xml.CharData:
			p.texts = append(p.texts, strings.Join(strings.Fields(string(x)), " "))
		}
	}
	return p
}

// The page refers to no id that is not there.
func TestReferencesWithinThePage(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "html", hostilePage("a name"), hostilePage("another")); err != nil {
		t.Fatal(err)
	}
	p := readPage(t, b.String())
	refs := regexp.MustCompile(`(?:href="#|for="|aria-labelledby="|aria-describedby="|url\(#)([^")]+)`).FindAllStringSubmatch(b.String(), -1)
	if len(refs) < 50 {
		t.Errorf("only %d references", len(refs))
	}
	for _, r := range refs {
		if !slices.Contains(p.ids, r[1]) {
			t.Errorf("there is no %q", r[1])
		}
	}
	if p.count["h1"] != 1 || p.count["article"] != 4 {
		t.Errorf("%d headings of the page, %d documents with their parts", p.count["h1"], p.count["article"])
	}
	if strings.Count(b.String(), `<form`) != 1 {
		t.Error("filters stand more than once")
	}
}

func TestNumbersOfCharts(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 1234.6: "1,235", 0.5: "0.5", 12.345: "12.3", 100: "100", 1e6: "1,000,000", 0.00123: "0.00123", -2.5: "−2.5"} {
		if got := short(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
	format := column([]float64{26.21, 0, 1234})
	for v, want := range map[float64]string{26.21: "26.2", 1234: "1,234.0", 0: "0.0"} {
		if got := format(v); got != want {
			t.Errorf("%v in a column is %q, want %q", v, got, want)
		}
	}
}

// A scale puts every value between its ends, in order, and its ticks within them.
func TestScales(t *testing.T) {
	for _, c := range []struct {
		log    bool
		values []float64
	}{
		{false, []float64{0, 26, 100}}, {false, []float64{5}}, {false, []float64{0}}, {false, nil}, {false, []float64{-3, 8}}, {false, []float64{1e9, 2e9}},
		{true, []float64{0.3, 100}}, {true, []float64{7}}, {true, nil}, {true, []float64{1e-6, 1e9}}, {true, []float64{90, 110}},
	} {
		s := span(c.log, 10, 500, c.values)
		last := math.Inf(-1)
		sorted := slices.Sorted(slices.Values(c.values))
		for _, v := range sorted {
			if at := s.at(v); at < 10 || at > 500 || at < last || math.IsNaN(at) {
				t.Errorf("%v: %g stands at %g", c, v, at)
			} else {
				last = at
			}
		}
		ticks := s.ticks(7)
		if len(ticks) < 2 || len(ticks) > 12 {
			t.Errorf("%v: ticks %v", c, ticks)
		}
		for i, v := range ticks {
			if v < s.low*(1-1e-9)-1e-9 || v > s.high*(1+1e-9) || i > 0 && v <= ticks[i-1] {
				t.Errorf("%v: ticks %v from %g to %g", c, ticks, s.low, s.high)
			}
		}
	}
}

// A chart that can't be drawn is a fault of whoever made it.
func TestImpossibleCharts(t *testing.T) {
	for name, c := range map[string]Chart{
		"of no kind":            {},
		"no number":             {Kind: Scatter, Series: []Series{{Points: []Point{{X: math.NaN()}}}}},
		"zero on a log axis":    {Kind: Scatter, X: Axis{Log: true}, Series: []Series{{Points: []Point{{Y: 1}}}}},
		"a name that is not":    {Kind: Heat, X: Axis{Names: []string{"a"}}, Y: Axis{Names: []string{"b"}}, Series: []Series{{Points: []Point{{X: 1}}}}},
		"between two names":     {Kind: Grouped, Y: Axis{Names: []string{"a", "b"}}, Series: []Series{{Points: []Point{{X: 1, Y: 0.5}}}}},
		"infinitely much of it": {Kind: Lines, Series: []Series{{Points: []Point{{Y: math.Inf(1)}}}}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was drawn", name)
				}
			}()
			c.svg("x")
		}()
	}
}

// Every figure of a chart stands in its table.
func TestTablesHoldTheirCharts(t *testing.T) {
	for _, c := range hostilePage("name").Charts {
		if c.Missing != "" {
			continue
		}
		table := c.Table()
		all := ""
		for _, row := range table.Rows {
			if len(row) != len(table.Columns) {
				t.Errorf("%s: a row of %d cells under %d columns", c.Kind, len(row), len(table.Columns))
			}
			all += strings.Join(row, "|") + "\n"
		}
		if !strings.Contains(all, "name") || c.Kind != Heat && !strings.Contains(all, "1") {
			t.Errorf("%s: the table\n%s", c.Kind, all)
		}
	}
}

// A chart in text fits a terminal, and marks what stands out.
func TestTextChart(t *testing.T) {
	var b bytes.Buffer
	for _, c := range hostilePage("a rather long name of something that is drawn beside other things").Charts {
		if c.Kind == Scatter {
			plainChart(&b, &c)
		}
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > chartColumns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(b.String(), "A") || !strings.Contains(b.String(), "┊") {
		t.Errorf("no point, or no limit:\n%s", b.String())
	}
}
