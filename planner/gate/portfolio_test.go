package gate_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// model is one of a portfolio; nil: it could not be planned.
type model struct {
	name string
	plan *sizing.Report
}

// several is a portfolio of models, whose total is the sum of their answers.
func several(models ...model) *portfolio.Report {
	r := &portfolio.Report{Metadata: plan().Metadata, Spec: portfolio.ReportSpec{Files: []report.Origin{{Source: "all.yaml"}}}, Status: portfolio.Status{Outcome: portfolio.Feasible}}
	t := &r.Status.Total
	t.Models = len(models)
	for _, m := range models {
		asked, member := portfolio.Asked{Name: m.name}, portfolio.Member{Name: m.name, Outcome: portfolio.Failed}
		if m.plan == nil {
			member.Failure = &portfolio.Failure{Text: "gone", ExitCode: 2}
			r.Status.Outcome = portfolio.Failed
		} else {
			asked.Asked, member.Plan, member.Outcome = &m.plan.Spec, &m.plan.Status, portfolio.Outcome(m.plan.Status.Verdict)
		}
		if c := member.Best(); c != nil {
			t.Feasible, t.Instances = t.Feasible+1, t.Instances+c.Replicas
			t.MonthlyUsd += pricing.USD(math.Round(c.Cost.TotalMonthlyUsd * 1e9))
		} else {
			t.LeftOut = append(t.LeftOut, m.name)
		}
		r.Spec.Models, r.Status.Models = append(r.Spec.Models, asked), append(r.Status.Models, member)
	}
	return r
}

