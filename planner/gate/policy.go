package gate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"cel.dev/cel-go/cel"
	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// PolicyKind is the kind of a file of rules.
const PolicyKind = "BudgetPolicy"

// PolicySpec is the spec of kind BudgetPolicy.
type PolicySpec struct {
	Rules []Rule `json:"rules" yaml:"rules"`
}

// Rule fires where When is true of a report.
type Rule struct {
	ID      string       `json:"id" yaml:"id"`                               // unique in its file: letters, digits, dots, dashes and underscores
	Level   report.Level `json:"level" yaml:"level"`                         // what follows where it fires
	When    Expression   `json:"when" yaml:"when"`                           // in CEL
	Message string       `json:"message,omitempty" yaml:"message,omitempty"` // plain text; empty: When
}

// Expression is one in the Common Expression Language (https://cel.dev), with its place in the file.
//
// Its variables are plan, the status of the report with the choice that is judged as its best; spec, the spec of the report; and, with a base, base, its
// status, and diff, the status of kind Diff. Of a portfolio an expression that names any of these is evaluated for each model, any other once; portfolio is
// the status of the PortfolioReport, and, with a base, portfolioBase is its status and portfolioDiff the status of kind PortfolioDiff. Names are those of the
// files. Every number is a double: compared with 730, multiplied by 730.0.
type Expression struct {
	Text string
	node yaml.Node
}

// UnmarshalYAML takes text.
func (e *Expression) UnmarshalYAML(n *yaml.Node) error {
	e.node = *n
	return n.Decode(&e.Text)
}

// MarshalText is the expression alone.
func (e Expression) MarshalText() ([]byte, error) { return []byte(e.Text), nil }

// Policy is a BudgetPolicy that was compiled.
type Policy struct {
	file  string
	rules []compiled
}

type compiled struct {
	Rule
	line    int
	each    bool // it is about each model; else it is judged once
	checked *cel.Ast
	program cel.Program
	place   func(line, column int) string // of a place in the expression, both from 1 and 0 as CEL counts
}

// mostSteps bounds the evaluation of one rule, in units of CEL's cost model.
const mostSteps = 200_000

// Variables says what rules may name beside plan and spec.
type Variables struct {
	Base      bool // base and diff: there is a base
	Portfolio bool // portfolio, and with a base portfolioBase and portfolioDiff: there are several models
}

// The variables of rules: of each model, with a base or without, and of the portfolio.
var (
	ownNames      = [...]string{"plan", "spec"}
	comparedNames = [...]string{"base", "diff"}
	totalNames    = [...]string{"portfolio"}
	changeNames   = [...]string{"portfolioBase", "portfolioDiff"}
)

func (v Variables) names() []string {
	list := ownNames[:]
	if v.Base {
		list = slices.Concat(list, comparedNames[:])
	}
	if v.Portfolio {
		list = slices.Concat(list, totalNames[:])
	}
	if v.Base && v.Portfolio {
		list = slices.Concat(list, changeNames[:])
	}
	return list
}

// Compile checks the rules of a file, whose content gives errors their line and column. Rules can't name what there is not. The error joins all that were found.
func Compile(file string, content []byte, spec PolicySpec, there Variables) (*Policy, error) {
	env, err := environment(there.names())
	if err != nil {
		return nil, err
	}
	p := &Policy{file: file}
	var errs []error
	seen := map[string]bool{}
	for i, rule := range spec.Rules {
		c := compiled{Rule: rule, line: rule.When.node.Line, place: placer(file, content, &rule.When)}
		if err := rule.check(i, seen); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.place(1, 0), err))
			continue
		}
		if err := c.compile(env, there); err != nil {
			errs = append(errs, err)
			continue
		}
		p.rules = append(p.rules, c)
	}
	if len(spec.Rules) == 0 {
		errs = append(errs, fmt.Errorf("%s: spec.rules has no rule", file))
	}
	return p, errors.Join(errs...)
}

func environment(names []string) (*cel.Env, error) {
	options := []cel.EnvOption{cel.OptionalTypes(), cel.CrossTypeNumericComparisons(true)}
	for _, name := range names {
		options = append(options, cel.Variable(name, cel.MapType(cel.StringType, cel.DynType)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("gate: an environment for rules: %w", err)
	}
	return env, nil
}

var ruleID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// check refuses what is no rule.
func (r *Rule) check(i int, seen map[string]bool) error {
	switch {
	case !ruleID.MatchString(r.ID):
		return fmt.Errorf("rules[%d]: id %q is not made of letters, digits, dots, dashes and underscores", i, r.ID)
	case slices.Contains([]string{sizing.VerdictRule, monthlyRule, perMillionRule, increaseRule, regressionRule, headroomRule}, r.ID):
		return fmt.Errorf("rules[%d]: id %q is that of a gate of eiplan's own", i, r.ID)
	case seen[r.ID]:
		return fmt.Errorf("rules[%d]: there is a rule %q already", i, r.ID)
	case !slices.Contains(levels, r.Level):
		return fmt.Errorf("rule %q: level %q is not deny, warn or info", r.ID, r.Level)
	case r.When.Text == "":
		return fmt.Errorf("rule %q: when is empty", r.ID)
	}
	seen[r.ID] = true
	return nil
}

var levels = []report.Level{report.Deny, report.Warn, report.Info}

// compile checks one expression.
func (c *compiled) compile(env *cel.Env, there Variables) error {
	checked, issues := env.Compile(c.When.Text)
	if issues.Err() != nil {
		lacks, err := there.lacks(c.When.Text)
		if err != nil {
			return err
		}
		var errs []error
		for _, e := range issues.Errors() {
			errs = append(errs, fmt.Errorf("%s: rule %q: %s%s", c.place(e.Location.Line(), e.Location.Column()), c.ID, lacks, e.Message))
		}
		return errors.Join(errs...)
	}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return fmt.Errorf("%s: rule %q: when is of type %s, not true or false", c.place(1, 0), c.ID, t)
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptTrackState, cel.OptPartialEval), cel.CostLimit(mostSteps))
	if err != nil {
		return fmt.Errorf("%s: rule %q: %w", c.place(1, 0), c.ID, err)
	}
	c.checked, c.program = checked, program
	c.each = names(checked, ownNames[:]) || names(checked, comparedNames[:])
	return nil
}

// lacks says which variables that there are not would make an expression right; empty where none would.
func (v Variables) lacks(expression string) (string, error) {
	for _, more := range []struct {
		Variables
		text string
	}{
		{Variables{Base: true, Portfolio: v.Portfolio}, "it needs a base to compare with: "},
		{Variables{Base: v.Base, Portfolio: true}, "it needs a report of several models: "},
		{Variables{Base: true, Portfolio: true}, "it needs reports of several models, and a base to compare with: "},
	} {
		env, err := environment(more.names())
		if err != nil {
			return "", err
		}
		if _, issues := env.Compile(expression); issues.Err() == nil {
			return more.text, nil
		}
	}
	return "", nil
}

// names reports whether an expression names any of some variables.
func names(checked *cel.Ast, variables []string) bool {
	for _, reference := range checked.NativeRep().ReferenceMap() {
		if slices.Contains(variables, reference.Name) {
			return true
		}
	}
	return false
}
