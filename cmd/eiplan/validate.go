package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/zoo"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/report"
)

func newValidate(a *app) *cobra.Command {
	v := validator{app: a}
	c := &cobra.Command{
		Use:   "validate FILE.csv",
		Short: "Score predictions against published measurements",
		Long: `FILE.csv has a measured latency a row, in the columns id, model, input, framework, runtime_class,
device, device_kind, precision, batch, latency_ms and source; rows with fit_ok 0, and those that
nothing can be said of, are left out and counted with the reason. A model is one of the zoo, or
NAME.onnx in --models. Each row is predicted by the coefficients of its own software. With --fit the
coefficients are fitted anew on the file, twenty times, each time without a twentieth of the models,
and each row is predicted by the fit that has not seen its model.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return v.run(args[0]) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&v.models, "models", "", "folder with models as NAME.onnx; they go before those of the zoo")
	f.BoolVar(&v.fit, "fit", false, "fit the coefficients on the file and cross-validate by model")
	f.StringVar(&v.by, "by", "", "score too by device, batch or source")
	f.StringVar(&v.save, "save", "", "with --fit, write the coefficients fitted on all rows to this file")
	return c
}

// validator scores predictions.
type validator struct {
	*app
	models, by, save string
	fit              bool
}

// validationSpec is spec of kind Validation.
type validationSpec struct {
	File   string `json:"file"`
	Sha256 string `json:"sha256"`
	Method string `json:"method"` // in-sample, held-out or cross-validated
}

// validationStatus is the status of kind Validation.
type validationStatus struct {
	Rows    int         `json:"rows"` // in the file
	Usable  int         `json:"usable"`
	Judged  int         `json:"judged"`
	Classes []scored    `json:"classes"`
	By      []scored    `json:"by"`
	Skipped []skippedBy `json:"skipped"`
}

// scored is how near the predictions of some rows come. Errors are percentages; geoFactor is exp(mean |ln(predicted ÷ observed)|).
type scored struct {
	Class         string     `json:"class"`
	Rows          int        `json:"rows"`
	Mape          float64    `json:"mape"`
	Median        float64    `json:"median"`
	GeoFactor     float64    `json:"geoFactor"`
	Spearman      float64    `json:"spearman"`
	InsidePercent float64    `json:"insidePercent"` // of the rows lie within the predicted p10 and p90
	TflopsRule    plainScore `json:"tflopsRule"`
}

// plainScore is the same for FLOPs ÷ TFLOPS.
type plainScore struct {
	Mape      float64 `json:"mape"`
	Median    float64 `json:"median"`
	GeoFactor float64 `json:"geoFactor"`
}

// skippedBy counts the rows that could not be judged for one reason.
type skippedBy struct {
	Reason string `json:"reason"`
	Rows   int    `json:"rows"`
}

// keyOf names what rows are told apart by under --by.
var keyOf = map[string]func(*latency.Judged) string{
	"device": func(j *latency.Judged) string { return j.Device + " " + j.Precision },
	"batch":  func(j *latency.Judged) string { return fmt.Sprintf("batch %d", j.Batch) },
	"source": func(j *latency.Judged) string { source, _, _ := strings.Cut(j.Source, "@"); return source },
}

func (v *validator) run(file string) error {
	if keyOf[v.by] == nil && v.by != "" {
		return usageError("--by %q is not %s", v.by, strings.Join(slices.Sorted(maps.Keys(keyOf)), ", "))
	}
	if v.save != "" && !v.fit {
		return usageError("--save needs --fit")
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	rows, err := latency.ReadPublished(bytes.NewReader(content))
	if err != nil {
		return usageError("%s: %w", file, err)
	}
	sum := sha256.Sum256(content)
	spec := validationSpec{File: file, Sha256: hex.EncodeToString(sum[:]), Method: "held-out"}
	status := validationStatus{Rows: len(rows)}
	observations := v.observe(rows, &status)
	if len(observations) == 0 {
		return usageError("%s: no row of it can be predicted: %s", file, status.Skipped[0].Reason)
	}
	c := latency.Default()
	var judged []latency.Judged
	switch {
	case v.fit:
		spec.Method = "cross-validated"
		judged = latency.JudgeUnseen(observations)
	case spec.Sha256 == c.Training.SHA256:
		spec.Method = "in-sample"
		fallthrough
	default:
		for _, o := range observations {
			judged = append(judged, c.Judge(o))
		}
	}
	if v.save != "" {
		fitted, err := latency.Write(latency.Refit(observations, spec.Sha256))
		if err != nil {
			return err
		}
		if err := writeFile(v.save, fitted); err != nil {
			return err
		}
	}
	status.score(judged, keyOf[v.by])
	return v.emit(v.document(spec, &status))
}

// observe readies the rows that can be predicted and counts why others can't.
func (v *validator) observe(rows []latency.Published, status *validationStatus) []*latency.Observation {
	c, table := latency.Default(), hardware.Default()
	works := v.workloads(rows)
	skipped := map[string]int{}
	skip := func(reason string) { skipped[shortened(reason)]++ }
	var list []*latency.Observation
	for _, row := range rows {
		if row.Doubtful != "" {
			skip(row.Doubtful)
			continue
		}
		status.Usable++
		counted := works[modelKey(row)]
		if counted.err != nil {
			skip(counted.err.Error())
			continue
		}
		o, err := c.Observe(row, counted.work, table)
		if err != nil {
			skip(err.Error())
			continue
		}
		if v.fit && !latency.Fits(o) {
			skip("the coefficients of class " + o.Class + " are not fitted")
			continue
		}
		list = append(list, o)
	}
	status.Judged = len(list)
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		status.Skipped = append(status.Skipped, skippedBy{reason, skipped[reason]})
	}
	slices.SortStableFunc(status.Skipped, func(a, b skippedBy) int { return b.Rows - a.Rows })
	return list
}

// shortened is a reason without the rest of what a table may have in a cell.
func shortened(reason string) string {
	const most = 240
	if len(reason) <= most {
		return reason
	}
	return strings.ToValidUTF8(reason[:most], "") + "…"
}

func modelKey(row latency.Published) string { return row.Model + "@" + row.Input }

// counted is a model's workload at batch 1, or why there is none.
type counted struct {
	work *engine.Workload
	err  error
}

// workloads counts every model of the usable rows, several at once.
func (v *validator) workloads(rows []latency.Published) map[string]counted {
	wanted := map[string]latency.Published{}
	for _, row := range rows {
		if row.Doubtful == "" {
			wanted[modelKey(row)] = row
		}
	}
	keys := slices.Sorted(maps.Keys(wanted))
	works := make([]counted, len(keys))
	parallel.Each(len(keys), func(i int) {
		works[i].work, works[i].err = v.count(wanted[keys[i]])
	})
	found := map[string]counted{}
	for i, key := range keys {
		found[key] = works[i]
	}
	return found
}

// count is the workload of a row's model at batch 1. Nothing is run, so that models of the zoo need no weights.
func (v *validator) count(row latency.Published) (*engine.Workload, error) {
	m, err := v.open(row)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	w, err := engine.Count(m, engine.Options{Dims: map[string]int{"batch": 1}})
	if err != nil {
		return nil, err
	}
	return &w, nil
}

func (v *validator) open(row latency.Published) (*models.Model, error) {
	if v.models != "" {
		if file := filepath.Join(v.models, filepath.Base(row.Model)+".onnx"); exists(file) {
			return openModel(file)
		}
	}
	return zoo.Outline(modelKey(row))
}

// score adds the scores of all rows, of batch 1 and of every class, and of what by tells apart.
func (s *validationStatus) score(judged []latency.Judged, by func(*latency.Judged) string) {
	part := func(name string, keep func(*latency.Judged) bool) {
		if v, ok := scoreOf(name, judged, keep); ok {
			s.Classes = append(s.Classes, v)
		}
	}
	part("all", func(*latency.Judged) bool { return true })
	part("batch1", func(j *latency.Judged) bool { return j.Batch == 1 })
	for _, group := range latency.Groups() {
		part(group, func(j *latency.Judged) bool { return j.Group == group })
	}
	s.By = []scored{}
	if by == nil {
		return
	}
	keys := map[string]bool{}
	for i := range judged {
		keys[by(&judged[i])] = true
	}
	for key := range keys {
		v, _ := scoreOf(key, judged, func(j *latency.Judged) bool { return by(j) == key })
		s.By = append(s.By, v)
	}
	slices.SortFunc(s.By, func(a, b scored) int { return cmp.Or(b.Rows-a.Rows, cmp.Compare(a.Class, b.Class)) })
}

func scoreOf(name string, judged []latency.Judged, keep func(*latency.Judged) bool) (scored, bool) {
	var predicted, plain, observed []float64
	inside := 0
	for i := range judged {
		j := &judged[i]
		if !keep(j) {
			continue
		}
		predicted, plain, observed = append(predicted, j.PredictedMs), append(plain, j.PlainMs), append(observed, j.Ms)
		if j.Inside() {
			inside++
		}
	}
	if len(observed) == 0 {
		return scored{}, false
	}
	m, p := latency.ScoreOf(predicted, observed), latency.ScoreOf(plain, observed)
	return scored{
		Class: name, Rows: m.Rows, Mape: m.MAPE, Median: m.Median, GeoFactor: m.GeoFactor, Spearman: m.Spearman,
		InsidePercent: 100 * float64(inside) / float64(m.Rows), TflopsRule: plainScore{p.MAPE, p.Median, p.GeoFactor},
	}, true
}

func (v *validator) document(spec validationSpec, s *validationStatus) report.Document {
	how := map[string]string{
		"held-out":        "Predicted with the coefficients of this program; the file is not the one that they were fitted on.",
		"in-sample":       "IN SAMPLE: the coefficients of this program were fitted on this very file; expect larger errors elsewhere.",
		"cross-validated": "Cross-validated: fitted twenty times on this file, each row predicted by the fit that has not seen its model.",
	}
	columns := report.Columns("CLASS", ">ROWS", ">MAPE %", ">MEDIAN %", ">FACTOR", ">SPEARMAN", ">% IN P10..P90", ">RULE'S MAPE %", ">RULE'S MEDIAN %", ">RULE'S FACTOR")
	lines := func(list []scored) (rows [][]string) {
		for _, c := range list {
			rows = append(rows, []string{
				c.Class, fmt.Sprint(c.Rows), fmt.Sprintf("%.1f", c.Mape), fmt.Sprintf("%.1f", c.Median), fmt.Sprintf("%.2f", c.GeoFactor),
				fmt.Sprintf("%.3f", c.Spearman), fmt.Sprintf("%.1f", c.InsidePercent), fmt.Sprintf("%.1f", c.TflopsRule.Mape),
				fmt.Sprintf("%.1f", c.TflopsRule.Median), fmt.Sprintf("%.2f", c.TflopsRule.GeoFactor),
			})
		}
		return rows
	}
	tables := []report.Table{{Columns: columns, Rows: lines(s.Classes)}}
	if len(s.By) > 0 {
		tables = append(tables, report.Table{Title: "By " + v.by, Columns: columns, Rows: lines(s.By)})
	}
	tail := []string{"The rule is FLOPs / TFLOPS."}
	for _, k := range s.Skipped {
		tail = append(tail, fmt.Sprintf("Skipped %d rows: %s.", k.Rows, k.Reason))
	}
	all := s.Classes[0]
	env := v.envelope("Validation", spec, s)
	env.Metadata.Coefficients = &report.Origin{SHA256: latency.Default().SHA256()}
	return report.Document{
		Lead:   []string{fmt.Sprintf("%d of %d usable rows (%d in the file).", s.Judged, s.Usable, s.Rows), how[spec.Method]},
		Tables: tables, Tail: tail, Answer: fmt.Sprintf("MAPE %.1f%%, median %.1f%%, factor %.2f", all.Mape, all.Median, all.GeoFactor), Value: env,
	}
}
