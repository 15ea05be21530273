package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// benchFlags say how to measure a model.
type benchFlags struct {
	modelFlags
	time   duration
	runs   int
	strict bool
}

func (b *benchFlags) add(c *cobra.Command) {
	f := c.Flags()
	b.modelFlags.add(f)
	b.addTune(f)
	b.time = duration(10 * time.Second)
	f.Var(&b.time, "time", "time for measuring, both precisions together")
	f.IntVar(&b.runs, "runs", 0, "most runs of each precision (default as many as --time allows)")
	f.BoolVar(&b.strict, "strict", false, "fail with exit 5 if the measurement is unstable")
}

func newBench(a *app) *cobra.Command {
	var b benchFlags
	c := &cobra.Command{
		Use:   "bench MODEL",
		Short: "Measure a model here in FP32 and mixed precision",
		Long: `bench runs MODEL, a file or zoo:NAME, on this machine in FP32 and in mixed precision until the
median is known within 1% or --time ends, and compares the outputs of the two. eiplan plan --measured
reads what -o yaml or json writes.`,
		Args: oneModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := b.load(args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			r, err := b.measure(cmd.Context(), a, l, func(*benchReport) error { return nil })
			if err != nil {
				return err
			}
			if err := a.emit(r.document(a.format, a.seeded("Benchmark", b.seed, r.Spec, r.Status))); err != nil {
				return err
			}
			return b.judge(r)
		},
	}
	b.add(c)
	return c
}

// judge fails under --strict where a measurement is too unstable to build on.
func (b *benchFlags) judge(r *benchReport) error {
	for _, run := range r.Status.Runs {
		if w := run.gravest(); b.strict && w != nil {
			return &exitError{code: exitUnstable, err: fmt.Errorf("%s: the measurement is unstable: %s", run.Precision, w.Text),
				hint: "measure on a quiet machine, or for longer with --time"}
		}
	}
	return nil
}

// gravest is the first of a run's warnings that tells of an unstable measurement, or nil.
func (r *benchRun) gravest() *bench.Warning {
	for i, w := range r.Record.Warnings {
		if slices.Contains([]string{bench.WarnContended, bench.WarnUnsettled, bench.WarnImprecise, bench.WarnClockDrift}, w.Code) {
			return &r.Record.Warnings[i]
		}
	}
	return nil
}

// benchReport is kind Benchmark.
type benchReport struct {
	Spec   benchSpec   `json:"spec"`
	Status benchStatus `json:"status"`
}

type benchSpec struct {
	Model sizing.Model `json:"model"`
}

// benchStatus is what was measured, and the workload that the measurement is of.
type benchStatus struct {
	Host     planner.Host    `json:"host"`
	Runs     []benchRun      `json:"runs"`
	Drift    *planner.Drift  `json:"drift"`
	Workload engine.Workload `json:"workload"`

	asOf string // the day of measuring
}

// benchRun is one measured precision with everything that speaks for and against it.
type benchRun struct {
	planner.Run
	Record bench.Record `json:"record"`
}

// measured is the part of the report that a plan is made from.
func (s *benchStatus) measured() *planner.Benchmark {
	b := &planner.Benchmark{Host: s.Host, Drift: s.Drift, AsOf: s.asOf}
	for _, r := range s.Runs {
		b.Runs = append(b.Runs, r.Run)
	}
	return b
}

// measure runs a model in both precisions and compares their outputs. It asks ready, with a report that holds the model's work alone, before it spends
// time on measuring.
func (b *benchFlags) measure(ctx context.Context, a *app, l *loaded, ready func(*benchReport) error) (*benchReport, error) {
	features, info, err := b.machine()
	if err != nil {
		return nil, err
	}
	prog, err := b.compile(l, features, engine.FP32)
	if err != nil {
		return nil, err
	}
	r := workOf(l, prog)
	if err := ready(r); err != nil {
		return nil, err
	}
	if err := fits(l, prog); err != nil {
		return nil, err
	}
	a.say("measuring this machine's peaks")
	host := engine.MeasurePeaks(info, prog.Threads())
	r.Status.Host = planner.Host{CPU: info.Model, ISA: string(info.ISA), Cores: info.PhysicalCores,
		PeakGflopsFp32: host.FP32GFLOPS, PeakGflopsMixed: host.MixedGFLOPS, BandwidthGBs: host.BandwidthGBs}
	want, err := b.timed(ctx, a, l, prog, engine.FP32, r)
	if err != nil {
		return nil, err
	}
	if prog, err = b.compile(l, features, engine.Mixed); err != nil {
		return nil, err
	}
	if prog.Threads() != host.Threads { // a tuner found another number to be the fastest
		r.Status.Host.PeakGflopsMixed = engine.MeasurePeaks(info, prog.Threads()).MixedGFLOPS
	}
	got, err := b.timed(ctx, a, l, prog, engine.Mixed, r)
	if err != nil {
		return nil, err
	}
	r.Status.Drift, err = drift(got, want)
	return r, err
}

