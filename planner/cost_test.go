package planner

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/pricing"
)

// TestWorkedCosts: c5.xlarge + eia2.medium in us-east-1 is 0.17 + 0.12 USD/h; any other way to buy lowers the host's part alone.
func TestWorkedCosts(t *testing.T) {
	r := request(400)
	r.AsOf = 20200601
	r.Constraints = Constraints{Instances: []string{"c5.xlarge"}, Accelerators: []string{"eia2.medium"}}
	r.Top = 200
	plan := mustSolve(t, r)
	options := map[string]bool{}
	for _, c := range plan.Plans {
		options[c.Purchase.Option] = true
		if c.Cost.AcceleratorHourlyUsd != 0.12 {
			t.Errorf("%s: accelerator %g USD/h, want 0.12", choiceName(&c), c.Cost.AcceleratorHourlyUsd)
		}
		if c.Count != 1 {
			t.Errorf("%s: %d accelerators", choiceName(&c), c.Count)
		}
		if got := c.Cost.InstanceHourlyUsd + c.Cost.AcceleratorHourlyUsd; math.Abs(got-c.Cost.HourlyUsd) > 1e-9 {
			t.Errorf("%s: parts sum to %g, hourly %g", choiceName(&c), got, c.Cost.HourlyUsd)
		}
		switch {
		case c.Purchase.Option == "on-demand":
			if c.Cost.HourlyUsd != 0.29 || c.Cost.InstanceHourlyUsd != 0.17 || c.Cost.MonthlyUsd != 211.7 {
				t.Errorf("On-Demand: %+v", c.Cost)
			}
		case c.Cost.InstanceHourlyUsd >= 0.17:
			t.Errorf("%s: host %g USD/h, not below On-Demand", choiceName(&c), c.Cost.InstanceHourlyUsd)
		}
	}
	for _, want := range []string{"on-demand", "reserved", "spot"} {
		if !options[want] {
			t.Errorf("no choice is bought %s", want)
		}
	}
}

// TestLooserNeverCostsMore: every answer to a tighter budget answers a looser one.
func TestLooserNeverCostsMore(t *testing.T) {
	for _, objective := range []Objective{Hourly, PerMillion} {
		last := math.Inf(1)
		for _, budget := range []float64{4, 30, 60, 100, 1000} {
			r := request(budget)
			r.Objective = objective
			plan := mustSolve(t, r)
			if plan.Best == nil {
				continue
			}
			cost := plan.Best.Cost.TotalHourlyUsd
			if objective == PerMillion {
				cost = plan.Best.Cost.PerMillionUsd
			}
			if cost > last {
				t.Errorf("%s: %g ms costs %g, a tighter budget %g", objective, budget, cost, last)
			}
			if plan.Best.Latency.SlaMs > budget || plan.Best.Latency.HeadroomMs < 0 {
				t.Errorf("%s: %g ms answered by %g ms", objective, budget, plan.Best.Latency.SlaMs)
			}
			last = cost
		}
		if math.IsInf(last, 1) {
			t.Errorf("%s: nothing was feasible", objective)
		}
	}
}

