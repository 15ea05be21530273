package sizing

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

func word(s string) *string { return &s }

func number(n int) *int { return &n }

// planned is a report with a choice of each way to buy.
func planned() *Report {
	choice := func(rank int, instance string, accelerator *string, q planner.Purchase, monthly float64) planner.Choice {
		hourly := monthly / hoursPerMonth
		return planner.Choice{
			Rank: rank, Region: "us-east-1", Instance: instance, Arch: "amd64", Accelerator: accelerator, Precision: "fp32", Format: "fp32", Runtime: "onnxruntime", Replicas: 1, Purchase: q,
			Latency: planner.Latency{ComputeMs: 30, OverheadMs: 5, NetworkMs: 1, QueueMs: 4, TailFactor: 1.5, P50Ms: 36, SlaMs: 70 + float64(rank), LowMs: 40, HighMs: 70 + float64(rank), Confidence: 0.9, HeadroomMs: 30 - float64(rank)},
			Cost:    planner.Cost{TotalHourlyUsd: hourly, TotalMonthlyUsd: monthly, PerMillionUsd: monthly / 10},
		}
	}
	r := &Report{APIVersion: report.APIVersion, Kind: Kind}
	r.Spec.Model.Name, r.Spec.Budget, r.Spec.Objective = "resnet50", Budget{TotalMs: 100, InferenceMs: 100, Percentile: 99, Confidence: 0.9}, "hourly"
	r.Status = planner.Plan{Verdict: planner.Feasible, Plans: []planner.Choice{
		choice(1, "c6i.large", nil, planner.Purchase{Option: "spot", InterruptionBand: word("<5%")}, 20),
		choice(2, "c7i.large", nil, planner.Purchase{Option: "reserved", Term: word("1y"), Payment: word("no-upfront")}, 40),
		choice(3, "c6i.large", nil, planner.Purchase{Option: "on-demand"}, 80),
		choice(4, "c6i.large", nil, planner.Purchase{Option: "reserved", Term: word("3y"), Payment: word("no-upfront")}, 90),
	}}
	r.Status.Best = &r.Status.Plans[0]
	r.Status.Alternatives = planner.Alternatives{Spot: number(1), Reserved1y: number(2), OnDemand: number(3), Reserved3y: number(4), Uninterruptible: number(2)}
	return r
}

func TestBreakEven(t *testing.T) {
	c := (&teller{Report: planned()}).breakEven()
	found := map[string]float64{}
	for _, s := range c.Series {
		for _, p := range s.Points {
			if p.Strong {
				found[s.Name] = p.X
			}
		}
	}
	if len(found) != 1 || math.Abs(found["Reserved 1y: c7i.large, from 365 h"]-365) > 1e-9 { // 40 of 80 dollars, at half of 730 hours; 90 never pays
		t.Errorf("commitments pay from %v", found)
	}
	r := planned()
	r.Status.Alternatives.OnDemand = nil
	if c := (&teller{Report: r}).breakEven(); c.Missing == "" {
		t.Error("a break-even against nothing")
	}
}

// The parts of a bar are the bound, whatever is in it.
func TestLatencyParts(t *testing.T) {
	tell := &teller{Report: planned()}
	c := tell.latencyParts()
	sums := make([]float64, len(c.Y.Names))
	for _, s := range c.Series {
		for _, p := range s.Points {
			sums[int(p.Y)] += p.X
		}
	}
	want := []float64{71, 72}
	if len(sums) != len(want) {
		t.Fatalf("bars for %v, one for each machine wanted", c.Y.Names)
	}
	for i := range want {
		if math.Abs(sums[i]-want[i]) > 1e-9 {
			t.Errorf("%s sums to %g ms, want %g", c.Y.Names[i], sums[i], want[i])
		}
	}
	var names []string
	for _, s := range c.Series {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "computing overhead network waiting tail doubt" {
		t.Errorf("parts %s", got)
	}
}

func TestFrontierOfListed(t *testing.T) {
	r := planned()
	r.Status.Plans[2].Latency.SlaMs = 5 // dear and fast
	var frontier []string
	for _, b := range (&teller{Report: r}).listed() {
		if b.Frontier {
			frontier = append(frontier, b.Purchase.Option)
		}
	}
	if !slices.Equal(frontier, []string{"spot", "on-demand"}) {
		t.Errorf("the frontier is %v", frontier)
	}
}

func TestKinds(t *testing.T) {
	for name, c := range map[string]planner.Choice{
		"CPU":               {Runtime: "onnxruntime"},
		"GPU":               {Runtime: "tensorrt", Accelerator: word("T4")},
		"Neuron":            {Runtime: "neuron", Accelerator: word("Inferentia")},
		"Elastic Inference": {Runtime: "ei", Accelerator: word("eia2.medium"), Cost: planner.Cost{AcceleratorHourlyUsd: 0.12}},
	} {
		b := briefOf(&c)
		if got := kindName(b.Kind); got != name {
			t.Errorf("%s is said to be %s", name, got)
		}
	}
}

// Reviews can be drawn of reports with little in them, and of costs that are nothing.
func TestReviewsOfOddReports(t *testing.T) {
	free := planned()
	for i := range free.Status.Plans {
		free.Status.Plans[i].Cost = planner.Cost{}
	}
	perMillion := planned()
	perMillion.Spec.Objective = string(planner.PerMillion)
	bare := planned()
	bare.Status.Alternatives = planner.Alternatives{}
	empty := planned()
	empty.Status = planner.Plan{Verdict: planner.Infeasible, Analysis: &planner.Analysis{}}
	analysed := planned()
	b := briefOf(analysed.Status.Best)
	analysed.Status.Analysis = &planner.Analysis{Candidates: []planner.Brief{b}, Ways: []planner.Brief{b},
		Sensitivity: []planner.Sensitivity{{Assumption: "latency budget", Less: planner.Outcome{Changed: true}, More: planner.Outcome{Best: &b}}},
		Map:         planner.DecisionMap{RatesPerSecond: []float64{0}, BudgetsMs: []float64{1, 100}, Cells: []planner.Cell{{BudgetMs: 1}, {BudgetMs: 100, Asked: true, Best: &b}}}}
	analysed.Status.Benchmark = &planner.Benchmark{Runs: []planner.Run{{Precision: "fp32", Samples: 3, P50Ms: 2, Histogram: []planner.Bin{{FromMs: 1, ToMs: 2, Runs: 1}, {FromMs: 2, ToMs: 3, Runs: 2}}}}}
	for name, c := range map[string]struct {
		report *Report
		holds  string
	}{
		"whole": {planned(), "Cost against latency"}, "free": {free, "Cost by way to buy"}, "per million": {perMillion, "USD/million"}, "without alternatives": {bare, "Where the time goes"},
		"nothing feasible": {empty, "There is nothing to choose from."}, "analysed": {analysed, "nothing is feasible"}, "sampled": {analysed, "Measured here in fp32"},
	} {
		d, err := c.report.Review(Show{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var page bytes.Buffer
		if err := report.Write(&page, "html", Totals([]*Report{c.report, c.report}), d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(page.String(), c.holds) {
			t.Errorf("%s: the page does not say %q", name, c.holds)
		}
	}
}
