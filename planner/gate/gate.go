// Package gate judges one report of kind SizingReport, or compares two: thresholds, the rules of a budget policy, and what differs and why. Everything it
// says is a function of the reports alone. It knows no flag, no file, no clock and no price list.
package gate

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/planner"
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

// Limits are thresholds that a choice must keep; nil: no such gate. All take zero, and growth and headroom any percentage.
type Limits struct {
	MaxMonthlyUsd               *float64 `json:"maxMonthlyUsd"`               // of all replicas
	MaxPerMillionUsd            *float64 `json:"maxPerMillionUsd"`            // of a million requests
	MaxIncreasePercent          *float64 `json:"maxIncreasePercent"`          // of what the objective counts, over the base's choice
	MaxLatencyRegressionPercent *float64 `json:"maxLatencyRegressionPercent"` // of what is held against the budget, over the base's choice
	MinHeadroomPercent          *float64 `json:"minHeadroomPercent"`          // of the budget, that must be left
}

// Request is what to judge.
type Request struct {
	Head     *sizing.Report
	Base     *sizing.Report // what Head is compared with; nil: nothing
	Pick     string         // the rank of a choice, or its name; empty: the answer
	On       Basis          // empty: Modelled
	Limits   Limits
	Policies []*Policy
	File     string // where Head was read, for findings; empty: nowhere in particular
}

// Result is the judgement, and the status of kind Check.
type Result struct {
	Verdict    planner.Verdict  `json:"verdict"` // the report's
	Passed     bool             `json:"passed"`  // it is feasible, and no gate is violated
	Judged     *Judged          `json:"judged"`  // nil where the report has no answer
	BaseChoice *Kept            `json:"baseChoice"`
	Findings   []report.Finding `json:"findings"` // the first is whether the report has an answer
	Diff       *Diff            `json:"diff"`
	Faults     []error          `json:"-"` // rules that could not be evaluated; each is a finding too
}

// Judged is the choice that the limits were held against.
type Judged struct {
	Rank       int     `json:"rank"`
	Choice     string  `json:"choice"`
	MonthlyUsd float64 `json:"monthlyUsd"`
	PerMillion float64 `json:"perMillionUsd"`
	SlaMs      float64 `json:"slaMs"`
}

// Violated reports whether a gate of level deny, beside the verdict, did not hold.
func (r *Result) Violated() bool {
	for _, f := range r.Findings[1:] {
		if !f.Passed && f.Level == report.Deny {
			return true
		}
	}
	return false
}

// Judge holds a report against limits and policies. An error is a request that makes no sense: a base of another model, a choice that is not listed, a
// figure to compare that was not measured.
//
// With a base, the limits hold where the choice keeps all of them, or where what the base chose is still there, costs no more than a twentieth more and keeps
// all of them: then nothing that was bought has become worse, and an answer that moved to a near tie is no violation. What is picked is judged alone, and so are the rules of policies.
func Judge(r Request) (*Result, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	out := &Result{Verdict: r.Head.Status.Verdict, Findings: r.Head.Findings()[:1]}
	out.Findings[0].File = r.File
	if r.Base != nil {
		out.Diff = Compare(r.Base, r.Head, BasePrices)
		out.BaseChoice = out.Diff.BaseChoice
	}
	if r.Head.Status.Best != nil {
		choice, err := r.picked()
		if err != nil {
			return nil, err
		}
		out.Judged = &Judged{choice.Rank, sizing.Title(choice), choice.Cost.TotalMonthlyUsd, choice.Cost.PerMillionUsd, choice.Latency.SlaMs}
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
	out.Passed = out.Verdict == planner.Feasible && len(out.Faults) == 0 && !out.Violated()
	return out, nil
}

// check refuses what can't be compared.
func (r *Request) check() error {
	l := &r.Limits
	switch {
	case r.On != "" && r.On != Modelled && r.On != Measured:
		return fmt.Errorf("latencies are %s or %s, not %q", Modelled, Measured, r.On)
	case r.Base == nil && l.MaxIncreasePercent != nil:
		return fmt.Errorf("an increase of cost needs a base to compare with")
	case r.Base == nil && l.MaxLatencyRegressionPercent != nil:
		return fmt.Errorf("a regression of latency needs a base to compare with")
	case r.Base == nil:
		return nil
	}
	base, head := &r.Base.Spec.Model, &r.Head.Spec.Model
	if base.Name != head.Name {
		return fmt.Errorf("the base is of another model: of %q (%.12s), not of %q (%.12s)", base.Name, base.Sha256, head.Name, head.Sha256)
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

func (r *Request) subject() string { return r.Head.Spec.Model.Name }

func sentence(parts ...string) string { return strings.Join(parts, "; ") + "." }
