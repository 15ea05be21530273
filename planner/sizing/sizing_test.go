package sizing_test

import (
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner/sizing"
)

const head = "apiVersion: eiplan/v1\nkind: SizingReport\n"

func TestRead(t *testing.T) {
	for _, c := range []struct{ name, text, err string }{
		{"a plan", head + "status: {verdict: feasible, best: {instance: c5.large}}", ""},
		{"none feasible", head + "status: {verdict: infeasible, best: null}", ""},
		{"JSON, with a field of a later version", `{"apiVersion":"eiplan/v1","kind":"SizingReport","later":1,"status":{"verdict":"unknown"}}`, ""},
		{"another kind", "apiVersion: eiplan/v1\nkind: Benchmark", `of kind "Benchmark"`},
		{"another version", "apiVersion: eiplan/v2\nkind: SizingReport", `apiVersion "eiplan/v2"`},
		{"an answer without a plan", head + "status: {verdict: feasible}", "no status.best"},
		{"a plan without an answer", head + "status: {verdict: infeasible, best: {instance: c5.large}}", "there is a status.best"},
		{"a list", "- 1", "cannot unmarshal"},
		{"no YAML", "a: b: c", "mapping values"},
		{"text where a number belongs", head + "spec: {rate: fast}\nstatus: {verdict: unknown}", "spec.rate"},
		{"nothing", "", "EOF"},
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
