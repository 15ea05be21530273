package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

func newRun(a *app) *cobra.Command {
	var m modelFlags
	var precision string
	c := &cobra.Command{
		Use:   "run MODEL",
		Short: "Run a model once and write its outputs",
		Long:  "run runs a model once. --out DIR writes output_0.pb, output_1.pb … into that folder, which is made if it is not there.",
		Args:  oneModel,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := parsePrecision(precision)
			if err != nil {
				return err
			}
			dir := a.out // here --out is the folder for output_0.pb, output_1.pb …
			a.out = ""
			l, err := m.load(args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			features, _, err := m.machine()
			if err != nil {
				return err
			}
			prog, err := m.compile(l, features, p)
			if err != nil {
				return err
			}
			if err := fits(l, prog); err != nil {
				return err
			}
			s := prog.NewSession()
			defer s.Close()
			in, err := m.contents(l, prog)
			if err != nil {
				return err
			}
			out := make([]models.Datum, len(prog.Outputs))
			if err := s.RunData(in, out); err != nil {
				return m.failed(l, err)
			}
			files, err := writeOutputs(dir, out)
			if err != nil {
				return err
			}
			info := describe(l, prog)
			t := report.Table{Columns: report.Columns("OUTPUT", "TYPE", "SHAPE", "FILE")}
			status := runStatus{Outputs: []runOutput{}}
			for i, o := range out {
				shape := sizeOf(o)
				t.Rows = append(t.Rows, []string{o.Name, prog.Outputs[i].Type(), shape.String(), files[i]})
				status.Outputs = append(status.Outputs, runOutput{sizing.Port{Name: o.Name, Dtype: prog.Outputs[i].Type(), Shape: append([]int{}, shape...)}, files[i], mapsIn(o)})
			}
			return a.emit(report.Document{Tables: []report.Table{t}, Tail: info.Notes, Answer: fmt.Sprintf("%d outputs", len(out)),
				Value: a.seeded("Run", m.seed, benchSpec{info}, status)})
		},
	}
	m.add(c.Flags())
	m.addTune(c.Flags())
	c.Flags().StringVar(&precision, "precision", "fp32", "fp32 or mixed")
	return c
}

// runStatus is the status of kind Run.
type runStatus struct {
	Outputs []runOutput `json:"outputs"`
}

type runOutput struct {
	sizing.Port                       // the shape of a sequence or a map is the number of its elements, that of an optional its value's
	File        string                `json:"file"`           // empty without --out
	Maps        []map[string]*float64 `json:"maps,omitempty"` // of a map, or of a sequence of maps, with numbers; null for what is not finite
}

// sizeOf is the shape of a tensor, the number of elements of a sequence or a map, and the shape of what an optional holds, where that is anything.
func sizeOf(d models.Datum) tensor.Shape {
	switch {
	case d.Kind == models.TensorKind:
		return d.Tensor.Shape
	case d.Kind == models.MapKind:
		return d.Elems[0].Tensor.Shape
	case d.Kind == models.OptionalKind && len(d.Elems) == 1:
		return sizeOf(d.Elems[0])
	}
	return tensor.Shape{len(d.Elems)}
}

// mapsIn spells the maps of numbers in an output.
func mapsIn(d models.Datum) []map[string]*float64 {
	var list []map[string]*float64
	if d.Kind == models.SequenceKind {
		for _, e := range d.Elems {
			list = append(list, mapsIn(e)...)
		}
	}
	if d.Kind != models.MapKind || d.Elems[1].Tensor.DType != tensor.Float32 {
		return list
	}
	keys, entries := d.Elems[0].Tensor, map[string]*float64{}
	for i, v := range tensor.Data[float32](d.Elems[1].Tensor) {
		var number *float64
		if short, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64); err == nil && !math.IsInf(short, 0) && !math.IsNaN(short) {
			number = &short
		}
		if keys.DType == tensor.String {
			entries[keys.Strings[i]] = number
		} else {
			entries[strconv.FormatInt(tensor.Data[int64](keys)[i], 10)] = number
		}
	}
	return append(list, entries)
}

// writeOutputs writes each output to a file in dir and returns the names; without a dir it writes nothing.
func writeOutputs(dir string, out []models.Datum) ([]string, error) {
	files := make([]string, len(out))
	if dir == "" {
		return files, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	for i, d := range out {
		files[i] = filepath.Join(dir, fmt.Sprintf("output_%d.pb", i))
		if err := writeDataFile(files[i], d); err != nil {
			return nil, err
		}
	}
	return files, nil
}
