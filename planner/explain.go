package planner

import (
	"fmt"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// largestTerms is how many operators an explanation names.
const largestTerms = 5

// explain tells how a machine's prediction was made.
func (p *problem) explain(m *machine) *Explanation {
	pr := &m.service.prediction
	e := &Explanation{
		Model: pr.Source, ComputeMs: round6(pr.Split.ComputeMs), MemoryMs: round6(pr.Split.MemoryMs), LaunchMs: round6(pr.Split.LaunchMs),
		HostMs: round6(pr.Split.HostMs), NetworkMs: round6(pr.NetworkMs), TransferMs: round6(pr.Split.TransferMs), TflopsRule: pr.TflopsRule,
		Terms: []Term{}, Doubts: []string{},
	}
	if pr.AnchorMs > 0 {
		e.AnchorMs, e.AnchorX = rounded(pr.AnchorMs), rounded(pr.AnchorX)
	}
	for _, t := range p.terms(m) {
		e.Terms = append(e.Terms, Term{
			Name: t.Name, Op: t.Op, Kind: t.Kind, Ms: round6(t.Ms * pr.Scale), ComputeMs: round6(t.ComputeMs * pr.Scale),
			MemoryMs: round6(t.MemoryMs * pr.Scale), LaunchMs: round6(t.LaunchMs * pr.Scale), Percent: round6(100 * t.Share),
		})
	}
	for _, d := range pr.Doubts {
		e.Doubts = append(e.Doubts, fmt.Sprintf("%s: x%.2f to x%.2f (%s)", d.Code, d.Low, d.High, d.Source))
	}
	return e
}

// terms are the operators behind a prediction of the roofline; the other rules see none.
func (p *problem) terms(m *machine) []latency.Term {
	if m.service.prediction.Scale == 0 {
		return nil
	}
	return p.predictor.Terms(&m.target, m.precision, largestTerms)
}

// stalePrice is the age in days from which a price of the answer is pointed out.
const stalePrice = 180

// warnings are the doubts about the answer as a whole.
func (p *problem) warnings(plan *Plan) []Warning {
	list := []Warning{}
	warn := func(applies bool, severity Severity, code, subject, format string, args ...any) {
		if applies {
			list = append(list, Warning{code, severity, subject, fmt.Sprintf(format, args...)})
		}
	}
	warn(p.Measured == nil, Caution, "not-measured", "benchmark", "nothing was measured here: every latency is modelled from counted work")
	warn(p.Scaling == latency.TFLOPS, Caution, "tflops-scaling", "latency", "scaling by TFLOPS alone is too fast by a factor of 2 to 5 at batch 1 on published rows")
	warn(len(p.Workload.Unknown) > 0, Caution, "unknown-operators", p.Model, "the work of %d operators could not be counted", len(p.Workload.Unknown))
	if plan.Verdict == Unknown && len(plan.Unpriced) > 0 {
		u := plan.Unpriced[0]
		warn(true, Caution, "price-unknown", u.Instance, "%s would do, but its price is not known: %s", u.Instance, u.Missing)
	}
	best := plan.Best
	if best == nil {
		return list
	}
	warn(best.Replicas == 1, Info, "no-redundancy", best.Instance, "one instance: no redundancy")
	warn(best.Purchase.Option == "spot", Info, "spot-interruption", best.Instance, "Spot can be taken back with two minutes' notice")
	warn(best.Precision == precisionName(engine.Mixed) && p.Measured == nil, Caution, "drift-unknown", best.Instance, "mixed precision was not run here: how far its results drift is not known")
	const drift = 0.01
	if b := p.Measured; b != nil && b.Drift != nil && best.Precision == precisionName(engine.Mixed) {
		warn(b.Drift.RelativeRMS > drift || b.Drift.Overflows > 0, Caution, "drift", p.Model, "mixed precision drifts by %.2g RMS with %d overflows", b.Drift.RelativeRMS, b.Drift.Overflows)
	}
	warn(best.Accelerator != nil && best.Cost.AcceleratorHourlyUsd > 0 && best.Replicas > eiQuota, Caution, "ei-quota", text(best.Accelerator), "%d accelerators exceed the default quota of %d a region", best.Replicas, eiQuota)
	for _, q := range best.Cost.Prices {
		age := p.age(q.AsOf)
		warn(age > stalePrice, Caution, "stale-price", q.What, "the price is %d days old (%s)", age, q.AsOf)
		warn(q.Quality != "observed", Caution, "price-quality", q.What, "the price is %s: %s", q.Quality, q.Rule)
	}
	return list
}

// eiQuota is the default number of Elastic Inference accelerators in a region (AWS General Reference).
const eiQuota = 5

// age is how many days before the day of buying a date lies.
func (p *problem) age(date string) int {
	d, err := pricing.ParseDate(date)
	if err != nil {
		return 0
	}
	return d.DaysUntil(p.AsOf)
}

// text is what a name points to, empty for nil.
func text(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}
