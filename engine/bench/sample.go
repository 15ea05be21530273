package bench

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Stop says what ended a measurement.
type Stop string

// The ways a measurement ends.
const (
	StopPrecise Stop = "precise" // the median's interval was narrow enough
	StopTime    Stop = "time"
	StopRuns    Stop = "runs"
)

// Sample is what a measurement found. Its figures are of all runs; those of
// the runs that nothing held up are beside them, in Clean.
type Sample struct {
	Durations []time.Duration // of each run, in the order taken
	// Delays is how long the threads of each run waited for a processor
	// although they could have run, together; nil where that is unknown.
	Delays []time.Duration

	Confidence float64       // of Quantile's intervals
	WarmupRuns int           // runs before the first sample
	Settled    bool          // whether they ended because their times had settled
	Stopped    Stop          // why sampling ended
	Elapsed    time.Duration // from the first sample to the last
	Signals    Signals
	Warnings   []Warning // what speaks against the figures; none if nothing does

	precision float64
	sorted    []float64 // Durations in nanoseconds, ascending
}

// NewSample makes a sample of given durations, at least one, and of delays:
// as many, or none where they are unknown. Confidence is that of Quantile's
// intervals. It keeps both slices.
func NewSample(durations, delays []time.Duration, confidence float64) Sample {
	if len(durations) == 0 || len(delays) != 0 && len(delays) != len(durations) || confidence <= 0 || confidence >= 1 {
		panic(fmt.Sprintf("bench: sample of %d durations and %d delays at confidence %v", len(durations), len(delays), confidence))
	}
	if len(delays) == 0 {
		delays = nil
	}
	return Sample{Durations: durations, Delays: delays, Confidence: confidence, sorted: ascending(durations)}
}

func ascending(durations []time.Duration) []float64 {
	sorted := make([]float64, len(durations))
	for i, d := range durations {
		sorted[i] = float64(d)
	}
	slices.Sort(sorted)
	return sorted
}

// Quantile is a time that a share P of runs does not exceed.
type Quantile struct {
	P         float64
	Value     time.Duration // the ceil(P·n)-th of the n durations in ascending order
	Low, High time.Duration // the interval's ends: 0 and Unbounded where n is too small for an end

	// Claimed says that n is at least ClaimFloor(P). A quantile that is not
	// claimed must not be called measured.
	Claimed bool
}

// Unbounded is the upper end of an interval that the sample does not close.
const Unbounded time.Duration = math.MaxInt64

// claimConfidence is the probability with which, at the claim floor, at least
// one run is beyond the quantile; as in MLPerf LoadGen's early stopping, where
// p99 needs 459 queries if none may exceed the bound.
const claimConfidence = 0.99

// ClaimFloor returns the least n with 1 - p^n ≥ 0.99, that is
// ln(1-0.99)/ln(p) rounded up: 459 for p = 0.99. Below the median it counts
// from the other end. p must be above 0 and below 1.
func ClaimFloor(p float64) int {
	mustBeShare(p)
	return int(math.Ceil(math.Log1p(-claimConfidence) / math.Log(max(p, 1-p))))
}

func mustBeShare(p float64) {
	if !(p > 0 && p < 1) {
		panic(fmt.Sprintf("bench: quantile %v is not between 0 and 1", p))
	}
}

// Quantile returns the quantile p, above 0 and below 1, with its interval at
// the sample's confidence.
func (s Sample) Quantile(p float64) Quantile { return s.QuantileAt(p, s.Confidence) }

// QuantileAt returns the quantile p with an interval that holds the true
// quantile with at least the given confidence, whatever the distribution, so
// long as runs are independent: its ends are order statistics whose ranks the
// binomial distribution gives, (1-confidence)/2 for each tail (Conover,
// Practical Nonparametric Statistics, section 3.2). For a bound on one side
// with confidence c, ask for 2c-1.
func (s Sample) QuantileAt(p, confidence float64) Quantile {
	return quantileOf(s.sorted, p, confidence)
}

func quantileOf(sorted []float64, p, confidence float64) Quantile {
	mustBeShare(p)
	n := len(sorted)
	q := Quantile{
		P:       p,
		Value:   time.Duration(stat.Quantile(p, stat.Empirical, sorted, nil)),
		High:    Unbounded,
		Claimed: n >= ClaimFloor(p),
	}
	low, high := ranks(n, p, confidence)
	if low >= 1 {
		q.Low = time.Duration(sorted[low-1])
	}
	if high <= n {
		q.High = time.Duration(sorted[high-1])
	}
	return q
}

// ranks returns the ranks, counted from 1, of the order statistics that
// enclose the quantile p of n runs; 0 or n+1 where there is none. With B the
// number of runs below the quantile, low is the greatest rank with
// P(B < low) ≤ tail and high the least with P(B ≥ high) ≤ tail.
func ranks(n int, p, confidence float64) (low, high int) {
	below := distuv.Binomial{N: float64(n), P: p}
	tail := (1 - confidence) / 2
	low = sort.Search(n, func(k int) bool { return below.CDF(float64(k)) > tail })
	high = 1 + sort.Search(n, func(k int) bool { return below.CDF(float64(k)) >= 1-tail })
	return low, high
}

// within reports whether both ends are within a share of the value.
func (q Quantile) within(share float64) bool {
	return float64(max(q.High-q.Value, q.Value-q.Low)) <= share*float64(q.Value)
}

// Mean returns the arithmetic mean of all durations.
func (s Sample) Mean() time.Duration { return time.Duration(stat.Mean(s.sorted, nil)) }

// Min returns the shortest duration.
func (s Sample) Min() time.Duration { return time.Duration(s.sorted[0]) }

// Max returns the longest duration.
func (s Sample) Max() time.Duration { return time.Duration(s.sorted[len(s.sorted)-1]) }

const (
	delayLimit = 20 * time.Microsecond
	delayShare = 50 // a delay above 1/50 of the run counts, even below delayLimit
)

// Contaminated reports whether run i waited for a processor for more than
// 20 µs, or 2% of its time if that is less. It is false where delays are unknown.
func (s Sample) Contaminated(i int) bool {
	return s.Delays != nil && s.Delays[i] > min(delayLimit, s.Durations[i]/delayShare)
}

// Clean returns the sample of the runs that are not contaminated, without
// signals and warnings. There is none if delays are unknown or no run is clean.
func (s Sample) Clean() (clean Sample, ok bool) {
	if s.Delays == nil {
		return Sample{}, false
	}
	var durations, delays []time.Duration
	for i, d := range s.Durations {
		if !s.Contaminated(i) {
			durations, delays = append(durations, d), append(delays, s.Delays[i])
		}
	}
	if len(durations) == 0 {
		return Sample{}, false
	}
	return NewSample(durations, delays, s.Confidence), true
}
