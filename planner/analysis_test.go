package planner

import (
	"fmt"
	"testing"

	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/pricing"
)

// TestMapIsWhatSolveSays answers cells of the map of random requests with requests of their own.
func TestMapIsWhatSolveSays(t *testing.T) {
	catalogs := randomCatalogs(t)
	feasible := 0
	for seed := range uint64(60) {
		r := randomRequest(seed, catalogs)
		r.Analysis = true
		plan, err := Solve(r)
		if err != nil {
			continue
		}
		for i, c := range plan.Analysis.Map.Cells {
			if i%11 != int(seed%11) && !c.Asked {
				continue
			}
			alone := r
			alone.Analysis, alone.Explain, alone.Baseline, alone.Top = false, false, "", 1
			if !c.Asked {
				alone.Rate, alone.SLA.TotalMs, alone.SLA.Reserved = c.RatePerSecond, c.BudgetMs, nil
			}
			if got, want := briefly(c.Best), choiceBriefly(mustSolve(t, alone).Best); got != want {
				t.Fatalf("seed %d, %g/s within %g ms: the map has %s, Solve %s", seed, c.RatePerSecond, c.BudgetMs, got, want)
			}
			if c.Best != nil {
				feasible++
			}
		}
	}
	if feasible < 100 {
		t.Errorf("only %d cells had a winner", feasible)
	}
}

// TestSensitivityIsWhatSolveSays moves what a request itself can say: its budget and its rate.
func TestSensitivityIsWhatSolveSays(t *testing.T) {
	r := request(100)
	r.Rate, r.Analysis = 40, true
	plan := mustSolve(t, r)
	for _, s := range plan.Analysis.Sensitivity {
		for factor, o := range map[float64]Outcome{0.8: s.Less, 1.2: s.More} {
			alone := r
			alone.Analysis = false
			switch s.Assumption {
			case "latency budget":
				alone.SLA.TotalMs *= factor
			case "request rate":
				alone.Rate *= factor
			default:
				continue
			}
			best := mustSolve(t, alone).Best
			if got, want := briefly(o.Best), choiceBriefly(best); got != want {
				t.Errorf("%s x %g: %s, Solve has %s", s.Assumption, factor, got, want)
			}
		}
	}
}

// TestSensitivityMoves holds each assumption to the direction in which it must move the cost.
func TestSensitivityMoves(t *testing.T) {
	for name, constrain := range map[string]func(*Request){
		"anything":          func(*Request) {},
		"at a rate":         func(r *Request) { r.Rate = 200 },
		"On-Demand alone":   func(r *Request) { r.Constraints.Purchase = []pricing.Option{pricing.OnDemand} },
		"Elastic Inference": func(r *Request) { r.Constraints.Accelerators, r.Constraints.Lifecycle = []string{"eia*"}, AnyTime },
	} {
		r := request(60)
		r.Analysis = true
		constrain(&r)
		plan := mustSolve(t, r)
		cost := plan.Best.Cost.TotalHourlyUsd
		moved := map[string]bool{}
		for _, s := range plan.Analysis.Sensitivity {
			less, more := s.Less, s.More
			if s.Assumption == "latency budget" {
				less, more = more, less
			}
			if less.Best == nil || less.Best.TotalHourlyUsd > cost*(1+1e-9) {
				t.Errorf("%s: %s: an easier world costs more: %+v", name, s.Assumption, less.Best)
			}
			if more.Best != nil && more.Best.TotalHourlyUsd < cost*(1-1e-9) {
				t.Errorf("%s: %s: a harder world costs less: %+v", name, s.Assumption, more.Best)
			}
			moved[s.Assumption] = less.Best != nil && (less.Changed || less.Best.TotalHourlyUsd < cost || less.Best.SlaMs < plan.Best.Latency.SlaMs)
		}
		want := map[string]string{"On-Demand alone": "On-Demand prices", "Elastic Inference": "Elastic Inference prices"}[name]
		if want != "" && !moved[want] {
			t.Errorf("%s: %s moved nothing", name, want)
		}
		if !moved["every predicted latency"] {
			t.Errorf("%s: latencies moved nothing", name)
		}
	}
}

