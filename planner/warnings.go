package planner

import (
	"fmt"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

const (
	stalePrice = 180  // the age in days from which a price of the answer is pointed out
	largeDrift = 0.01 // relative RMS from which drift is
	eiQuota    = 5    // the default number of Elastic Inference accelerators in a region (AWS General Reference)
)

// warnings are the doubts about the answer as a whole: of how it was found, then of the best choice.
func (p *problem) warnings(plan *Plan) []Warning {
	list := []Warning{}
	warn := func(applies bool, severity Severity, code, subject, format string, args ...any) {
		if applies {
			list = append(list, Warning{code, severity, subject, fmt.Sprintf(format, args...)})
		}
	}
	warn(p.Measured == nil, Caution, "not-measured", "benchmark", "nothing was measured here: every latency is modelled from counted work")
	for _, precision := range []engine.Precision{engine.FP32, engine.Mixed} {
		peak, reached := p.measuredPeak(precision), p.reached(precision)
		warn(0 < peak && peak < reached, Caution, "low-peak", "benchmark",
			"the model reached %.0f GFLOPS in %s here, above the measured peak of %.0f, and stands in for it", reached, precisionName(precision), peak)
	}
	warn(p.Scaling == latency.TFLOPS, Caution, "tflops-scaling", "latency", "scaling by TFLOPS alone is too fast by a factor of 2 to 5 at batch 1 on published rows")
	warn(len(p.Workload.Unknown) > 0, Caution, "unknown-operators", p.Model.Name, "the work of %d operators could not be counted", len(p.Workload.Unknown))
	warn(p.Baseline != "" && plan.Baseline == nil, Caution, "baseline-unknown", p.Baseline, "no prediction, or no price in the regions asked for: nothing to compare with")
	if plan.Verdict == Unknown && len(plan.Unpriced) > 0 {
		u := plan.Unpriced[0]
		warn(true, Caution, "price-unknown", u.Instance, "%s would do, but its price is not known: %s", u.Instance, u.Missing)
	}
	best := plan.Best
	if best == nil {
		return list
	}
	mixed := best.Precision == precisionName(engine.Mixed)
	warn(best.Replicas == 1, Info, "no-redundancy", best.Instance, "one instance: no redundancy")
	warn(best.Purchase.Option == pricing.Spot.String(), Info, "spot-interruption", best.Instance, "Spot can be taken back with two minutes' notice")
	in, err := p.Catalog.Instance(best.Instance)
	warn(err == nil && in.SustainedCPU() < 1, Info, "burstable", best.Instance, "planned at the %g%% of its CPU that it sustains; it is faster while it bursts", 100*in.SustainedCPU())
	warn(mixed && p.Measured == nil, Caution, "drift-unknown", best.Instance, "mixed precision was not run here: how far its results drift is not known")
	if b := p.Measured; mixed && b != nil && b.Drift != nil {
		warn(b.Drift.RelativeRMS > largeDrift || b.Drift.Overflows > 0, Caution, "drift", p.Model.Name, "mixed precision drifts by %.2g RMS with %d overflows", b.Drift.RelativeRMS, b.Drift.Overflows)
	}
	warn(best.Accelerator != nil && best.Cost.AcceleratorHourlyUsd > 0 && best.Replicas > eiQuota, Caution, "ei-quota", text(best.Accelerator), "%d accelerators exceed the default quota of %d a region", best.Replicas, eiQuota)
	for _, q := range best.Cost.Prices {
		age := p.age(q.AsOf)
		warn(age > stalePrice, Caution, "stale-price", q.What, "the price is %d days old (%s)", age, q.AsOf)
		warn(age < 0, Caution, "late-price", q.What, "the price is known only from %s on, %d days after the day of buying", q.AsOf, -age)
		warn(q.Quality != pricing.Observed.String(), Caution, "price-quality", q.What, "the price is %s: %s", q.Quality, q.Rule)
	}
	for _, rank := range []*int{plan.Alternatives.Reserved1y, plan.Alternatives.Reserved3y} {
		if rank == nil || *rank == best.Rank {
			continue
		}
		c := plan.Ranked(*rank)
		q := c.Cost.Prices[0]
		warn(p.age(q.AsOf) > stalePrice, Info, "stale-commitment", q.What, "the cheapest commitment for %s has a price of %s; newer types may have no known rate", text(c.Purchase.Term), q.AsOf)
	}
	return list
}

// age is how many days before the day of buying a date lies.
func (p *problem) age(date string) int {
	d, err := pricing.ParseDate(date)
	if err != nil {
		panic("planner: an offer's date: " + err.Error())
	}
	return d.DaysUntil(p.AsOf)
}
