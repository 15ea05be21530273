package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

var tunedHere = TunedFor{Model: "01", CPU: "c", Features: "avx2"}

// lastly is a tuner for which the last way is always the fastest.
func lastly() *Tuner {
	t := NewTuner(tunedHere)
	t.measure = func(works []func()) int {
		for _, work := range works {
			work()
		}
		return len(works) - 1
	}
	return t
}

// TestWaysAgree runs models in the last of all ways, which must give what the first give.
func TestWaysAgree(t *testing.T) {
	for _, name := range []string{"resnet18@64", "mobilenetv2@64", "squeezenet@64", "minilm@16"} {
		for _, precision := range []Precision{FP32, Mixed} {
			m, err := zoo.Build(name)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			outputs := func(tuner *Tuner) (*Program, []tensor.Tensor) {
				p, err := Compile(m, Options{Features: cpu.Detect(), Threads: 2, Precision: precision, Tuner: tuner})
				if err != nil {
					t.Fatal(err)
				}
				s := p.NewSession()
				t.Cleanup(s.Close)
				out := make([]tensor.Tensor, len(p.Outputs))
				if err := s.Run(p.SeededInputs(1), out); err != nil {
					t.Fatal(err)
				}
				return p, out
			}
			_, want := outputs(nil)
			tuner := lastly()
			p, got := outputs(tuner)
			if p.Threads() != 1 || tuner.Measured() == 0 {
				t.Errorf("%s: %d threads after %d choices, of which the last way is one thread", name, p.Threads(), tuner.Measured())
			}
			tolerance := Tolerance{RMS: 1e-5}
			if precision == Mixed {
				tolerance.RMS = 5e-2
			}
			for i := range got {
				if d, err := Compare(got[i], want[i], tolerance); err != nil || !d.Within {
					t.Errorf("%s %v: output %d differs by %.2g RMS, %v", name, precision, i, d.RelativeRMS, err)
				}
			}
		}
	}
}

func TestTunerRemembers(t *testing.T) {
	tuner := lastly()
	tried := 0
	try := func(string, *parallel.Team) (func(), error) { tried++; return func() {}, nil }
	choose := func(key string, ways ...string) string {
		t.Helper()
		way, err := tuner.choose(nil, key, ways, try)
		if err != nil {
			t.Fatal(err)
		}
		return way
	}
	if way := choose("k", "a", "b"); way != "b" || tried != 2 || tuner.Measured() != 1 {
		t.Fatalf("%q after %d trials and %d choices", way, tried, tuner.Measured())
	}
	file, err := tuner.Write()
	if err != nil {
		t.Fatal(err)
	}
	measure := tuner.measure
	if tuner, err = ReadTuner(file, tunedHere); err != nil {
		t.Fatal(err)
	}
	tuner.measure = measure
	if way := choose("k", "a", "b"); way != "b" || tried != 2 || tuner.Measured() != 0 {
		t.Errorf("read back: %q after %d trials and %d choices", way, tried, tuner.Measured())
	}
	if way := choose("k", "a", "c"); way != "c" || tried != 4 || tuner.Measured() != 1 {
		t.Errorf("a way that is no more: %q after %d trials and %d choices", way, tried, tuner.Measured())
	}
}

func TestReadTunerRefuses(t *testing.T) {
	file, err := lastly().Write()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		reason, file string
		of           TunedFor
		want         string
	}{
		{"a damaged file", string(file[:len(file)/2]), tunedHere, "unexpected end"},
		{"an empty file", "", tunedHere, "unexpected end"},
		{"another version", strings.Replace(string(file), `"version": 1`, `"version": 0`, 1), tunedHere, "version 0"},
		{"another model", string(file), TunedFor{"02", "c", "avx2"}, "for model 01"},
		{"another processor", string(file), TunedFor{"01", "d", "avx2"}, "on c"},
		{"fewer instructions", string(file), TunedFor{"01", "c", ""}, "with avx2"},
		{"no choices", strings.Replace(string(file), "{}", "null", 1), tunedHere, "none"},
	}
	for _, c := range cases {
		if _, err := ReadTuner([]byte(c.file), c.of); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.reason, err, c.want)
		}
	}
}

func TestDecide(t *testing.T) {
	around := func(ms float64, n int) (times []time.Duration) {
		for i := range n {
			times = append(times, time.Duration(ms*1e6)+time.Duration(i%5)*10*time.Microsecond)
		}
		return times
	}
	cases := []struct {
		reason string
		times  [][]time.Duration
		want   int
	}{
		{"the fastest of two that are faster", [][]time.Duration{around(3, 20), around(2, 20), around(1, 20)}, 2},
		{"slower ways", [][]time.Duration{around(1, 20), around(2, 20)}, 0},
		{"ways that are alike", [][]time.Duration{around(1, 20), around(1, 20)}, 0},
		{"faster in so few rounds that it may be chance", [][]time.Duration{around(2, 5), around(1, 5)}, 0},
		{"as few rounds as there are at least", [][]time.Duration{around(2, fewestTrial), around(1, fewestTrial)}, 1},
	}
	for _, c := range cases {
		if got := decide(c.times); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
	}
}

// BenchmarkTuner says how many times as fast as static rules a tuner makes models, in turns, how long it takes, and which ways it found faster.
func BenchmarkTuner(b *testing.B) {
	for _, name := range []string{"resnet50", "resnet18", "mobilenetv2", "squeezenet", "minilm"} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", name, threads), func(b *testing.B) {
				m, err := zoo.Build(name)
				if err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				tuner := NewTuner(tunedHere)
				var runs []func() error
				start := time.Now()
				for _, t := range []*Tuner{tuner, nil} {
					p, err := Compile(m, Options{Features: cpu.Detect(), Threads: threads, Tuner: t})
					if err != nil {
						b.Fatal(err)
					}
					s := p.NewSession()
					defer s.Close()
					in, out := p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs))
					runs = append(runs, func() error { return s.Run(in, out) })
				}
				compiled := time.Since(start)
				c, err := bench.Interleave(b.Context(), runs, bench.Config{Time: 3 * time.Second, Warmup: time.Second})
				if err != nil {
					b.Fatal(err)
				}
				r := c.Ratio(1, 0)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(compiled.Seconds(), "compile-s")
				b.ReportMetric(r.Rounds.Value, "times-as-fast")
				b.Logf("%.3f [%.3f, %.3f], %d choices\n%v", r.Rounds.Value, r.Rounds.Low, r.Rounds.High, tuner.Measured(), tuner)
			})
		}
	}
}
