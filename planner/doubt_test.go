package planner

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/pricing"
)

// codes of a plan's warnings.
func codes(p *Plan) []string {
	var all []string
	for _, w := range p.Warnings {
		all = append(all, w.Code)
	}
	return all
}

// TestWarnings: each doubt is told, and none without its reason.
func TestWarnings(t *testing.T) {
	none := mustSolve(t, request(100))
	for code, edit := range map[string]func(*Request){
		"not-measured":     func(r *Request) { r.Measured = nil },
		"low-peak":         func(r *Request) { r.Measured.Host.PeakGflopsMixed = 125 },
		"tflops-scaling":   func(r *Request) { r.Scaling = "tflops" },
		"baseline-unknown": func(r *Request) { r.Baseline, r.Constraints.Regions = "p2.xlarge", []string{"eu-north-1"} },
		"burstable":        func(r *Request) { r.Constraints.Instances, r.SLA.TotalMs = []string{"t3.*"}, 1000 },
		"late-price": func(r *Request) {
			r.AsOf, r.Constraints.Purchase, r.Constraints.Instances = 20200601, []pricing.Option{pricing.Spot}, []string{"c5.xlarge"}
		},
		"stale-price": func(r *Request) { r.Constraints.Regions = []string{"eu-west-1"} },
		"price-quality": func(r *Request) {
			r.Constraints.Regions, r.Constraints.Instances = []string{"us-east-2"}, []string{"c6i.*"}
		},
		"ei-quota": func(r *Request) {
			r.AsOf, r.Rate, r.Constraints.Accelerators = 20220601, 2000, []string{"eia*"}
		},
		"drift":         func(r *Request) { r.Measured.Drift = &Drift{RelativeRMS: 0.02}; r.SLA.TotalMs = 6 },
		"price-unknown": func(r *Request) { r.Constraints.Purchase = []pricing.Option{pricing.SavingsPlan} },
	} {
		r := request(100)
		edit(&r)
		if got := codes(mustSolve(t, r)); !slices.Contains(got, code) {
			t.Errorf("%s is not among %v", code, got)
		}
		if code != "stale-price" && slices.Contains(codes(none), code) {
			t.Errorf("%s without a reason", code)
		}
	}
}

// TestUnknownRateIsNotInfeasible: a way to buy that is sold at a rate nobody knows leaves the question open; one that is not sold answers it.
func TestUnknownRateIsNotInfeasible(t *testing.T) {
	for _, c := range []struct {
		reason  string
		option  pricing.Option
		asOf    pricing.Date
		verdict Verdict
	}{
		{"Savings Plans are sold, the rate of this type is not known", pricing.SavingsPlan, 0, Unknown},
		{"Savings Plans were not sold yet", pricing.SavingsPlan, 20190701, Infeasible},
		{"Spot blocks were sold, at a price that is derived", pricing.SpotBlock, 20200601, Feasible},
		{"Capacity Blocks are sold, but none of this type", pricing.CapacityBlock, 0, Infeasible},
		{"Spot blocks are no longer sold", pricing.SpotBlock, 0, Infeasible},
		{"On-Demand has a price", pricing.OnDemand, 0, Feasible},
	} {
		r := request(400)
		r.AsOf, r.Constraints.Instances, r.Constraints.Purchase = c.asOf, []string{"c5.2xlarge"}, []pricing.Option{c.option}
		if plan := mustSolve(t, r); plan.Verdict != c.verdict || (plan.Verdict == Unknown) != (len(plan.Unpriced) > 0) {
			t.Errorf("%s: %s, unpriced %v, rejected %v", c.reason, plan.Verdict, plan.Unpriced, plan.Rejected.Count)
		}
	}
}

// TestPriceAge counts on either side of the day of buying, and outweighs other reasons.
func TestPriceAge(t *testing.T) {
	r := request(100)
	r.Catalog = stand(t, map[string][2]int64{"c6i.2xlarge": {340e6, 100e6}})
	for asOf, want := range map[pricing.Date]Verdict{20251201: Feasible, 20260301: Feasible, 20250101: Unknown, 20270101: Unknown} {
		r.AsOf, r.Constraints.MaxPriceAgeDays = asOf, 90
		for _, interruption := range []float64{0, 5} {
			r.Constraints.MaxInterruptionPercent = interruption
			if plan := mustSolve(t, r); plan.Verdict != want {
				t.Errorf("prices of 2026-01-01 at %s: %s, %v", asOf, plan.Verdict, plan.Rejected.Count)
			}
		}
	}
}

// TestRegionsCountOnce however often they are named.
func TestRegionsCountOnce(t *testing.T) {
	r := request(100)
	once := mustSolve(t, r).Considered
	r.Constraints.Regions = []string{"us-east-1", "us-east-1"}
	if twice := mustSolve(t, r).Considered; twice != once {
		t.Errorf("%d candidates of a region named twice, %d once", twice, once)
	}
}

