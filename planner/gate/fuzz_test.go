package gate_test

import (
	"encoding/json"
	"os"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/sizing"
)

// FuzzReports: whatever two files hold, they are refused with an error, or judged and compared; and what is said can be written.
func FuzzReports(f *testing.F) {
	const head = "apiVersion: eiplan/v1\nkind: SizingReport\nspec: {model: {name: m}}\nstatus: {verdict: feasible, feasible: 1, best: &a {rank: 1, replicas: 1, cost: {totalMonthlyUsd: 1e308}}, plans: [*a]"
	const many = "apiVersion: eiplan/v1\nkind: PortfolioReport\nspec: {models: [{name: a, asked: {}}, {name: b}]}\nstatus: {outcome: failed, models: [{name: a, outcome: unknown, plan: {verdict: unknown}}, {name: b, outcome: failed, failure: {}}]"
	f.Add([]byte(head+"}"), []byte(head+", benchmark: {runs: [{precision: fp32}]}}"))
	f.Add([]byte(head+", alternativePlans: [*a], warnings: [{}]}"), []byte("apiVersion: eiplan/v1\nkind: SizingReport\nspec: {model: {name: m}}\nstatus: {verdict: unknown}"))
	f.Add([]byte(many+"}"), []byte(many+", owned: [{}]}"))
	text, err := os.ReadFile("../../testdata/policies/budget.yaml")
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Spec gate.PolicySpec }
	if err := yaml.Unmarshal(text, &file); err != nil {
		f.Fatal(err)
	}
	policy, err := gate.Compile("budget.yaml", text, file.Spec, gate.Variables{Base: true})
	if err != nil {
		f.Fatal(err)
	}
	gates := gate.Gates{Policies: []*gate.Policy{policy}, Limits: gate.Limits{MaxMonthlyUsd: at(1), MaxPerMillionUsd: at(1), MaxIncreasePercent: at(1), MaxLatencyRegressionPercent: at(1), MinHeadroomPercent: at(1)}}
	written := func(t *testing.T, v any) {
		t.Helper()
		if _, err := json.Marshal(v); err != nil {
			t.Error(err)
		}
	}
	f.Fuzz(func(t *testing.T, base, head []byte) {
		if b, err := sizing.Read(base); err == nil {
			if h, err := sizing.Read(head); err == nil {
				written(t, gate.Compare(b, h, gate.BasePrices))
				if r, err := gate.Judge(gate.Request{Gates: gates, Head: h, Base: b}); err == nil {
					written(t, r)
				}
			}
		}
		if b, err := portfolio.Read(base); err == nil {
			written(t, b.Document().Tables)
			if h, err := portfolio.Read(head); err == nil {
				written(t, gate.ComparePortfolios(b, h, gate.BasePrices))
				if r, err := gate.JudgePortfolio(gate.PortfolioRequest{Gates: gates, Head: h, Base: b}); err == nil {
					written(t, r)
				}
			}
		}
	})
}
