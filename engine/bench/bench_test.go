package bench

import (
	"context"
	"errors"
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// fakeHost is a machine whose clock moves only when a run moves it.
type fakeHost struct {
	time, waited time.Duration
	unwatched    bool
	readings     []reading       // what signals returns in turn
	spins        []time.Duration // what spin returns in turn
}

func (h *fakeHost) now() time.Duration { return h.time }
func (h *fakeHost) close()             {}

func (h *fakeHost) delay() time.Duration {
	if h.unwatched {
		return -1
	}
	return h.waited
}

func (h *fakeHost) spin() time.Duration {
	if len(h.spins) == 0 {
		return ms
	}
	first := h.spins[0]
	h.spins = h.spins[1:]
	return first
}

func (h *fakeHost) signals() reading {
	if len(h.readings) == 0 {
		return unknownReading()
	}
	first := h.readings[0]
	h.readings = h.readings[1:]
	return first
}

// taking returns a function that takes the given times in turn, the last of
// them for ever.
func (h *fakeHost) taking(times ...time.Duration) func() error {
	return func() error {
		h.time += times[0]
		if len(times) > 1 {
			times = times[1:]
		}
		return nil
	}
}

func codes(warnings []Warning) string {
	var all []string
	for _, w := range warnings {
		all = append(all, w.Code)
	}
	return strings.Join(all, " ")
}

func TestMeasureStops(t *testing.T) {
	alternating := make([]time.Duration, 4000)
	for i := range alternating {
		alternating[i] = ms * time.Duration(10+10*(i%2))
	}
	cases := []struct {
		reason   string
		times    []time.Duration
		config   Config
		stopped  Stop
		samples  int
		warmup   int
		settled  bool
		warnings string
	}{
		{"steady times settle in five runs and are precise at MinRuns",
			[]time.Duration{10 * ms}, Config{}, StopPrecise, 30, 5, true, WarnTailUnknown},
		{"slow first runs are waited for",
			[]time.Duration{100 * ms, 50 * ms, 20 * ms, 10 * ms}, Config{}, StopPrecise, 30, 8, true, WarnTailUnknown},
		{"MinRuns lets p99 be claimed",
			[]time.Duration{ms}, Config{MinRuns: 459}, StopPrecise, 459, 5, true, ""},
		{"Runs ends it before precision may",
			[]time.Duration{10 * ms}, Config{Runs: 7}, StopRuns, 7, 5, true, WarnTailUnknown},
		{"six equal runs are the fewest that bound a median at 95%",
			[]time.Duration{10 * ms}, Config{MinRuns: 1, Runs: 100}, StopPrecise, 6, 5, true, WarnTailUnknown},
		{"times that jump never settle, and Time ends it",
			alternating, Config{Warmup: time.Second, Time: 3 * time.Second}, StopTime, 200, 67, false,
			WarnUnsettled + " " + WarnImprecise + " " + WarnTailUnknown},
		{"one run longer than all limits is still measured",
			[]time.Duration{time.Hour}, Config{}, StopTime, 1, 1, false,
			WarnUnsettled + " " + WarnImprecise + " " + WarnTailUnknown},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			h := &fakeHost{}
			samples, err := measure(t.Context(), h, []func() error{h.taking(c.times...)}, c.config)
			if err != nil {
				t.Fatal(err)
			}
			s := samples[0]
			if s.Stopped != c.stopped || len(s.Durations) != c.samples {
				t.Errorf("%d samples, stopped by %s; want %d by %s", len(s.Durations), s.Stopped, c.samples, c.stopped)
			}
			if s.WarmupRuns != c.warmup || s.Settled != c.settled {
				t.Errorf("%d warm-up runs, settled %v; want %d, %v", s.WarmupRuns, s.Settled, c.warmup, c.settled)
			}
			if got := codes(s.Warnings); got != c.warnings {
				t.Errorf("warnings %q, want %q", got, c.warnings)
			}
			var sum time.Duration
			for _, d := range s.Durations {
				sum += d
			}
			if s.Elapsed != sum {
				t.Errorf("elapsed %v, the runs took %v", s.Elapsed, sum)
			}
		})
	}
}

