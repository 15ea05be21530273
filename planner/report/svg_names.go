package report

import (
	"slices"
	"strings"
)

// nameColumn is the width that the names of Y take, at the left of a chart.
func (c *Chart) nameColumn() float64 {
	width := 60.0
	for _, name := range c.Y.Names {
		width = max(width, widthOf(name)+12)
	}
	return min(width, 250)
}

// drawBars draws a row of bars for each name of Y: one after the other, or one under the other with what each is.
func (c *Chart) drawBars(d *drawing, top float64) {
	const bar, gap = 16.0, 10.0
	left, perRow := c.nameColumn(), 1
	if c.Kind == Grouped {
		perRow = len(c.Series)
	}
	row := bar*float64(perRow) + gap
	top += 14*float64(len(c.Limits)) + 6
	bottom := top + row*float64(len(c.Y.Names))
	d.height = bottom + 44
	var reach []float64
	for i := range c.Y.Names {
		each, sum := c.sums(i)
		if reach = append(reach, each...); c.Kind == Stacked {
			reach = append(reach, sum)
		}
	}
	for _, l := range c.Limits {
		reach = append(reach, l.Value)
	}
	x := span(false, left, d.width-14-c.labelRoom(), reach)
	y := scale{start: bottom, end: top}
	c.xAxis(d, &x, bottom, top)
	for i, name := range c.Y.Names {
		at := top + row*float64(i) + gap/2
		d.text(left-8, at+row/2-gap/2+4, "t num", fit(name, left-10, letter))
		c.drawRow(d, i, at, bar, &x)
	}
	c.limits(d, &x, &y)
}

// labelRoom is what the longest text beyond a bar needs.
func (c *Chart) labelRoom() float64 {
	room := widthOf("0,000")
	c.each(func(_ *Series, p *Point) { room = max(room, widthOf(p.Label)+6*letter) })
	return min(room, 330)
}

// drawRow draws the bars of the i-th name.
func (c *Chart) drawRow(d *drawing, i int, top, height float64, x *scale) {
	from, end := x.start, x.start
	var said []string
	for k := range c.Series {
		if c.Kind == Grouped && !c.Series[k].has(i) {
			d.text(x.start+6, top+height-5, "t dim", "not known")
		}
		for _, p := range c.Series[k].Points {
			if int(p.Y) != i {
				continue
			}
			width := x.at(p.X) - x.start
			d.open("g")
			d.element("title", strings.TrimSuffix(c.Series[k].Name+": "+short(p.X)+" "+c.X.Unit+", "+p.Label, ", "))
			d.bar(k, from, top, width, height-2)
			d.close("g")
			if end = from + width; c.Kind == Stacked {
				from = end
				said = appendNew(said, p.Label)
				continue
			}
			d.text(end+6, top+height-5, "t halo", fit(strings.TrimSuffix(short(p.X)+" · "+p.Label, " · "), d.width-end-8, letter))
		}
		if c.Kind == Grouped {
			top += height
		}
	}
	if c.Kind == Stacked {
		_, sum := c.sums(i)
		d.text(end+6, top+height-5, "t halo", strings.TrimSuffix(short(sum)+" · "+strings.Join(said, " "), " · "))
	}
}

// has reports whether a series has a point at the i-th name of Y.
func (s *Series) has(i int) bool {
	return slices.ContainsFunc(s.Points, func(p Point) bool { return int(p.Y) == i })
}

// sums are what the series reach at the i-th name, each on its own and all together.
func (c *Chart) sums(i int) (each []float64, sum float64) {
	c.each(func(_ *Series, p *Point) {
		if int(p.Y) == i {
			each, sum = append(each, p.X), sum+p.X
		}
	})
	return each, sum
}

// drawHeat draws a table of cells, coloured by series.
func (c *Chart) drawHeat(d *drawing, top float64) {
	const row, small = 40.0, 6.2
	left := c.nameColumn()
	width := (d.width - left - 2) / float64(len(c.X.Names))
	d.text(4, top+12, "t dim", c.Y.title())
	d.text(left+(d.width-left)/2, top+12, "t mid dim", c.X.title())
	top += 22
	for i, name := range c.X.Names {
		d.text(left+width*(float64(i)+0.5), top+12, "t mid", name)
	}
	top += 20
	for i, name := range c.Y.Names {
		d.text(left-8, top+row*(float64(i)+0.5)+4, "t num", fit(name, left-10, letter))
	}
	for i, s := range c.Series {
		for _, p := range s.Points {
			x, y := left+width*p.X, top+row*p.Y
			d.open("g", class("cell "+heatClass(i, &s)))
			d.element("title", strings.Join(appendNew(nil, c.Y.name(p.Y), c.X.name(p.X), p.Label, p.Note), ", "))
			d.rect("box", x+1, y+1, width-2, row-2)
			d.text(x+width/2, y+row/2-2, "t small mid", fit(p.Label, width-4, small))
			d.text(x+width/2, y+row/2+12, "t small mid", fit(p.Note, width-4, small))
			d.close("g")
		}
	}
	c.each(func(_ *Series, p *Point) {
		if p.Strong {
			d.rect("asked", left+width*p.X+1, top+row*p.Y+1, width-2, row-2)
		}
	})
	d.height = top + row*float64(len(c.Y.Names)) + 6
}

// heatClass is the colour of a series' cells. One without a name is what is not there; beyond the colours all are alike, and told apart by what they say.
func heatClass(i int, s *Series) string {
	switch {
	case s.Name == "":
		return "nothing"
	case i >= colours:
		return "other"
	}
	return colour(i)
}
