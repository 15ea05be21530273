package gate_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

func reprice(r *sizing.Report) *sizing.Report {
	return with(r, func(r *sizing.Report) { r.Metadata.Catalog = &report.Origin{SHA256: "c2", AsOf: "2026-01-15"} })
}

// TestDiffOfPrices: what the buyer pays more because of prices stands apart from the rest, where the reports hold it.
func TestDiffOfPrices(t *testing.T) {
	c5, m5 := option{"c5.large", 50, 80}, option{"m5.large", 60, 70}
	overlaid := func(r *sizing.Report) *sizing.Report {
		return with(r, func(r *sizing.Report) {
			r.Metadata.Overlays = []report.Origin{{Source: "edp.yaml", SHA256: "o1"}}
		})
	}
	doubled := func(r *sizing.Report) *sizing.Report {
		return best(r, func(c *planner.Choice) {
			c.Replicas, c.Cost.TotalHourlyUsd, c.Cost.TotalMonthlyUsd = 2, 2*c.Cost.TotalHourlyUsd, 2*c.Cost.TotalMonthlyUsd
		})
	}
	owned := func(r *sizing.Report) *sizing.Report {
		return best(r, func(c *planner.Choice) { c.Owned = &planner.Owned{} })
	}
	nan := math.NaN() // unknown
	for _, c := range []struct {
		name             string
		base, head       *sizing.Report
		delta, ofPrices  float64 // of the month, at the base's prices and by HEAD's
		asReported       float64
		note             string
		differs          string // the causes that differ
		unknown          string // the causes that may
		cause            string // to which
		causes           float64
		sameAnswerAndAll bool
	}{
		{"nothing", plan(c5, m5), plan(c5, m5), 0, 0, 0, "same prices", "", "", "", 0, true},
		{"a later day", plan(c5, m5), with(plan(c5, m5), func(r *sizing.Report) { r.Spec.Constraints.AsOf = "2026-02-02" }), 0, 0, 0, "same prices", "", "", "", 0, true},
		{"a day before the catalogue's", plan(c5, m5), with(plan(c5, m5), func(r *sizing.Report) { r.Spec.Constraints.AsOf = "2025-02-02" }), 0, 0, 0, "as BASE lists it", "", "", "", 0, true},
		{"a dearer price", plan(c5, m5), reprice(plan(option{"c5.large", 55, 80}, m5)), 0, 5, 5, "as BASE lists it", "catalogue prices", "", "prices", 5, false},
		{"a dearer price makes the other the answer", plan(c5, m5), reprice(plan(m5, option{"c5.large", 65, 80})), 10, 0, 10, "as BASE lists it", "catalogue prices", "", "prices", 10, false},
		{"a dearer price, not listed then", plan(c5), reprice(plan(m5)), nan, nan, 10, "unknown: prices may differ, and BASE has no price of 1 x m5.large, On-Demand, in us-east-1 (of 1 that are feasible it lists the 1 cheapest;", "catalogue", "prices lifecycle", "prices", 10, false},
		{"an overlay", plan(c5), overlaid(plan(option{"c5.large", 40, 80})), 0, -10, -10, "as BASE lists it", "prices", "", "prices", -10, false},
		{"an overlay of something else", plan(c5), overlaid(plan(c5)), 0, 0, 0, "as BASE lists it", "", "", "", 0, true},
		{"two instances for one", plan(c5), with(doubled(plan(c5)), func(r *sizing.Report) { r.Spec.Rate = 40 }), 50, 0, 50, "same prices", "rate", "", "rate", 50, false},
		{"two instances for one, and a dearer price", plan(c5), with(doubled(reprice(plan(option{"c5.large", 55, 80}))), func(r *sizing.Report) { r.Spec.Rate = 40 }), 50, 10, 60, "as BASE lists it", "rate catalogue prices", "", "rate", 50, false},
		{"owned, in another number", owned(plan(c5)), doubled(owned(reprice(plan(option{"c5.large", 55, 80})))), nan, nan, 60, "unknown: what is owned pays for a part", "catalogue", "prices", "prices", 60, false},
		{"a tighter budget", plan(c5, m5), with(plan(m5), func(r *sizing.Report) { r.Spec.Budget.InferenceMs = 75 }), 10, 0, 10, "same prices", "sla", "", "sla", 10, false},
		{"another model", plan(c5, m5), with(plan(m5), func(r *sizing.Report) { r.Spec.Model.Sha256 = "bbbb" }), 10, 0, 10, "same prices", "model", "", "model", 10, false},
		{"another model and a tighter budget", plan(c5, m5), with(plan(m5), func(r *sizing.Report) { r.Spec.Model.Sha256, r.Spec.Budget.InferenceMs = "bbbb", 75 }), 10, 0, 10, "same prices", "model sla", "", "sla", nan, false},
		{"another measurement", plan(c5), measured(plan(c5), 1, 2, 3), 0, 0, 0, "same prices", "measurement", "", "measurement", 0, true},
		{"another constraint", plan(c5), with(plan(m5), func(r *sizing.Report) { r.Spec.Constraints.Instances = []string{"m5.*"} }), 10, 0, 10, "same prices", "constraints", "", "constraints", 10, false},
		{"another day that was asked for", plan(c5), with(plan(m5), func(r *sizing.Report) {
			r.Spec.Constraints.AsOf, r.Spec.Constraints.AsOfGiven = "2026-03-01", true
		}), 10, 0, 10, "same prices", "constraints", "", "constraints", 10, false},
		{"other coefficients", plan(c5), with(plan(m5), func(r *sizing.Report) { r.Metadata.Coefficients = &report.Origin{SHA256: "k2"} }), 10, 0, 10, "same prices", "coefficients", "", "coefficients", 10, false},
		{"a calibration", plan(c5), with(plan(m5), func(r *sizing.Report) { r.Metadata.Calibration = &report.Origin{SHA256: "k2"} }), 10, 0, 10, "same prices", "calibration", "", "calibration", 10, false},
		{"another version", plan(c5), with(plan(m5), func(r *sizing.Report) { r.Metadata.Tool.Version = "v1.1.0" }), 10, 0, 10, "same prices", "tool", "", "tool", 10, false},
		{"no version", with(plan(c5), func(r *sizing.Report) { r.Metadata.Tool.Version = "devel" }), with(plan(m5), func(r *sizing.Report) { r.Metadata.Tool.Version = "devel" }), 10, 0, 10, "same prices", "", "tool", "tool", nan, false},
		{"no catalogue named", with(plan(c5), func(r *sizing.Report) { r.Metadata.Catalog = nil }), plan(m5), nan, nan, 10, "unknown: prices may differ", "", "catalogue prices lifecycle", "prices", 10, false},
		{"retired", plan(c5, m5), reprice(best(plan(c5, m5), func(c *planner.Choice) { c.Lifecycle.Instance = "retired" })), 0, 0, 0, "as BASE lists it", "catalogue lifecycle", "", "prices", 0, true},
		{"no answer any more", plan(c5), plan(), nan, nan, nan, "HEAD has no answer", "", "", "prices", nan, false},
	} {
		d := gate.Compare(c.base, c.head, gate.BasePrices)
		for _, x := range []struct {
			what string
			got  *float64
			want float64
		}{{"at the base's prices", d.Cost.MonthlyUsd.Delta, c.delta}, {"by prices", d.OfPrices.MonthlyUsd.Delta, c.ofPrices}, {"as reported", d.AsReported.MonthlyUsd.Delta, c.asReported}} {
			if (x.got == nil) != math.IsNaN(x.want) || x.got != nil && math.Abs(*x.got-x.want) > 1e-6 {
				t.Errorf("%s: %s %v, want %v", c.name, x.what, show(x.got), x.want)
			}
		}
		if !strings.Contains(d.PricesNote, c.note) || d.Same != c.sameAnswerAndAll {
			t.Errorf("%s: same %v, %q, want %v, %q", c.name, d.Same, d.PricesNote, c.sameAnswerAndAll, c.note)
		}
		var differs, unknown []string
		for _, x := range d.Causes {
			switch {
			case x.Differs == nil:
				unknown = append(unknown, x.Cause)
			case *x.Differs:
				differs = append(differs, x.Cause)
			}
			if x.Cause == c.cause && ((x.MonthlyUsd == nil) != math.IsNaN(c.causes) || x.MonthlyUsd != nil && math.Abs(*x.MonthlyUsd-c.causes) > 1e-6) {
				t.Errorf("%s: %s makes %v, want %v", c.name, c.cause, show(x.MonthlyUsd), c.causes)
			}
		}
		if strings.Join(differs, " ") != c.differs || strings.Join(unknown, " ") != c.unknown {
			t.Errorf("%s: %q differ, %q may, want %q, %q", c.name, differs, unknown, c.differs, c.unknown)
		}
		if reported := gate.Compare(c.base, c.head, gate.HeadPrices); !equal(t, reported.Cost, d.AsReported) {
			t.Errorf("%s: at new prices %+v, want what is reported", c.name, reported.Cost)
		}
	}
}

