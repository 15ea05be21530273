package main

import (
	"cmp"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/report"
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

// sizingSpec is spec of kind SizingReport.
type sizingSpec struct {
	Model       modelInfo       `json:"model"`
	Budget      budgetInfo      `json:"budget"`
	Rate        float64         `json:"rate"`
	Batch       int             `json:"batch"`
	Objective   string          `json:"objective"`
	Runtime     string          `json:"runtime"` // empty: each target's default
	Scaling     string          `json:"scaling"`
	Constraints constraintsInfo `json:"constraints"`
}

type budgetInfo struct {
	TotalMs     float64               `json:"totalMs"`
	Reserved    []planner.Reservation `json:"reserved"`
	InferenceMs float64               `json:"inferenceMs"`
	Percentile  float64               `json:"percentile"`
	Confidence  float64               `json:"confidence"`
}

type constraintsInfo struct {
	Regions                []string `json:"regions"`
	Instances              []string `json:"instances"`
	Accelerators           []string `json:"accelerators"`
	Arch                   []string `json:"arch"`
	Purchase               []string `json:"purchase"`
	MaxCommit              string   `json:"maxCommit"`
	Precisions             []string `json:"precisions"`
	MaxInterruptionPercent float64  `json:"maxInterruptionPercent"` // 0: any
	Lifecycle              string   `json:"lifecycle"`
	AsOf                   string   `json:"asOf"`
	MinInstances           int      `json:"minInstances"`
	Burstable              bool     `json:"burstable"`
	BareMetal              bool     `json:"bareMetal"`
	PreviousGeneration     bool     `json:"previousGeneration"`
	MaxPriceAgeDays        int      `json:"maxPriceAgeDays"` // 0: any
	PriceQuality           string   `json:"priceQuality"`
}

// document is the report and its first screen.
func (s *screen) document() (report.Document, error) {
	explanation, err := s.explanation()
	if err != nil {
		return report.Document{}, err
	}
	env := s.envelope("SizingReport", s.spec(), s.plan)
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

func (s *screen) spec() sizingSpec {
	f, c := s.flags, s.request.Constraints
	return sizingSpec{
		Model:  s.bench.Spec.Model,
		Budget: budgetInfo{s.request.SLA.TotalMs, append([]planner.Reservation{}, s.request.SLA.Reserved...), s.request.SLA.InferenceMs(), s.request.SLA.Percentile, s.request.SLA.Confidence},
		Rate:   s.request.Rate, Batch: s.request.Batch, Objective: f.objective, Runtime: f.runtime, Scaling: f.scaling,
		Constraints: constraintsInfo{
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