func TestMeasureKeepsContaminatedRuns(t *testing.T) {
	h := &fakeHost{}
	n := 0
	run := func() error {
		h.time += 10 * ms
		if n++; n%4 == 0 {
			h.time += 5 * ms
			h.waited += 5 * ms
		}
		return nil
	}
	samples, err := measure(t.Context(), h, []func() error{run}, Config{Runs: 40, MinRuns: 40, Warmup: 50 * ms})
	if err != nil {
		t.Fatal(err)
	}
	s := samples[0]
	clean, ok := s.Clean()
	if !ok || len(s.Durations) != 40 || len(clean.Durations) != 30 {
		t.Fatalf("%d runs, %d of them clean; want 40 and 30", len(s.Durations), len(clean.Durations))
	}
	if s.Max() != 15*ms || clean.Max() != 10*ms {
		t.Errorf("longest run %v, longest clean one %v; want 15ms and 10ms", s.Max(), clean.Max())
	}
	if s.Contended() {
		t.Error("a quarter of delayed runs counts as contended")
	}
	if got := codes(s.Warnings); !strings.Contains(got, WarnDelayed) || strings.Contains(got, WarnContended) {
		t.Errorf("warnings %q, want %s among them", got, WarnDelayed)
	}
}

func TestWarnings(t *testing.T) {
	quiet := reading{stolen: 0, ticks: 1000, switches: 3, load1: 0.1}
	after := func(change func(*reading)) []reading {
		later := quiet
		later.ticks += 1000
		change(&later)
		return []reading{quiet, later}
	}
	half := make([]time.Duration, 60)
	for i := range half {
		half[i] = 10*ms + ms*time.Duration(i/45)*3 + time.Duration(i) // 5 warm-up runs, 40 at 10 ms, 15 at 13 ms
	}
	cases := []struct {
		reason string
		host   *fakeHost
		times  []time.Duration
		config Config
		want   string
		not    string
	}{
		{"a quiet machine", &fakeHost{readings: after(func(*reading) {})}, nil, Config{}, WarnTailUnknown,
			WarnContended + WarnLoad + WarnClockDrift + WarnUnwatched},
		{"2% stolen", &fakeHost{readings: after(func(r *reading) { r.stolen += 20 })}, nil, Config{}, WarnContended, ""},
		{"0.5% stolen is bearable", &fakeHost{readings: after(func(r *reading) { r.stolen += 5 })}, nil, Config{}, WarnTailUnknown, WarnContended},
		{"a load of 500 processors before", &fakeHost{readings: []reading{{load1: 500}, quiet}}, nil, Config{}, WarnLoad, ""},
		{"slower by 4%", &fakeHost{spins: []time.Duration{100 * ms, 104 * ms}}, nil, Config{}, WarnClockDrift, ""},
		{"faster by 4%", &fakeHost{spins: []time.Duration{100 * ms, 96 * ms}}, nil, Config{}, WarnClockDrift, ""},
		{"slower by 2% is bearable", &fakeHost{spins: []time.Duration{100 * ms, 102 * ms}}, nil, Config{}, WarnTailUnknown, WarnClockDrift},
		{"the system tells nothing", &fakeHost{unwatched: true}, nil, Config{}, WarnUnwatched, WarnDelayed},
		{"the second half is slower", &fakeHost{}, half, Config{Runs: 80, MinRuns: 80}, WarnTrend, ""},
	}
	for _, c := range cases {
		if c.times == nil {
			c.times = []time.Duration{10 * ms}
		}
		samples, err := measure(t.Context(), c.host, []func() error{c.host.taking(c.times...)}, c.config)
		if err != nil {
			t.Fatal(err)
		}
		got := codes(samples[0].Warnings)
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: warnings %q, want %q among them", c.reason, got, c.want)
		}
		for _, code := range strings.Fields(got) {
			if strings.Contains(c.not, code) {
				t.Errorf("%s: warns %q", c.reason, code)
			}
		}
	}
}

