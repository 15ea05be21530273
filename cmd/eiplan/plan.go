package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// planFlags say what is asked of a plan.
type planFlags struct {
	latency, total duration
	reserve        reservations
	percentile     percentile
	confidence     float64
	rate           rate
	batch          int
	objective      string

	regions, instances, accelerators []string
	arch, purchase, precisions       []string
	maxCommit                        string
	maxInterruption                  percent
	lifecycle, asOf                  string
	minInstances                     int
	burstable, metal, previous       bool
	maxPriceAge                      days
	priceQuality                     string

	runtime, scaling, baseline, measured string
	explain                              string
	analysis                             bool
	top                                  int

	files   sourceFlags
	sources *sources // what files names, once it is read
}

func (p *planFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.Var(&p.latency, "latency", "the time that inference may take: 100ms")
	f.Var(&p.total, "total", "the time that the whole request may take, of which --reserve is not inference")
	f.Var(&p.reserve, "reserve", "time within --total for something else, repeatable: preprocess=200ms")
	p.percentile = 0.99
	f.Var(&p.percentile, "percentile", "share of requests that must be in time")
	f.Float64Var(&p.confidence, "confidence", 0.9, "confidence in the prediction with which the budget must hold, 0.5 to 0.99")
	f.Var(&p.rate, "rate", "requests to serve: 40/s, 600/min (default one at a time)")
	f.IntVar(&p.batch, "batch", 0, "inputs that one request carries; binds a dimension named batch, N or batch_size (default 1)")
	f.StringVar(&p.objective, "objective", "hourly", "what to have least of: hourly or per-million")
	f.StringSliceVar(&p.regions, "region", nil, "regions to buy in, or all (default us-east-1)")
	f.StringSliceVar(&p.instances, "instance", nil, "instance types, as globs: 'c5.*'")
	f.StringSliceVar(&p.accelerators, "accelerator", nil, "accelerators, as globs: 'eia2.*,none'")
	f.StringSliceVar(&p.arch, "arch", nil, "amd64, arm64 (default both)")
	f.StringSliceVar(&p.purchase, "purchase", nil, "on-demand, reserved, savings-plan, spot, spot-block, capacity-block, or all (default all)")
	f.StringSliceVar(&p.precisions, "precision", nil, "fp32, mixed (default both)")
	f.StringVar(&p.maxCommit, "max-commit", "", "the longest commitment: none, 1y or 3y (default 3y)")
	f.Var(&p.maxInterruption, "max-interruption", "highest interruption band for Spot: 10%")
	f.StringVar(&p.lifecycle, "lifecycle", "current", "current: only what is sold; any: also what is not")
	f.StringVar(&p.asOf, "as-of", "", "plan with what was sold, and at which price, on that day: 2020-06-01")
	f.IntVar(&p.minInstances, "min-instances", 1, "the fewest instances")
	f.BoolVar(&p.burstable, "burstable", false, "also burstable and flex types")
	f.BoolVar(&p.metal, "metal", false, "also bare metal")
	f.BoolVar(&p.previous, "previous-generation", false, "also previous-generation types without a GPU")
	f.Var(&p.maxPriceAge, "max-price-age", "do not use older prices: 90d")
	f.StringVar(&p.priceQuality, "price-quality", "", "the worst that counts: observed, derived or inferred")
	f.StringVar(&p.runtime, "runtime", "", "runtime of every target that has it: "+joined(latency.Runtimes()))
	f.StringVar(&p.scaling, "scaling", "roofline", "how to predict: "+joined(latency.Scalings()))
	f.StringVar(&p.baseline, "baseline", "", "what runs today, to compare with: p2.xlarge or c5.xlarge+eia2.medium")
	f.StringVar(&p.measured, "measured", "", "a measurement by eiplan bench instead of a new one")
	p.files.add(f)
	p.files.addOwned(f)
	p.files.addCalibration(f)
	p.files.addLock(f)
	addExplain(f, &p.explain)
	f.BoolVar(&p.analysis, "analysis", false, "add to the report what changes the answer: other rates, budgets and assumptions (-o html always does)")
	f.IntVar(&p.top, "top", 0, "choices to list beside the cheapest of each kind (default 3 in a table; 50, and every near tie, in a report; 10 for each of several models)")
}

func joined[T ~string](list []T) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

