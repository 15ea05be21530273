package gate_test

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// compile reads rules, one a line, in YAML's flow style, as the items of a list that begins in line 2.
func compile(t *testing.T, base bool, rules ...string) (*gate.Policy, error) {
	t.Helper()
	return compileFile(t, base, "rules:\n  - "+strings.Join(rules, "\n  - ")+"\n")
}

func compileFile(t *testing.T, base bool, content string) (*gate.Policy, error) {
	t.Helper()
	var spec gate.PolicySpec
	if err := yaml.Unmarshal([]byte(content), &spec); err != nil {
		t.Fatal(err)
	}
	return gate.Compile("budget.yaml", []byte(content), spec, gate.Variables{Base: base})
}

func TestRules(t *testing.T) {
	c5, m5 := option{"c5.large", 50, 80}, option{"m5.large", 60, 70}
	for _, c := range []struct {
		name       string
		head, base *sizing.Report
		pick, when string
		passed     bool
		fault      string
	}{
		{"true", plan(c5), nil, "", "true", false, ""},
		{"not true", plan(c5), nil, "", "plan.best.instance == 'm5.large'", true, ""},
		{"a double compared with a whole number", plan(c5), nil, "", "plan.best.cost.totalMonthlyUsd > 49 && plan.best.replicas == 1", false, ""},
		{"arithmetic", plan(c5), nil, "", "plan.best.cost.totalMonthlyUsd * 12.0 > 599.0", false, ""},
		{"the choice that is picked", plan(c5, m5), nil, "m5.large", "plan.best.instance == 'm5.large'", false, ""},
		{"lists", plan(c5, m5), nil, "", "plan.plans.exists(p, p.rank == 2 && p.instance.startsWith('m5'))", false, ""},
		{"what was asked", plan(c5), nil, "", "spec.model.flops > 5e8 && spec.budget.percentile == 99", false, ""},
		{"the base", plan(m5), plan(c5), "", "plan.best.cost.totalMonthlyUsd > base.best.cost.totalMonthlyUsd", false, ""},
		{"the difference", plan(m5), plan(c5), "", "diff.choice.instance.changed && diff.asReported.monthlyUsd.percent == 20", false, ""},
		{"a key that may be missing", plan(c5), nil, "", "has(plan.best.owned)", true, ""},
		{"a key that is missing", plan(c5), nil, "", "plan.bests.instance == 'c5.large'", true, `budget.yaml:2:37: rule "r": no such key: bests`},
		{"a whole number times a double", plan(c5), nil, "", "plan.best.cost.totalMonthlyUsd * 12 > 1.0", true, "numbers are doubles"},
		{"division by zero", plan(c5), nil, "", "1 / 0 > 1", true, "division by zero"},
		{"neither true nor false", plan(c5), nil, "", "plan.best.instance", true, `when is "c5.large", of type string`},
		{"without end", plan(c5), nil, "", strings.Repeat("[1,2,3,4,5,6,7,8,9,10].all(x, ", 8) + "true" + strings.Repeat(")", 8), true, "cost limit exceeded"},
		{"of an answer that is not there", plan(), nil, "", "plan.best.cost.totalMonthlyUsd > 1", true, ""},
		{"of choices that are not there", plan(), nil, "", "plan.plans[0].rank == 1", true, ""},
		{"of a verdict", plan(), nil, "", "plan.verdict == 'infeasible' && plan.best == null", false, ""},
		{"wrong whatever the answer", plan(), nil, "", "plan.best.cost.totalMonthlyUsd > 1 || 1 / 0 > 1", true, ""},
		{"wrong, not for want of an answer", plan(), nil, "", "plan.bests.instance == 'c5.large'", true, "no such key: bests"},
		{"of the base's answer that is not there", plan(c5), plan(), "", "base.best.cost.totalMonthlyUsd > 1", true, ""},
		{"of a difference from no answer", plan(c5), plan(), "", "diff.cost.monthlyUsd.percent > 5", true, ""},
	} {
		p, err := compile(t, c.base != nil, `{id: r, level: deny, when: "`+c.when+`", message: said}`)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r, err := gate.Judge(gate.Request{Head: c.head, Base: c.base, Pick: c.pick, Gates: gate.Gates{Policies: []*gate.Policy{p}}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		f := r.Findings[len(r.Findings)-1]
		switch {
		case c.fault != "":
			if len(r.Faults) != 1 || f.Passed || r.Passed || !strings.Contains(r.Faults[0].Error(), c.fault) {
				t.Errorf("%s: %v, %+v, want the fault %q", c.name, r.Faults, f, c.fault)
			}
		case len(r.Faults) > 0 || f.Passed != c.passed || !c.passed && f.Message != "said" || f.Rule != "r" || f.File != "budget.yaml" || f.Line != 2:
			t.Errorf("%s: %v, %+v, want passed %v", c.name, r.Faults, f, c.passed)
		}
	}
}

// Only deny violates.
func TestLevels(t *testing.T) {
	for level, passes := range map[report.Level]bool{report.Deny: false, report.Warn: true, report.Info: true} {
		p, err := compile(t, false, "{id: r, level: "+string(level)+", when: 'true'}")
		if err != nil {
			t.Fatal(err)
		}
		r, err := gate.Judge(gate.Request{Head: plan(option{"c5.large", 50, 80}), Gates: gate.Gates{Policies: []*gate.Policy{p}}})
		f := r.Findings[1]
		if err != nil || r.Passed != passes || f.Passed || f.Level != level || f.Message != "true" {
			t.Errorf("%s: %+v, %v", level, r, err)
		}
	}
}

func TestPoliciesThatDoNotCompile(t *testing.T) {
	for _, c := range []struct{ name, content, err string }{
		{"an unknown name", "rules:\n- id: r\n  level: deny\n  when: plan.best.replicas > most\n", `budget.yaml:4:30: rule "r": undeclared reference to 'most'`},
		{"in single quotes, after a quote", "rules:\n- {id: r, level: deny, when: 'plan.verdict == ''x'' && most'}\n", "budget.yaml:2:56: "},
		{"in double quotes, after escapes", `rules: [{id: r, level: deny, when: "plan.verdict == \"\u0078\" && most"}]`, "budget.yaml:1:67: "},
		{"in a block", "rules:\n- id: r\n  level: deny\n  when: | # why\n    true &&\n\n      most\n", "budget.yaml:7:7: "},
		{"in a folded block", "rules:\n- id: r\n  level: deny\n  when: >-\n    true\n    && most\n", "budget.yaml:6:8: "},
		{"on two plain lines", "rules:\n- id: r\n  level: deny\n  when: true\n    && most\n", "budget.yaml:5:8: "},
		{"an end that comes too early", "rules:\n- id: r\n  level: deny\n  when: plan.verdict ==\n  message: x\n", `budget.yaml:4:24: rule "r": Syntax error: `},
		{"characters that are not ASCII", "rules:\n- {id: r, level: deny, when: '\"≤ü\" == most'}\n", "budget.yaml:2:39: "},
		{"every rule and every error", "rules:\n- {id: r, level: deny, when: one + two}\n- {id: s, level: deny, when: three}\n", "budget.yaml:2:30: rule \"r\": undeclared reference to 'one'\nbudget.yaml:2:36: rule \"r\": undeclared reference to 'two'\nbudget.yaml:3:30: rule \"s\""},
		{"a number", "rules:\n- {id: r, level: deny, when: 1 + 1}\n", `budget.yaml:2:30: rule "r": when is of type int, not true or false`},
		{"types that do not compare", "rules:\n- {id: r, level: deny, when: 1 == 'a'}\n", "budget.yaml:2:32: rule \"r\": found no matching overload"},
		{"a base where there is none", "rules:\n- {id: r, level: deny, when: base.best == null}\n", `budget.yaml:2:30: rule "r": it needs a base to compare with`},
		{"a difference where there is none", "rules:\n- {id: r, level: deny, when: diff.same}\n", `it needs a base to compare with`},
		{"no expression", "rules:\n- {id: r, level: deny, when: ''}\n", `rule "r": when is empty`},
		{"no when", "rules:\n- {id: r, level: deny}\n", `budget.yaml: rule "r": when is empty`},
		{"no id", "rules:\n- {level: deny, when: 'true'}\n", `budget.yaml:2:24: rules[0]: id ""`},
		{"an id of two lines", "rules:\n- {id: \"a\\n::error\", level: deny, when: 'true'}\n", `rules[0]: id "a\n::error" is not made of`},
		{"an id twice", "rules:\n- {id: r, level: deny, when: 'true'}\n- {id: r, level: warn, when: 'true'}\n", `budget.yaml:3:31: rules[1]: there is a rule "r" already`},
		{"no such level", "rules:\n- {id: r, level: denied, when: 'true'}\n", `rule "r": level "denied" is not deny, warn or info`},
		{"no rules", "rules: []\n", "budget.yaml: spec.rules has no rule"},
	} {
		if _, err := compileFile(t, false, c.content); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}