// workOf is a report of a model's work without any measurement.
func workOf(l *loaded, prog *engine.Program) *benchReport {
	r := &benchReport{}
	r.Spec.Model, r.Status.Workload, r.Status.asOf = describe(l, prog), prog.Workload(), now().Format(time.DateOnly)
	return r
}

// timed measures one compiled program, adds the run to the report and returns the outputs.
func (b *benchFlags) timed(ctx context.Context, a *app, l *loaded, prog *engine.Program, p engine.Precision, into *benchReport) ([]models.Datum, error) {
	if err := fits(l, prog); err != nil {
		return nil, err
	}
	in, err := b.contents(l, prog)
	if err != nil {
		return nil, err
	}
	out := make([]models.Datum, len(prog.Outputs))
	s := prog.NewSession()
	defer s.Close()
	run := func() error { return s.RunData(in, out) }
	if err := run(); err != nil {
		return nil, b.failed(l, err)
	}
	kept := make([]models.Datum, len(out))
	for i := range out {
		kept[i] = out[i].Clone()
	}
	name := precisionName(p)
	a.say("measuring %s for up to %v", name, time.Duration(b.time)/2)
	sample, err := bench.Measure(ctx, run, bench.Config{Time: time.Duration(b.time) / 2, Runs: b.runs, Threads: s.Threads()})
	if err != nil {
		return nil, err
	}
	record := sample.Record()
	r := benchRun{Record: record, Run: planner.Run{Precision: name, Threads: prog.Threads(), Samples: record.Samples, P50Ms: record.P50Ms, P99Ms: record.P99Ms,
		P90Ms: float64(sample.Quantile(0.9).Value) / 1e6, MeanMs: record.MeanMs, Gflops: prog.Workload().FLOPs / record.P50Ms / 1e6,
		CILowMs: record.CILowMs, CIHighMs: record.MaxMs}}
	if record.CIHighMs != nil {
		r.CIHighMs = *record.CIHighMs
	}
	for _, bin := range sample.Histogram() {
		r.Histogram = append(r.Histogram, planner.Bin{FromMs: float64(bin.From) / 1e6, ToMs: float64(bin.To) / 1e6, Runs: bin.Runs})
	}
	r.place(prog)
	into.Status.Runs = append(into.Status.Runs, r)
	return kept, nil
}

// place counts what the steps ran on.
func (r *benchRun) place(prog *engine.Program) {
	shares := map[planner.KernelShare]int{}
	var order []planner.KernelShare
	var all, mixed float64
	for _, p := range prog.Placements() {
		k := planner.KernelShare{Class: p.Class, Mixed: p.Mixed}
		if shares[k] == 0 {
			order = append(order, k)
		}
		shares[k]++
		all += p.FLOPs
		if p.Mixed {
			mixed += p.FLOPs
		}
	}
	for _, k := range order {
		k.Steps = shares[k]
		r.Kernels = append(r.Kernels, k)
	}
	if all > 0 {
		r.Mixed = mixed / all
	}
}

