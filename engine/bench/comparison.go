package bench

import (
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Comparison holds the samples of functions that were run in turns: run i of
// each belongs to round i.
type Comparison struct {
	Samples []Sample
}

// Interval is a value between bounds. High is +Inf and Low 0 where the
// samples are too few for a bound.
type Interval struct {
	Value, Low, High float64
}

// Ratio says how the times of one function relate to another's: above 1, it
// is slower.
type Ratio struct {
	// Medians is the ratio of the medians. Its interval holds at the samples'
	// confidence: each median's own is taken at half the doubt (Bonferroni).
	Medians Interval
	// Rounds is the median of the ratios of each round, which cancels what
	// slows whole rounds, with its order-statistic interval.
	Rounds Interval
	Minima float64 // the ratio of the shortest times
}

// Ratio compares function a with function b, by their index in Samples.
func (c Comparison) Ratio(a, b int) Ratio {
	x, y := c.Samples[a], c.Samples[b]
	half := 1 - (1-x.Confidence)/2
	p, q := x.QuantileAt(0.5, half), y.QuantileAt(0.5, half)
	return Ratio{
		Medians: Interval{
			Value: float64(p.Value) / float64(q.Value),
			Low:   float64(p.Low) / upper(q.High),
			High:  upper(p.High) / float64(q.Low),
		},
		Rounds: medianRatio(x, y),
		Minima: float64(x.Min()) / float64(y.Min()),
	}
}

func medianRatio(x, y Sample) Interval {
	ratios := make([]float64, len(x.Durations))
	for i := range ratios {
		ratios[i] = float64(x.Durations[i]) / float64(y.Durations[i])
	}
	slices.Sort(ratios)
	low, high := ranks(len(ratios), 0.5, x.Confidence)
	median := Interval{Value: stat.Quantile(0.5, stat.Empirical, ratios, nil), High: upper(Unbounded)}
	if low >= 1 {
		median.Low = ratios[low-1]
	}
	if high <= len(ratios) {
		median.High = ratios[high-1]
	}
	return median
}
