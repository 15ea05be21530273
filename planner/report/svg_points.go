package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// drawScatter draws points, the strong ones with their intervals and names.
func (c *Chart) drawScatter(d *drawing, top float64) {
	limits := 14 * float64(len(c.Limits))
	x, y := c.scales(58, d.width-14, top+limits+24, top+limits+24+330)
	d.height = y.start + 44
	c.axes(d, &x, &y)
	c.limits(d, &x, &y)
	c.drawFrontier(d, &x, &y)
	var names []named
	for _, strong := range []bool{false, true} {
		for i := range c.Series {
			s := &c.Series[i]
			if s.Line {
				if !strong {
					d.shape("path", attributes{{"class", "join"}, {"d", path(s.Points, &x, &y)}})
				}
				continue
			}
			for k := range s.Points {
				if p := &s.Points[k]; p.Strong == strong {
					c.drawPoint(d, i, p, &x, &y)
					if strong && p.Label != "" {
						names = append(names, named{p.Label, x.at(p.X), y.at(p.Y), p.Tags})
					}
				}
			}
		}
	}
	d.place(names, x.start, x.end, y.end)
}

// drawPoint draws one point with all that is said of it.
func (c *Chart) drawPoint(d *drawing, series int, p *Point, x, y *scale) {
	d.open("g", class("point"), tagged(p.Tags))
	var about []string
	for _, s := range []string{p.Label, short(p.X) + " " + c.X.Unit, short(p.Y) + " " + c.Y.Unit, p.Note} {
		if s = strings.TrimSpace(s); s != "" {
			about = append(about, s)
		}
	}
	d.element("title", strings.Join(about, ", "))
	if p.Strong && p.High > 0 {
		d.line("interval "+colour(series), x.at(p.Low), y.at(p.Y), x.at(p.High), y.at(p.Y))
	}
	d.marker(series, x.at(p.X), y.at(p.Y), p.Strong)
	d.close("g")
}

// tagged are the attributes by which a page filters.
func tagged(tags []string) attributes {
	var list attributes
	for i, tag := range tags {
		list = append(list, attribute{markup("data-f" + strconv.Itoa(i)), tag})
	}
	return list
}

// drawFrontier joins the strong points by steps: what a value of X can have at best.
func (c *Chart) drawFrontier(d *drawing, x, y *scale) {
	if c.Frontier == "" {
		return
	}
	var strong []Point
	c.each(func(_ *Series, p *Point) {
		if p.Strong {
			strong = append(strong, *p)
		}
	})
	slices.SortFunc(strong, func(a, b Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(b.Y, a.Y)) })
	var steps strings.Builder
	for i, p := range strong {
		if i == 0 {
			steps.WriteString("M" + px(x.at(p.X)) + " " + px(y.at(p.Y)))
			continue
		}
		steps.WriteString("H" + px(x.at(p.X)) + "V" + px(y.at(p.Y)))
	}
	if len(strong) > 0 {
		steps.WriteString("H" + px(x.end))
		d.shape("path", attributes{{"class", "frontier"}, {"d", steps.String()}})
	}
}

// path joins points by straight lines.
func path(points []Point, x, y *scale) string {
	var b strings.Builder
	for i, p := range points {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + px(x.at(p.X)) + " " + px(y.at(p.Y)))
	}
	return b.String()
}

// named is a text that belongs to a point.
type named struct {
	text string
	x, y float64
	tags []string
}

type box struct{ left, top, right, bottom float64 }

func (b box) meets(c box) bool {
	return b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom
}

// place writes names beside their points, where they cover neither another name nor a named point; a name without such a place is left out.
func (d *drawing) place(names []named, left, right, top float64) {
	var taken []box
	for _, n := range names {
		taken = append(taken, box{n.x - 5, n.y - 5, n.x + 5, n.y + 5})
	}
	for i, n := range names {
		const height = 13
		width := widthOf(n.text)
		for _, p := range []struct {
			dx, dy float64
			class  string
		}{{8, -8, "t"}, {8, 14, "t"}, {-8, -8, "t num"}, {-8, 16, "t num"}, {10, -22, "t"}, {10, 28, "t"}} {
			from := n.x + p.dx
			if p.dx < 0 {
				from -= width
			}
			b := box{from, n.y + p.dy - height + 3, from + width, n.y + p.dy + 3}
			free := b.left >= left && b.right <= right && b.top >= top
			for k, other := range taken {
				free = free && (k == i || !b.meets(other))
			}
			if free {
				taken = append(taken, b)
				d.open("g", class("name"), tagged(n.tags))
				d.text(n.x+p.dx, n.y+p.dy, p.class, n.text)
				d.close("g")
				break
			}
		}
	}
}

// drawLines joins the points of each series and names it at its end.
func (c *Chart) drawLines(d *drawing, top float64) {
	margin := 0.0
	for _, s := range c.Series {
		margin = max(margin, widthOf(s.Name))
	}
	margin = min(margin, 300)
	x, y := c.scales(58, d.width-margin-24, top+24+14*float64(len(c.Limits)), top+24+14*float64(len(c.Limits))+280)
	d.height = y.start + 44
	c.axes(d, &x, &y)
	c.limits(d, &x, &y)
	type end struct {
		series int
		y      float64
	}
	var ends []end
	for i, s := range c.Series {
		d.shape("path", attributes{{"class", "plot dash" + strconv.Itoa(i%5) + " " + colour(i)}, {"d", path(s.Points, &x, &y)}})
		for _, p := range s.Points {
			if p.Strong {
				d.marker(i, x.at(p.X), y.at(p.Y), true)
			}
		}
		if n := len(s.Points); n > 0 {
			ends = append(ends, end{i, y.at(s.Points[n-1].Y)})
		}
	}
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	free := math.Inf(-1)
	for _, e := range ends {
		at := max(e.y+4, free)
		d.line("tether", x.end, e.y, x.end+12, at-4)
		d.text(x.end+16, at, "t", fit(c.Series[e.series].Name, margin+letter, letter))
		free = at + 15
	}
	d.height = max(d.height, free)
}

// drawHistogram draws a bar for each bin.
func (c *Chart) drawHistogram(d *drawing, top float64) {
	x, y := c.scales(58, d.width-14, top+24+14*float64(len(c.Limits)), top+24+14*float64(len(c.Limits))+200)
	d.height = y.start + 44
	c.axes(d, &x, &y)
	for i, s := range c.Series {
		for _, p := range s.Points {
			d.open("g")
			d.element("title", short(p.Low)+" to "+short(p.High)+" "+c.X.Unit+": "+short(p.Y))
			d.bar(i, x.at(p.Low)+0.5, y.at(p.Y), x.at(p.High)-x.at(p.Low)-1, y.start-y.at(p.Y))
			d.close("g")
		}
	}
	c.limits(d, &x, &y)
}
