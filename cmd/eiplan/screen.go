package main

import (
	"cmp"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// screen is what size and plan show of a plan.
type screen struct {
	*app
	flags   *planFlags
	request planner.Request
	bench   *benchReport
	plan    *planner.Plan
}

// document is the report and its first screen.
func (s *screen) document() (report.Document, error) {
	explanation, err := s.explanation()
	if err != nil {
		return report.Document{}, err
	}
	env := s.envelope(sizing.Kind, s.spec(), s.plan)
	env.Metadata.Catalog = catalogOrigin(s.request.Catalog)
	env.Metadata.Overlays, env.Metadata.Commitments = origins(s.flags.sources.pins.Overlays), origins(s.flags.sources.pins.Commitments)
	env.Metadata.Coefficients = &report.Origin{SHA256: latency.Default().SHA256()}
	if c := s.flags.sources.pins.Calibration; c != nil {
		env.Metadata.Calibration = &origins([]pin{*c})[0]
	}
	d := report.Document{Value: env, Answer: s.answer(), Lead: s.lead()}
	if t := s.choices(); len(t.Rows) > 0 {
		d.Tables = append(d.Tables, t)
	}
	d.Tables = append(d.Tables, explanation...)
	d.Tail = s.tail()
	return d, nil
}

func (s *screen) spec() sizing.Spec {
	f, c := s.flags, s.request.Constraints
	return sizing.Spec{
		Model:  s.bench.Spec.Model,
		Budget: sizing.Budget{TotalMs: s.request.SLA.TotalMs, Reserved: append([]planner.Reservation{}, s.request.SLA.Reserved...), InferenceMs: s.request.SLA.InferenceMs(), Percentile: s.request.SLA.Percentile, Confidence: s.request.SLA.Confidence},
		Rate:   s.request.Rate, Batch: s.request.Batch, Objective: f.objective, Runtime: f.runtime, Scaling: f.scaling,
		Constraints: sizing.Constraints{
			Regions: orDefault(c.Regions, defaultRegion), Instances: orDefault(c.Instances, "*"), Accelerators: orDefault(c.Accelerators, "*"),
			Arch: orDefault(c.Arch, "amd64", "arm64"), Purchase: orDefault(f.purchase, "all"), MaxCommit: cmp.Or(f.maxCommit, "3y"), Precisions: orDefault(f.precisions, "fp32", "mixed"),
			MaxInterruptionPercent: c.MaxInterruptionPercent, Lifecycle: f.lifecycle, AsOf: s.date().String(), MinInstances: f.minInstances,
			Burstable: c.Burstable, BareMetal: c.BareMetal, PreviousGeneration: c.PreviousGeneration, MaxPriceAgeDays: c.MaxPriceAgeDays, PriceQuality: cmp.Or(f.priceQuality, "any"),
		},
	}
}

// defaultRegion is where to buy when nobody says.
const defaultRegion = "us-east-1"

func orDefault(list []string, fallback ...string) []string {
	if len(list) > 0 {
		return list
	}
	return fallback
}

// date is the day of buying.
func (s *screen) date() pricing.Date {
	return cmp.Or(s.request.AsOf, s.request.Catalog.AsOf())
}