func TestPortfolioLimits(t *testing.T) {
	c5, m5, slow := option{"c5.large", 50, 80}, option{"m5.large", 60, 70}, option{"c5.large", 50, 99}
	a, b := model{"a", plan(c5)}, model{"b", plan(m5)}
	monthly, growth, spare := gate.Limits{MaxMonthlyUsd: at(110)}, gate.Limits{MaxIncreasePercent: at(10)}, gate.Limits{MinHeadroomPercent: at(10)}
	for _, c := range []struct {
		name       string
		head, base *portfolio.Report
		limits     gate.Limits
		violated   string // SUBJECT/RULE, in the order of the findings
		says       string
	}{
		{"the total at the limit", several(a, b), nil, monthly, "", "total of 2 models: 110.00 USD a month, at most 110.00 USD allowed."},
		{"the total over it, though no model is", several(a, b, model{"c", plan(option{"c5.large", 0.01, 80})}), nil, monthly, "all.yaml/max-monthly-cost", "total of 3 models: 110.01 USD"},
		{"one model without an answer", several(a, model{"b", plan()}), nil, monthly, "b/verdict", "total of 1 of 2 models (without a plan: b): 50.00 USD a month"},
		{"one model that failed", several(a, model{"b", nil}), nil, monthly, "b/verdict", "FAILED: gone."},
		{"a model too slow", several(a, model{"b", plan(slow)}), nil, spare, "b/min-headroom", "1% of the 100 ms are spare"},
		{"a million requests of each", several(a, b), nil, gate.Limits{MaxPerMillionUsd: at(0.55)}, "b/max-cost-per-million", "0.6000 USD per million"},
		{"no increase", several(a, b), several(a, b), growth, "", "total: 110.00 USD a month against the base's 110.00 USD, +0%"},
		{"an increase of one, not of the total", several(model{"a", plan(option{"c5.large", 56, 80})}, b), several(a, b), growth, "a/max-increase", "total: 116.00 USD a month against the base's 110.00 USD, +5.45%"},
		{"increases of each at the limit", several(model{"a", plan(option{"c5.large", 55, 80})}, model{"b", plan(option{"m5.large", 66, 70})}), several(a, b), growth, "", "total: 121.00 USD a month against the base's 110.00 USD, +10%"},
		{"another order is no difference", several(b, a), several(a, b), growth, "", "+0%"},
		{"a model more", several(a, b), several(a), growth, "all.yaml/max-increase", "+120%, at most +10% allowed; added: b, +60.00 USD."},
		{"a model more: it has no base", several(a, b), several(a), gate.Limits{MaxLatencyRegressionPercent: at(0)}, "", "the base has no plan of this model to compare with"},
		{"a model less", several(a), several(a, b), growth, "", "-54.5%, at most +10% allowed; removed: b, -60.00 USD."},
		{"another in its place", several(a, model{"c", plan(m5)}), several(a, b), growth, "", "+0%, at most +10% allowed; added: c, +60.00 USD; removed: b, -60.00 USD."},
		{"an answer where there was none", several(a, b), several(a, model{"b", plan()}), growth, "", "total: 50.00 USD a month against the base's 50.00 USD, +0%, at most +10% allowed; in neither sum, for want of an answer: b."},
		{"an answer where nothing could be planned", several(a, b), several(a, model{"b", nil}), growth, "", "in neither sum, for want of an answer: b."},
		{"no answer any more", several(a, model{"b", plan()}), several(a, b), growth, "b/verdict", "in neither sum, for want of an answer: b."},
		{"a near tie that flips", several(model{"a", plan(option{"m5.large", 49.9, 97}, c5)}, b), several(a, b), gate.Limits{MaxLatencyRegressionPercent: at(10)}, "", "passed, because what the base chose, 1 x c5.large"},
		{"another model behind the name", several(model{"a", with(plan(c5), func(r *sizing.Report) { r.Spec.Model.Name, r.Spec.Model.Sha256 = "n", "bbbb" })}, b), several(a, b), growth, "", "(the model changed: aaaa to bbbb)"},
	} {
		r, err := gate.JudgePortfolio(gate.PortfolioRequest{Head: c.head, Base: c.base, Gates: gate.Gates{Limits: c.limits, File: "plan.yaml"}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var violated, said []string
		for _, f := range r.Findings {
			said = append(said, f.Subject+": "+f.Message)
			if !f.Passed {
				violated = append(violated, f.Subject+"/"+f.Rule)
			}
			if f.File != "plan.yaml" || f.Level != report.Deny {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if got := strings.Join(violated, " "); got != c.violated || r.Passed != (c.violated == "") || !strings.Contains(strings.Join(said, "\n"), c.says) {
			t.Errorf("%s: violated %q, passed %v, want %q, saying %q:\n%s", c.name, got, r.Passed, c.violated, c.says, strings.Join(said, "\n"))
		}
	}
}

// TestPortfolioOfOne: a model in a portfolio is judged as it is alone, and the total of one is its own cost.
func TestPortfolioOfOne(t *testing.T) {
	head, base := plan(option{"m5.large", 60, 97}, option{"c5.large", 61, 80}), plan(option{"c5.large", 50, 80})
	gates := gate.Gates{Limits: gate.Limits{MaxMonthlyUsd: at(100), MaxPerMillionUsd: at(1), MaxIncreasePercent: at(5), MaxLatencyRegressionPercent: at(10), MinHeadroomPercent: at(10)}}
	alone, err := gate.Judge(gate.Request{Gates: gates, Head: head, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	among, err := gate.JudgePortfolio(gate.PortfolioRequest{Gates: gates, Head: several(model{"m", head}), Base: several(model{"m", base})})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range alone.Findings {
		if f.Rule == "max-monthly-cost" {
			continue // it is the total's
		}
		if !slices.Contains(among.Findings, f) {
			t.Errorf("not among them: %+v", f)
		}
	}
	if a, b := len(among.Findings), len(alone.Findings); a != b+1 { // and the total's increase
		t.Errorf("%d findings, alone %d", a, b)
	}
	d, one := among.Portfolio.Diff, alone.Diff
	if !equal(t, d.Members[0].Diff, one) || !equal(t, d.Total.AsReported.MonthlyUsd, one.AsReported.MonthlyUsd) || d.Same != one.Same {
		t.Errorf("%+v, alone %+v", d.Total, one.AsReported)
	}
	for i, c := range one.Causes {
		if got := d.Causes[i+2]; got.Cause != c.Cause || !equal(t, got.Differs, c.Differs) || got.Old != "" && (got.Old != c.Old || got.New != c.New) {
			t.Errorf("%+v, alone %+v", got, c)
		}
	}
}

// TestPortfolioCauses: the shares of the causes add up to what the total changed by, where each is known.
func TestPortfolioCauses(t *testing.T) {
	c5, m5 := option{"c5.large", 50, 80}, option{"m5.large", 60, 70}
	faster := func(r *sizing.Report) *sizing.Report {
		return with(r, func(r *sizing.Report) { r.Spec.Budget.InferenceMs = 75 })
	}
	owning := func(r *portfolio.Report, by string) *portfolio.Report {
		r.Metadata.Commitments = []report.Origin{{Source: "owned.yaml", SHA256: "o"}}
		for i := range r.Status.Models {
			if r.Status.Models[i].Name == by {
				r.Status.Models[i].Plan.Best.Owned = &planner.Owned{Commitments: []planner.Covered{{ID: "ri-1", Instances: 1}}}
			}
		}
		return r
	}
	for _, c := range []struct {
		name       string
		base, head *portfolio.Report
		delta      float64
		shares     string // CAUSE=USD MODELS of what differs or may
	}{
		{"nothing", several(model{"a", plan(c5)}), several(model{"a", plan(c5)}), 0, ""},
		{"two causes of two models", several(model{"a", plan(c5, m5)}, model{"b", plan(c5, m5)}), several(model{"a", faster(plan(m5))}, model{"b", with(plan(m5), func(r *sizing.Report) { r.Spec.Model.Sha256 = "bbbb" })}), 20, "model=10 b; sla=10 a"},
		{"one cause of two models", several(model{"a", plan(c5, m5)}, model{"b", plan(c5, m5)}), several(model{"a", faster(plan(m5))}, model{"b", faster(plan(m5))}), 20, "sla=20 a,b"},
		{"two causes of one model", several(model{"a", plan(c5, m5)}), several(model{"a", with(faster(plan(m5)), func(r *sizing.Report) { r.Spec.Model.Sha256 = "bbbb" })}), 10, "model=? a; sla=? a"},
		{"added and removed", several(model{"a", plan(c5)}, model{"b", plan(c5)}), several(model{"a", plan(c5)}, model{"c", plan(m5)}), 10, "added=60 c; removed=-50 b"},
		{"a cause of what has no answer makes nothing", several(model{"a", plan(c5)}, model{"b", plan(c5)}), several(model{"a", plan(c5)}, model{"b", faster(plan())}), 0, "sla=0 b"},
		{"what is owned goes to another", owning(several(model{"a", plan(option{"c5.large", 0, 80})}, model{"b", plan(c5)}), "a"), owning(several(model{"b", plan(option{"c5.large", 0, 80})}, model{"a", plan(c5)}), "b"), 0, "owned=0 b,a"},
	} {
		d := gate.ComparePortfolios(c.base, c.head, gate.BasePrices)
		var shares []string
		for _, x := range d.Causes {
			if x.Differs != nil && !*x.Differs || x.Differs == nil && len(x.Models) == 0 {
				continue
			}
			share := "?"
			if x.MonthlyUsd != nil {
				share = strconv.FormatFloat(*x.MonthlyUsd, 'f', -1, 64)
			}
			shares = append(shares, x.Cause+"="+share+" "+strings.Join(x.Models, ","))
		}
		if got := strings.Join(shares, "; "); got != c.shares || *d.Total.AsReported.MonthlyUsd.Delta != c.delta {
			t.Errorf("%s: %q, %g, want %q, %g", c.name, got, *d.Total.AsReported.MonthlyUsd.Delta, c.shares, c.delta)
		}
	}
}
