package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// randomCatalogs are what random requests buy from.
func randomCatalogs(t testing.TB) []*pricing.Catalog {
	var all []*pricing.Catalog
	for seed := range uint64(6) {
		all = append(all, randomCatalog(t, rand.New(rand.NewPCG(seed, 3))))
	}
	return all
}

// randomCatalog is a small catalogue of real types in two regions, with Elastic Inference in one of them, some of it gone since 2024, at prices drawn at
// random. Some prices are missing, old, derived or of a later day.
func randomCatalog(t testing.TB, random *rand.Rand) *pricing.Catalog {
	t.Helper()
	types := []string{"c5.large", "c5.xlarge", "c5n.large", "m4.large", "t3.large", "c6i.large", "c6i.2xlarge", "c7g.xlarge", "c7i-flex.large", "c7i.large", "g4dn.xlarge", "g4dn.12xlarge", "p2.xlarge", "inf1.xlarge", "inf2.xlarge", "c6i.metal", "g6f.large", "g5g.xlarge"}
	tables := pricing.Tables{Source: "random"}
	whole := pricing.Snapshot()
	tables.Accelerators = whole.Accelerators()
	subjects := slices.Clone(types)
	for _, name := range types {
		in, err := whole.Instance(name)
		if err != nil {
			t.Fatal(err)
		}
		tables.Instances = append(tables.Instances, in)
	}
	for _, a := range tables.Accelerators {
		subjects = append(subjects, a.Name)
	}
	chance := func(p float64) bool { return random.Float64() < p }
	for _, region := range []string{"east", "west"} {
		for _, subject := range subjects {
			ei := !slices.Contains(types, subject)
			if chance(0.1) || ei && region == "west" {
				continue
			}
			o := pricing.Offering{Region: region, Subject: subject, From: 20190101, Source: "test"}
			if ei || subject == "p2.xlarge" || chance(0.1) {
				o.Closed, o.Retired = 20230415, 20240400
			}
			tables.Offered = append(tables.Offered, o)
			for _, way := range pricing.Ways() {
				if ei && !way.Accelerators {
					continue
				}
				for _, q := range way.Purchases() {
					if !chance(0.6) {
						continue
					}
					p := pricing.Price{Region: region, Subject: subject, Purchase: q, Recurring: pricing.USDPerHour(1e6 + random.Int64N(2e9))}
					p.Provenance = pricing.Provenance{Source: "test", AsOf: []pricing.Date{20190405, 20220522, 20250613, 20260720}[random.IntN(4)], Quality: pricing.Observed}
					if q.Payment == pricing.AllUpfront {
						p.Upfront, p.Recurring = pricing.USD(int64(p.Recurring)*q.Term.Hours()), 0
					}
					if chance(0.2) {
						p.Quality, p.Rule = pricing.Derived, "a rule"
					}
					tables.Prices = append(tables.Prices, p)
				}
			}
			if !ei && chance(0.8) {
				tables.Bands = append(tables.Bands, pricing.RegionBand{Region: region, Instance: subject, Band: pricing.Band{Label: "5-10%", MinPercent: 5, MaxPercent: 10, AsOf: 20250728, Source: "test"}})
			}
		}
	}
	c, err := pricing.New(tables)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// randomRequest draws every option; about half of them are left at their defaults.
func randomRequest(seed uint64, catalogs []*pricing.Catalog) Request {
	random := rand.New(rand.NewPCG(seed, 7))
	r := Request{
		Workload: resnetLike(), Model: latency.Subject{Name: "random"}, Catalog: catalogs[random.IntN(len(catalogs))], Hardware: hardware.Default(), Coefficients: latency.Default(),
		Top: 10_000,
	}
	if random.IntN(8) == 0 {
		r.Workload.Unknown = []string{"NonMaxSuppression"}
	}
	oneOf(random, func() { r.Measured = measuredHere() }, func() { r.Measured = measuredHere() }, func() { r.Measured = measuredHere(); r.Measured.Runs = r.Measured.Runs[1:] },
		func() { r.Measured = measuredHere(); r.Measured.Host = Host{CPU: "unheard of"} }, func() {
			r.Measured = measuredHere()
			for i := range r.Measured.Runs {
				run := &r.Measured.Runs[i]
				p99 := 1.3 * run.P50Ms
				run.CILowMs, run.CIHighMs, run.P99Ms = 0.9*run.P50Ms, 1.2*run.P50Ms, &p99
			}
		}, func() {})
	r.SLA = SLA{TotalMs: math.Exp(random.Float64()*6 + 1), Reserved: []Reservation{{"preprocess", 0.2}}}
	r.AsOf = []pricing.Date{0, 0, 20180101, 20190701, 20200601, 20230501, 20240601, 20300101}[random.IntN(8)]
	r.SLA.Percentile = []float64{0, 0, 10, 50, 95, 99.9}[random.IntN(6)]
	r.SLA.Confidence = []float64{0, 0, 0.5, 0.75, 0.99}[random.IntN(5)]
	r.Rate = []float64{0, 0, 0.5, 40, 5000, 1e6}[random.IntN(6)]
	r.Objective = []Objective{"", Hourly, PerMillion}[random.IntN(3)]
	r.Scaling = []latency.Scaling{"", "", "", "", latency.TFLOPS, latency.Efficiency}[random.IntN(6)]
	r.Runtime = append(make([]latency.Runtime, 24), latency.Runtimes()...)[random.IntN(24+len(latency.Runtimes()))]
	r.Baseline = []string{"", "", "p2.xlarge", "c5.xlarge+eia1.medium", "c7g.xlarge"}[random.IntN(5)]
	c := &r.Constraints
	c.Regions = [][]string{{"east"}, {"east"}, {"west"}, {"west", "east"}, {"east", "east"}, {"all"}}[random.IntN(6)]
	sometimes := func(edit func()) {
		if random.IntN(4) == 0 {
			edit()
		}
	}
	sometimes(func() {
		c.Instances = [][]string{{"c5*", "g4dn.*"}, {"p2.xlarge"}, {"t3.*", "c6i.metal"}}[random.IntN(3)]
	})
	sometimes(func() {
		c.Accelerators = [][]string{{"eia*"}, {"none"}, {"T4", "none"}, {"gpu", "neuron"}}[random.IntN(4)]
	})
	sometimes(func() { c.Arch = []string{[]string{"amd64", "arm64"}[random.IntN(2)]} })
	sometimes(func() {
		c.Purchase = [][]pricing.Option{{pricing.OnDemand}, {pricing.Reserved}, {pricing.SavingsPlan}, {pricing.Spot}, {pricing.SpotBlock}, {pricing.Spot, pricing.Reserved}}[random.IntN(6)]
	})
	sometimes(func() { c.MaxCommit = []pricing.Term{pricing.OneYear, pricing.ThreeYears}[random.IntN(2)] })
	sometimes(func() {
		c.Precisions = []engine.Precision{[]engine.Precision{engine.FP32, engine.Mixed}[random.IntN(2)]}
	})
	sometimes(func() { c.MaxInterruptionPercent = 5 * float64(1+random.IntN(2)) })
	sometimes(func() { c.Lifecycle = AnyTime })
	sometimes(func() { c.MinInstances = 3 })
	sometimes(func() { c.Burstable, c.BareMetal, c.PreviousGeneration = true, true, random.IntN(2) == 0 })
	sometimes(func() { c.MaxPriceAgeDays = 400 })
	sometimes(func() { c.PriceQuality = pricing.Observed })
	return r
}

func oneOf(random *rand.Rand, edits ...func()) { edits[random.IntN(len(edits))]() }

// FuzzSolve holds every plan to what must be true of any.
func FuzzSolve(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	catalogs := randomCatalogs(f)
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := randomRequest(seed, catalogs)
		plan, err := Solve(r)
		if err != nil {
			t.Fatalf("%+v: %v", describe(r), err)
		}
		for _, broken := range invariants(&r, plan) {
			t.Errorf("%s: %s", describe(r), broken)
		}
		again := mustSolve(t, r)
		a, err := json.Marshal(plan)
		if err != nil {
			t.Fatalf("%s: %v", describe(r), err) // NaN and Inf have no JSON
		}
		if b, _ := json.Marshal(again); !bytes.Equal(a, b) {
			t.Errorf("%s: two plans", describe(r))
		}
	})
}

