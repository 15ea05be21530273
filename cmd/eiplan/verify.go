package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/planner/report"
)

func newVerify(a *app) *cobra.Command {
	var m modelFlags
	var precision string
	var allowed float64
	c := &cobra.Command{
		Use:   "verify DIR...",
		Short: "Run case folders and compare with their recorded outputs",
		Long: `A case folder holds model.onnx and test_data_set_0, test_data_set_1 …, each with input_0.pb … and
output_0.pb … as ONNX keeps them. Folders are searched for cases. Where a data set has no inputs,
each input is 0/n, 1/n … (n-1)/n in its shape, as in ONNX's tests of models without weights.

Each element must agree by its type: float32 within 1e-3 of it plus 1e-5, integers exactly. For a
model that computes in fewer bits inside the relative RMS error of each output is judged instead:
1e-2 for float16, 5e-2 for bfloat16, for integers and for --precision mixed. --tolerance states
another bound of it, as does meta.json in a case's folder: {"tolerance": 0.1}.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := parsePrecision(precision)
			if err != nil {
				return err
			}
			if allowed < 0 {
				return usageError("--tolerance %g is below 0", allowed)
			}
			features, _, err := m.machine()
			if err != nil {
				return err
			}
			v := verification{app: a, flags: &m, features: features, precision: p, tolerance: allowed}
			return v.run(cmd.Context(), args)
		},
	}
	c.Flags().IntVar(&m.threads, "threads", 0, "threads to run on (default the physical cores)")
	c.Flags().StringVar(&precision, "precision", "fp32", "fp32 or mixed")
	c.Flags().Float64Var(&allowed, "tolerance", 0, "relative RMS error to allow, of all outputs (default as meta.json says, or by what the model computes in)")
	return c
}

func parsePrecision(s string) (engine.Precision, error) {
	switch s {
	case "fp32":
		return engine.FP32, nil
	case "mixed":
		return engine.Mixed, nil
	}
	return 0, &exitError{code: exitUsage, err: fmt.Errorf("precision %q is not fp32 or mixed", s)}
}

// verification runs case folders.
type verification struct {
	*app
	flags     *modelFlags
	features  cpu.Features
	precision engine.Precision
	tolerance float64 // of the relative RMS error; 0 for what fits each case
	status    verificationStatus
}

// verificationStatus is the status of kind Verification.
type verificationStatus struct {
	Passed int          `json:"passed"`
	Failed int          `json:"failed"`
	Cases  []caseResult `json:"cases"`
}

// caseResult is one data set of a case. RelativeRms and LargestError are those of the output that is the furthest off.
type caseResult struct {
	Case         string   `json:"case"`
	DataSet      string   `json:"dataSet"`
	Precision    string   `json:"precision"`
	Passed       bool     `json:"passed"`
	RelativeRms  *float64 `json:"relativeRms,omitempty"`
	LargestError *float64 `json:"largestError,omitempty"`
	Tolerance    string   `json:"tolerance,omitempty"` // what was allowed, and why; empty where the case could not be read
	Text         string   `json:"text,omitempty"`      // why it failed
}

func (v *verification) run(ctx context.Context, dirs []string) error {
	for _, dir := range dirs {
		cases, err := findCases(dir)
		if err != nil {
			return &exitError{code: exitUsage, err: err}
		}
		if len(cases) == 0 {
			return &exitError{code: exitUsage, err: fmt.Errorf("%s: no case in it: a folder with model.onnx and test_data_set_0", dir)}
		}
		for _, c := range cases {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			v.one(c)
		}
	}
	if err := v.emit(v.document()); err != nil {
		return err
	}
	if v.status.Failed > 0 {
		return &exitError{code: exitGate}
	}
	return nil
}

// findCases lists the folders at and under dir that are cases, in order.
func findCases(dir string) ([]string, error) {
	var cases []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && d.Name() == "model.onnx" {
			if sets, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "test_data_set_*")); len(sets) > 0 {
				cases = append(cases, filepath.Dir(path))
			}
		}
		return nil
	})
	return cases, err
}

// one runs all data sets of a case.
func (v *verification) one(dir string) {
	sets, _ := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	slices.Sort(sets)
	model, err := models.Load(filepath.Join(dir, "model.onnx"))
	for _, set := range sets {
		r := caseResult{Case: dir, DataSet: filepath.Base(set), Precision: precisionName(v.precision)}
		failed := err
		if err == nil {
			failed = v.dataSet(model, set, &r)
		}
		if r.Passed = failed == nil; r.Passed {
			v.status.Passed++
		} else {
			r.Text = failed.Error()
			v.status.Failed++
		}
		v.say("%s %s: %s", r.Case, r.DataSet, verdict(r))
		v.status.Cases = append(v.status.Cases, r)
	}
	if err == nil {
		model.Close()
	}
}

func precisionName(p engine.Precision) string {
	if p == engine.Mixed {
		return "mixed"
	}
	return "fp32"
}

// dataSet runs one data set and compares.
func (v *verification) dataSet(model *models.Model, folder string, r *caseResult) error {
	limits, err := tolerancesFor(v.tolerance, filepath.Dir(folder), model, v.precision)
	if err != nil {
		return err
	}
	r.Tolerance = limits.String()
	set, err := model.ReadDataSet(os.DirFS(folder))
	if err != nil {
		return fmt.Errorf("%s: %w", r.DataSet, err)
	}
	if set.Outputs == nil {
		return fmt.Errorf("%s has no output_0.pb", r.DataSet)
	}
	l := newLoaded(model, model.Path)
	l.use(set)
	p, err := v.flags.compile(l, v.features, v.precision)
	if err != nil {
		return err
	}
	if err := fits(l, p); err != nil {
		return err
	}
	in := set.Inputs
	for i := len(in); i < len(p.Inputs); i++ {
		in = append(in, models.Datum{Tensor: ramp(p.Inputs[i])})
	}
	s := p.NewSession()
	defer s.Close()
	out := make([]models.Datum, len(p.Outputs))
	if err := s.RunData(in, out); err != nil {
		return err
	}
	for i, got := range out {
		err := models.Pairs(got, set.Outputs[i], func(where string, got, want tensor.Tensor) error {
			return r.compare(where, got, want, limits.of(want.DType))
		})
		if err != nil {
			return fmt.Errorf("output %s: %w", got.Name, err)
		}
	}
	return nil
}

// compare adds one output, or a tensor in it, to the result.
func (r *caseResult) compare(where string, got, want tensor.Tensor, tol engine.Tolerance) error {
	if where != "" {
		where += ", "
	}
	d, err := engine.Compare(got, want, tol)
	if err != nil {
		return fmt.Errorf("%s%w", where, err)
	}
	if r.RelativeRms == nil || d.RelativeRMS > *r.RelativeRms {
		r.RelativeRms = &d.RelativeRMS
	}
	if r.LargestError == nil || d.Largest > *r.LargestError {
		r.LargestError = &d.Largest
	}
	if !d.Within {
		return fmt.Errorf("%selement %d is %g, want %g; relative RMS error %.2g", where, d.Worst, d.Got, d.Want, d.RelativeRMS)
	}
	return nil
}

// ramp is 0/n, 1/n … in a port's shape.
func ramp(port engine.Port) tensor.Tensor {
	t := tensor.New(port.DType, port.Shape)
	if port.DType != tensor.Float32 {
		return t
	}
	data := tensor.Data[float32](t)
	for i := range data {
		data[i] = float32(float64(i) / float64(len(data)))
	}
	return t
}

func verdict(r caseResult) string {
	if r.Passed {
		return "ok"
	}
	return "FAILED: " + r.Text
}

func (v *verification) document() report.Document {
	t := report.Table{Columns: report.Columns("CASE", "DATA SET", "PRECISION", ">REL. RMS", ">LARGEST", "TOLERANCE", "RESULT")}
	for _, r := range v.status.Cases {
		t.Rows = append(t.Rows, []string{r.Case, r.DataSet, r.Precision, optional("%.1e", r.RelativeRms), optional("%.1e", r.LargestError), r.Tolerance, verdict(r)})
	}
	total := fmt.Sprintf("%d of %d cases agree", v.status.Passed, v.status.Passed+v.status.Failed)
	return report.Document{Tables: []report.Table{t}, Tail: []string{total}, Answer: total, Value: v.envelope("Verification", nil, v.status)}
}

// optional formats a figure that may be missing.
func optional(format string, v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(format, *v)
}