func TestCandidates(t *testing.T) {
	r := request(100)
	r.Analysis = true
	plan := mustSolve(t, r)
	an := plan.Analysis
	first := an.Candidates[0]
	if !first.Frontier || !first.InBudget && plan.Best != nil && first.TotalHourlyUsd > plan.Best.Cost.TotalHourlyUsd {
		t.Errorf("the cheapest candidate is %+v", first)
	}
	kinds := map[string]int{}
	for i, c := range an.Candidates {
		kinds[c.Kind]++
		if c.InBudget != (c.SlaMs <= 100) {
			t.Errorf("%s takes %g ms, in budget %v", briefly(&c), c.SlaMs, c.InBudget)
		}
		for _, d := range an.Candidates[:i] {
			if c.Frontier && d.SlaMs <= c.SlaMs {
				t.Errorf("%s stands on the frontier, but %s is cheaper and as fast", briefly(&c), briefly(&d))
			}
		}
	}
	if kinds[string(hardware.CPU)] == 0 || kinds[string(hardware.GPU)] == 0 || kinds[string(hardware.Neuron)] == 0 {
		t.Errorf("kinds %v", kinds)
	}
	if got, want := briefly(&an.Ways[0]), choiceBriefly(plan.Best); got != want {
		t.Errorf("the cheapest way is %s, the best choice %s", got, want)
	}
	if an.Roofline == nil || an.Roofline.Percent < 95 || an.Roofline.Percent > 100.001 {
		t.Fatalf("roofline %+v", an.Roofline)
	}
	for _, o := range an.Roofline.Operators {
		if o.Flops/o.Ms/1e6 <= 0 || o.Bytes <= 0 {
			t.Errorf("operator %+v", o)
		}
	}
}

func TestAnalysisOfNothing(t *testing.T) {
	r := request(0.01)
	r.Analysis = true
	an := mustSolve(t, r).Analysis
	if len(an.Ways) != 0 || len(an.Sensitivity) != 0 || an.Roofline != nil || len(an.Map.Cells) == 0 {
		t.Errorf("without a best choice: %d ways, %d assumptions, roofline %v", len(an.Ways), len(an.Sensitivity), an.Roofline)
	}
	if len(an.Candidates) == 0 {
		t.Error("nothing to compare with the budget")
	}
	r.Rate = 40
	served := mustSolve(t, r).Analysis.Candidates
	if len(served) == 0 {
		t.Fatal("at a rate, nothing to compare with the budget")
	}
	for _, c := range served {
		if c.InBudget || c.SlaMs <= 0.01 || c.TotalMonthlyUsd <= 0 {
			t.Errorf("%s, in budget %v", briefly(&c), c.InBudget)
		}
		laxer := r
		laxer.SLA.TotalMs, laxer.Analysis = 1.2*c.SlaMs, false
		laxer.Constraints = Constraints{Instances: []string{c.Instance}}
		if best := mustSolve(t, laxer).Best; best == nil {
			t.Errorf("%s does not carry the rate within a fifth more than its bound", briefly(&c))
		}
	}
	if mustSolve(t, request(100)).Analysis != nil {
		t.Error("an analysis that nobody asked for")
	}
}

func BenchmarkAnalysis(b *testing.B) {
	r := request(100)
	r.Analysis = true
	for b.Loop() {
		mustSolve(b, r)
	}
}

func BenchmarkAnalysisAtARate(b *testing.B) {
	r := request(100)
	r.Analysis, r.Rate = true, 5000
	for b.Loop() {
		mustSolve(b, r)
	}
}

func briefly(b *Brief) string {
	if b == nil {
		return "nothing"
	}
	return fmt.Sprintf("%d x %s %s %s %s %s %.6g ms %.6g USD/h", b.Replicas, b.Region, b.Instance, text(b.Accelerator), b.Precision, b.Purchase.Option, b.SlaMs, b.TotalHourlyUsd)
}

func choiceBriefly(c *Choice) string {
	if c == nil {
		return "nothing"
	}
	return fmt.Sprintf("%d x %s %s %s %s %s %.6g ms %.6g USD/h", c.Replicas, c.Region, c.Instance, text(c.Accelerator), c.Precision, c.Purchase.Option, c.Latency.SlaMs, c.Cost.TotalHourlyUsd)
}
