// Package bench measures how long a function takes on a machine that others
// may be using, and says how far the figures can be trusted. It knows nothing
// of what it measures.
package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// Config says how long to measure and when to stop. A zero field has the
// default that stands beside it.
type Config struct {
	Warmup time.Duration // most time for runs that are not counted; 2 s
	Time   time.Duration // most time for samples, all functions together; 5 s
	Runs   int           // most samples of each function; 65536

	// MinRuns is the number of samples below which precision does not end the
	// measurement; 30. Time and Runs end it nevertheless.
	MinRuns int

	// Precision ends the measurement once both ends of the median's interval
	// are within this share of the median; 0.01.
	Precision float64

	Confidence float64 // of all intervals, between 0 and 1; 0.95

	// Threads are the operating system's ids of threads that work for the
	// function beside the caller's. Their waiting counts as the function's.
	Threads []int
}

const (
	settledRuns  = 5    // runs that warming up looks back on
	settledShare = 0.05 // of the best run, within which they must be
	heapHeadroom = 1 << 30
)

func (c Config) withDefaults() (Config, error) {
	if c.Warmup < 0 || c.Time < 0 || c.Runs < 0 || c.MinRuns < 0 || c.Precision < 0 {
		return c, fmt.Errorf("a limit of the measurement is negative: %+v", c)
	}
	if c.Confidence < 0 || c.Confidence >= 1 {
		return c, fmt.Errorf("confidence %v is not between 0 and 1", c.Confidence)
	}
	setDefault(&c.Warmup, 2*time.Second)
	setDefault(&c.Time, 5*time.Second)
	setDefault(&c.Runs, 1<<16)
	setDefault(&c.MinRuns, 30)
	setDefault(&c.Precision, 0.01)
	setDefault(&c.Confidence, 0.95)
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Measure times run, which must do the same work each time. It warms up until
// the last five runs are within 5% of the best, then takes samples until
// config ends it, at least one. Meanwhile the goroutine keeps its thread and
// garbage is collected only for every gigabyte that run allocates, so one
// measurement at a time may go on in a process. Done contexts and errors of run end
// it with an error.
func Measure(ctx context.Context, run func() error, config Config) (Sample, error) {
	samples, err := measureHere(ctx, []func() error{run}, config)
	if err != nil {
		return Sample{}, err
	}
	return samples[0], nil
}

// Interleave times several functions in turns, one run of each per round, so
// that what disturbs the machine disturbs all alike. It ends when every
// median is precise, or as Measure does.
func Interleave(ctx context.Context, runs []func() error, config Config) (Comparison, error) {
	samples, err := measureHere(ctx, runs, config)
	return Comparison{Samples: samples}, err
}

func measureHere(ctx context.Context, runs []func() error, config Config) ([]Sample, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := openHost(config.Threads)
	defer h.close()
	return measure(ctx, h, runs, config)
}

// trial collects the samples of one function.
type trial struct {
	run       func() error
	durations []time.Duration
	delays    []time.Duration
	sorted    []float64 // room to look at the median
	warmup    int
	settled   bool
}

func measure(ctx context.Context, h host, runs []func() error, config Config) ([]Sample, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, errors.New("nothing to measure")
	}
	trials := make([]trial, len(runs))
	for i, run := range runs {
		trials[i] = trial{
			run:       run,
			durations: make([]time.Duration, 0, config.Runs),
			delays:    make([]time.Duration, 0, config.Runs),
			sorted:    make([]float64, 0, config.Runs),
		}
	}
	defer quietCollector()()
	for i := range trials {
		limit := config.Warmup / time.Duration(len(trials))
		if err := trials[i].warmUp(ctx, h, limit); err != nil {
			return nil, err
		}
	}
	speed := h.spin()
	before := h.signals()
	start := h.now()
	stopped, err := takeSamples(ctx, h, trials, config)
	if err != nil {
		return nil, err
	}
	elapsed := h.now() - start
	signals := h.signals().since(before)
	signals.ClockDrift = float64(h.spin())/float64(speed) - 1

	samples := make([]Sample, len(trials))
	for i, t := range trials {
		s := NewSample(t.durations, t.delays, config.Confidence)
		s.WarmupRuns, s.Settled = t.warmup, t.settled
		s.Stopped, s.Elapsed, s.Signals, s.precision = stopped, elapsed, signals, config.Precision
		s.Warnings = s.judge()
		samples[i] = s
	}
	return samples, nil
}

// quietCollector collects garbage and then holds the collector off until the
// function that it returns is called, or the heap has grown by heapHeadroom.
func quietCollector() (restore func()) {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(limit, int64(memory.Sys-memory.HeapReleased)+heapHeadroom))
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

// warmUp runs until the times settle or limit has passed, at least once.
func (t *trial) warmUp(ctx context.Context, h host, limit time.Duration) error {
	var last [settledRuns]time.Duration
	best := time.Duration(math.MaxInt64)
	for start := h.now(); t.warmup == 0 || h.now()-start < limit; {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := h.now()
		if err := t.run(); err != nil {
			return fmt.Errorf("warm-up run %d: %w", t.warmup+1, err)
		}
		took := h.now() - began
		best = min(best, took)
		last[t.warmup%settledRuns] = took
		t.warmup++
		if t.warmup >= settledRuns && float64(slices.Max(last[:])) <= float64(best)*(1+settledShare) {
			t.settled = true
			return nil
		}
	}
	return nil
}

// takeSamples does rounds of one sample each until one of config's limits
// ends it.
func takeSamples(ctx context.Context, h host, trials []trial, config Config) (Stop, error) {
	start := h.now()
	look := max(config.MinRuns, 1)
	for n := 1; ; n++ {
		for i := range trials {
			if err := ctx.Err(); err != nil {
				return "", err
			}
			if err := trials[i].sample(h); err != nil {
				return "", fmt.Errorf("run %d: %w", n, err)
			}
		}
		if n >= look {
			if precise(trials, config) {
				return StopPrecise, nil
			}
			look = n + n/4 + 1 // seldom enough to cost little
		}
		if n >= config.Runs {
			return StopRuns, nil
		}
		if h.now()-start >= config.Time {
			return StopTime, nil
		}
	}
}

// sample times one run. Only the run is between the two readings of the clock.
func (t *trial) sample(h host) error {
	waited := h.delay()
	start := h.now()
	err := t.run()
	took := h.now() - start
	t.durations = append(t.durations, took)
	if waited >= 0 {
		t.delays = append(t.delays, h.delay()-waited)
	}
	return err
}

// precise reports whether the median of every trial is known well enough.
func precise(trials []trial, config Config) bool {
	for i := range trials {
		t := &trials[i]
		t.sorted = t.sorted[:0]
		for _, d := range t.durations {
			t.sorted = append(t.sorted, float64(d))
		}
		slices.Sort(t.sorted)
		if !quantileOf(t.sorted, 0.5, config.Confidence).within(config.Precision) {
			return false
		}
	}
	return true
}