// stand is a small catalogue of real types at the given On-Demand and Spot prices, in nano-dollars; 0 leaves a price out.
func stand(t *testing.T, prices map[string][2]int64) *pricing.Catalog {
	t.Helper()
	tables := pricing.Tables{Source: "test"}
	real := pricing.Snapshot()
	known := pricing.Provenance{Source: "test", AsOf: 20260101, Quality: pricing.Observed}
	for _, in := range real.Instances() {
		p, ok := prices[in.Name]
		if !ok {
			continue
		}
		tables.Instances = append(tables.Instances, in)
		tables.Offered = append(tables.Offered, pricing.Offering{Region: "us-east-1", Subject: in.Name, Source: "test"})
		for i, option := range []pricing.Option{pricing.OnDemand, pricing.Spot} {
			if p[i] > 0 {
				tables.Prices = append(tables.Prices, pricing.Price{
					Region: "us-east-1", Subject: in.Name, Purchase: pricing.Purchase{Option: option}, Recurring: pricing.USDPerHour(p[i]), Provenance: known,
				})
			}
		}
	}
	c, err := pricing.New(tables)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCheaperNeverCostsMore: lowering any prices never raises the answer.
func TestCheaperNeverCostsMore(t *testing.T) {
	types := []string{"c6i.large", "c6i.xlarge", "c6i.2xlarge", "c7g.xlarge", "g4dn.xlarge", "inf2.xlarge", "m6i.xlarge", "c7a.large"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		prices, lower := map[string][2]int64{}, map[string][2]int64{}
		for _, name := range types {
			dear := [2]int64{1e6 + random.Int64N(1e9), 1e6 + random.Int64N(1e9)}
			prices[name] = dear
			lower[name] = [2]int64{max(1, dear[0]-random.Int64N(1e6)), max(1, dear[1]-random.Int64N(dear[1]))}
		}
		r := request(100)
		r.Catalog = stand(t, prices)
		before := mustSolve(t, r)
		r.Catalog = stand(t, lower)
		after := mustSolve(t, r)
		if before.Best == nil || after.Best == nil {
			t.Fatal("nothing was feasible")
		}
		if after.Best.Cost.HourlyUsd > before.Best.Cost.HourlyUsd {
			t.Errorf("cheaper prices raised the answer from %g to %g", before.Best.Cost.HourlyUsd, after.Best.Cost.HourlyUsd)
		}
	}
}

// TestUnknownPriceNeverWins: what has no price is told apart from what does not do.
func TestUnknownPriceNeverWins(t *testing.T) {
	r := request(100)
	r.Catalog = stand(t, map[string][2]int64{"c6i.2xlarge": {}, "c6i.4xlarge": {680e6, 0}})
	if plan := mustSolve(t, r); plan.Verdict != Feasible || plan.Best.Instance != "c6i.4xlarge" || len(plan.Unpriced) == 0 {
		t.Errorf("one price known: %s, %+v, unpriced %v", plan.Verdict, plan.Best, plan.Unpriced)
	}
	r.Catalog = stand(t, map[string][2]int64{"c6i.2xlarge": {}, "c6i.4xlarge": {}})
	plan := mustSolve(t, r)
	if plan.Verdict != Unknown || plan.Best != nil || len(plan.Unpriced) != 2 {
		t.Errorf("no price known: %s, best %v, unpriced %v", plan.Verdict, plan.Best, plan.Unpriced)
	}
	r.Catalog = stand(t, map[string][2]int64{"c6i.2xlarge": {340e6, 0}})
	r.AsOf, r.Constraints.MaxPriceAgeDays = 20270101, 90
	if plan := mustSolve(t, r); plan.Verdict != Unknown || plan.Rejected.Count[PriceTooOld] == 0 {
		t.Errorf("prices too old: %s, %v", plan.Verdict, plan.Rejected.Count)
	}
}

// TestCostOfRequests reproduces the published table of Faster R-CNN on Elastic Inference (AWS machine learning blog, 2019-07): milliseconds, dollars an
// hour, dollars for a hundred thousand.
func TestCostOfRequests(t *testing.T) {
	p := &problem{}
	for _, row := range []struct{ ms, hourly, want float64 }{
		{353.53, 0.096 + 0.13, 2.22}, {222.78, 0.096 + 0.26, 2.20}, {140.96, 0.096 + 0.52, 2.41},
		{357.70, 0.192 + 0.13, 3.20}, {224.81, 0.192 + 0.26, 2.82}, {150.29, 0.192 + 0.52, 2.97},
		{350.38, 0.384 + 0.13, 5.00}, {229.65, 0.384 + 0.26, 4.11}, {142.55, 0.384 + 0.52, 3.58},
		{355.53, 0.768 + 0.13, 8.87}, {222.53, 0.768 + 0.26, 6.35}, {149.17, 0.768 + 0.52, 5.34},
		{415.87, 0.768, 8.87}, {363.45, 0.68, 6.87}, {197.68, 0.90, 4.94}, {61.04, 3.06, 5.19},
	} {
		got := p.perMillion(pricing.USDPerHour(math.Round(row.hourly*1e9)), &service{p50: row.ms}) / 10
		if math.Abs(got-row.want) > 0.006 {
			t.Errorf("%g ms at %g USD/h: %.4f USD, the table says %.2f", row.ms, row.hourly, got, row.want)
		}
	}
}

// TestPlainRule: --scaling tflops is the local time × the local peak ÷ the accelerator's, in the same precision, plus the network.
func TestPlainRule(t *testing.T) {
	r := request(1000)
	r.Scaling, r.AsOf, r.Top = "tflops", 20200601, 100
	r.Constraints = Constraints{Instances: []string{"c5.xlarge"}, Accelerators: []string{"eia2.*"}, Purchase: []pricing.Option{pricing.OnDemand}}
	rates := map[string]map[string]float64{"fp32": {"eia2.medium": 1, "eia2.large": 2, "eia2.xlarge": 4}, "mixed": {"eia2.medium": 8, "eia2.large": 16, "eia2.xlarge": 32}}
	plan := mustSolve(t, r)
	if len(plan.Plans) != 6 {
		t.Fatalf("%d plans, want three sizes in two precisions", len(plan.Plans))
	}
	for _, c := range plan.Plans {
		local := 41.2 * 0.330
		if c.Precision == "mixed" {
			local = 22.3 * 0.660
		}
		if want := local / rates[c.Precision][*c.Accelerator]; math.Abs(c.Latency.ComputeMs/want-1) > 1e-5 {
			t.Errorf("%s in %s: %g ms, want %g", *c.Accelerator, c.Precision, c.Latency.ComputeMs, want)
		}
		// 602,112 + 4,000 bytes over 1.25 Gbit/s, and a hop of 10 ms.
		if want := 10 + 606112*8/1.25e6; math.Abs(c.Latency.NetworkMs/want-1) > 1e-5 || math.Abs(c.Latency.P50Ms-c.Latency.ComputeMs-c.Latency.NetworkMs) > 1e-4 {
			t.Errorf("%s: network %g ms, want %g; in all %g", *c.Accelerator, c.Latency.NetworkMs, want, c.Latency.P50Ms)
		}
	}
}
