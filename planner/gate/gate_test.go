package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// option is a choice in a test: what is bought, its cost and its latency.
type option struct {
	instance      string
	monthly, slaM float64
}

// plan is a report whose choices are listed from the cheapest on; without any, nothing is feasible.
func plan(options ...option) *sizing.Report {
	r := &sizing.Report{
		Metadata: report.Metadata{
			Tool: report.Tool{Version: "v1.0.0"}, Catalog: &report.Origin{SHA256: "c1", AsOf: "2026-01-01"}, Coefficients: &report.Origin{SHA256: "k1"}},
		Spec: sizing.Spec{Model: sizing.Model{Name: "m", Sha256: "aaaa", Flops: 1e9}, Objective: string(planner.Hourly), Batch: 1,
			Budget: sizing.Budget{TotalMs: 100, InferenceMs: 100, Percentile: 99, Confidence: 0.9}, Constraints: sizing.Constraints{AsOf: "2026-02-01"}},
		Status: planner.Plan{Verdict: planner.Infeasible, Feasible: len(options)},
	}
	for i, o := range options {
		r.Status.Plans = append(r.Status.Plans, planner.Choice{
			Rank: i + 1, Region: "us-east-1", Instance: o.instance, Precision: "fp32", Format: "fp32", Runtime: "onnxruntime", Replicas: 1,
			Lifecycle: planner.Lifecycle{Instance: "current"}, Purchase: planner.Purchase{Option: "on-demand"},
			Latency: planner.Latency{P50Ms: o.slaM / 2, P99Ms: o.slaM, SlaMs: o.slaM, HeadroomMs: 100 - o.slaM, Basis: "modelled"},
			Cost:    planner.Cost{HourlyUsd: o.monthly / 730, TotalHourlyUsd: o.monthly / 730, MonthlyUsd: o.monthly, TotalMonthlyUsd: o.monthly, PerMillionUsd: o.monthly / 100},
		})
	}
	if len(options) > 0 {
		best := r.Status.Plans[0]
		r.Status.Verdict, r.Status.Best = planner.Feasible, &best
	}
	return r
}

func with(r *sizing.Report, change func(*sizing.Report)) *sizing.Report {
	change(r)
	return r
}

// owning covers the choices of a report, at a blended cost of an hour each.
func owning(r *sizing.Report, blended ...float64) *sizing.Report {
	for i := range blended {
		r.Status.Plans[i].Owned = &planner.Owned{BlendedHourlyUsd: blended[i]}
	}
	r.Status.Best = &r.Status.Plans[0]
	return r
}

// best changes the answer, in both places where a report holds it.
func best(r *sizing.Report, change func(*planner.Choice)) *sizing.Report {
	change(r.Status.Best)
	change(&r.Status.Plans[0])
	return r
}

// measured gives a report a benchmark and anchors its answer on it.
func measured(r *sizing.Report, low, p50, high float64) *sizing.Report {
	r.Status.Benchmark = &planner.Benchmark{Host: planner.Host{CPU: "cpu", ISA: "avx512", Cores: 2},
		Runs: []planner.Run{{Precision: "fp32", Threads: 2, Samples: 100, P50Ms: p50, CILowMs: low, CIHighMs: high}}}
	return best(r, func(c *planner.Choice) { c.Latency.Basis = "anchored" })
}

func at(v float64) *float64 { return &v }

