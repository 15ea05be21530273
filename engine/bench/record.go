package bench

import (
	"math"
	"time"
)

// Record is a sample as reports hold it, in milliseconds.
type Record struct {
	Samples    int      `json:"samples" yaml:"samples"`
	WarmupRuns int      `json:"warmupRuns" yaml:"warmupRuns"`
	Stopped    Stop     `json:"stopped" yaml:"stopped"`
	MinMs      float64  `json:"minMs" yaml:"minMs"`
	MeanMs     float64  `json:"meanMs" yaml:"meanMs"`
	MaxMs      float64  `json:"maxMs" yaml:"maxMs"`
	P50Ms      float64  `json:"p50Ms" yaml:"p50Ms"`
	P90Ms      *float64 `json:"p90Ms" yaml:"p90Ms"` // null where it is not claimed
	P99Ms      *float64 `json:"p99Ms" yaml:"p99Ms"` // null where it is not claimed

	// The interval of the median. In a contended sample it holds the clean
	// runs' interval too. The high end is null where the runs are too few.
	CILowMs    float64  `json:"ciLowMs" yaml:"ciLowMs"`
	CIHighMs   *float64 `json:"ciHighMs" yaml:"ciHighMs"`
	Confidence float64  `json:"confidence" yaml:"confidence"`

	Contended bool         `json:"contended" yaml:"contended"`
	Clean     *CleanRecord `json:"clean" yaml:"clean"` // null where it is unknown which runs waited, or all did
	Signals   Signals      `json:"signals" yaml:"signals"`
	Warnings  []Warning    `json:"warnings" yaml:"warnings"`
}

// CleanRecord holds the figures of the runs that did not wait.
type CleanRecord struct {
	Samples int      `json:"samples" yaml:"samples"`
	P50Ms   float64  `json:"p50Ms" yaml:"p50Ms"`
	P90Ms   *float64 `json:"p90Ms" yaml:"p90Ms"`
	P99Ms   *float64 `json:"p99Ms" yaml:"p99Ms"`
}

// Record returns the sample's figures for a report.
func (s Sample) Record() Record {
	median := s.Quantile(0.5)
	r := Record{
		Samples: len(s.Durations), WarmupRuns: s.WarmupRuns, Stopped: s.Stopped,
		MinMs: milliseconds(s.Min()), MeanMs: milliseconds(s.Mean()), MaxMs: milliseconds(s.Max()),
		P50Ms: milliseconds(median.Value), P90Ms: s.claimed(0.90), P99Ms: s.claimed(0.99),
		Confidence: s.Confidence, Contended: s.Contended(), Signals: s.Signals,
		Warnings: append([]Warning{}, s.Warnings...),
	}
	low, high := median.Low, median.High
	if clean, ok := s.Clean(); ok {
		m := clean.Quantile(0.5)
		if r.Contended {
			low, high = min(low, m.Low), max(high, m.High)
		}
		r.Clean = &CleanRecord{Samples: len(clean.Durations), P50Ms: milliseconds(m.Value), P90Ms: clean.claimed(0.90), P99Ms: clean.claimed(0.99)}
	}
	r.CILowMs = milliseconds(low)
	if high != Unbounded {
		ms := milliseconds(high)
		r.CIHighMs = &ms
	}
	return r
}

// claimed returns a quantile in milliseconds, nil if it may not be claimed.
func (s Sample) claimed(p float64) *float64 {
	q := s.Quantile(p)
	if !q.Claimed {
		return nil
	}
	ms := milliseconds(q.Value)
	return &ms
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// upper is d as a number, with +Inf for Unbounded.
func upper(d time.Duration) float64 {
	if d == Unbounded {
		return math.Inf(1)
	}
	return float64(d)
}