// describe is a request without its bulk.
func describe(r Request) string {
	r.Workload, r.Catalog = engine.Workload{}, nil
	runs := 0
	if r.Measured != nil {
		runs = len(r.Measured.Runs)
	}
	r.Measured = nil
	return fmt.Sprintf("%d runs, %+v", runs, r)
}

// invariants lists what does not hold of a plan.
func invariants(r *Request, plan *Plan) (broken []string) {
	fail := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	budget := r.SLA.InferenceMs()
	if (plan.Best != nil) != (plan.Verdict == Feasible) || (plan.Best != nil) != (len(plan.Plans) > 0) {
		fail("verdict %s with %d plans", plan.Verdict, len(plan.Plans))
	}
	n := 0
	for _, count := range plan.Rejected.Count {
		n += count
	}
	if n != plan.Rejected.Total {
		fail("%d rejected, %d counted", plan.Rejected.Total, n)
	}
	feasible := map[string]bool{}
	for i := range plan.Plans {
		c := &plan.Plans[i]
		name := choiceName(c) + " " + c.Precision
		feasible[fmt.Sprint(c.Region, c.Instance, text(c.Accelerator), c.Precision)] = true
		l := &c.Latency
		switch {
		case l.SlaMs > budget*1.00001 || l.HeadroomMs < -1e-5*budget:
			fail("%s: %g ms in a budget of %g ms", name, l.SlaMs, budget)
		case r.Constraints.Lifecycle != AnyTime && (c.Lifecycle.Instance != "current" || c.Lifecycle.Accelerator != nil && *c.Lifecycle.Accelerator != "current"):
			fail("%s: %+v", name, c.Lifecycle)
		case r.Constraints.MaxCommit == pricing.OneYear && text(c.Purchase.Term) == "3y":
			fail("%s: %s", name, *c.Purchase.Term)
		case c.Replicas < max(1, r.Constraints.MinInstances):
			fail("%s: %d replicas", name, c.Replicas)
		}
		broken = append(broken, brokenChoice(name, c)...)
	}
	if len(plan.Plans) == plan.Feasible && plan.Rejected.Total+len(feasible) != plan.Considered {
		fail("%d rejected and %d feasible of %d", plan.Rejected.Total, len(feasible), plan.Considered)
	}
	for _, aside := range []*Choice{plan.BestRetired, plan.BestElasticInference} {
		if aside != nil {
			broken = append(broken, brokenChoice("aside "+choiceName(aside), aside)...)
		}
	}
	if n := plan.Rejected.Nearest; n != nil {
		broken = append(broken, brokenChoice("nearest "+choiceName(&n.Choice), &n.Choice)...)
		if n.Shortfall.Amount <= 0 || plan.Best != nil {
			fail("nearest %s: shortfall %+v", choiceName(&n.Choice), n.Shortfall)
		}
	}
	return broken
}

