package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
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

Gates judge status.best, or --pick. Under --base they hold too where what the base chose keeps
every limit today and costs at most 5% more than the answer: an answer that moves to a near tie
fails no build. A report lists every near tie of its answer, whatever --top was.
Latencies are those predicted for the choice; --gate-on measured compares what was measured
where the reports were made, by the bounds of the intervals of the medians.
A base is of the same model by name; that its file changed is said.

Of a report of several models (kind PortfolioReport), with a base of such too:
  --max-monthly-cost        is of the total alone
  --max-increase            is of every model, and of the total
  all others, and --policy  are of every model, each as if alone; findings carry its name
Models are paired by name. A limit that compares passes for a model that the base does not have;
its cost is in the total. What has no answer is in no sum, and decides the exit code.

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
with --base, base the base's status and diff the status of eiplan diff. Of several models a rule
that names one of these is judged for each, and any other once: portfolio is the status of the
PortfolioReport (portfolio.total.monthlyUsd) and, with --base, portfolioBase that of the base
and portfolioDiff the status of eiplan diff (portfolioDiff.total.cost.monthlyUsd.percent).

Exit codes, the first that holds in the order 2, 4, 3, 6, 5, 1:
` + exitTable(),
		Args: oneReport,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	s := c.Flags()
	s.SortFlags = false
	s.Var(&f.monthly, "max-monthly-cost", "the most that all instances, of all models, may cost in 730 hours: 500USD")
	s.Var(&f.perMillion, "max-cost-per-million", "the most that a million requests may cost: 2USD")
	s.Var(&f.regression, "max-latency-regression", "by how much latency may exceed that of --base: 10%")
	s.Var(&f.increase, "max-increase", "by how much cost, of what the objective counts, may exceed that of --base: 5%")
	s.Var(&f.headroom, "min-headroom", "the share of the budget for inference that must be spare: 10%")
	s.StringArrayVar(&f.policies, "policy", nil, "a file of kind BudgetPolicy; repeatable")
	s.StringVar(&f.base, "base", "", "the report to compare with, as of the branch to merge into")
	s.StringVar(&f.pick, "pick", "", "judge the choice of that RANK or NAME, c5.large or c5.large+eia2.medium, instead of the answer")
	s.StringVar(&f.gateOn, "gate-on", string(gate.Modelled), "latencies that --max-latency-regression compares: modelled or measured")
	s.StringVar(&f.model, "model", "", "a model, a file or zoo:NAME, that the report must be of; of several models, one must be it")
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
	head, err := readPlanned(file)
	if err != nil {
		return err
	}
	if err := f.fits(head); err != nil {
		return err
	}
	spec := checkSpec{Report: head.pin, Pick: f.pick, GateOn: gate.Basis(f.gateOn), Policies: []pin{}, Limits: gate.Limits{
		MaxMonthlyUsd: f.monthly.value, MaxPerMillionUsd: f.perMillion.value, MaxIncreasePercent: f.increase.value,
		MaxLatencyRegressionPercent: f.regression.value, MinHeadroomPercent: f.headroom.value}}
	var base *plannedReport
	if f.base != "" {
		if base, err = readPlanned(f.base); err == nil {
			err = sameKind(base, head)
		}
		if err != nil {
			return withFile("--base", err)
		}
		spec.Base = &base.pin
	}
	gates := gate.Gates{On: spec.GateOn, Limits: spec.Limits, File: head.file}
	if gates.Policies, err = f.readPolicies(&spec, gate.Variables{Base: base != nil, Portfolio: head.all != nil}); err != nil {
		return err
	}
	result, err := judge(gates, head, base, f.pick)
	if err != nil {
		return withFile(file, err)
	}
	env := a.envelope(gate.CheckKind, spec, result)
	env.Metadata.Catalog = head.catalog()
	if err := a.emit(checkDocument(env, result)); err != nil {
		return err
	}
	return conclusion(result, head)
}

// judge holds a report against gates; base may be nil.
func judge(gates gate.Gates, head, base *plannedReport, pick string) (*gate.Result, error) {
	if head.all != nil {
		r := gate.PortfolioRequest{Gates: gates, Head: head.all}
		if base != nil {
			r.Base = base.all
		}
		return gate.JudgePortfolio(r)
	}
	r := gate.Request{Gates: gates, Head: head.one, Pick: pick}
	if base != nil {
		r.Base = base.one
	}
	return gate.Judge(r)
}

// conclusion is the exit code of a judgement that was written.
func conclusion(r *gate.Result, head *plannedReport) error {
	if len(r.Faults) > 0 {
		return usageError("%w", errors.Join(r.Faults...))
	}
	var codes []int
	if head.all != nil {
		codes = memberCodes(&head.all.Status)
	}
	switch r.Verdict {
	case portfolio.Infeasible:
		codes = append(codes, exitInfeasible)
	case portfolio.Unknown:
		codes = append(codes, exitUnpriced)
	}
	if !r.Passed {
		codes = append(codes, exitGate)
	}
	if code := firstCode(codes...); code != exitFeasible {
		return &exitError{code: code}
	}
	return nil
}

// fits refuses a report that the flags are not about: of another model than --model, or of several where --pick wants a choice of one.
func (f *checkFlags) fits(r *plannedReport) error {
	if f.pick != "" && r.all != nil {
		e := usageError("--pick judges a choice of one model, and %s is of several", r.pin.Source)
		e.hint = "name the instances in the portfolio instead: constraints: {instances: [c5.large]}"
		return e
	}
	if f.model == "" {
		return nil
	}
	m, err := openModel(f.model)
	if err != nil {
		return err
	}
	defer m.Close()
	var hashes []string
	for _, planned := range r.models() {
		if planned.Sha256 == m.SHA256 {
			return nil
		}
		hashes = append(hashes, fmt.Sprintf("%.12s", planned.Sha256))
	}
	of, whose := "another model", "its hash is"
	if r.all != nil {
		of, whose = "other models", "their hashes are"
	}
	e := usageError("%s is of %s: %s %s, that of %s is %.12s", r.pin.Source, of, whose, report.Some(hashes, mostNames), f.model, m.SHA256)
	e.hint = "measure and plan again: eiplan bench, eiplan plan"
	return e
}

// readPolicies compiles the files of --policy, and says in spec which they are.
func (f *checkFlags) readPolicies(spec *checkSpec, there gate.Variables) (list []*gate.Policy, err error) {
	var errs []error
	for _, file := range f.policies {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, usageError("--policy: %w", err)
		}
		var rules gate.PolicySpec
		hash, err := decodeSpec(file, b, gate.PolicyKind, &rules)
		if err != nil {
			return nil, err
		}
		p, err := gate.Compile(file, b, rules, there)
		if err != nil {
			errs = append(errs, err)
		}
		list, spec.Policies = append(list, p), append(spec.Policies, pin{Source: file, SHA256: hash})
	}
	if len(errs) > 0 {
		return nil, usageError("%w", errors.Join(errs...))
	}
	return list, nil
}
