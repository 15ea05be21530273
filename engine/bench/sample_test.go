package bench

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// counting returns the durations 1, 2, … n milliseconds, out of order.
func counting(n int) []time.Duration {
	durations := make([]time.Duration, n)
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		durations[at] = time.Duration(i+1) * ms
	}
	return durations
}

func TestQuantile(t *testing.T) {
	// The ranks of the median's interval are those of the tables in Conover,
	// Practical Nonparametric Statistics, and of Hahn & Meeker.
	cases := []struct {
		n, value, low, high int // ranks; a high of 0 is unbounded
		p, confidence       float64
		claimed             bool
	}{
		{1, 1, 0, 0, 0.5, 0.95, false},
		{5, 3, 0, 0, 0.5, 0.95, false},
		{6, 3, 1, 6, 0.5, 0.95, false},
		{7, 4, 1, 7, 0.5, 0.95, true},
		{10, 5, 2, 9, 0.5, 0.95, true},
		{20, 10, 6, 15, 0.5, 0.95, true},
		{100, 50, 40, 61, 0.5, 0.95, true},
		{43, 39, 35, 43, 0.9, 0.95, false},
		{44, 40, 35, 44, 0.9, 0.95, true},
		{458, 454, 449, 458, 0.99, 0.95, false},
		{459, 455, 450, 459, 0.99, 0.95, true},
		{100, 99, 98, 0, 0.99, 0.8, false},
	}
	at := func(rank int) time.Duration { return time.Duration(rank) * ms }
	for _, c := range cases {
		got := NewSample(counting(c.n), nil, c.confidence).Quantile(c.p)
		want := Quantile{P: c.p, Value: at(c.value), Low: at(c.low), High: at(c.high), Claimed: c.claimed}
		if c.high == 0 {
			want.High = Unbounded
		}
		if got != want {
			t.Errorf("p%g of %d runs at %g: %+v\nwant %+v", 100*c.p, c.n, c.confidence, got, want)
		}
	}
}

// TestRanksHoldTheirConfidence sums the binomial distribution itself: the
// interval must hold its confidence in each tail, and none narrower would.
func TestRanksHoldTheirConfidence(t *testing.T) {
	below := func(n, k int, p float64) (sum float64) { // P(B < k)
		for i := range min(k, n+1) {
			choose, _ := math.Lgamma(float64(n + 1))
			a, _ := math.Lgamma(float64(i + 1))
			b, _ := math.Lgamma(float64(n - i + 1))
			sum += math.Exp(choose - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		return sum
	}
	const slack = 1e-9 // of the sums
	for _, n := range []int{1, 2, 6, 7, 30, 100, 459, 700} {
		for _, p := range []float64{0.05, 0.5, 0.9, 0.99} {
			for _, confidence := range []float64{0.5, 0.8, 0.95, 0.99} {
				low, high := ranks(n, p, confidence)
				tail := (1 - confidence) / 2
				if low > 0 && below(n, low, p) > tail+slack || low < n && below(n, low+1, p) <= tail-slack {
					t.Errorf("n %d, p %g, confidence %g: lower rank %d", n, p, confidence, low)
				}
				above := func(k int) float64 { return 1 - below(n, k, p) } // P(B >= k)
				if high <= n && above(high) > tail+slack || high > 1 && above(high-1) <= tail-slack {
					t.Errorf("n %d, p %g, confidence %g: upper rank %d", n, p, confidence, high)
				}
			}
		}
	}
}

// TestIntervalsCoverTheTruth draws skewed samples whose quantiles are known.
func TestIntervalsCoverTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	const trials, n = 600, 200
	for _, p := range []float64{0.5, 0.9} {
		truth := time.Duration(-math.Log(1-p) * float64(time.Second))
		covered := 0
		for range trials {
			durations := make([]time.Duration, n)
			for i := range durations {
				durations[i] = time.Duration(random.ExpFloat64() * float64(time.Second))
			}
			if q := NewSample(durations, nil, 0.9).Quantile(p); q.Low <= truth && truth <= q.High {
				covered++
			}
		}
		if share := float64(covered) / trials; share < 0.87 {
			t.Errorf("p%g: 90%% intervals hold the truth in %.1f%% of trials", 100*p, 100*share)
		}
	}
}

func TestClaimFloor(t *testing.T) {
	for p, want := range map[float64]int{0.5: 7, 0.9: 44, 0.95: 90, 0.99: 459, 0.999: 4603, 0.01: 459} {
		if got := ClaimFloor(p); got != want {
			t.Errorf("ClaimFloor(%g) = %d, want %d", p, got, want)
		}
	}
}

func TestMeanMinMax(t *testing.T) {
	s := NewSample([]time.Duration{3 * ms, ms, 8 * ms}, nil, 0.95)
	if s.Mean() != 4*ms || s.Min() != ms || s.Max() != 8*ms {
		t.Errorf("mean %v, min %v, max %v; want 4ms, 1ms, 8ms", s.Mean(), s.Min(), s.Max())
	}
}

func TestContaminated(t *testing.T) {
	const us = time.Microsecond
	cases := []struct {
		reason      string
		took, delay time.Duration
		want        bool
	}{
		{"no delay", ms, 0, false},
		{"20 µs of a long run are bearable", 100 * ms, 20 * us, false},
		{"21 µs are not", 100 * ms, 21 * us, true},
		{"2% of a short run are bearable", 100 * us, 2 * us, false},
		{"3% are not", 100 * us, 3 * us, true},
	}
	for _, c := range cases {
		s := NewSample([]time.Duration{c.took}, []time.Duration{c.delay}, 0.95)
		if got := s.Contaminated(0); got != c.want {
			t.Errorf("%s: Contaminated = %v", c.reason, got)
		}
		if _, ok := s.Clean(); ok == c.want {
			t.Errorf("%s: there is a clean run: %v", c.reason, ok)
		}
	}
	unknown := NewSample([]time.Duration{ms}, nil, 0.95)
	if _, ok := unknown.Clean(); ok || unknown.Contaminated(0) {
		t.Error("runs whose delays are unknown are called clean or contaminated")
	}
}

func TestNewSampleRefuses(t *testing.T) {
	one := []time.Duration{ms}
	for reason, make := range map[string]func(){
		"no durations":      func() { NewSample(nil, nil, 0.95) },
		"delays of another": func() { NewSample(one, make([]time.Duration, 2), 0.95) },
		"no confidence":     func() { NewSample(one, nil, 0) },
		"a quantile of one": func() { NewSample(one, nil, 0.95).Quantile(1) },
		"a quantile of NaN": func() { NewSample(one, nil, 0.95).Quantile(math.NaN()) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", reason)
				}
			}()
			make()
		}()
	}
}

