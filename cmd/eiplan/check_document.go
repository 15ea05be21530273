package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
)

// tally counts the findings of a judgement.
type tally struct {
	all, denied, warned int
	rules               []string // that are violated, each once
}

func tallied(findings []report.Finding) (t tally) {
	for _, f := range findings {
		t.all++
		switch {
		case f.Passed:
		case f.Level != report.Deny:
			t.warned++
		default:
			if t.denied++; !slices.Contains(t.rules, f.Rule) {
				t.rules = append(t.rules, f.Rule)
			}
		}
	}
	return t
}

// checkDocument tells a judgement.
func checkDocument(env report.Envelope, r *gate.Result) report.Document {
	t := tallied(r.Findings)
	answer, lead := "passed", fmt.Sprintf("Passed: %d of %d gates hold.", t.all-t.denied-t.warned, t.all)
	if !r.Passed {
		answer, lead = "failed", fmt.Sprintf("FAILED: %d of %d gates.", t.denied, t.all)
	}
	if t.warned > 0 {
		lead += fmt.Sprintf(" To look at: %d.", t.warned)
	}
	last := &r.Findings[len(r.Findings)-1] // of a portfolio, the total's
	d := report.Document{
		Subject: "check " + last.Subject, Lead: []string{lead}, Tables: []report.Table{findingTable(r)}, Findings: r.Findings, Answer: answer, Value: env,
		Outputs: []report.Output{{Name: "check", Value: answer}, {Name: "verdict", Value: string(r.Verdict)}, {Name: "violated", Value: strings.Join(t.rules, " ")}},
		Metrics: violations(r.Findings),
	}
	if k := r.BaseChoice; k != nil {
		d.Tail = append(d.Tail, "What the base chose: "+k.Note+".")
	}
	if r.Portfolio != nil {
		tellMembers(&d, r.Portfolio)
	}
	return d
}

// findingTable is a row for each finding. Of several models, it names them and begins with what does not hold.
func findingTable(r *gate.Result) report.Table {
	names := []string{"RESULT", "LEVEL", "GATE", "MESSAGE", "+FILE", ">+LINE"}
	if r.Portfolio != nil {
		names = slices.Insert(names, 2, "OF")
	}
	t := report.Table{Columns: report.Columns(names...)}
	var passed [][]string
	for _, f := range r.Findings {
		result, line := "pass", ""
		switch {
		case f.Passed:
		case f.Level == report.Deny:
			result = "FAIL"
		default:
			result = string(f.Level)
		}
		if f.Line > 0 {
			line = fmt.Sprint(f.Line)
		}
		row := []string{result, string(f.Level), f.Rule, f.Message, f.File, line}
		if r.Portfolio == nil {
			t.Rows = append(t.Rows, row)
			continue
		}
		if row = slices.Insert(row, 2, f.Subject); f.Passed {
			passed = append(passed, row)
		} else {
			t.Rows = append(t.Rows, row)
		}
	}
	t.Rows = append(t.Rows, passed...)
	return t
}

// violations counts the gates of each subject that do not hold.
func violations(findings []report.Finding) []report.Metric {
	var list []report.Metric
	for _, f := range findings {
		i := slices.IndexFunc(list, func(m report.Metric) bool { return m.Labels[0].Value == f.Subject })
		if i < 0 {
			i, list = len(list), append(list, report.Metric{Name: "eiplan_gates_violated", Help: "Gates of level deny that do not hold.", Labels: []report.Label{{Name: "model", Value: f.Subject}}})
		}
		if !f.Passed && f.Level == report.Deny {
			list[i].Value++
		}
	}
	return list
}

// tellMembers adds what each model was judged on, and the total.
func tellMembers(d *report.Document, p *gate.PortfolioResult) {
	t := report.Table{Title: "Models", Columns: report.Columns("MODEL", "VERDICT", "CHOICE", ">USD/MONTH")}
	if p.Diff != nil {
		t.Columns = append(t.Columns, report.Columns("CHANGE", ">BASE, USD/MONTH", "+BASE'S CHOICE")...)
	}
	figure := func(j *gate.Judged) (choice, monthly string) {
		if j == nil {
			return "", ""
		}
		return j.Choice, report.Dollars(j.MonthlyUsd)
	}
	for _, m := range p.Members {
		choice, monthly := figure(m.Judged)
		row := []string{m.Name, string(m.Verdict), choice, monthly}
		if p.Diff != nil {
			was, cost := figure(m.Was)
			change := ""
			if m.Presence != gate.InBoth {
				change = string(m.Presence)
			}
			row = append(row, change, cost, was)
		}
		t.Rows = append(t.Rows, row)
		if k := m.BaseChoice; k != nil && m.Judged != nil && k.Choice != m.Judged.Choice {
			d.Tail = append(d.Tail, fmt.Sprintf("What the base chose for %s: %s.", m.Name, k.Note))
		}
	}
	total := []string{"Total", "", report.Plural(p.Total.Instances, "instance"), p.Total.MonthlyUsd.Fixed(2)}
	if p.Diff != nil {
		total = append(total, "", optionalDollars(p.Diff.Total.AsReported.MonthlyUsd.Old), "")
		if skipped := p.Diff.Total.NotCompared; len(skipped) > 0 {
			d.Tail = append(d.Tail, "Not in the base's sum, for want of an answer on one side: "+strings.Join(skipped, ", ")+".")
		}
	}
	t.Rows = append(t.Rows, total)
	d.Tables = append(d.Tables, t)
	d.Outputs = append(d.Outputs, report.Output{Name: "monthly-usd", Value: p.Total.MonthlyUsd.String()})
}

// optionalDollars is an amount that may be unknown.
func optionalDollars(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return report.Dollars(*v)
}

func tellCheck(_ string, env report.Envelope, _ checkSpec, r gate.Result) (report.Document, error) {
	if len(r.Findings) == 0 {
		return report.Document{}, errors.New("status.findings is empty")
	}
	return checkDocument(env, &r), nil
}
