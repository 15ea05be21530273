package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// checkSpec is the spec of kind Check: what was judged, by what.
type checkSpec struct {
	Report   pin         `json:"report"`
	Base     *pin        `json:"base"` // null: none
	Pick     string      `json:"pick"` // empty: the answer
	GateOn   gate.Basis  `json:"gateOn"`
	Limits   gate.Limits `json:"limits"`
	Policies []pin       `json:"policies"`
}

type checkFlags struct {
	monthly, perMillion            limit
	regression, increase, headroom limit
	policies                       []string
	base, pick, gateOn, model      string
}

func newCheck(a *app) *cobra.Command {
	f := checkFlags{monthly: dollarLimit(), perMillion: dollarLimit(), regression: percentLimit(), increase: percentLimit(), headroom: percentLimit()}
	c := &cobra.Command{
		Use:   "check REPORT|-",
		Short: "Judge a report of size or plan in CI: budget gates by flag and by policy",
		Long: `check judges a report that size or plan wrote with -o yaml or json, alone; - is standard input.
The judgement is written first, in whatever format, and then decides the exit code.

Gates judge status.best, or --pick. Under --base they hold too where what the base chose is
still listed, keeps every limit today and costs at most 5% more than the answer: an answer that
moves to a near tie fails no build.
Latencies are those predicted for the choice; --gate-on measured compares what was measured
where the reports were made, by the bounds of the intervals of the medians.
A base is of the same model by name; that its file changed is said.

A policy is a file of kind BudgetPolicy (eiplan schema BudgetPolicy):

  apiVersion: eiplan/v1
  kind: BudgetPolicy
  spec:
    rules:
      - id: no-spot
        level: deny                    # or warn, info, which fail nothing
        when: plan.best.purchase.option == 'spot'
        message: production does not run on Spot

A rule fires where its CEL expression is true. plan is the report's status, spec its spec and,
with --base, base the base's status and diff the status of eiplan diff.

Exit codes, the first that holds in the order 2, 4, 3, 6, 5, 1:
` + exitTable(),
		Args: oneReport,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	s := c.Flags()
	s.SortFlags = false
	s.Var(&f.monthly, "max-monthly-cost", "the most that all instances may cost in 730 hours: 500USD")
	s.Var(&f.perMillion, "max-cost-per-million", "the most that a million requests may cost: 2USD")
	s.Var(&f.regression, "max-latency-regression", "by how much latency may exceed that of --base: 10%")
	s.Var(&f.increase, "max-increase", "by how much cost, of what the objective counts, may exceed that of --base: 5%")
	s.Var(&f.headroom, "min-headroom", "the share of the budget for inference that must be spare: 10%")
	s.StringArrayVar(&f.policies, "policy", nil, "a file of kind BudgetPolicy; repeatable")
	s.StringVar(&f.base, "base", "", "the report to compare with, as of the branch to merge into")
	s.StringVar(&f.pick, "pick", "", "judge the choice of that RANK or NAME, c5.large or c5.large+eia2.medium, instead of the answer")
	s.StringVar(&f.gateOn, "gate-on", string(gate.Modelled), "latencies that --max-latency-regression compares: modelled or measured")
	s.StringVar(&f.model, "model", "", "a model, a file or zoo:NAME, that the report must be of")
	return c
}

// oneReport is the rule of commands that take one report.
func oneReport(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	e := usageError("%s takes one report, a file or - for standard input; %d are given", cmd.Name(), len(args))
	e.hint = "usage: " + cmd.UseLine()
	return e
}

func (f *checkFlags) run(a *app, file string) error {
	switch gate.Basis(f.gateOn) {
	case gate.Modelled, gate.Measured:
	default:
		return usageError("--gate-on %q is not modelled or measured", f.gateOn)
	}
	if f.base == "-" {
		return usageError("--base can't be standard input")
	}
	if f.base == "" && (f.increase.value != nil || f.regression.value != nil) {
		e := usageError("--max-increase and --max-latency-regression need --base")
		e.hint = "--base FILE, the report of what is compared with: eiplan plan … -o yaml --out base.yaml"
		return e
	}
	head, origin, err := readReport(file)
	if err != nil {
		return err
	}
	if err := f.sameModel(head, file); err != nil {
		return err
	}
	spec := checkSpec{Report: origin, Pick: f.pick, GateOn: gate.Basis(f.gateOn), Policies: []pin{}, Limits: gate.Limits{
		MaxMonthlyUsd: f.monthly.value, MaxPerMillionUsd: f.perMillion.value, MaxIncreasePercent: f.increase.value,
		MaxLatencyRegressionPercent: f.regression.value, MinHeadroomPercent: f.headroom.value}}
	r := gate.Request{Head: head, Pick: f.pick, On: spec.GateOn, Limits: spec.Limits}
	if file != "-" {
		r.File = file
	}
	if f.base != "" {
		base, origin, err := readReport(f.base)
		if err != nil {
			return withFile("--base", err)
		}
		r.Base, spec.Base = base, &origin
	}
	if err := f.readPolicies(&r, &spec); err != nil {
		return err
	}
	result, err := gate.Judge(r)
	if err != nil {
		return withFile(file, err)
	}
	env := a.envelope(gate.CheckKind, spec, result)
	env.Metadata.Catalog = head.Metadata.Catalog
	if err := a.emit(checkDocument(env, result)); err != nil {
		return err
	}
	return conclusion(result)
}

// conclusion is the exit code of a judgement that was written.
func conclusion(r *gate.Result) error {
	switch {
	case len(r.Faults) > 0:
		return usageError("%w", errors.Join(r.Faults...))
	case r.Verdict == planner.Infeasible:
		return &exitError{code: exitInfeasible}
	case r.Verdict == planner.Unknown:
		return &exitError{code: exitUnpriced}
	case r.Violated():
		return &exitError{code: exitGate}
	}
	return nil
}

// sameModel refuses a report of another model than --model.
func (f *checkFlags) sameModel(r *sizing.Report, file string) error {
	if f.model == "" {
		return nil
	}
	m, err := openModel(f.model)
	if err != nil {
		return err
	}
	defer m.Close()
	if m.SHA256 != r.Spec.Model.Sha256 {
		e := usageError("%s is of another model: its hash is %.12s, that of %s is %.12s", file, r.Spec.Model.Sha256, f.model, m.SHA256)
		e.hint = "measure and plan again: eiplan bench, eiplan plan"
		return e
	}
	return nil
}

func (f *checkFlags) readPolicies(r *gate.Request, spec *checkSpec) error {
	var errs []error
	for _, file := range f.policies {
		b, err := os.ReadFile(file)
		if err != nil {
			return usageError("--policy: %w", err)
		}
		var rules gate.PolicySpec
		hash, err := decodeSpec(file, b, gate.PolicyKind, &rules)
		if err != nil {
			return err
		}
		p, err := gate.Compile(file, b, rules, r.Base != nil)
		if err != nil {
			errs = append(errs, err)
		}
		r.Policies, spec.Policies = append(r.Policies, p), append(spec.Policies, pin{Source: file, SHA256: hash})
	}
	if len(errs) > 0 {
		return usageError("%w", errors.Join(errs...))
	}
	return nil
}

// readReport reads kind SizingReport from a file, or from standard input.
func readReport(file string) (*sizing.Report, pin, error) {
	b, err := readInput(file)
	if err != nil {
		return nil, pin{}, withHint(err, "eiplan plan … -o yaml --out "+file+" writes a report")
	}
	r, err := sizing.Read(b)
	if err != nil {
		return nil, pin{}, withFile(file, withHint(err, "eiplan size or plan with -o yaml or json writes a report"))
	}
	sum := sha256.Sum256(b)
	return r, pin{Source: file, AsOf: r.Spec.Constraints.AsOf, SHA256: hex.EncodeToString(sum[:])}, nil
}

// checkDocument tells a judgement.
func checkDocument(env report.Envelope, r *gate.Result) report.Document {
	var violated []string
	warned := 0
	t := report.Table{Columns: report.Columns("RESULT", "LEVEL", "GATE", "MESSAGE", "+FILE", ">+LINE")}
	for _, f := range r.Findings {
		result, line := "pass", ""
		switch {
		case f.Passed:
		case f.Level == report.Deny:
			result, violated = "FAIL", append(violated, f.Rule)
		default:
			result = string(f.Level)
			warned++
		}
		if f.Line > 0 {
			line = fmt.Sprint(f.Line)
		}
		t.Rows = append(t.Rows, []string{result, string(f.Level), f.Rule, f.Message, f.File, line})
	}
	answer, lead := "passed", fmt.Sprintf("Passed: %d of %d gates hold.", len(r.Findings)-len(violated)-warned, len(r.Findings))
	if !r.Passed {
		answer, lead = "failed", fmt.Sprintf("FAILED: %d of %d gates.", len(violated), len(r.Findings))
	}
	if warned > 0 {
		lead += fmt.Sprintf(" To look at: %d.", warned)
	}
	subject := r.Findings[0].Subject
	d := report.Document{
		Subject: "check " + subject, Lead: []string{lead}, Tables: []report.Table{t}, Findings: r.Findings, Answer: answer, Value: env,
		Outputs: []report.Output{{Name: "check", Value: answer}, {Name: "verdict", Value: string(r.Verdict)}, {Name: "violated", Value: strings.Join(violated, " ")}},
		Metrics: []report.Metric{{Name: "eiplan_gates_violated", Help: "Gates of level deny that do not hold.", Labels: []report.Label{{Name: "model", Value: subject}}, Value: float64(len(violated))}},
	}
	if k := r.BaseChoice; k != nil {
		d.Tail = append(d.Tail, "What the base chose: "+k.Note+".")
	}
	return d
}

func tellCheck(_ string, env report.Envelope, _ checkSpec, r gate.Result) (report.Document, error) {
	if len(r.Findings) == 0 {
		return report.Document{}, errors.New("status.findings is empty")
	}
	return checkDocument(env, &r), nil
}