func TestLimits(t *testing.T) {
	c5 := option{"c5.large", 50, 80}
	monthly, million := gate.Limits{MaxMonthlyUsd: at(50)}, gate.Limits{MaxPerMillionUsd: at(0.5)}
	growth, slower, spare := gate.Limits{MaxIncreasePercent: at(10)}, gate.Limits{MaxLatencyRegressionPercent: at(10)}, gate.Limits{MinHeadroomPercent: at(20)}
	perMillion := func(r *sizing.Report) *sizing.Report {
		return with(r, func(r *sizing.Report) { r.Spec.Objective = string(planner.PerMillion) })
	}
	infinite := func(r *sizing.Report) *sizing.Report {
		return best(r, func(c *planner.Choice) {
			c.Cost.TotalMonthlyUsd, c.Cost.PerMillionUsd, c.Latency.SlaMs, c.Latency.HeadroomMs = math.NaN(), math.NaN(), math.NaN(), math.NaN()
		})
	}
	for _, c := range []struct {
		name       string
		head, base *sizing.Report
		limits     gate.Limits
		on         gate.Basis
		passed     bool
		says       string
	}{
		{"a month at the limit", plan(c5), nil, monthly, "", true, "50.00 USD a month, at most 50.00 USD allowed"},
		{"a month over it", plan(option{"c5.large", 50.01, 80}), nil, monthly, "", false, "50.01 USD a month"},
		{"a month over it by less than a cent", plan(option{"c5.large", 50.001, 80}), nil, monthly, "", false, "50.001 USD a month, at most 50.00"},
		{"a month of nobody knows what", infinite(plan(c5)), nil, monthly, "", false, "unknown a month"},
		{"a million at the limit", plan(c5), nil, million, "", true, "0.5000 USD per million requests"},
		{"a million over it", plan(option{"c5.large", 50.1, 80}), nil, million, "", false, "0.5010 USD per million requests"},
		{"a million of nobody knows what", infinite(plan(c5)), nil, million, "", false, "unknown per million"},
		{"nothing may be spent, and nothing is", plan(option{"c5.large", 0, 80}), nil, gate.Limits{MaxMonthlyUsd: at(0)}, "", true, "0.00 USD a month"},
		{"headroom at the limit", plan(c5), nil, spare, "", true, "20% of the 100 ms are spare, at least 20% asked"},
		{"headroom below it", plan(option{"c5.large", 50, 80.1}), nil, spare, "", false, "19.9% of the 100 ms"},
		{"no headroom known", infinite(plan(c5)), nil, spare, "", false, "unknown of the 100 ms"},
		{"headroom of no budget", with(plan(c5), func(r *sizing.Report) { r.Spec.Budget.InferenceMs = 0 }), nil, spare, "", false, "unknown of the 0 ms"},
		{"an increase at the limit", plan(option{"c5.large", 55, 80}), plan(c5), growth, "", true, "55.00 USD a month against the base's 50.00 USD, +10%, at most +10% allowed"},
		{"an increase over it", plan(option{"c5.large", 55.1, 80}), plan(c5), growth, "", false, "+10.2%"},
		{"a decrease", plan(option{"c5.large", 5, 80}), plan(c5), growth, "", true, "-90%"},
		{"an increase from nothing", plan(c5), plan(option{"c5.large", 0, 80}), growth, "", false, "from nothing"},
		{"nothing after nothing", plan(option{"c5.large", 0, 80}), plan(option{"c5.large", 0, 80}), growth, "", true, "+0%"},
		{"an increase of what the objective does not count", perMillion(best(plan(option{"c5.large", 90, 80}), func(c *planner.Choice) { c.Cost.PerMillionUsd = 0.5 })), perMillion(plan(c5)), growth, "", true, "0.5000 USD per million requests against"},
		{"an increase to nobody knows what", infinite(plan(c5)), plan(c5), growth, "", false, "unknown"},
		{"an increase over a base without an answer", plan(c5), plan(), growth, "", true, "the base has no answer to compare with"},
		{"a regression at the limit", plan(option{"c5.large", 50, 88}), plan(c5), slower, "", true, "p99 ≤ 88.0 ms modelled against the base's 80.0 ms, +10%"},
		{"a regression over it", plan(option{"c5.large", 50, 88.1}), plan(c5), slower, "", false, "+10.1%"},
		{"a regression to nobody knows what", infinite(plan(c5)), plan(c5), slower, "", false, "unknown"},
		{"a regression over a base without an answer", plan(c5), plan(), slower, "", true, "no answer to compare with"},
		{"another percentile: centres", with(plan(option{"c5.large", 50, 84}), func(r *sizing.Report) { r.Spec.Budget.Percentile = 50 }), plan(c5), slower, "", true, "centre (the SLA's percentile or confidence changed) 42.0 ms"},
		{"a model that changed is said", with(plan(c5), func(r *sizing.Report) { r.Spec.Model.Sha256 = "bbbb" }), plan(c5), growth, "", true, "(the model changed: aaaa to bbbb)"},
		{"anchored on the same measurement: exact", measured(plan(option{"c5.large", 50, 88.1}), 38, 40, 42), measured(plan(c5), 38, 40, 42), slower, "", false, "+10.1%"},
		{"anchored on another: what the intervals support", measured(plan(option{"c5.large", 50, 96}), 44, 48, 50), measured(plan(c5), 38, 40, 42), slower, "", true, "+20%, of which the intervals of the two measurements (medians of 40.0 ms and 48.0 ms) support +4.76%"},
		{"anchored on another, and beyond the intervals", measured(plan(option{"c5.large", 50, 96}), 47.9, 48, 48.1), measured(plan(c5), 39.9, 40, 40.1), slower, "", false, "support +19.5%"},
		{"measured: the bounds at the limit", measured(plan(c5), 46.2, 60, 80), measured(plan(c5), 30, 40, 42), slower, gate.Measured, true, "at least 46.2 ms, the base's at most 42.0 ms, +10%"},
		{"measured: the bounds over it", measured(plan(c5), 46.3, 47, 48), measured(plan(c5), 30, 40, 42), slower, gate.Measured, false, "+10.2%"},
		{"measured: a modelled regression is no matter", measured(plan(option{"c5.large", 50, 99}), 38, 40, 42), measured(plan(c5), 38, 40, 42), slower, gate.Measured, true, "fp32 measured with 2 threads"},
		{"measured: no bound", measured(plan(c5), math.NaN(), 47, 48), measured(plan(c5), 30, 40, 42), slower, gate.Measured, false, "at least unknown"},
	} {
		r, err := gate.Judge(gate.Request{Head: c.head, Base: c.base, Gates: gate.Gates{Limits: c.limits, On: c.on, File: "plan.yaml"}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		f := r.Findings[len(r.Findings)-1]
		if len(r.Findings) != 2 || f.Passed != c.passed || r.Passed != c.passed || !strings.Contains(f.Message, c.says) || f.File != "plan.yaml" || f.Subject != "m" || f.Level != report.Deny {
			t.Errorf("%s: %+v, want passed %v and %q", c.name, r.Findings, c.passed, c.says)
		}
	}
}

// An answer that moves to a near tie fails nothing, as long as what the base chose is still there.
func TestNearTie(t *testing.T) {
	base := plan(option{"c5.large", 50, 80}, option{"m5.large", 50.1, 97})
	limits := gate.Limits{MaxIncreasePercent: at(5), MaxLatencyRegressionPercent: at(10), MinHeadroomPercent: at(10)}
	for _, c := range []struct {
		name     string
		head     *sizing.Report
		pick     string
		violated string // rules
		says     string
	}{
		{"the same", plan(option{"c5.large", 50, 80}), "", "", ""},
		{"the order flips", plan(option{"m5.large", 49.9, 97}, option{"c5.large", 50, 80}), "", "", "passed, because what the base chose, 1 x c5.large, On-Demand, in us-east-1, is still there and keeps every limit; p99 ≤ 80.0 ms"},
		{"the order flips, and is picked", plan(option{"m5.large", 49.9, 97}, option{"c5.large", 50, 80}), "m5.large", "max-latency-regression min-headroom", ""},
		{"the order flips, and the old one is picked", plan(option{"m5.large", 49.9, 97}, option{"c5.large", 50, 80}), "2", "", "1 x c5.large"},
		{"the old one is gone", plan(option{"m5.large", 49.9, 97}), "", "max-latency-regression min-headroom", "what the base chose, 1 x c5.large, On-Demand, in us-east-1, is no longer feasible"},
		{"the old one is not listed", with(plan(option{"m5.large", 49.9, 97}), func(r *sizing.Report) { r.Status.Feasible = 9 }), "", "max-latency-regression min-headroom", "is no longer feasible, or costs at least 52.40 USD a month (of 9 that are feasible the report lists the 1 cheapest; eiplan plan --top 9 lists all)"},
		{"the old one takes up more of what is owned", owning(plan(option{"m5.large", 0, 97}, option{"c5.large", 0, 80}), 0.06, 0.0631), "", "max-latency-regression min-headroom", "no near tie"},
		{"the old one takes up as much of what is owned", owning(plan(option{"m5.large", 0, 97}, option{"c5.large", 0, 80}), 0.06, 0.0629), "", "", "passed, because"},
		{"the old one is no near tie any more", plan(option{"m5.large", 40, 97}, option{"c5.large", 50, 80}), "", "max-latency-regression min-headroom", "is still there, but no near tie: 50.00 USD a month"},
		{"the old one is just a near tie", plan(option{"m5.large", 50, 97}, option{"c5.large", 52.5, 80}), "", "", "passed, because"},
		{"the old one is just none", plan(option{"m5.large", 50, 97}, option{"c5.large", 52.51, 80}), "", "max-latency-regression min-headroom", "no near tie"},
		{"the old one got worse too", plan(option{"m5.large", 58, 97}, option{"c5.large", 60, 80}), "", "max-increase max-latency-regression min-headroom", "breaks a limit today too: 60.00 USD a month against"},
		{"the old one got worse and is the answer", plan(option{"c5.large", 60, 80}, option{"m5.large", 61, 85}), "", "max-increase", "the base chose the same"},
		{"bought in another way is another choice", best(plan(option{"c5.large", 60, 80}), func(c *planner.Choice) { c.Purchase.Option = "spot" }), "", "max-increase", "is no longer feasible"},
	} {
		r, err := gate.Judge(gate.Request{Head: c.head, Base: base, Gates: gate.Gates{Limits: limits}, Pick: c.pick})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var violated, said []string
		for _, f := range r.Findings {
			said = append(said, f.Message)
			if !f.Passed {
				violated = append(violated, f.Rule)
			}
		}
		if got := strings.Join(violated, " "); got != c.violated || !strings.Contains(strings.Join(said, "\n"), c.says) {
			t.Errorf("%s: violated %q, want %q, saying %q:\n%s", c.name, got, c.violated, c.says, strings.Join(said, "\n"))
		}
	}
}

func TestWhatCannotBeJudged(t *testing.T) {
	c5 := option{"c5.large", 50, 80}
	slower := gate.Limits{MaxLatencyRegressionPercent: at(10)}
	for _, c := range []struct {
		name string
		r    gate.Request
		err  string
	}{
		{"an increase without a base", gate.Request{Head: plan(c5), Gates: gate.Gates{Limits: gate.Limits{MaxIncreasePercent: at(1)}}}, "increase of cost needs a base"},
		{"a regression without a base", gate.Request{Head: plan(c5), Gates: gate.Gates{Limits: slower}}, "regression of latency needs a base"},
		{"another model", gate.Request{Head: plan(c5), Base: with(plan(c5), func(r *sizing.Report) { r.Spec.Model.Name = "other" })}, `the base is of another model: of "other" (aaaa), not of "m"`},
		{"no such rank", gate.Request{Head: plan(c5), Pick: "7"}, `no choice "7": it has the ranks 1 to 1`},
		{"no such name", gate.Request{Head: plan(c5), Pick: "c5"}, `no choice "c5"`},
		{"no such basis", gate.Request{Head: plan(c5), Gates: gate.Gates{On: "guessed"}}, `not "guessed"`},
		{"nothing measured here", gate.Request{Head: plan(c5), Base: measured(plan(c5), 1, 2, 3), Gates: gate.Gates{Limits: slower, On: gate.Measured}}, "the report was planned without a measurement"},
		{"nothing measured there", gate.Request{Head: measured(plan(c5), 1, 2, 3), Base: plan(c5), Gates: gate.Gates{Limits: slower, On: gate.Measured}}, "the base was planned without a measurement"},
		{"measured elsewhere", gate.Request{Head: measured(plan(c5), 1, 2, 3), Base: with(measured(plan(c5), 1, 2, 3), func(r *sizing.Report) { r.Status.Benchmark.Host.CPU = "slow" }), Gates: gate.Gates{Limits: slower, On: gate.Measured}}, "measured on another machine: on 2 cores of \"slow\""},
		{"another precision", gate.Request{Head: measured(plan(c5), 1, 2, 3), Base: with(measured(plan(c5), 1, 2, 3), func(r *sizing.Report) { r.Status.Benchmark.Runs[0].Precision = "mixed" }), Gates: gate.Gates{Limits: slower, On: gate.Measured}}, "measured no precision alike"},
	} {
		if _, err := gate.Judge(c.r); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, v := range []planner.Verdict{planner.Infeasible, planner.Unknown} {
		head := with(plan(), func(r *sizing.Report) { r.Status.Verdict = v })
		r, err := gate.Judge(gate.Request{Head: head, Base: plan(option{"c5.large", 50, 80}), Pick: "3", Gates: gate.Gates{Limits: gate.Limits{MaxMonthlyUsd: at(1), MaxIncreasePercent: at(1)}}})
		if err != nil || r.Passed || r.Judged != nil || len(r.Findings) != 1 || r.Findings[0].Passed || r.Findings[0].Rule != "verdict" {
			t.Errorf("%s: %+v, %v", v, r, err)
		}
	}
}

// Raising a limit never adds a violation; lowering the headroom that is asked does not either.
func TestRaisingALimitNeverAddsAViolation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	options := func() []option {
		var list []option
		for i, name := range []string{"c5.large", "m5.large", "c6i.large"} {
			list = append(list, option{name, 40 + 10*float64(i) + 10*random.Float64(), 60 + 40*random.Float64()})
		}
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list[:1+random.IntN(3)]
	}
	violations := func(r gate.Request) map[string]bool {
		result, err := gate.Judge(r)
		if err != nil {
			t.Fatal(err)
		}
		failed := map[string]bool{}
		for _, f := range result.Findings {
			if !f.Passed {
				failed[f.Rule] = true
			}
		}
		return failed
	}
	seen := 0
	for range 3000 {
		l := gate.Limits{MaxMonthlyUsd: at(40 + 40*random.Float64()), MaxPerMillionUsd: at(0.4 + 0.4*random.Float64()),
			MaxIncreasePercent: at(20 * random.Float64()), MaxLatencyRegressionPercent: at(20 * random.Float64()), MinHeadroomPercent: at(40 * random.Float64())}
		r := gate.Request{Head: plan(options()...), Base: plan(options()...), Gates: gate.Gates{Limits: l}}
		before := violations(r)
		seen += len(before)
		raised := r
		for i, limit := range []**float64{&raised.Limits.MaxMonthlyUsd, &raised.Limits.MaxPerMillionUsd, &raised.Limits.MaxIncreasePercent, &raised.Limits.MaxLatencyRegressionPercent, &raised.Limits.MinHeadroomPercent} {
			factor := 1 + random.Float64()
			if i == 4 {
				factor = 1 / factor
			}
			if random.IntN(2) == 0 {
				*limit = at(**limit * factor)
			}
		}
		for rule := range violations(raised) {
			if !before[rule] {
				t.Fatalf("%s is violated only since limits were raised:\n%s\n%s", rule, fmt.Sprint(limitsOf(l)), fmt.Sprint(limitsOf(raised.Limits)))
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d violations seen", seen)
	}
}

func limitsOf(l gate.Limits) []float64 {
	return []float64{*l.MaxMonthlyUsd, *l.MaxPerMillionUsd, *l.MaxIncreasePercent, *l.MaxLatencyRegressionPercent, *l.MinHeadroomPercent}
}
