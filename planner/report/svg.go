package report

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A drawing is an SVG in the making, with colours by class alone.
type drawing struct {
	writer
	id     string // unique on the page; ids in the drawing begin with it
	width  float64
	height float64
}

// The width of a drawing and of a letter of its text, in pixels where it is shown as wide.
const drawingWidth, letter = 760.0, 6.5

func (d *drawing) text(x, y float64, class, text string) {
	d.element("text", text, attributes{{"x", px(x)}, {"y", px(y)}, {"class", class}})
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.shape("line", attributes{{"class", class}, {"x1", px(x1)}, {"y1", px(y1)}, {"x2", px(x2)}, {"y2", px(y2)}})
}

func (d *drawing) rect(class string, x, y, width, height float64) {
	d.shape("rect", attributes{{"class", class}, {"x", px(x)}, {"y", px(y)}, {"width", px(max(width, 0))}, {"height", px(height)}})
}

// px writes a length to a tenth of a pixel.
func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// colour is the class of the i-th of the colours that tell series apart.
func colour(i int) string { return "s" + strconv.Itoa(i%colours+1) }

const colours = 8

// fit shortens a text to a width.
func fit(text string, width float64, letter float64) string {
	n := max(int(width/letter), 1)
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:max(n-1, 0)]) + "…"
}

func widthOf(text string) float64 { return letter * float64(utf8.RuneCountInString(text)) }

// svg draws a chart that is not Missing.
func (c *Chart) svg(id string) markup {
	c.check()
	d := &drawing{id: id, width: drawingWidth}
	var body func(d *drawing, top float64)
	switch c.Kind {
	case Stacked, Grouped:
		body = c.drawBars
	case Heat:
		body = c.drawHeat
	case Lines:
		body = c.drawLines
	case Histogram:
		body = c.drawHistogram
	default:
		body = c.drawScatter
	}
	body(d, c.drawLegend(d))
	var w writer
	w.open("svg", attributes{{"class", "chart"}, {"role", "img"}, {"viewBox", "0 0 " + px(d.width) + " " + px(d.height)}, {"aria-labelledby", id + "-title"}, {"aria-describedby", id + "-desc"}})
	w.element("title", c.Title, attributes{{"id", id + "-title"}})
	w.element("desc", strings.TrimSpace(c.Caption+" The table under the chart lists its figures."), attributes{{"id", id + "-desc"}})
	w.raw(d.markup())
	w.close("svg")
	return w.markup()
}

// drawLegend names the series above a chart that has more than one, and returns where the chart may begin.
func (c *Chart) drawLegend(d *drawing) float64 {
	if c.Kind == Heat || c.Kind == Lines || len(c.Series)+len(c.Frontier) < 2 {
		return 4
	}
	x, y := 4.0, 14.0
	entry := func(name string, draw func(x, y float64)) {
		if width := 24 + widthOf(name); x > 4 && x+width > d.width {
			x, y = 4, y+20
		}
		draw(x+6, y-4)
		d.text(x+18, y, "t", name)
		x += 40 + widthOf(name)
	}
	for i, s := range c.Series {
		entry(s.Name, func(x, y float64) {
			switch {
			case s.Line:
				d.line("join", x-6, y, x+6, y)
			case c.Kind == Scatter:
				d.marker(i, x, y, true)
			default:
				d.bar(i, x-6, y-6, 12, 12)
			}
		})
	}
	if c.Frontier != "" {
		entry(c.Frontier+" (filled)", func(x, y float64) { d.line("frontier", x-6, y, x+6, y) })
	}
	return y + 10
}

// axes draws the grid, the ticks and the titles of two number lines.
func (c *Chart) axes(d *drawing, x, y *scale) {
	d.text(4, y.end-8-14*float64(len(c.Limits)), "t dim", c.Y.title())
	for _, v := range y.ticks(6) {
		d.line("grid", x.start, y.at(v), x.end, y.at(v))
		d.text(x.start-8, y.at(v)+4, "t num", short(v))
	}
	c.xAxis(d, x, y.start, y.end)
}

