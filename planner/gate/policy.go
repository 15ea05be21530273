package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/report"
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
// status, and diff, the status of kind Diff. Names are those of the files. Every number is a double: compared with
// 730, multiplied by 730.0.
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
	checked *cel.Ast
	program cel.Program
	place   func(line, column int) string // of a place in the expression, both from 1 and 0 as CEL counts
}

// mostSteps bounds the evaluation of one rule, in units of CEL's cost model.
const mostSteps = 200_000

// Compile checks the rules of a file, whose content gives errors their line and column. Without a base, rules can't name what needs one. The error joins all
// that were found.
func Compile(file string, content []byte, spec PolicySpec, base bool) (*Policy, error) {
	names := []string{"plan", "spec", "base", "diff"}
	compared, err := environment(names)
	if err != nil {
		return nil, err
	}
	env := compared
	if !base {
		if env, err = environment(names[:2]); err != nil {
			return nil, err
		}
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
		if err := c.compile(env, compared); err != nil {
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

// compile checks one expression. Where it needs what only a base gives, compared, the environment with a base, takes it.
func (c *compiled) compile(env, compared *cel.Env) error {
	checked, issues := env.Compile(c.When.Text)
	if issues.Err() != nil {
		var errs []error
		for _, e := range issues.Errors() {
			message := e.Message
			if _, also := compared.Compile(c.When.Text); also.Err() == nil {
				message = "base and diff need a base to compare with: " + message
			}
			errs = append(errs, fmt.Errorf("%s: rule %q: %s", c.place(e.Location.Line(), e.Location.Column()), c.ID, message))
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
	return nil
}

// scope is what rules are about.
type scope struct {
	variables map[string]any
	absent    []*cel.AttributePatternType // of what the variables would hold if both reports had an answer
}

func (r *Request) scope(diff *Diff) (*scope, error) {
	status := r.Head.Status
	s := &scope{variables: map[string]any{}}
	if status.Best == nil {
		for _, field := range []string{"best", "plans"} {
			s.absent = append(s.absent, cel.AttributePattern("plan").QualString(field))
		}
	} else {
		best, err := r.picked()
		if err != nil {
			return nil, err
		}
		status.Best = best
	}
	values := map[string]any{"plan": status, "spec": r.Head.Spec}
	if r.Base != nil {
		values["base"], values["diff"] = r.Base.Status, diff
		if r.Base.Status.Best == nil {
			s.absent = append(s.absent, cel.AttributePattern("base").QualString("best"))
		}
		if len(s.absent) > 0 {
			s.absent = append(s.absent, cel.AttributePattern("diff"))
		}
	}
	for name, value := range values {
		tree, err := plain(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.variables[name] = tree
	}
	return s, nil
}

// plain is a value as its file holds it.
func plain(v any) (tree map[string]any, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &tree)
	}
	return tree, err
}

// judge evaluates every rule. A rule that needs an answer, where there is none, has nothing to judge; any other that can't be evaluated is a fault.
func (p *Policy) judge(s *scope, subject string) (findings []report.Finding, faults []error) {
	for i := range p.rules {
		rule := &p.rules[i]
		f := report.Finding{Rule: rule.ID, Subject: subject, Level: rule.Level, File: p.file, Line: rule.line}
		fires, judged, err := rule.fires(s)
		switch {
		case err != nil:
			f.Level, f.Message = report.Deny, err.Error()
			faults = append(faults, err)
		case !judged:
			f.Passed, f.Message = true, "not judged: it is about an answer, and there is none."
		default:
			f.Passed, f.Message = !fires, rule.Message
			if f.Message == "" {
				f.Message = strings.Join(strings.Fields(rule.When.Text), " ")
			}
		}
		findings = append(findings, f)
	}
	return findings, faults
}

// fires evaluates a rule; judged is false where only an answer that is absent could tell.
func (c *compiled) fires(s *scope) (fires, judged bool, err error) {
	value, details, err := c.program.Eval(s.variables)
	if err == nil {
		fires, ok := value.Value().(bool)
		if !ok {
			return false, false, fmt.Errorf("%s: rule %q: when is %q, of type %s, not true or false", c.place(1, 0), c.ID, fmt.Sprint(value.Value()), value.Type().TypeName())
		}
		return fires, true, nil
	}
	if len(s.absent) > 0 {
		partial, partialErr := cel.PartialVars(s.variables, s.absent...)
		if partialErr != nil {
			return false, false, partialErr
		}
		if value, _, _ := c.program.Eval(partial); value != nil && types.IsUnknown(value) {
			return false, false, nil
		}
	}
	line, column := c.fault(details)
	return false, false, fmt.Errorf("%s: rule %q: %w", c.place(line, column), c.ID, explained(err))
}

// fault finds the innermost expression that failed; the whole one where none is recorded.
func (c *compiled) fault(details *cel.EvalDetails) (line, column int) {
	line, column = 1, 0
	tree, found := c.checked.NativeRep(), false
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		value, ok := details.State().Value(e.ID())
		if _, failed := value.(*types.Err); found || !ok || !failed {
			return
		}
		if at := tree.SourceInfo().GetStartLocation(e.ID()); at.Line() > 0 {
			found, line, column = true, at.Line(), at.Column()
		}
	}))
	return line, column
}

// explained adds what CEL leaves to be guessed.
func explained(err error) error {
	if strings.Contains(err.Error(), "no such overload") {
		return fmt.Errorf("%w; numbers are doubles (730.0, not 730), and what is not known is null", err)
	}
	return err
}