func TestMeasureErrors(t *testing.T) {
	broken := errors.New("broken")
	fail := func(after int) func() error {
		return func() error {
			if after--; after < 0 {
				return broken
			}
			return nil
		}
	}
	cases := []struct {
		reason string
		runs   []func() error
		config Config
		want   string
	}{
		{"the first run fails", []func() error{fail(0)}, Config{}, "warm-up run 1: broken"},
		{"a later run fails", []func() error{fail(7)}, Config{}, "run 3: broken"},
		{"no function", nil, Config{}, "nothing to measure"},
		{"a negative limit", []func() error{fail(0)}, Config{Time: -1}, "negative"},
		{"a confidence of one", []func() error{fail(0)}, Config{Confidence: 1}, "confidence 1 "},
	}
	for _, c := range cases {
		_, err := measure(t.Context(), &fakeHost{}, c.runs, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.reason, err, c.want)
		}
	}
	_, err := measure(t.Context(), &fakeHost{}, []func() error{fail(7)}, Config{})
	if !errors.Is(err, broken) {
		t.Errorf("%v does not wrap the run's error", err)
	}
}

func TestMeasureIsCancelled(t *testing.T) {
	for _, at := range []int{1, 20} {
		ctx, cancel := context.WithCancel(t.Context())
		h, n := &fakeHost{}, 0
		run := func() error {
			h.time += ms
			if n++; n == at {
				cancel()
			}
			return nil
		}
		if _, err := measure(ctx, h, []func() error{run}, Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in run %d: error %v", at, err)
		}
		if n != at {
			t.Errorf("cancelled in run %d, but ran %d times", at, n)
		}
	}
}

func TestCollectorIsRestored(t *testing.T) {
	percent := debug.SetGCPercent(123)
	defer debug.SetGCPercent(percent)
	limit := debug.SetMemoryLimit(1 << 40)
	defer debug.SetMemoryLimit(limit)
	during := 0
	func() {
		defer func() { _ = recover() }()
		_, _ = Measure(t.Context(), func() error {
			during = debug.SetGCPercent(-1)
			panic("the run panics")
		}, Config{})
	}()
	if during != -1 {
		t.Errorf("GC percentage during a run is %d, want it off", during)
	}
	if got := debug.SetGCPercent(123); got != 123 {
		t.Errorf("GC percentage %d afterwards, want 123", got)
	}
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("memory limit %d afterwards, want %d", got, 1<<40)
	}
}

// TestMeasureForReal checks what holds on any machine, however slow.
func TestMeasureForReal(t *testing.T) {
	n := 0
	s, err := Measure(t.Context(), func() error { n++; return nil }, Config{Runs: 50, MinRuns: 50})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Durations) != 50 || n != 50+s.WarmupRuns {
		t.Errorf("%d samples of %d runs after %d for warming up", len(s.Durations), n, s.WarmupRuns)
	}
	if s.Min() < 0 || s.Elapsed <= 0 || math.IsNaN(s.Signals.ClockDrift) {
		t.Errorf("shortest run %v, elapsed %v, drift %v", s.Min(), s.Elapsed, s.Signals.ClockDrift)
	}
}

func TestSamplingAllocatesNothing(t *testing.T) {
	h := openHost(nil)
	defer h.close()
	trial := trial{
		run:       func() error { return nil },
		durations: make([]time.Duration, 0, 1000),
		delays:    make([]time.Duration, 0, 1000),
	}
	allocs := testing.AllocsPerRun(500, func() {
		if err := trial.sample(h); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("a sample allocates %v times", allocs)
	}
}