// brokenChoice lists what does not hold of a choice, whether it meets the request or not.
func brokenChoice(name string, c *Choice) (broken []string) {
	fail := func(format string, args ...any) {
		broken = append(broken, name+": "+fmt.Sprintf(format, args...))
	}
	l, k := &c.Latency, &c.Cost
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-5*math.Max(math.Abs(a), math.Abs(b)) }
	for what, v := range map[string]float64{"hourly": k.HourlyUsd, "host": k.InstanceHourlyUsd, "total": k.TotalHourlyUsd, "million": k.PerMillionUsd, "p50": l.P50Ms, "p99": l.P99Ms, "sla": l.SlaMs, "compute": l.ComputeMs} {
		if !(v > 0) || math.IsInf(v, 0) {
			fail("%s is %g", what, v)
		}
	}
	switch {
	case !near(k.InstanceHourlyUsd+k.AcceleratorHourlyUsd, k.HourlyUsd), !near(k.HourlyUsd*float64(c.Replicas), k.TotalHourlyUsd), k.UpfrontUsd < 0, k.AcceleratorHourlyUsd < 0:
		fail("%+v", *k)
	case l.LowMs > l.HighMs || l.P50Ms > l.P99Ms*1.00001 || l.QueueMs < 0 || l.QueueMs > 0 && l.QueueMs < 1e-9*l.SlaMs || l.OverheadMs < 0 || l.NetworkMs < 0:
		fail("%+v", *l)
	case l.Confidence == 0.9 && !near(l.SlaMs, l.HighMs):
		fail("the bound at 90%% is %g ms, p90 %g ms", l.SlaMs, l.HighMs)
	case l.Confidence == 0.5 && l.QueueMs == 0 && !near(l.SlaMs, (l.ComputeMs+l.NetworkMs+l.OverheadMs)*l.TailFactor):
		fail("the bound at 50%% is %g ms, not the centre: %+v", l.SlaMs, *l)
	case l.SlaMs < l.LowMs:
		fail("bound %g ms below p10 %g ms", l.SlaMs, l.LowMs)
	case c.Memory.NeededBytes <= 0 || c.Memory.AvailableBytes <= 0:
		fail("%+v", c.Memory)
	}
	if c.Accelerator != nil && (*c.Accelerator)[:2] == "ei" {
		if c.Region != "east" || c.Count != 1 || k.AcceleratorHourlyUsd == 0 || len(k.Prices) != 2 || c.Arch != "amd64" {
			fail("Elastic Inference: %+v", *c)
		}
	} else if k.AcceleratorHourlyUsd != 0 {
		fail("pays %g for no accelerator", k.AcceleratorHourlyUsd)
	}
	return broken
}