func newPlan(a *app) *cobra.Command {
	var p planFlags
	c := &cobra.Command{
		Use:   "plan [MODEL] --measured FILE, or plan FILE...",
		Short: "Plan from measurements that were made before: one model, or several and what they cost together",
		Long: `plan answers as size does, from the measurement in a file that eiplan bench -o yaml or json wrote.
Where MODEL is given, its hash must be the one measured.
A FILE is such a measurement too, or of kind Portfolio, which names models and what is asked of each.
Several models make one report: each plan, the total, and the commitments to make. Flags take the place
of a Portfolio's defaults; what a model in it says of itself stands. What is owned (--commitments) is
used up once, by the models in their order.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
			case p.measured != "" && declarative(args[0]):
				e := usageError("--measured goes with a model, a file or zoo:NAME, which %s is not", args[0])
				e.hint = "eiplan plan FILE... takes measurements and Portfolios as they are"
				return e
			case p.measured == "" && (declarative(args[0]) || plannable(args[0])):
				if len(args) > 1 || kindOf(args[0]) != "Benchmark" {
					return p.planPortfolio(a, cmd, args)
				}
				p.measured, args = args[0], nil
			}
			if p.measured == "" {
				return &exitError{code: exitUsage, err: errors.New("--measured is needed"), hint: "eiplan bench MODEL -o yaml --out bench.yaml makes one; eiplan size measures and plans in one go"}
			}
			if len(args) > 0 {
				if err := oneModel(cmd, args); err != nil {
					return err
				}
			}
			if _, err := p.sla(); err != nil {
				return err
			}
			m, err := p.readMeasured(args)
			if err != nil {
				return err
			}
			return p.answer(a, m)
		},
	}
	p.add(c)
	return c
}

func newSize(a *app) *cobra.Command {
	var p planFlags
	var b benchFlags
	var noBench bool
	c := &cobra.Command{
		Use:   "size MODEL --latency TIME",
		Short: "Measure a model and name the cheapest plan that serves it in time",
		Long: `size measures MODEL, a file or zoo:NAME, on this machine in FP32 and mixed precision, predicts it
on everything that AWS sells, and names the cheapest instance, accelerator and way to buy that
meets the latency budget. --total 300ms --reserve preprocess=200ms is --latency 100ms.`,
		Args: oneModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := p.sla(); err != nil {
				return err
			}
			if err := p.open(); err != nil {
				return err
			}
			m, err := p.measurement(cmd.Context(), a, &b, args[0], noBench)
			if err != nil {
				return err
			}
			if err := p.answer(a, m); err != nil {
				return err
			}
			return b.judge(m)
		},
	}
	p.add(c)
	b.add(c)
	c.Flags().BoolVar(&noBench, "no-bench", false, "do not measure: predict from the model's work alone")
	return c
}

// sla is the latency budget.
func (p *planFlags) sla() (planner.SLA, error) {
	s := planner.SLA{Percentile: float64(p.percentile) * 100, Confidence: p.confidence}
	if p.minInstances < 1 || p.top < 0 || p.batch < 0 {
		return s, usageError("--min-instances, --top and --batch can't be less than 1")
	}
	if p.confidence < 0.5 || p.confidence > 0.99 {
		return s, &exitError{code: exitUsage, err: fmt.Errorf("--confidence %v is not between 0.5 and 0.99", p.confidence)}
	}
	switch {
	case p.latency == 0 && p.total == 0:
		return s, &exitError{code: exitUsage, err: errors.New("how fast must it be?"), hint: "--latency 100ms, or --total 300ms --reserve preprocess=200ms"}
	case p.latency != 0 && p.total != 0:
		return s, &exitError{code: exitUsage, err: errors.New("--latency and --total exclude each other"), hint: "--latency is the time for inference; --total less --reserve is too"}
	case p.latency != 0 && len(p.reserve) > 0:
		return s, &exitError{code: exitUsage, err: errors.New("--reserve needs --total"), hint: "--total 300ms --reserve preprocess=200ms leaves 100ms"}
	}
	s.TotalMs = max(p.latency.ms(), p.total.ms())
	left := s.TotalMs
	for _, r := range p.reserve {
		ms := duration(r.time).ms()
		s.Reserved = append(s.Reserved, planner.Reservation{Name: r.name, Ms: ms})
		left -= ms
	}
	if left <= 0 {
		return s, &exitError{code: exitUsage, err: fmt.Errorf("--reserve takes %g ms of a total of %g ms: nothing is left for inference", s.TotalMs-left, s.TotalMs)}
	}
	return s, nil
}

// open reads the files that the plan rests on, once.
func (p *planFlags) open() (err error) {
	if p.sources == nil {
		p.sources, err = p.files.read()
	}
	return err
}

// request turns flags and a measurement into what the planner is asked.
func (p *planFlags) request(m *benchReport) (planner.Request, error) {
	sla, err := p.sla()
	if err != nil {
		return planner.Request{}, err
	}
	if err := p.open(); err != nil {
		return planner.Request{}, err
	}
	r := planner.Request{
		Workload: m.Status.Workload, Model: latency.Subject{Name: m.Spec.Model.Name, SHA256: m.Spec.Model.Sha256}, Catalog: p.sources.catalog, Owned: &p.sources.owned,
		Calibration: p.sources.calibration, SLA: sla, Rate: float64(p.rate), Batch: batchOf(m.Spec.Model),
		Objective: planner.Objective(p.objective), Baseline: p.baseline, Top: p.top, Explain: p.explain != "", Analysis: p.analysis,
		Constraints: planner.Constraints{Regions: p.regions, Instances: p.instances, Accelerators: p.accelerators, Arch: p.arch,
			MaxInterruptionPercent: float64(p.maxInterruption), Lifecycle: planner.Availability(p.lifecycle), MinInstances: p.minInstances,
			Burstable: p.burstable, BareMetal: p.metal, PreviousGeneration: p.previous, MaxPriceAgeDays: int(p.maxPriceAge)},
	}
	r.AsOf = max(r.Catalog.AsOf(), pricing.DateOf(now())) // prices age with the calendar, but a catalogue is not read before it was made
	if len(m.Status.Runs) > 0 {
		r.Measured = m.Status.measured()
	}
	return r, p.parse(&r)
}

// parse reads the flags whose values are names.
func (p *planFlags) parse(r *planner.Request) error {
	var errs []error
	note := func(flag string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	if p.asOf != "" {
		d, err := pricing.ParseDate(p.asOf)
		r.AsOf = d
		note("as-of", err)
	}
	for _, name := range p.purchase {
		var o pricing.Option
		if name == "all" {
			for _, w := range pricing.Ways() {
				r.Constraints.Purchase = append(r.Constraints.Purchase, w.Option)
			}
			continue
		}
		note("purchase", o.UnmarshalText([]byte(name)))
		r.Constraints.Purchase = append(r.Constraints.Purchase, o)
	}
	switch p.maxCommit {
	case "":
	case "none":
		note("max-commit", withoutCommitment(&r.Constraints))
	default:
		note("max-commit", r.Constraints.MaxCommit.UnmarshalText([]byte(p.maxCommit)))
	}
	for _, name := range p.precisions {
		precision, err := parsePrecision(name)
		note("precision", err)
		r.Constraints.Precisions = append(r.Constraints.Precisions, precision)
	}
	note("price-quality", r.Constraints.PriceQuality.UnmarshalText([]byte(p.priceQuality)))
	var err error
	if p.runtime != "" {
		r.Runtime, err = latency.ParseRuntime(p.runtime)
		note("runtime", err)
	}
	r.Scaling, err = latency.ParseScaling(p.scaling)
	note("scaling", err)
	if p.objective != string(planner.Hourly) && p.objective != string(planner.PerMillion) {
		note("objective", fmt.Errorf("%q is not hourly or per-million", p.objective))
	}
	if p.lifecycle != string(planner.OnlyCurrent) && p.lifecycle != string(planner.AnyTime) {
		note("lifecycle", fmt.Errorf("%q is not current or any", p.lifecycle))
	}
	if err := errors.Join(errs...); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	return nil
}

// withoutCommitment leaves the ways to buy that commit to nothing.
func withoutCommitment(c *planner.Constraints) error {
	var left []pricing.Option
	for _, w := range pricing.Ways() {
		if !w.Commits && (len(c.Purchase) == 0 && !w.Ends || slices.Contains(c.Purchase, w.Option)) {
			left = append(left, w.Option)
		}
	}
	if len(left) == 0 {
		return errors.New("none leaves none of the ways to buy that --purchase names")
	}
	c.Purchase = left
	return nil
}

// solve makes the request and asks the planner.
func (p *planFlags) solve(m *benchReport) (planner.Request, *planner.Plan, error) {
	r, err := p.request(m)
	if err != nil {
		return r, nil, err
	}
	plan, err := planner.Solve(r)
	if err != nil {
		return r, nil, &exitError{code: exitUsage, err: err}
	}
	return r, plan, nil
}

// check plans from the model's work alone, so that a request with an unknown name in it fails before minutes of measuring.
func (p *planFlags) check(r *benchReport) error {
	_, _, err := p.solve(r)
	return err
}

// source is the file that says what was planned for; empty where that is no file.
func (p *planFlags) source(m *benchReport) string {
	switch {
	case p.measured != "":
		return p.measured
	case strings.HasPrefix(m.Spec.Model.Path, zooPrefix):
		return ""
	}
	return m.Spec.Model.Path
}

// answer solves, prints and returns the exit code's error.
func (p *planFlags) answer(a *app, m *benchReport) error {
	p.analysis = p.analysis || a.format == htmlFormat
	r, plan, err := p.solve(m)
	if err != nil {
		return err
	}
	answer, err := p.report(a, r, m, plan)
	if err != nil {
		return err
	}
	d, err := told(answer, sizing.Show{}, a.format)
	if err != nil {
		return unexplained(err)
	}
	if err := a.emit(located(p.source(m), d)); err != nil {
		return err
	}
	switch plan.Verdict {
	case planner.Infeasible:
		return &exitError{code: exitInfeasible}
	case planner.Unknown:
		return &exitError{code: exitUnpriced}
	}
	return nil
}
