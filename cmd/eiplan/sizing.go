package main

import (
	"cmp"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/sizing"
)

// report is a plan with everything that tells of it: what it says later depends on no flag and no file any more.
func (p *planFlags) report(a *app, r planner.Request, m *benchReport, plan *planner.Plan) (*sizing.Report, error) {
	env := a.envelope(sizing.Kind, nil, nil)
	out := &sizing.Report{APIVersion: env.APIVersion, Kind: env.Kind, Metadata: env.Metadata, Spec: p.spec(r, m), Status: *plan}
	p.sources.sign(&out.Metadata)
	out.Status.Warnings = append(p.doubts(m), plan.Warnings...)
	return out, p.explained(out, r)
}

// doubts are the warnings about what the plan was made from: the measurement and the files.
func (p *planFlags) doubts(m *benchReport) []planner.Warning {
	list := []planner.Warning{}
	for _, run := range m.Status.Runs {
		if w := run.gravest(); w != nil && run.Precision == "fp32" {
			list = append(list, planner.Warning{Code: w.Code, Severity: planner.Caution, Subject: "the measurement", Text: w.Text})
		}
	}
	for _, text := range p.sources.warnings {
		file, what, _ := strings.Cut(text, ": ")
		list = append(list, planner.Warning{Code: "idle-overlay", Severity: planner.Caution, Subject: file, Text: what})
	}
	return list
}

func (p *planFlags) spec(r planner.Request, m *benchReport) sizing.Spec {
	c := r.Constraints
	return sizing.Spec{
		Model:  m.Spec.Model,
		Budget: sizing.Budget{TotalMs: r.SLA.TotalMs, Reserved: append([]planner.Reservation{}, r.SLA.Reserved...), InferenceMs: r.SLA.InferenceMs(), Percentile: r.SLA.Percentile, Confidence: r.SLA.Confidence},
		Rate:   r.Rate, Batch: r.Batch, Objective: p.objective, Runtime: p.runtime, Scaling: p.scaling, Baseline: p.baseline,
		Constraints: sizing.Constraints{
			Regions: orDefault(c.Regions, "us-east-1"), Instances: orDefault(c.Instances, "*"), Accelerators: orDefault(c.Accelerators, "*", "none"),
			Arch: orDefault(c.Arch, "amd64", "arm64"), Purchase: orDefault(p.purchase, "all"), MaxCommit: cmp.Or(p.maxCommit, "3y"), Precisions: orDefault(p.precisions, "fp32", "mixed"),
			MaxInterruptionPercent: c.MaxInterruptionPercent, Lifecycle: p.lifecycle, AsOf: r.AsOf.String(), AsOfGiven: p.asOf != "", MinInstances: p.minInstances,
			Burstable: c.Burstable, BareMetal: c.BareMetal, PreviousGeneration: c.PreviousGeneration, MaxPriceAgeDays: c.MaxPriceAgeDays, PriceQuality: cmp.Or(p.priceQuality, "any"),
		},
		Show: sizing.Show{Explain: p.explain, Top: p.top},
	}
}

func orDefault(list []string, fallback ...string) []string {
	if len(list) > 0 {
		return list
	}
	return fallback
}
