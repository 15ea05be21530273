// Package gate judges a plan of one model or of a portfolio, or compares two: thresholds, the rules of a budget policy, and what differs and why. Everything it
// says is a function of the reports alone. It knows no flag, no file, no clock and no price list.
package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// CheckKind is the kind of a judgement.
const CheckKind = "Check"

// Basis is which latencies a regression is judged on.
type Basis string

const (
	Modelled Basis = "modelled" // those of the choice
	Measured Basis = "measured" // those that were measured where the report was made
)

// Limits are thresholds that a choice must keep; nil: no such gate. All take zero, and growth and headroom any percentage. Of a portfolio every model must keep
// them, but for MaxMonthlyUsd, which is of the total; MaxIncreasePercent is of both.
type Limits struct {
	MaxMonthlyUsd               *float64 `json:"maxMonthlyUsd"`               // of all replicas
	MaxPerMillionUsd            *float64 `json:"maxPerMillionUsd"`            // of a million requests
	MaxIncreasePercent          *float64 `json:"maxIncreasePercent"`          // of what the objective counts, over the base's choice
	MaxLatencyRegressionPercent *float64 `json:"maxLatencyRegressionPercent"` // of what is held against the budget, over the base's choice
	MinHeadroomPercent          *float64 `json:"minHeadroomPercent"`          // of the budget, that must be left
}

// Gates are what a report is held against.
type Gates struct {
	On       Basis // empty: Modelled
	Limits   Limits
	Policies []*Policy
	File     string // where the report was read, for findings; empty: nowhere in particular
}

// Request is what to judge.
type Request struct {
	Gates
	Head *sizing.Report
	Base *sizing.Report // what Head is compared with; nil: nothing
	Pick string         // the rank of a choice, or its name; empty: the answer

	member string         // its name in a portfolio; empty: the report stands alone
	fresh  bool           // a member of which the base has no plan
	whole  map[string]any // variables of the portfolio
}

// Result is the judgement, and the status of kind Check.
type Result struct {
	Verdict    portfolio.Outcome `json:"verdict"`    // the report's; of several models the gravest
	Passed     bool              `json:"passed"`     // it is feasible, and no gate is violated
	Judged     *Judged           `json:"judged"`     // nil where the report has no answer, or is of a portfolio
	BaseChoice *Kept             `json:"baseChoice"` // nil where the base has no answer, or is of a portfolio
	Findings   []report.Finding  `json:"findings"`   // the first is whether the report has an answer; of a portfolio the members stand first, each as if alone, then the total
	Diff       *Diff             `json:"diff"`
	Portfolio  *PortfolioResult  `json:"portfolio"` // nil where the report is of one model
	Faults     []error           `json:"-"`         // rules that could not be evaluated; each is a finding too
}

// Judged is the choice that the limits were held against.
type Judged struct {
	Rank       int     `json:"rank"`
	Choice     string  `json:"choice"`
	MonthlyUsd float64 `json:"monthlyUsd"`
	PerMillion float64 `json:"perMillionUsd"`
	SlaMs      float64 `json:"slaMs"`
}

// Judge holds a report against limits and policies. An error is a request that makes no sense: a base of another model, a choice that is not listed, a
// figure to compare that was not measured.
//
// With a base, the limits hold where the choice keeps all of them, or where what the base chose is still there, costs no more than a twentieth more and keeps
// all of them: then nothing that was bought has become worse, and an answer that moved to a near tie is no violation. What is picked is judged alone, and so are
// the rules of policies.
func Judge(r Request) (*Result, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	out, err := r.judge()
	if err == nil {
		out.conclude()
	}
	return out, err
}

// conclude sums the findings up: everything that must hold does, verdicts among it.
func (r *Result) conclude() {
	r.Passed = len(r.Faults) == 0 && !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return !f.Passed && f.Level == report.Deny })
}

func (r *Request) judge() (*Result, error) {
	verdict := r.Head.Findings()[0]
	verdict.File, verdict.Subject = r.File, r.subject()
	out := &Result{Verdict: portfolio.Outcome(r.Head.Status.Verdict), Findings: []report.Finding{verdict}}
	if r.Base != nil {
		out.Diff = Compare(r.Base, r.Head, BasePrices)
		out.BaseChoice = out.Diff.BaseChoice
	}
	if r.Head.Status.Best != nil {
		choice, err := r.picked()
		if err != nil {
			return nil, err
		}
		out.Judged = judged(choice)
		findings, err := r.limits(choice)
		if err != nil {
			return nil, err
		}
		out.Findings = append(out.Findings, findings...)
	}
	if len(r.Policies) > 0 {
		scope, err := r.scope(out.Diff)
		if err != nil {
			return nil, err
		}
		for _, p := range r.Policies {
			findings, faults := p.judge(scope, r.subject())
			out.Findings, out.Faults = append(out.Findings, findings...), append(out.Faults, faults...)
		}
	}
	return out, nil
}

func judged(c *planner.Choice) *Judged {
	if c == nil {
		return nil
	}
	return &Judged{c.Rank, sizing.Title(c), c.Cost.TotalMonthlyUsd, c.Cost.PerMillionUsd, c.Latency.SlaMs}
}

// check refuses what can't be compared.
func (r *Request) check() error {
	if err := r.Gates.check(r.Base != nil); err != nil || r.Base == nil {
		return err
	}
	base, head := &r.Base.Spec.Model, &r.Head.Spec.Model
	if base.Name != head.Name {
		return fmt.Errorf("the base is of another model: of %q (%.12s), not of %q (%.12s)", base.Name, base.Sha256, head.Name, head.Sha256)
	}
	return nil
}

// check refuses what makes no sense whatever the report is, with a base or without.
func (g *Gates) check(base bool) error {
	switch l := &g.Limits; {
	case g.On != "" && g.On != Modelled && g.On != Measured:
		return fmt.Errorf("latencies are %s or %s, not %q", Modelled, Measured, g.On)
	case !base && l.MaxIncreasePercent != nil:
		return fmt.Errorf("an increase of cost needs a base to compare with")
	case !base && l.MaxLatencyRegressionPercent != nil:
		return fmt.Errorf("a regression of latency needs a base to compare with")
	}
	return nil
}

// picked is the choice to judge, of a plan that has an answer.
func (r *Request) picked() (*planner.Choice, error) {
	if r.Pick == "" {
		return r.Head.Status.Best, nil
	}
	if c := r.Head.Find(r.Pick); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("the report lists no choice %q: it has the ranks 1 to %d and the cheapest of each kind, of %d that are feasible", r.Pick, len(r.Head.Status.Plans), r.Head.Status.Feasible)
}

// finding is one of a gate, about the report.
func (r *Request) finding(rule string) report.Finding {
	return report.Finding{Rule: rule, Subject: r.subject(), Level: report.Deny, File: r.File}
}

func (r *Request) subject() string {
	if r.member != "" {
		return r.member
	}
	return r.Head.Spec.Model.Name
}

func sentence(parts ...string) string { return strings.Join(parts, "; ") + "." }