func TestInterleave(t *testing.T) {
	h := &fakeHost{}
	var order []byte
	a := func() error { order = append(order, 'A'); h.time += 30 * ms; return nil }
	b := func() error { order = append(order, 'B'); h.time += 20 * ms; return nil }
	samples, err := measure(t.Context(), h, []func() error{a, b}, Config{Runs: 40, MinRuns: 40})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := order[10:], bytes.Repeat([]byte("AB"), 40); !bytes.Equal(got, want) {
		t.Errorf("after warming up the order is %s", got)
	}
	ratio := Comparison{Samples: samples}.Ratio(0, 1)
	want := Interval{1.5, 1.5, 1.5}
	if ratio.Medians != want || ratio.Rounds != want || ratio.Minima != 1.5 {
		t.Errorf("ratio %+v, want 1.5 throughout", ratio)
	}
}

func TestRatio(t *testing.T) {
	noisy, steady := make([]time.Duration, 100), make([]time.Duration, 100)
	for i, d := range counting(100) {
		steady[i] = 100*ms + d
		noisy[i] = 2 * steady[i] // the same trouble in each round
	}
	c := Comparison{Samples: []Sample{NewSample(noisy, nil, 0.95), NewSample(steady, nil, 0.95)}}
	r := c.Ratio(0, 1)
	if r.Rounds != (Interval{2, 2, 2}) {
		t.Errorf("by rounds %+v, want 2 throughout", r.Rounds)
	}
	// Each median is the 50th of 100 with ranks 39 and 62 at 97.5%.
	if want := (Interval{300. / 150, 278. / 162, 324. / 139}); r.Medians != want {
		t.Errorf("of medians %+v, want %+v", r.Medians, want)
	}
	few := Comparison{Samples: []Sample{NewSample(noisy[:3], nil, 0.95), NewSample(steady[:3], nil, 0.95)}}
	if r := few.Ratio(0, 1); r.Medians.Low != 0 || !math.IsInf(r.Medians.High, 1) || r.Rounds.Low != 0 || !math.IsInf(r.Rounds.High, 1) {
		t.Errorf("three rounds bound the ratio: %+v", r)
	}
}

func TestRecord(t *testing.T) {
	durations, delays := counting(50), make([]time.Duration, 50)
	for i, d := range durations {
		if d > 20*ms {
			delays[i] = ms // three fifths of the runs waited
		}
	}
	s := NewSample(durations, delays, 0.95)
	r := s.Record()
	if !r.Contended || r.Clean == nil || r.Clean.Samples != 20 || r.Clean.P50Ms != 10 || r.Clean.P90Ms != nil {
		t.Fatalf("record %+v with clean %+v; want contended, 20 clean runs with median 10 and no p90", r, r.Clean)
	}
	if r.P50Ms != 25 || r.P90Ms == nil || *r.P90Ms != 45 || r.P99Ms != nil {
		t.Errorf("p50 %v, p90 %v, p99 %v; want 25, 45, none", r.P50Ms, r.P90Ms, r.P99Ms)
	}
	// All runs alone give 18 to 33, the clean ones 6 to 15.
	if r.CIHighMs == nil || r.CILowMs != 6 || *r.CIHighMs != 33 {
		t.Errorf("interval %v to %v, want 6 to 33", r.CILowMs, r.CIHighMs)
	}

	var asJSON, asYAML Record
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &asJSON)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(`"p99Ms":null`)) || !bytes.Contains(text, []byte(`"warnings":[]`)) {
		t.Errorf("JSON hides what is unknown: %s", text)
	}
	text, err = yaml.Marshal(r)
	if err == nil {
		err = yaml.Unmarshal(text, &asYAML)
	}
	if err != nil {
		t.Fatal(err)
	}
	if asJSON.P50Ms != r.P50Ms || asYAML.P50Ms != r.P50Ms || *asJSON.P90Ms != *asYAML.P90Ms || asYAML.Clean.Samples != 20 {
		t.Errorf("read back as JSON %+v, as YAML %+v", asJSON, asYAML)
	}
}

func TestRecordOfOneRun(t *testing.T) {
	text, err := json.Marshal(NewSample([]time.Duration{ms}, nil, 0.95).Record())
	if err != nil || !bytes.Contains(text, []byte(`"ciHighMs":null`)) || !bytes.Contains(text, []byte(`"clean":null`)) {
		t.Errorf("%s, %v", text, err)
	}
}
