package sizing_test

import (
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner/sizing"
)

const head = "apiVersion: eiplan/v1\nkind: SizingReport\n"

func TestRead(t *testing.T) {
	const plans = "\n  plans: [*best]\n  feasible: 1\n"
	for _, c := range []struct{ name, text, err string }{
		{"a plan", head + "status:\n  verdict: feasible\n  best: &best {instance: c5.large, replicas: 1}" + plans, ""},
		{"none feasible", head + "status: {verdict: infeasible, best: null}", ""},
		{"JSON, with a field of a later version", `{"apiVersion":"eiplan/v1","kind":"SizingReport","later":1,"status":{"verdict":"unknown"}}`, ""},
		{"another kind", "apiVersion: eiplan/v1\nkind: Benchmark", `of kind "Benchmark"`},
		{"another version", "apiVersion: eiplan/v2\nkind: SizingReport", `apiVersion "eiplan/v2"`},
		{"an answer without a plan", head + "status: {verdict: feasible}", "there is no best choice"},
		{"a plan without an answer", head + "status: {verdict: infeasible, best: {instance: c5.large}}", "there is a best choice"},
		{"choices without an answer", head + "status: {verdict: unknown, plans: [{replicas: 1}]}", "or plans"},
		{"a verdict that is none", head + "status: {verdict: banana}", `status.verdict "banana" is none`},
		{"no verdict", head + "status: {}", `status.verdict "" is none`},
		{"cut off after the answer", head + "status:\n  verdict: feasible\n  best: {instance: c5.large, replicas: 1}\n", "feasible is 0, plans and alternativePlans are 0: is the file whole?"},
		{"cut off after the choices", head + "status:\n  verdict: feasible\n  best: &best {replicas: 1}\n  plans: [*best]\n", "feasible is 0, plans and alternativePlans are 1"},
		{"no instance", head + "status:\n  verdict: feasible\n  best: &best {instance: c5.large}" + plans, "status.best.replicas is 0"},
		{"a listed choice below nothing", head + "status:\n  verdict: feasible\n  best: {replicas: 1}\n  plans: [{replicas: 1, cost: {upfrontUsd: -5}}]\n  feasible: 1\n", "status.plans[0].cost.upfrontUsd is -5"},
		{"a named choice below nothing", head + "status:\n  verdict: feasible\n  best: &best {replicas: 1}\n  alternativePlans: [{replicas: -1}]\n  plans: [*best]\n  feasible: 2\n", "status.alternativePlans[0].replicas is -1"},
		{"no figure", head + "spec:\n  rate: .nan\n", `line 4: ".nan" is no figure`},
		{"two reports", head + "status: {verdict: unknown}\n---\n" + head, "another document begins: it holds several"},
		{"a list", "- 1", "it holds a list of reports"},
		{"no YAML", "a: b: c", "mapping values"},
		{"text where a number belongs", head + "spec: {rate: fast}\nstatus: {verdict: unknown}", "spec.rate"},
		{"nothing", "", "it is empty"},
	} {
		r, err := sizing.Read([]byte(c.text))
		switch {
		case c.err == "" && (err != nil || r.Kind != sizing.Kind):
			t.Errorf("%s: %v", c.name, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}
