package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Chart is a figure as data: what a renderer draws, and what Table lists.
type Chart struct {
	Kind    ChartKind
	Title   string
	Caption string // how the figures were come by
	X, Y    Axis
	Series  []Series
	Limits  []Limit

	Frontier string // what the steps are called that join a Scatter's Strong points; empty: they are not joined
	Missing  string // why there is nothing to show; nothing else but Title is then set
}

// ChartKind is how a chart is drawn.
type ChartKind string

const (
	Scatter   ChartKind = "scatter"   // points on number lines, Low and High being of X; series with Line are joined and not marked
	Lines     ChartKind = "lines"     // series that are joined from point to point
	Stacked   ChartKind = "stacked"   // bars along X for the names of Y, the series one after the other
	Grouped   ChartKind = "grouped"   // bars along X for the names of Y, the series side by side
	Heat      ChartKind = "heat"      // cells for the names of X and Y, coloured by series, saying Label and Note
	Histogram ChartKind = "histogram" // Y counts what lies between Low and High on X
)

// Axis is one of a chart's two. On an axis with Names a coordinate is an index into them.
type Axis struct {
	Title string
	Unit  string // ms, USD/month; empty: none
	Log   bool
	Names []string
}

// Series is points that belong together.
type Series struct {
	Name   string
	Line   bool // of a Scatter: what the points are held against
	Points []Point
}

// Point is a place in a chart. Tags are aligned with Document.Facets; without any the point is not filtered.
type Point struct {
	X, Y      float64
	Low, High float64 // an interval; 0, 0: none
	Label     string  // what it is
	Note      string  // more about it
	Strong    bool    // stands out from the others of its series
	Tags      []string
}

// Limit is a line across a chart, at a value of X or of Y.
type Limit struct {
	Name  string
	Value float64
	OfY   bool
}

// title is an axis' title with its unit.
func (a *Axis) title() string {
	if a.Unit == "" {
		return a.Title
	}
	return a.Title + " (" + a.Unit + ")"
}

// name is that of a coordinate on an axis with names.
func (a *Axis) name(v float64) string { return a.Names[int(v)] }

// Table lists a chart's data, with as many digits as tell its figures apart.
func (c *Chart) Table() Table {
	var t Table
	switch c.Kind {
	case Stacked, Grouped:
		t = c.barTable()
	case Heat:
		t = c.heatTable()
	case Histogram:
		t = c.histogramTable()
	default:
		t = c.pointTable()
	}
	t.Title = c.Title + ": data"
	return t
}

// pointTable has a row for each point; columns in which nothing stands are left out.
func (c *Chart) pointTable() Table {
	t := Table{Columns: []Column{{Name: "SERIES"}, {Name: "LABEL"}, {Name: heading(&c.X), Right: true}, {Name: "LOW", Right: true}, {Name: "HIGH", Right: true}, {Name: heading(&c.Y), Right: true}, {Name: "NOTE"}}}
	var x, y []float64
	c.each(func(_ *Series, p *Point) { x, y = append(x, p.X, p.Low, p.High), append(y, p.Y) })
	fx, fy := column(x), column(y)
	c.each(func(s *Series, p *Point) {
		low, high := "", ""
		if p.High > 0 {
			low, high = fx(p.Low), fx(p.High)
		}
		t.Rows = append(t.Rows, []string{s.Name, p.Label, fx(p.X), low, high, fy(p.Y), p.Note})
		t.Tags = append(t.Tags, p.Tags)
	})
	return t.withoutEmptyColumns()
}

