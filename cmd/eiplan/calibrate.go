package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/report"
)

func newCalibrate(a *app) *cobra.Command {
	c := &calibrator{app: a}
	cmd := &cobra.Command{
		Use:   "calibrate FILE.csv",
		Short: "Correct predictions by measurements on the hardware itself",
		Long: `FILE.csv has a measurement a row, in the columns device, model, precision, batch and ms, and if it
likes runtime and percentile. A device is an instance type, an instance+accelerator or an accelerator:
g4dn.xlarge, m5.large+eia1.medium, T4. A model is a file, or one of the zoo as zoo:NAME, or any name
in a file that --models names a folder of. The result, kind Calibration, is what --calibration takes:
a measurement replaces the prediction of its model there (other number formats of it are then
predicted there only where --precision asks for them), and corrects those of other models on the
same device and of the same model elsewhere, the more the more there are. A CPU's prediction that is
scaled from a measurement here is corrected by measurements of the same model on other CPUs alone.

  eiplan calibrate measured.csv -o yaml --out calibration.yaml
  eiplan size model.onnx --latency 100ms --calibration calibration.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return c.run(args[0]) },
	}
	cmd.Flags().StringVar(&c.models, "models", "", "folder with models as NAME.onnx")
	addCatalogFlag(cmd.Flags(), &c.source)
	return cmd
}

// calibrator reads measurements and asks the planner what it would have said.
type calibrator struct {
	*app
	models string
	source string                      // of the catalogue that knows the devices
	counts map[string]*engine.Workload // by model and batch; nil where the model is not to be had
	hashes map[string]string
}

func (c *calibrator) run(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	measurements, err := readMeasurements(bytes.NewReader(content))
	if err != nil {
		return usageError("%s: %w", file, err)
	}
	catalog, err := openCatalog(c.source)
	if err != nil {
		return err
	}
	c.counts, c.hashes = map[string]*engine.Workload{}, map[string]string{}
	for i := range measurements {
		m := &measurements[i]
		w, err := c.workload(m)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		if err := planner.Expect(catalog, w, m); err != nil {
			return usageError("%s: measurement %d: %w", file, i+1, err)
		}
	}
	return c.emit(c.document(latency.Calibrate(now().Format("2006-01-02"), measurements)))
}

// workload of a measurement's model at its batch; nil where only the name is known.
func (c *calibrator) workload(m *latency.Measurement) (*engine.Workload, error) {
	key := fmt.Sprintf("%s@%d", m.Model, m.Batch)
	if w, ok := c.counts[key]; ok {
		m.Sha256, m.Model = c.hashes[m.Model], nameOfModel(m.Model)
		return w, nil
	}
	ref := m.Model
	if in := filepath.Join(c.models, ref+".onnx"); c.models != "" && exists(in) {
		ref = in
	}
	c.counts[key] = nil
	if strings.HasPrefix(ref, zooPrefix) || exists(ref) {
		model, err := openModel(ref)
		if err != nil {
			return nil, err
		}
		defer model.Close()
		w, err := engine.Count(model, engine.Options{Dims: map[string]int{"batch": m.Batch}})
		if err != nil {
			return nil, modelError(err)
		}
		c.counts[key], c.hashes[m.Model] = &w, model.SHA256
	}
	m.Sha256, m.Model = c.hashes[m.Model], nameOfModel(m.Model)
	return c.counts[key], nil
}

// readMeasurements reads the user's table. An error names the line.
func readMeasurements(r io.Reader) ([]latency.Measurement, error) {
	table := csv.NewReader(r)
	header, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	known := []string{"device", "model", "precision", "batch", "ms", "runtime", "percentile"}
	for i, name := range known[:5] {
		if !slices.Contains(header, name) {
			return nil, fmt.Errorf("no column %q; %s are needed", known[i], strings.Join(known[:5], ", "))
		}
	}
	for _, name := range header {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("column %q is none of %s", name, strings.Join(known, ", "))
		}
	}
	var list []latency.Measurement
	for {
		record, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		m, err := measurementOf(func(name string) string {
			if i := slices.Index(header, name); i >= 0 {
				return strings.TrimSpace(record[i])
			}
			return ""
		})
		if err != nil {
			line, _ := table.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil, errors.New("no measurement in it")
	}
	return list, nil
}

func measurementOf(of func(column string) string) (m latency.Measurement, err error) {
	m = latency.Measurement{Device: of("device"), Model: of("model"), Precision: of("precision")}
	if m.Device == "" || m.Model == "" {
		return m, errors.New("a device and a model are needed")
	}
	if m.Batch, err = strconv.Atoi(of("batch")); err != nil || m.Batch < 1 {
		return m, fmt.Errorf("batch %q is no positive whole number", of("batch"))
	}
	if m.Ms, err = strconv.ParseFloat(of("ms"), 64); err != nil || !(m.Ms > 0) || math.IsInf(m.Ms, 0) {
		return m, fmt.Errorf("ms %q is no positive number", of("ms"))
	}
	if s := of("percentile"); s != "" {
		if m.Percentile, err = strconv.ParseFloat(strings.TrimPrefix(s, "p"), 64); err != nil || !(m.Percentile > 0 && m.Percentile < 100) {
			return m, fmt.Errorf("percentile %q is not p50, p99 or the like", s)
		}
	}
	m.Runtime, err = latency.ParseRuntime(of("runtime"))
	return m, err
}

func (c *calibrator) document(calibration *latency.Calibration) report.Document {
	t := report.Table{Columns: report.Columns("DEVICE", "MODEL", "PRECISION", ">BATCH", ">MEASURED MS", ">PREDICTED MS", ">RATIO")}
	alone := 0
	for _, m := range calibration.Measurements {
		predicted, ratio := "", ""
		if m.PredictedMs > 0 {
			predicted, ratio = fmt.Sprintf("%.3g", m.PredictedMs), fmt.Sprintf("%.2f", m.Ms/m.PredictedMs)
		} else {
			alone++
		}
		t.Rows = append(t.Rows, []string{m.Device, m.Model, m.Precision, fmt.Sprint(m.Batch), fmt.Sprintf("%.4g", m.Ms), predicted, ratio})
	}
	tables := []report.Table{t}
	for _, part := range []struct {
		title   string
		factors []latency.Factor
	}{{"Predictions by place", calibration.Places}, {"Predictions by model", calibration.Models}} {
		f := report.Table{Title: part.title, Columns: report.Columns("OF", ">FACTOR", ">ROWS")}
		for _, x := range part.factors {
			f.Rows = append(f.Rows, []string{x.Of, fmt.Sprintf("%.2f", x.Value), fmt.Sprint(x.Rows)})
		}
		if len(f.Rows) > 0 {
			tables = append(tables, f)
		}
	}
	var tail []string
	if alone > 0 {
		tail = append(tail, fmt.Sprintf("%d measurements stand for themselves alone: their models are neither files nor of the zoo.", alone))
	}
	return report.Document{
		Tables: tables, Tail: tail, Answer: fmt.Sprintf("%d measurements", len(calibration.Measurements)), Value: c.envelope("Calibration", nil, calibration),
	}
}

// readCalibration reads kind Calibration, and its hash.
func readCalibration(file string) (*latency.Calibration, *report.Origin, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, usageError("--calibration: %w", err)
	}
	var doc struct {
		Kind   string
		Status latency.Calibration
	}
	if err = report.Decode(content, &doc); err == nil && doc.Kind != "Calibration" {
		err = errors.New("not a report of kind Calibration")
	}
	if err != nil {
		return nil, nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", file, err), hint: "eiplan calibrate FILE.csv -o yaml --out calibration.yaml makes one"}
	}
	sum := sha256.Sum256(content)
	return &doc.Status, &report.Origin{AsOf: doc.Status.AsOf, Source: filepath.Base(file), SHA256: hex.EncodeToString(sum[:])}, nil
}
