package bench

import (
	"math"
	"time"
)

// Bin counts the runs that took from From up to To; the last bin of a histogram holds those that took its To, too.
type Bin struct {
	From, To time.Duration
	Runs     int
}

// mostBins bounds a histogram: a long tail is drawn in coarse bins rather than in hundreds of empty ones.
const mostBins = 40

// Histogram counts the runs in bins of one width, by Freedman and Diaconis' rule: twice the distance of the quartiles over the cube root of their number.
func (s Sample) Histogram() []Bin {
	low, high := s.sorted[0], s.sorted[len(s.sorted)-1]
	if low == high {
		return []Bin{{time.Duration(low), time.Duration(high), len(s.sorted)}}
	}
	quartile := func(p float64) float64 { return float64(s.Quantile(p).Value) }
	n := float64(mostBins)
	if width := 2 * (quartile(0.75) - quartile(0.25)) / math.Cbrt(float64(len(s.sorted))); width > 0 {
		n = min(math.Ceil((high-low)/width), n)
	}
	bins := make([]Bin, int(n))
	edge := func(i int) float64 { return low + (high-low)*float64(i)/n }
	for i := range bins {
		bins[i].From, bins[i].To = time.Duration(edge(i)), time.Duration(edge(i+1))
	}
	bins[len(bins)-1].To = time.Duration(high)
	i := 0
	for _, v := range s.sorted {
		for i < len(bins)-1 && v >= float64(bins[i].To) {
			i++
		}
		bins[i].Runs++
	}
	return bins
}