// xAxis draws the number line of X from bottom to top.
func (c *Chart) xAxis(d *drawing, x *scale, bottom, top float64) {
	for _, v := range x.ticks(9) {
		d.line("grid", x.at(v), bottom, x.at(v), top)
		d.text(x.at(v), bottom+17, "t mid", short(v))
	}
	d.line("axis", x.start, bottom, x.end, bottom)
	d.text((x.start+x.end)/2, bottom+36, "t mid dim", c.X.title())
}

// limits draws the lines that a chart is held against, each with its name at the top or at the right.
func (c *Chart) limits(d *drawing, x, y *scale) {
	for i, l := range c.Limits {
		if l.OfY {
			at := y.at(l.Value)
			d.line("limit", x.start, at, x.end, at)
			d.text(x.end, at-5, "t num strong", l.Name)
			continue
		}
		at := x.at(l.Value)
		d.line("limit", at, y.start, at, y.end)
		row := y.end - 6 - 14*float64(len(c.Limits)-1-i)
		const bolder = 1.2
		if at+bolder*widthOf(l.Name)+8 > d.width {
			d.text(at-5, row, "t num strong", l.Name)
		} else {
			d.text(at+5, row, "t strong", l.Name)
		}
	}
}

// marker draws the i-th shape: filled where it is strong.
func (d *drawing) marker(i int, x, y float64, strong bool) {
	class := "mark " + colour(i)
	if !strong {
		class = "mark hollow " + colour(i)
	}
	const r = 4.5
	polygon := func(points ...float64) {
		var list []string
		for k := 0; k < len(points); k += 2 {
			list = append(list, px(x+r*points[k])+","+px(y+r*points[k+1]))
		}
		d.shape("polygon", attributes{{"class", class}, {"points", strings.Join(list, " ")}})
	}
	switch i % 5 {
	case 0:
		d.shape("circle", attributes{{"class", class}, {"cx", px(x)}, {"cy", px(y)}, {"r", px(r)}})
	case 1:
		d.rect(class, x-r, y-r, 2*r, 2*r)
	case 2:
		polygon(0, -1.3, 1.2, 0.9, -1.2, 0.9)
	case 3:
		polygon(0, -1.4, 1.4, 0, 0, 1.4, -1.4, 0)
	case 4:
		polygon(0, 1.3, 1.2, -0.9, -1.2, -0.9)
	}
}

// bar draws a rectangle in the i-th colour and hatching.
func (d *drawing) bar(i int, x, y, width, height float64) {
	d.rect("fill "+colour(i), x, y, width, height)
	if hatch := i % len(hatchings); hatch > 0 {
		d.shape("rect", attributes{{"fill", "url(#hatch" + strconv.Itoa(hatch) + ")"}, {"x", px(x)}, {"y", px(y)}, {"width", px(max(width, 0))}, {"height", px(height)}})
	}
}

// hatchings are the strokes of the patterns that tell bars apart without colour; the first is plain.
var hatchings = [...]string{"", "M0 6L6 0", "M0 0L6 6", "M0 3H6", "M3 0V6", "M0 6L6 0M0 0L6 6"}

// patterns defines the hatchings, once for a page.
func patterns() markup {
	var w writer
	w.open("svg", attributes{{"class", "patterns"}, {"aria-hidden", "true"}, {"width", "0"}, {"height", "0"}, {"focusable", "false"}})
	w.open("defs")
	for i, path := range hatchings[1:] {
		w.open("pattern", attributes{{"id", "hatch" + strconv.Itoa(i+1)}, {"width", "6"}, {"height", "6"}, {"patternUnits", "userSpaceOnUse"}})
		w.shape("path", attributes{{"class", "hatch"}, {"d", path}})
		w.close("pattern")
	}
	w.close("defs")
	w.close("svg")
	return w.markup()
}