// drift says how far the mixed outputs are from the FP32 ones: the worst of the outputs.
func drift(got, want []models.Datum) (*planner.Drift, error) {
	d := &planner.Drift{}
	for i := range want {
		err := models.Pairs(got[i], want[i], func(_ string, got, want tensor.Tensor) error {
			if !want.DType.Float() {
				return nil
			}
			diff, err := engine.Compare(got, want, engine.Tolerance{})
			d.RelativeRMS = finite(max(d.RelativeRMS, diff.RelativeRMS))
			d.LargestError = finite(max(d.LargestError, diff.Largest))
			d.Overflows += diff.Overflows
			if classes(want) && d.Top1Agree == nil && diff.Rows > 0 {
				agree := float64(diff.Same) / float64(diff.Rows)
				d.Top1Agree = &agree
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
	}
	return d, nil
}

// classes reports whether a tensor looks like scores over classes: one row each for a batch, of at least two.
func classes(t tensor.Tensor) bool {
	return t.DType.Float() && len(t.Shape) == 2 && t.Shape[1] >= 2 && t.Shape[0] >= 1
}

// finite caps what JSON has no number for.
func finite(v float64) float64 { return math.Min(v, math.MaxFloat64) }

// document tells what was measured, as the envelope holds it for programs.
func (r *benchReport) document(format string, value report.Envelope) report.Document {
	t := report.Table{Columns: report.Columns("PRECISION", ">P50 MS", ">P90 MS", ">P99 MS", ">INTERVAL OF P50", ">SAMPLES", ">GFLOPS", ">OF PEAK", ">MIXED FLOPS")}
	kernels := report.Table{Title: "Kernels", Columns: report.Columns("PRECISION", "KERNEL", ">STEPS", "MIXED")}
	for _, run := range r.Status.Runs {
		peak := r.Status.Host.PeakGflopsFp32
		if run.Precision == "mixed" {
			peak = r.Status.Host.PeakGflopsMixed
		}
		t.Rows = append(t.Rows, []string{run.Precision, report.Milliseconds(run.P50Ms), claimed(run.Record.P90Ms), claimed(run.Record.P99Ms), report.Milliseconds(run.CILowMs) + "-" + claimed(run.Record.CIHighMs), fmt.Sprint(run.Samples),
			fmt.Sprintf("%.1f", run.Gflops), fmt.Sprintf("%.0f%%", 100*run.Gflops/peak), fmt.Sprintf("%.0f%%", 100*run.Mixed)})
		for _, k := range run.Kernels {
			kernels.Rows = append(kernels.Rows, []string{run.Precision, k.Class, fmt.Sprint(k.Steps), yes(k.Mixed)})
		}
	}
	h, m := r.Status.Host, r.Spec.Model
	var medians []string
	for _, run := range r.Status.Runs {
		medians = append(medians, fmt.Sprintf("%s %s ms", run.Precision, report.Milliseconds(run.P50Ms)))
	}
	d := report.Document{
		Lead: []string{fmt.Sprintf("MEASURED %s (%.3g GFLOP, %s parameters) on %s, %s, %d threads.", m.Name, m.Flops/1e9, millions(m.Parameters), h.CPU, h.ISA, r.Status.Runs[0].Threads),
			fmt.Sprintf("Peaks measured here: %.0f GFLOPS FP32, %.0f mixed, %.1f GB/s.", h.PeakGflopsFp32, h.PeakGflopsMixed, h.BandwidthGBs)},
		Tables: []report.Table{t},
		Answer: m.Name + " " + strings.Join(medians, ", "),
		Value:  value,
	}
	if format == "table" {
		for _, run := range r.Status.Runs {
			d.Tail = append(d.Tail, fmt.Sprintf("Kernels, %s: %s.", run.Precision, run.mostUsed()))
		}
	} else {
		d.Tables = append(d.Tables, kernels)
	}
	d.Tail = append(d.Tail, sizing.Drift(r.Status.measured()))
	if len(m.Notes) > 0 {
		d.Tail = append(d.Tail, strings.Join(m.Notes, " "))
	}
	d.Tail = append(d.Tail, r.doubts()...)
	return d
}

// mostUsed names the kernels of a run that most steps ran on.
func (r *benchRun) mostUsed() string {
	const shown = 3
	list := slices.SortedStableFunc(slices.Values(r.Kernels), func(a, b planner.KernelShare) int { return b.Steps - a.Steps })
	var parts []string
	for _, k := range list[:min(shown, len(list))] {
		parts = append(parts, fmt.Sprintf("%d x %s", k.Steps, k.Class))
	}
	if n := len(list) - shown; n > 0 {
		parts = append(parts, fmt.Sprintf("%d more", n))
	}
	return strings.Join(parts, ", ")
}

// doubts are what speaks against the figures, each once for all precisions that it holds of. What the table shows anyway is left out.
func (r *benchReport) doubts() []string {
	var order []string
	precisions, texts := map[string][]string{}, map[string]string{}
	for _, run := range r.Status.Runs {
		for _, w := range run.Record.Warnings {
			if w.Code == bench.WarnTailUnknown || w.Code == bench.WarnImprecise {
				continue
			}
			if texts[w.Code] == "" {
				order, texts[w.Code] = append(order, w.Code), w.Text
			}
			precisions[w.Code] = append(precisions[w.Code], run.Precision)
		}
	}
	var lines []string
	for _, code := range order {
		lines = append(lines, report.Sentence(fmt.Sprintf("Warning: %s: %s", strings.Join(precisions[code], " and "), texts[code])))
	}
	return lines
}

// claimed formats milliseconds that too few samples may leave unknown.
func claimed(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return report.Milliseconds(*v)
}

// millions formats a number of parameters.
func millions(n int) string {
	if n < 1e5 {
		return report.Count(n)
	}
	return fmt.Sprintf("%.4g M", float64(n)/1e6)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
