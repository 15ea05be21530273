package planner

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models/zoo"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// TestSolveAll: together, in any company, each request gets the plan that it gets alone, and one that is malformed gets its error.
func TestSolveAll(t *testing.T) {
	catalogs := randomCatalogs(t)
	var list []Request
	for seed := range uint64(40) {
		list = append(list, randomRequest(seed, catalogs))
	}
	list[7].SLA.TotalMs = -1
	answers, left := SolveAll(list, nil)
	if len(left.Reserved)+len(left.SavingsPlans) != 0 {
		t.Errorf("left of nothing: %+v", left)
	}
	for i, r := range list {
		want, err := Solve(r)
		if fmt.Sprint(err) != fmt.Sprint(answers[i].Err) || (err != nil) != (i == 7) {
			t.Errorf("request %d: %v, alone %v", i, answers[i].Err, err)
		}
		if asJSON(t, want) != asJSON(t, answers[i].Plan) {
			t.Errorf("request %d: another plan than alone: %s", i, describe(r))
		}
	}
}

// TestSolveAllUsesUpWhatIsOwned: each request buys with what those before it left, and the last leaves what is left in the end.
func TestSolveAllUsesUpWhatIsOwned(t *testing.T) {
	catalogs := randomCatalogs(t)
	used := 0
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 13))
		owned := &pricing.Commitments{}
		for i := range 6 {
			owned.Reserved = append(owned.Reserved, pricing.OwnedReserved{ID: fmt.Sprint(i), Instance: []string{"c5.large", "c5.xlarge", "c6i.2xlarge", "c7g.xlarge", "g4dn.xlarge"}[random.IntN(5)],
				Region: []string{"east", "west"}[random.IntN(2)], Count: 1 + random.IntN(3), Term: pricing.OneYear, Recurring: 1e6, Expires: 20400101})
			owned.SavingsPlans = append(owned.SavingsPlans, pricing.OwnedPlan{ID: fmt.Sprint("sp", i), Class: pricing.Compute, Term: pricing.OneYear, Payment: pricing.NoUpfront,
				Commitment: pricing.USDPerHour(1 + random.Int64N(3e8)), Expires: 20400101})
		}
		var list []Request
		for k := range uint64(12) {
			list = append(list, randomRequest(100*seed+k, catalogs))
		}
		answers, left := SolveAll(list, owned)
		still := owned
		for i, r := range list {
			alone, rest := SolveAll([]Request{r}, still)
			if asJSON(t, alone[0].Plan) != asJSON(t, answers[i].Plan) {
				t.Errorf("seed %d, request %d: another plan than with what was left", seed, i)
			}
			if still = rest; alone[0].Plan.Best != nil && alone[0].Plan.Best.Owned != nil {
				used++
			}
		}
		if asJSON(t, still) != asJSON(t, left) {
			t.Errorf("seed %d: left %s, one after the other %s", seed, asJSON(t, left), asJSON(t, still))
		}
		for i := range left.Reserved {
			if r := &left.Reserved[i]; r.InUse > r.Whole() {
				t.Errorf("seed %d: %s of %d %s in use", seed, r.InUse, r.Count, r.Instance)
			}
		}
		for _, p := range left.SavingsPlans {
			if p.InUse > p.Commitment {
				t.Errorf("seed %d: %s of %s USD/h in use", seed, p.InUse, p.Commitment)
			}
		}
	}
	if used < 3 {
		t.Errorf("only %d best choices use what is owned", used)
	}
}

// A fault in a worker reaches the caller, whoever waits for whom.
func TestSolveAllPanics(t *testing.T) {
	broken := *latency.Default()
	broken.Achieved = nil
	bad := request(100)
	bad.Coefficients, bad.Scaling = &broken, latency.Efficiency
	owned := &pricing.Commitments{Reserved: []pricing.OwnedReserved{{ID: "ri", Instance: "c7i.large", Region: "us-east-1", Count: 1, Term: pricing.OneYear, Recurring: 1, Expires: 20400101}}}
	defer func() {
		if fault := recover(); fault == nil || !strings.Contains(fmt.Sprint(fault), "no achieved efficiency") {
			t.Errorf("%v", fault)
		}
	}()
	SolveAll([]Request{request(100), bad, request(90), request(80)}, owned)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// measuredZoo is requests for so many models of the zoo in three regions, each with its own work and its own measurement.
func measuredZoo(b *testing.B, n int) []Request {
	b.Helper()
	entries, catalog := zoo.List(), pricing.Snapshot()
	var list []Request
	for i := range n {
		m, err := zoo.Outline(entries[i*len(entries)/n].Name)
		if err != nil {
			b.Fatal(err)
		}
		w, err := engine.Count(m, engine.Options{Dims: map[string]int{"batch": 1}})
		if err != nil {
			b.Fatal(err)
		}
		r := Request{Workload: w, Measured: measuredHere(), Model: latency.Subject{Name: m.Path, SHA256: m.SHA256}, Catalog: catalog, SLA: SLA{TotalMs: 20 + w.FLOPs/1e8}}
		for k := range r.Measured.Runs {
			r.Measured.Runs[k].P50Ms = w.FLOPs / 2e8
		}
		r.Constraints.Regions = []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
		list = append(list, r)
	}
	return list
}

// BenchmarkSolveAll is 200 measured models in three regions.
func BenchmarkSolveAll(b *testing.B) {
	list := measuredZoo(b, 200)
	for b.Loop() {
		answers, _ := SolveAll(list, nil)
		for i := range answers {
			if answers[i].Err != nil {
				b.Fatal(answers[i].Err)
			}
		}
	}
}