// TestLocalPeak: a peak below what the model itself reached was not the peak.
func TestLocalPeak(t *testing.T) {
	r := request(400)
	r.Scaling, r.AsOf = "tflops", 20200601
	r.Constraints.Accelerators = []string{"eia2.medium"}
	times := map[float64]float64{}
	for _, peak := range []float64{0, 125, 660} {
		r.Measured = measuredHere()
		r.Measured.Host.PeakGflopsMixed = peak
		for _, c := range mustSolve(t, r).Plans {
			if c.Precision == "mixed" {
				times[peak] = c.Latency.ComputeMs
			}
		}
	}
	reached := r.Workload.FLOPs / 22.3 / 1e6
	if want := 22.3 * reached / 8000; math.Abs(times[125]/want-1) > 1e-5 || times[0] != times[125] || times[660] <= times[125] {
		t.Errorf("%v, want %g ms from the rate reached", times, want)
	}
}

// TestUnmeasuredPeaks: a benchmark without peaks or bandwidth anchors nothing, rather than everything at no time at all.
func TestUnmeasuredPeaks(t *testing.T) {
	r := request(400)
	r.Constraints.Accelerators, r.Constraints.Instances = []string{"none"}, []string{"c5.xlarge"}
	r.Measured.Host = Host{Cores: 2}
	if best := mustSolve(t, r).Best; best == nil || best.Latency.Basis != "modelled" || best.Latency.P50Ms < 20 {
		t.Errorf("%+v", best)
	}
}

// TestMemory: a model that needs 2.6 GB of an accelerator does not fit one of 2 GB.
func TestMemory(t *testing.T) {
	r := request(100_000)
	r.AsOf, r.Top = 20200601, 10_000
	r.Workload.Weights = 2.5e9 / 1.2 / 4
	r.Constraints = Constraints{Accelerators: []string{"eia2.*"}, Instances: []string{"c5.xlarge"}}
	for _, c := range mustSolve(t, r).Plans {
		if c.Memory.NeededBytes > c.Memory.AvailableBytes || *c.Accelerator == "eia2.medium" && c.Precision == "fp32" {
			t.Errorf("%s in %s: %+v", *c.Accelerator, c.Precision, c.Memory)
		}
	}
	r.Constraints = Constraints{Instances: []string{"c5.large"}, Accelerators: []string{"none"}}
	if plan := mustSolve(t, r); plan.Best != nil || plan.Rejected.Nearest == nil || plan.Rejected.Nearest.Shortfall.Unit != "bytes" {
		t.Errorf("4 GiB of host memory: %s, %+v", plan.Verdict, plan.Rejected.Nearest)
	}
}

// TestBoundsAreMonotone in confidence and percentile.
func TestBoundsAreMonotone(t *testing.T) {
	r := request(10_000)
	r.Constraints.Instances, r.Constraints.Purchase, r.Top = []string{"c6i.xlarge", "g4dn.xlarge", "inf2.xlarge", "c7g.xlarge"}, []pricing.Option{pricing.OnDemand}, 100
	bounds := func(percentile, confidence float64) map[string]float64 {
		r.SLA.Percentile, r.SLA.Confidence = percentile, confidence
		all := map[string]float64{}
		for _, c := range mustSolve(t, r).Plans {
			all[choiceName(&c)+c.Precision] = c.Latency.SlaMs
		}
		return all
	}
	for _, steps := range [][][2]float64{{{99, 0.5}, {99, 0.7}, {99, 0.9}, {99, 0.99}}, {{10, 0.9}, {50, 0.9}, {90, 0.9}, {99, 0.9}, {99.9, 0.9}}} {
		last := bounds(steps[0][0], steps[0][1])
		for _, step := range steps[1:] {
			next := bounds(step[0], step[1])
			for name, ms := range next {
				if ms < last[name] {
					t.Errorf("%s: %g ms at p%g with confidence %g, before %g", name, ms, step[0], step[1], last[name])
				}
			}
			last = next
		}
	}
}

// TestBurstable: types that burst are planned at what they sustain. A T3 and an M5 of one size have the same cores; the T3 takes as much longer as it is throttled.
func TestBurstable(t *testing.T) {
	times := map[string]float64{}
	for _, name := range []string{"t3.2xlarge", "m5.2xlarge", "m7i-flex.2xlarge", "m7i.2xlarge"} {
		r := request(10_000)
		r.Constraints.Instances, r.Constraints.Accelerators, r.Constraints.Precisions = []string{name}, []string{"none"}, []engine.Precision{engine.FP32}
		plan := mustSolve(t, r)
		times[name] = plan.Best.Latency.P50Ms
		if told := slices.Contains(plan.Best.Notes, "at its CPU baseline of 40%"); told != (name[0] == 't' || strings.Contains(name, "flex")) {
			t.Errorf("%s: %v", name, plan.Best.Notes)
		}
	}
	for bursts, whole := range map[string]string{"t3.2xlarge": "m5.2xlarge", "m7i-flex.2xlarge": "m7i.2xlarge"} {
		if ratio := times[bursts] / times[whole]; ratio < 2 || ratio > 3.3 {
			t.Errorf("%s takes %.3g times as long as %s, want about 1/0.4", bursts, ratio, whole)
		}
	}
}
