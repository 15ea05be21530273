package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/planner/report"
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
			s := prog.NewSession()
			defer s.Close()
			out := make([]tensor.Tensor, len(prog.Outputs))
			if err := s.Run(m.contents(l, prog), out); err != nil {
				return modelError(fmt.Errorf("%s: %w", l.ref, err))
			}
			files, err := writeOutputs(dir, out, func(i int) string { return prog.Outputs[i].Name })
			if err != nil {
				return err
			}
			info := describe(l, prog)
			t := report.Table{Columns: report.Columns("OUTPUT", "TYPE", "SHAPE", "FILE")}
			status := runStatus{Outputs: []runOutput{}}
			for i, o := range out {
				t.Rows = append(t.Rows, []string{prog.Outputs[i].Name, o.DType.String(), o.Shape.String(), files[i]})
				status.Outputs = append(status.Outputs, runOutput{portInfo{prog.Outputs[i].Name, o.DType.String(), append([]int{}, o.Shape...)}, files[i]})
			}
			return a.emit(report.Document{Tables: []report.Table{t}, Tail: info.Notes, Answer: fmt.Sprintf("%d outputs", len(out)),
				Value: a.seeded("Run", m.seed, benchSpec{info}, status)})
		},
	}
	m.add(c.Flags())
	c.Flags().StringVar(&precision, "precision", "fp32", "fp32 or mixed")
	return c
}

// runStatus is the status of kind Run.
type runStatus struct {
	Outputs []runOutput `json:"outputs"`
}

type runOutput struct {
	portInfo
	File string `json:"file"` // empty without --out
}

// writeOutputs writes each tensor to a file in dir and returns the names; without a dir it writes nothing.
func writeOutputs(dir string, out []tensor.Tensor, name func(int) string) ([]string, error) {
	files := make([]string, len(out))
	if dir == "" {
		return files, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	for i, t := range out {
		files[i] = filepath.Join(dir, fmt.Sprintf("output_%d.pb", i))
		if err := writeTensorFile(files[i], name(i), t); err != nil {
			return nil, err
		}
	}
	return files, nil
}
