package bench

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		draw func(i int) time.Duration
		n    int
	}{
		{"one run", func(int) time.Duration { return time.Millisecond }, 1},
		{"all alike", func(int) time.Duration { return time.Millisecond }, 50},
		{"two values", func(i int) time.Duration { return time.Duration(1+i%2) * time.Millisecond }, 50},
		{"quartiles alike, with a straggler", func(i int) time.Duration { return time.Millisecond + time.Duration(i/49)*time.Second }, 50},
		{"a long tail", func(int) time.Duration { return time.Duration(1e6 * (1 + random.ExpFloat64())) }, 3000},
	} {
		var list []time.Duration
		for i := range c.n {
			list = append(list, c.draw(i))
		}
		s := NewSample(list, nil, 0.95)
		bins, total := s.Histogram(), 0
		for i, b := range bins {
			total += b.Runs
			if i > 0 && b.From != bins[i-1].To {
				t.Errorf("%s: a gap before bin %d", c.name, i)
			}
			counted := 0
			for _, d := range list {
				if d >= b.From && (d < b.To || i == len(bins)-1 && d == b.To) {
					counted++
				}
			}
			if counted != b.Runs {
				t.Errorf("%s: bin %d from %v to %v says %d runs of %d", c.name, i, b.From, b.To, b.Runs, counted)
			}
		}
		if total != c.n || len(bins) > mostBins || bins[0].From != s.Min() || bins[len(bins)-1].To != s.Max() {
			t.Errorf("%s: %d of %d runs in %d bins from %v to %v", c.name, total, c.n, len(bins), bins[0].From, bins[len(bins)-1].To)
		}
	}
}