func show(v *float64) any {
	if v == nil {
		return "unknown"
	}
	return *v
}

func equal(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

// What BASE chose is looked up in HEAD by what is bought, where and how; on which runtime may change.
func TestBaseChoice(t *testing.T) {
	c5, m5 := option{"c5.large", 50, 80}, option{"m5.large", 60, 70}
	base := plan(c5)
	accelerated := best(plan(c5), func(c *planner.Choice) { c.Accelerator = new(string); *c.Accelerator = "eia2.medium" })
	twice := with(plan(c5, c5), func(r *sizing.Report) { r.Status.Plans[0].Precision = "mixed" })
	for _, c := range []struct {
		name string
		head *sizing.Report
		rank int
		gone string
	}{
		{"the answer", plan(c5, m5), 1, "false"},
		{"second", plan(m5, option{"c5.large", 70, 80}), 2, "false"},
		{"in the same precision, though dearer", twice, 2, "false"},
		{"with an accelerator is another", accelerated, 0, "true"},
		{"in another region is another", best(plan(c5), func(c *planner.Choice) { c.Region = "eu-west-1" }), 0, "true"},
		{"not listed", with(plan(m5), func(r *sizing.Report) { r.Status.Feasible = 2 }), 0, "null"},
		{"among the alternatives", with(plan(m5), func(r *sizing.Report) {
			r.Status.AlternativePlans = append(r.Status.AlternativePlans, plan(m5, c5).Status.Plans[1])
		}), 2, "false"},
		{"nothing feasible", plan(), 0, "true"},
	} {
		k := gate.Compare(base, c.head, gate.BasePrices).BaseChoice
		gone := "null"
		if k.Gone != nil {
			gone = map[bool]string{true: "true", false: "false"}[*k.Gone]
		}
		if k.Rank != c.rank || k.Listed != (c.rank > 0) || gone != c.gone || (k.MonthlyUsd.New == nil) != (c.rank == 0) {
			t.Errorf("%s: %+v, want rank %d, gone %s", c.name, k, c.rank, c.gone)
		}
	}
	if k := gate.Compare(plan(), base, gate.BasePrices).BaseChoice; k != nil {
		t.Errorf("a base without an answer chose %+v", k)
	}
}
