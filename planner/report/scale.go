package report

import "math"

// scale maps the values from low to high onto the positions from start to end.
type scale struct {
	low, high  float64
	start, end float64
	log        bool
}

// span makes a scale that holds all values, with a little room beyond them. A linear one begins at 0.
func span(log bool, start, end float64, values []float64) scale {
	s := scale{start: start, end: end, log: log}
	if log {
		s.low, s.high = math.Inf(1), math.Inf(-1)
		for _, v := range values {
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
		if s.low > s.high {
			s.low, s.high = 1, 10
		}
		room := max(math.Pow(s.high/s.low, 0.04), 1.1)
		s.low, s.high = s.low/room, s.high*room
		return s
	}
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	if s.high == s.low {
		s.high = s.low + 1
	}
	s.high += 0.04 * (s.high - s.low)
	return s
}

// at is the position of a value; values beyond the scale are drawn at its ends.
func (s *scale) at(v float64) float64 {
	v = min(max(v, s.low), s.high)
	share := (v - s.low) / (s.high - s.low)
	if s.log {
		share = math.Log(v/s.low) / math.Log(s.high/s.low)
	}
	return s.start + share*(s.end-s.start)
}

// ticks are round values on the scale, about n of them.
func (s *scale) ticks(n int) []float64 {
	if s.log {
		if list := s.logTicks(n); len(list) > 2 {
			return list
		}
	}
	step := math.Pow(10, math.Floor(math.Log10((s.high-s.low)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (s.high-s.low)/(m*step) <= float64(n)*1.2 {
			step *= m
			break
		}
	}
	var list []float64
	for k := math.Ceil(s.low / step); k*step <= s.high; k++ {
		list = append(list, k*step)
	}
	return list
}

// logTicks are 1, 2 and 5 in every power of ten, or as many of them as n leaves room for.
func (s *scale) logTicks(n int) []float64 {
	first, last := math.Floor(math.Log10(s.low)), math.Floor(math.Log10(s.high))
	sparse := math.Ceil((last - first + 1) / float64(n)) // powers of ten from tick to tick
	for _, digits := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		var list []float64
		for k := first; k <= last; k += sparse {
			for _, d := range digits {
				if v := d * math.Pow(10, k); v >= s.low && v <= s.high {
					list = append(list, v)
				}
			}
		}
		if len(list) <= n || len(digits) == 1 {
			return list
		}
	}
	return nil
}

// scales of a chart's number lines: X from left to right, Y from bottom to top. An interval counts where it is drawn.
func (c *Chart) scales(left, right, top, bottom float64) (x, y scale) {
	var xs, ys []float64
	c.each(func(_ *Series, p *Point) {
		xs, ys = append(xs, p.X), append(ys, p.Y)
		if p.High > 0 && (p.Strong || c.Kind == Histogram) {
			xs = append(xs, p.Low, p.High)
		}
	})
	for _, l := range c.Limits {
		if l.OfY {
			ys = append(ys, l.Value)
		} else {
			xs = append(xs, l.Value)
		}
	}
	x, y = span(c.X.Log, left, right, xs), span(c.Y.Log, bottom, top, ys)
	if c.Kind == Histogram { // its bins need not begin at 0
		x.low, x.high = xs[0], xs[0]
		for _, v := range xs {
			x.low, x.high = min(x.low, v), max(x.high, v)
		}
	}
	return x, y
}