// barTable has a row for each bar or group of bars, and a column for each series.
func (c *Chart) barTable() Table {
	t := Table{Columns: []Column{{Name: heading(&c.Y)}}}
	for _, s := range c.Series {
		t.Columns = append(t.Columns, Column{Name: unitOf(s.Name, &c.X), Right: true})
	}
	if c.Kind == Stacked {
		t.Columns = append(t.Columns, Column{Name: unitOf("sum", &c.X), Right: true})
	}
	t.Columns = append(t.Columns, Column{Name: "NOTE"})
	var all []float64
	c.each(func(_ *Series, p *Point) { all = append(all, p.X) })
	format := column(all)
	for i, name := range c.Y.Names {
		row, sum := []string{name}, 0.0
		var notes []string
		for k := range c.Series {
			cell := ""
			for _, p := range c.Series[k].Points {
				if int(p.Y) == i {
					cell, sum = format(p.X), sum+p.X
					notes = appendNew(notes, p.Label, p.Note)
				}
			}
			row = append(row, cell)
		}
		if c.Kind == Stacked {
			row = append(row, format(sum))
		}
		t.Rows = append(t.Rows, append(row, strings.Join(notes, "; ")))
	}
	return t.withoutEmptyColumns()
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (c *Chart) heatTable() Table {
	t := Table{Columns: []Column{{Name: heading(&c.Y)}}}
	for _, name := range c.X.Names {
		t.Columns = append(t.Columns, Column{Name: unitOf(name, &c.X)})
	}
	for _, name := range c.Y.Names {
		t.Rows = append(t.Rows, append([]string{name}, make([]string, len(c.X.Names))...))
	}
	c.each(func(_ *Series, p *Point) {
		t.Rows[int(p.Y)][1+int(p.X)] = strings.TrimSuffix(p.Label+", "+p.Note, ", ")
	})
	return t
}

func (c *Chart) histogramTable() Table {
	t := Table{Columns: []Column{{Name: "SERIES"}, {Name: unitOf("from", &c.X), Right: true}, {Name: unitOf("to", &c.X), Right: true}, {Name: c.Y.Title, Right: true}}}
	var edges []float64
	c.each(func(_ *Series, p *Point) { edges = append(edges, p.Low, p.High) })
	format := column(edges)
	c.each(func(s *Series, p *Point) {
		t.Rows = append(t.Rows, []string{s.Name, format(p.Low), format(p.High), strconv.Itoa(int(p.Y))})
	})
	return t
}

// each visits every point in order.
func (c *Chart) each(visit func(*Series, *Point)) {
	for i := range c.Series {
		for k := range c.Series[i].Points {
			visit(&c.Series[i], &c.Series[i].Points[k])
		}
	}
}

func heading(a *Axis) string { return unitOf(a.Title, a) }

func unitOf(title string, a *Axis) string {
	if a.Unit == "" {
		return title
	}
	return title + ", " + a.Unit
}

// withoutEmptyColumns drops the columns in which no row says anything.
func (t Table) withoutEmptyColumns() Table {
	for c := len(t.Columns) - 1; c >= 0; c-- {
		if !slices.ContainsFunc(t.Rows, func(row []string) bool { return row[c] != "" }) {
			t.Columns = slices.Delete(t.Columns, c, c+1)
			for i := range t.Rows {
				t.Rows[i] = slices.Delete(t.Rows[i], c, c+1)
			}
		}
	}
	return t
}

// column formats the figures of a column alike: with so many decimals that the smallest but zero shows three digits, six at most.
func column(values []float64) func(float64) string {
	least := math.Inf(1)
	for _, v := range values {
		if v = math.Abs(v); v > 0 {
			least = min(least, v)
		}
	}
	places := 0
	if !math.IsInf(least, 1) {
		places = min(max(2-int(math.Floor(math.Log10(least))), 0), 6)
	}
	return func(v float64) string { return grouped(v, places) }
}

// grouped writes a number with commas between thousands.
func grouped(v float64, places int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', places, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if v < 0 {
		whole = "−" + whole
	}
	return whole
}

// short writes a number for a tick or a label: three digits, without zeros at the end.
func short(v float64) string {
	if v == 0 {
		return "0"
	}
	places := max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0)
	text := grouped(v, places)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// mapped is a chart with a function applied to each of its texts.
func (c Chart) mapped(f func(string) string) Chart {
	each := func(list []string) []string {
		var out []string // nil stays nil: an axis without names, a point that is not filtered
		for _, s := range list {
			out = append(out, f(s))
		}
		return out
	}
	c.Title, c.Caption, c.Frontier, c.Missing = f(c.Title), f(c.Caption), f(c.Frontier), f(c.Missing)
	for _, a := range []*Axis{&c.X, &c.Y} {
		a.Title, a.Unit, a.Names = f(a.Title), f(a.Unit), each(a.Names)
	}
	c.Limits = slices.Clone(c.Limits)
	for i := range c.Limits {
		c.Limits[i].Name = f(c.Limits[i].Name)
	}
	c.Series = slices.Clone(c.Series)
	for i := range c.Series {
		s := &c.Series[i]
		s.Name, s.Points = f(s.Name), slices.Clone(s.Points)
		for k := range s.Points {
			p := &s.Points[k]
			p.Label, p.Note, p.Tags = f(p.Label), f(p.Note), each(p.Tags)
		}
	}
	return c
}

// check panics on a chart that can't be drawn: of no kind, with coordinates beyond its names, values off a log axis, or no numbers at all.
func (c *Chart) check() {
	if !slices.Contains([]ChartKind{Scatter, Lines, Stacked, Grouped, Heat, Histogram}, c.Kind) {
		panic(fmt.Sprintf("report: chart %q is of the unknown kind %q", c.Title, c.Kind))
	}
	at := func(a *Axis, v float64, what string) {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			panic(fmt.Sprintf("report: chart %q: %s is %v", c.Title, what, v))
		case a.Names != nil && (v != math.Trunc(v) || v < 0 || int(v) >= len(a.Names)):
			panic(fmt.Sprintf("report: chart %q: %s is %v of %d names", c.Title, what, v, len(a.Names)))
		case a.Log && v <= 0:
			panic(fmt.Sprintf("report: chart %q: %s is %v on a log axis", c.Title, what, v))
		}
	}
	c.each(func(_ *Series, p *Point) {
		at(&c.X, p.X, "x")
		at(&c.Y, p.Y, "y")
	})
}
