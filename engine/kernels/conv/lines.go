package conv

import (
	"math"
	"slices"
)

// lines are the runs of output pixels of an image whose inputs are evenly
// spaced: rows of A to a matrix product. Where the input of successive lines is
// in step, gap is the number of rows that there would be between two lines; it
// is −1 where it is not.
type lines struct {
	count, pixels, gap int
}

// span is a tile: rows of A from a pixel on. If it reaches into further lines,
// left is the number of its pixels in the first.
type span struct {
	line, pixel, rows, left int
	in, out, residual       int // elements from an image's pixel 0 to the tile's
}

// lines cuts an image: into one line if all of its pixels, and their inputs,
// are evenly spaced, else into the rows of the image.
func (g Geometry) lines() lines {
	step, next := g.StrideW*g.In.PixelPitch, g.StrideH*g.In.RowPitch
	l := lines{count: g.Out.Height, pixels: g.Out.Width, gap: -1}
	if next%step == 0 {
		l.gap = next/step - l.pixels
	}
	if l.gap == 0 && g.Out.dense() && (!g.hasResidual() || g.Residual.dense()) {
		return lines{count: 1, pixels: l.count * l.pixels, gap: -1}
	}
	return l
}

// cut is tiles of at most limit rows within lines, as equal as can be, those of
// equal height in a line together.
func (l lines) cut(limit int) []span {
	var spans []span
	for line := range l.count {
		pixel := 0
		for parts := ceilDiv(l.pixels, limit); parts > 0; parts-- {
			rows := ceilDiv(l.pixels-pixel, parts)
			spans = append(spans, span{line: line, pixel: pixel, rows: rows})
			pixel += rows
		}
	}
	return spans
}

// cutThrough is tiles of at most limit rows, as equal as can be, that reach over
// the end of a line but into no third; nil if the lines are out of step, or too
// short.
func (l lines) cutThrough(limit int) []span {
	if l.gap < 0 || l.pixels < limit-1 {
		return nil
	}
	var spans []span
	pixels := l.count * l.pixels
	parts := (pixels + limit - 1) / limit
	for i := range parts {
		from, end := i*pixels/parts, (i+1)*pixels/parts
		x := span{line: from / l.pixels, pixel: from % l.pixels, rows: end - from}
		if first := l.pixels - x.pixel; x.rows > first {
			x.left = first
		}
		spans = append(spans, x)
	}
	return spans
}

// cutPairs is tiles of two lines of at most limit rows together, the last one alone
// where their number is odd; nil if the lines are out of step, too long, or one.
func (l lines) cutPairs(limit int) []span {
	if l.gap < 0 || 2*l.pixels > limit || l.count == 1 {
		return nil
	}
	var spans []span
	for line := 0; line < l.count; line += 2 {
		x := span{line: line, rows: l.pixels}
		if line+1 < l.count {
			x.rows, x.left = 2*l.pixels, l.pixels
		}
		spans = append(spans, x)
	}
	return spans
}

// cutAcross is tiles of at most limit rows that run over the ends of lines, those
// of equal height together; nil if the lines are out of step.
func (l lines) cutAcross(limit int) []span {
	if l.gap < 0 {
		return nil
	}
	var spans []span
	pitch := l.pixels + l.gap
	end := (l.count-1)*pitch + l.pixels
	for row := 0; row < end; {
		x := span{line: row / pitch, pixel: row % pitch, rows: min(limit, end-row)}
		row += x.rows
		if over := (row-1)%pitch + 1 - l.pixels; over >= 0 { // tiles neither end nor begin in a gap
			x.rows -= over
			row += l.gap - over
		}
		if first := l.pixels - x.pixel; x.rows > first {
			x.left = first
		}
		spans = append(spans, x)
	}
	slices.SortStableFunc(spans, func(a, b span) int { return b.rows - a.rows })
	return spans
}

// fill reports whether tiles of at most limit rows would be two thirds full or more.
func (l lines) fill(limit int) bool {
	tiles := len(l.cut(limit))
	if across := l.cutAcross(limit); across != nil {
		tiles = min(tiles, len(across))
	}
	return 2*tiles*limit <= 3*l.count*l.pixels
}

// rowsWorth is how many rows a list of tiles is worth: each costs as much as 32
// rows, which is what loading its share of the weights takes. Having no tiles is
// worth any.
func rowsWorth(spans []span) int {
	if len(spans) == 0 {
		return math.MaxInt
	}
	rows := 0
	for _, x := range spans {
		rows += 32 + x.rows
	}
	return rows
}
