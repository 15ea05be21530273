package conv

import "testing"

// TestCuts holds each way to cut an image into tiles to covering every pixel
// once, with tiles that are no taller than allowed and neither begin nor end in
// a gap.
func TestCuts(t *testing.T) {
	for _, l := range []lines{
		{count: 1, pixels: 1, gap: -1},
		{count: 1, pixels: 100, gap: -1},
		{count: 7, pixels: 7, gap: 0},
		{count: 7, pixels: 7, gap: 2},
		{count: 14, pixels: 14, gap: 2},
		{count: 9, pixels: 5, gap: 40}, // wider than a tile
		{count: 5, pixels: 70, gap: 1},
		{count: 1, pixels: 9, gap: 3},
	} {
		for _, limit := range []int{1, 4, 14, 32} {
			checkCut(t, l, limit, l.cut(limit))
			if through := l.cutThrough(limit); l.gap >= 0 && l.pixels >= limit {
				checkCut(t, lines{count: l.count, pixels: l.pixels}, limit, through)
			} else if l.gap < 0 && through != nil {
				t.Errorf("%+v: tiles through lines that are out of step", l)
			}
			if pairs := l.cutPairs(limit); pairs != nil {
				checkCut(t, lines{count: l.count, pixels: l.pixels}, limit, pairs)
			}
			if across := l.cutAcross(limit); l.gap >= 0 {
				checkCut(t, l, limit, across)
			} else if across != nil {
				t.Errorf("%+v: tiles across lines that are out of step", l)
			}
		}
	}
}

func checkCut(t *testing.T, l lines, limit int, spans []span) {
	t.Helper()
	seen := make([]int, l.count*l.pixels)
	for _, x := range spans {
		if x.rows < 1 || x.rows > limit {
			t.Errorf("%+v: tile of %d rows, at most %d allowed", l, x.rows, limit)
		}
		line, pixel, left := x.line, x.pixel, x.left
		for row := 0; ; {
			seen[line*l.pixels+pixel]++
			pixel++
			if row++; row == x.rows {
				break
			}
			if left--; left == 0 {
				row += l.gap
				line, pixel, left = line+1, 0, l.pixels
			}
			if row >= x.rows {
				t.Fatalf("%+v: tile %+v ends in a gap", l, x)
			}
			if pixel == l.pixels {
				t.Fatalf("%+v: tile %+v runs over the end of a line", l, x)
			}
		}
	}
	for i, n := range seen {
		if n != 1 {
			t.Fatalf("%+v in tiles of %d: pixel %d of line %d is computed %d times", l, limit, i%l.pixels, i/l.pixels, n)
		}
	}
}

// TestShapesRunAcross holds TestConvolve to having what tiles across lines must
// get right.
func TestShapesRunAcross(t *testing.T) {
	want := map[string]bool{
		"1x1, one line":                  false,
		"1x1 into a halo":                true,
		"1x1 stride 2":                   true,
		"3x3 of whole vectors":           true,
		"3x3 stride 2, pads only behind": true,
		"groups of several channels":     true,
		"two images":                     true,
		"into a slice of channels":       true,
		"lines that fill tiles":          false,
	}
	for _, s := range shapes {
		if across, listed := want[s.reason]; listed {
			l := s.geometry().lines()
			if got := rowsWorth(l.cutAcross(32)) < rowsWorth(l.cut(32)); got != across {
				t.Errorf("%s: tiles of 32 across lines are better: %v", s.reason, got)
			}
			delete(want, s.reason)
		}
	}
	for reason := range want {
		t.Errorf("no shape is called %q", reason)
	}
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		reason string
		lines
		want bool
	}{
		{"one line of many tiles", lines{count: 1, pixels: 49, gap: -1}, true},
		{"short lines close together", lines{count: 7, pixels: 7, gap: 2}, true},
		{"short lines far apart", lines{count: 7, pixels: 7, gap: 9}, false},
		{"short lines out of step", lines{count: 7, pixels: 7, gap: -1}, false},
		{"lines of nearly a tile", lines{count: 14, pixels: 14, gap: -1}, true},
	} {
		if got := c.fill(16); got != c.want {
			t.Errorf("%s: tiles of 16 rows are two thirds full: %v", c.reason, got)
		}
	}
}
