package gate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/eiplan/eiplan/planner/report"
)

// scope is what rules are about.
type scope struct {
	variables map[string]any
	absent    []*cel.AttributePatternType // of what the variables would hold if both reports had an answer
	apart     bool                        // of a portfolio: only the rules about each of its models are judged, or only the others
	each      bool                        // those about each
}

func (r *Request) scope(diff *Diff) (*scope, error) {
	status := r.Head.Status
	s := &scope{variables: map[string]any{}, apart: r.member != "", each: true}
	maps.Copy(s.variables, r.whole)
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
	switch {
	case r.fresh:
		s.absent = append(s.absent, cel.AttributePattern("base"), cel.AttributePattern("diff"))
	case r.Base != nil:
		values["base"], values["diff"] = r.Base.Status, diff
		if r.Base.Status.Best == nil {
			s.absent = append(s.absent, cel.AttributePattern("base").QualString("best"))
		}
		if len(s.absent) > 0 {
			s.absent = append(s.absent, cel.AttributePattern("diff"))
		}
	}
	return s, s.hold(values)
}

// hold makes values variables, as their files hold them.
func (s *scope) hold(values map[string]any) error {
	for name, value := range values {
		tree, err := plain(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.variables[name] = tree
	}
	return nil
}

// plain is a value as its file holds it.
func plain(v any) (tree map[string]any, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &tree)
	}
	return tree, err
}

// judge evaluates every rule that the scope is of. A rule that needs an answer, where there is none, has nothing to judge; any other that can't be evaluated is a
// fault.
func (p *Policy) judge(s *scope, subject string) (findings []report.Finding, faults []error) {
	for i := range p.rules {
		rule := &p.rules[i]
		if rule.each != s.each && s.apart {
			continue
		}
		f := report.Finding{Rule: rule.ID, Subject: subject, Level: rule.Level, File: p.file, Line: rule.line}
		fires, judged, err := rule.fires(s)
		switch {
		case err != nil:
			f.Level, f.Message = report.Deny, err.Error()
			faults = append(faults, err)
		case !judged:
			f.Passed, f.Message = true, "not judged: it is about an answer that there is not."
		default:
			f.Passed, f.Message = !fires, cmp.Or(rule.Message, strings.Join(strings.Fields(rule.When.Text), " "))
			if !fires {
				f.Message = "did not fire: " + f.Message
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
