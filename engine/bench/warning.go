package bench

import (
	"fmt"
	"math"
	"time"
)

// Warning is a reason to doubt a sample's figures.
type Warning struct {
	Code string `json:"code" yaml:"code"` // one of the Warn constants
	Text string `json:"text" yaml:"text"` // a sentence with the figures
}

// The codes of warnings.
const (
	WarnContended   = "contended"    // half of the runs waited, or the hypervisor took more than 1%
	WarnDelayed     = "delayed"      // some runs waited for a processor
	WarnLoad        = "load"         // more was running than there are processors
	WarnClockDrift  = "clock-drift"  // the processor's speed changed by more than 3%
	WarnUnsettled   = "unsettled"    // times had not settled when warming up ended
	WarnImprecise   = "imprecise"    // the median's interval is wider than was asked for
	WarnTrend       = "trend"        // the first and the second half differ
	WarnTailUnknown = "tail-unknown" // too few runs to claim p99
	WarnUnwatched   = "unwatched"    // this system does not tell who waited
)

const (
	stealLimit = 0.01
	cleanLimit = 0.5
	driftLimit = 0.03
)

// Contended reports whether others had so much of the machine that the
// figures describe them too: fewer than half of the runs are clean, or the
// hypervisor took more than 1% of the processors' time.
func (s Sample) Contended() bool {
	stolen := s.Signals.Steal != nil && *s.Signals.Steal > stealLimit
	return stolen || float64(len(s.Durations)-s.contaminated()) < cleanLimit*float64(len(s.Durations))
}

func (s Sample) contaminated() (count int) {
	for i := range s.Durations {
		if s.Contaminated(i) {
			count++
		}
	}
	return count
}

// judge lists what speaks against the sample, the gravest first.
func (s Sample) judge() []Warning {
	var warnings []Warning
	warn := func(code, format string, args ...any) {
		warnings = append(warnings, Warning{code, fmt.Sprintf(format, args...)})
	}
	n, delayed := len(s.Durations), s.contaminated()
	switch waits := s.describeWaits(delayed); {
	case s.Contended() && s.Signals.Steal != nil:
		warn(WarnContended, "%s; the hypervisor took %.1f%% of the processors' time", waits, 100**s.Signals.Steal)
	case s.Contended():
		warn(WarnContended, "%s", waits)
	case delayed > 0:
		warn(WarnDelayed, "%s", waits)
	}
	if load := s.Signals.Load1; load != nil && *load > float64(s.Signals.CPUs) {
		warn(WarnLoad, "load average %.1f on %d processors before the first sample", *load, s.Signals.CPUs)
	}
	if drift := s.Signals.ClockDrift; math.Abs(drift) > driftLimit {
		warn(WarnClockDrift, "the processor took %+.1f%% time for the same work after the last sample", 100*drift)
	}
	if !s.Settled {
		warn(WarnUnsettled, "times had not settled after %d warm-up runs", s.WarmupRuns)
	}
	if median := s.Quantile(0.5); !median.within(s.precision) {
		warn(WarnImprecise, "%d runs give the median as %s, wider than ±%g%%", n, median, 100*s.precision)
	}
	if n >= 4 {
		first, second := NewSample(s.Durations[:n/2], nil, s.Confidence), NewSample(s.Durations[n/2:], nil, s.Confidence)
		a, b := first.Quantile(0.5), second.Quantile(0.5)
		if a.High < b.Low || b.High < a.Low {
			warn(WarnTrend, "the median of the first half is %s, of the second %s", a, b)
		}
	}
	if floor := ClaimFloor(0.99); n < floor {
		warn(WarnTailUnknown, "p99 is not claimed from %d runs; it needs %d", n, floor)
	}
	if s.Delays == nil {
		warn(WarnUnwatched, "this system does not tell which runs waited for a processor")
	}
	return warnings
}

// describeWaits tells how many runs waited, and the median without them.
func (s Sample) describeWaits(delayed int) string {
	var longest time.Duration
	for _, delay := range s.Delays {
		longest = max(longest, delay)
	}
	text := fmt.Sprintf("%d of %d runs waited for a processor, up to %v", delayed, len(s.Durations), digits3(longest))
	if clean, ok := s.Clean(); ok && delayed > 0 {
		text += fmt.Sprintf("; the median is %v without them, %v with them", digits3(clean.Quantile(0.5).Value), digits3(s.Quantile(0.5).Value))
	}
	return text
}

// String shows the value and its interval, such as "4.1ms [4.0ms, 4.2ms]".
func (q Quantile) String() string {
	if q.High == Unbounded {
		return fmt.Sprintf("%v [%v, ?]", digits3(q.Value), digits3(q.Low))
	}
	return fmt.Sprintf("%v [%v, %v]", digits3(q.Value), digits3(q.Low), digits3(q.High))
}

// digits3 rounds a duration to three significant digits, for reading.
func digits3(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