// objective is what the request has least of.
func objective(r *Request, c *Choice) float64 { return (&problem{Request: *r}).objectiveOf(c) }

// TestMoreNeverCostsMore: what lifts a limit never takes an answer away, nor makes it dearer.
func TestMoreNeverCostsMore(t *testing.T) {
	edits := map[string]func(*Request){
		"a longer budget":    func(r *Request) { r.SLA.TotalMs *= 1.5 },
		"every region":       func(r *Request) { r.Constraints.Regions = []string{"all"} },
		"less confidence":    func(r *Request) { r.SLA.Confidence = 0.5 },
		"a lower percentile": func(r *Request) { r.SLA.Percentile = 1 },
		"any lifecycle":      func(r *Request) { r.Constraints.Lifecycle = AnyTime },
		"every instance":     func(r *Request) { r.Constraints.Instances = []string{"*"} },
		"every accelerator":  func(r *Request) { r.Constraints.Accelerators = nil },
		"every way to buy":   func(r *Request) { r.Constraints.Purchase = nil },
		"any term":           func(r *Request) { r.Constraints.MaxCommit = 0 },
		"any interruption":   func(r *Request) { r.Constraints.MaxInterruptionPercent = 0 },
		"any age of prices":  func(r *Request) { r.Constraints.MaxPriceAgeDays = 0 },
		"burstable and the rest": func(r *Request) {
			r.Constraints.Burstable, r.Constraints.BareMetal, r.Constraints.PreviousGeneration = true, true, true
		},
		"one instance": func(r *Request) { r.Constraints.MinInstances = 1 },
	}
	catalogs := randomCatalogs(t)
	for seed := range uint64(24) {
		r := randomRequest(seed, catalogs)
		before := mustSolve(t, r)
		if before.Best == nil {
			continue
		}
		for reason, edit := range edits {
			looser := r
			edit(&looser)
			after := mustSolve(t, looser)
			if after.Best == nil || objective(&r, after.Best) > objective(&r, before.Best)*1.00001 {
				t.Errorf("seed %d, %s: %+v after %s at %g; %s", seed, reason, after.Best, choiceName(before.Best), objective(&r, before.Best), describe(r))
			}
		}
	}
}

// TestRelaxationsAreTrue applies each suggestion: the answer must then be the one that it promises.
func TestRelaxationsAreTrue(t *testing.T) {
	seen := map[string]int{}
	catalogs := randomCatalogs(t)
	for seed := range uint64(120) {
		r := randomRequest(seed, catalogs)
		plan := mustSolve(t, r)
		for _, x := range plan.Rejected.Relaxations {
			seen[x.Change]++
			relaxed := r
			if !apply(&relaxed, x) {
				t.Fatalf("seed %d: nobody knows how to apply %q", seed, x.Text)
			}
			best := mustSolve(t, relaxed).Best
			if best == nil || objective(&r, best) > objective(&r, x.Choice)*1.00001 {
				t.Errorf("seed %d: %s brought %+v; %s", seed, x.Text, best, describe(r))
			} else if objective(&r, best) < objective(&r, x.Choice)*0.99999 {
				t.Errorf("seed %d: %s brought the cheaper %s for %g; %s", seed, x.Text, choiceName(best), best.Cost.TotalHourlyUsd, describe(r))
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %v were suggested", seen)
	}
}

// apply changes a request as a relaxation says.
func apply(r *Request, x Relaxation) bool {
	c := &r.Constraints
	switch x.Change {
	case "latency":
		_, err := fmt.Sscanf(x.To, "%g ms", &r.SLA.TotalMs)
		return err == nil
	case "confidence":
		r.SLA.Confidence = 0.5
	case "lifecycle":
		c.Lifecycle = AnyTime
	case "region":
		c.Regions = []string{"all"}
	case "instance":
		c.Instances = nil
	case "accelerator":
		c.Accelerators = nil
	case "arch":
		c.Arch = nil
	case "precision":
		c.Precisions = nil
	case "purchase":
		c.Purchase = nil
	case "commitment":
		c.MaxCommit = 0
	case "interruption":
		c.MaxInterruptionPercent = 0
	case "price age":
		c.MaxPriceAgeDays = 0
	case "price quality":
		c.PriceQuality = 0
	case "runtime":
		r.Runtime = ""
	default:
		return false
	}
	return true
}
