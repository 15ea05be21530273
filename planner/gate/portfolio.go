package gate

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// PortfolioRequest is what to judge of several models.
type PortfolioRequest struct {
	Gates
	Head *portfolio.Report
	Base *portfolio.Report // what Head is compared with, model by model; nil: nothing
}

// PortfolioResult is what a judgement of several models says beside its findings.
type PortfolioResult struct {
	Total   portfolio.Total `json:"total"`   // the report's
	Members []MemberResult  `json:"members"` // the report's in its order, then those that only the base has
	Diff    *PortfolioDiff  `json:"diff"`    // nil without a base
}

// MemberResult is what was judged of one model.
type MemberResult struct {
	Name       string            `json:"name"`
	Presence   Presence          `json:"presence"` // empty: there is no base
	Verdict    portfolio.Outcome `json:"verdict"`  // empty where it was removed
	Judged     *Judged           `json:"judged"`   // nil where the report has no answer
	Was        *Judged           `json:"was"`      // what the base chose; nil where that has no answer
	BaseChoice *Kept             `json:"baseChoice"`
}

// Presence is which of two portfolios have a model.
type Presence string

const (
	InBoth Presence = "both"
	Added  Presence = "added"   // only HEAD has it
	Gone   Presence = "removed" // only BASE does
)

// JudgePortfolio holds every model of a portfolio against limits and policies as Judge does, and the total against MaxMonthlyUsd and, with a base,
// MaxIncreasePercent. Models are paired by name; a limit that compares passes for one that the base does not have. An error is a request that makes no sense.
func JudgePortfolio(r PortfolioRequest) (*Result, error) {
	if err := r.check(r.Base != nil); err != nil {
		return nil, err
	}
	out := &Result{Verdict: r.Head.Status.Outcome, Portfolio: &PortfolioResult{Total: r.Head.Status.Total}}
	if r.Base != nil {
		out.Portfolio.Diff = ComparePortfolios(r.Base, r.Head, BasePrices)
	}
	whole, err := r.scope(out.Portfolio.Diff)
	if err != nil {
		return nil, err
	}
	for i := range r.Head.Status.Models {
		if err := r.member(i, whole, out); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Head.Status.Models[i].Name, err)
		}
	}
	for _, i := range r.removed() {
		out.Portfolio.Members = append(out.Portfolio.Members, MemberResult{Name: r.Base.Status.Models[i].Name, Presence: Gone, Was: judged(r.Base.Status.Models[i].Best())})
	}
	out.Findings = append(out.Findings, r.total(out.Portfolio.Diff)...)
	for _, p := range r.Policies {
		findings, faults := p.judge(whole, r.Head.Name())
		out.Findings, out.Faults = append(out.Findings, findings...), append(out.Faults, faults...)
	}
	out.conclude()
	return out, nil
}

// scope is the scope of rules that are about no model by itself.
func (r *PortfolioRequest) scope(diff *PortfolioDiff) (*scope, error) {
	s := &scope{variables: map[string]any{}, apart: true}
	if len(r.Policies) == 0 {
		return s, nil
	}
	values := map[string]any{"portfolio": r.Head.Status}
	if r.Base != nil {
		values["portfolioBase"], values["portfolioDiff"] = r.Base.Status, diff
	}
	return s, s.hold(values)
}

// member judges the i-th model.
func (r *PortfolioRequest) member(i int, whole *scope, out *Result) error {
	m := &r.Head.Status.Models[i]
	result := MemberResult{Name: m.Name, Verdict: m.Outcome}
	one := Request{Gates: r.Gates, Head: r.Head.Member(i), member: m.Name, whole: whole.variables}
	if r.Base != nil {
		result.Presence = Added
		if k := r.Base.Index(m.Name); k >= 0 {
			result.Presence, result.Was, one.Base = InBoth, judged(r.Base.Status.Models[k].Best()), r.Base.Member(k)
		}
		one.fresh = one.Base == nil
	}
	if one.Head == nil {
		failed := "FAILED: " + sentence(m.Failure.Text) // which begins with a file's name
		out.Findings = append(out.Findings, report.Finding{Rule: sizing.VerdictRule, Subject: m.Name, Level: report.Deny, File: r.File, Message: failed})
	} else {
		judgement, err := one.judge()
		if err != nil {
			return err
		}
		result.Judged, result.BaseChoice = judgement.Judged, judgement.BaseChoice
		out.Findings, out.Faults = append(out.Findings, judgement.Findings...), append(out.Faults, judgement.Faults...)
	}
	out.Portfolio.Members = append(out.Portfolio.Members, result)
	return nil
}

// removed lists the models of the base that the report does not have.
func (r *PortfolioRequest) removed() []int {
	var list []int
	if r.Base == nil {
		return nil
	}
	for i := range r.Base.Status.Models {
		if r.Head.Index(r.Base.Status.Models[i].Name) < 0 {
			list = append(list, i)
		}
	}
	return list
}

// total holds the sum of all models against the limits that are its.
func (r *PortfolioRequest) total(diff *PortfolioDiff) []report.Finding {
	var list []report.Finding
	add := func(g gauge) {
		list = append(list, report.Finding{Rule: g.rule, Subject: r.Head.Name(), Level: report.Deny, File: r.File, Passed: g.kept(), Message: sentence(g.text)})
	}
	t := &r.Head.Status.Total
	if limit := r.Limits.MaxMonthlyUsd; limit != nil {
		monthly := t.MonthlyUsd.Dollars()
		add(gauge{rule: monthlyRule, value: monthly, limit: *limit, text: fmt.Sprintf("total of %s: %s a month, at most %s USD allowed", summed(t), over(monthly, *limit), dollars(*limit))})
	}
	if limit := r.Limits.MaxIncreasePercent; limit != nil {
		add(diff.Total.increase(*limit, diff.Causes))
	}
	return list
}

// summed says how many models a total is of.
func summed(t *portfolio.Total) string {
	switch {
	case len(t.LeftOut) > 0:
		return fmt.Sprintf("%d of %d models (without a plan: %s)", t.Feasible, t.Models, strings.Join(t.LeftOut, ", "))
	case t.Models == 1:
		return "1 model"
	}
	return fmt.Sprintf("%d models", t.Models)
}
