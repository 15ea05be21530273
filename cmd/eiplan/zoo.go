package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/zoo"
	"github.com/eiplan/eiplan/planner/report"
)

// zooStatus is the status of kind Zoo.
type zooStatus struct {
	Families []zoo.Family `json:"families"`
}

func newZoo(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "zoo",
		Short: "List the models that eiplan builds itself, with seeded weights",
		Args:  noSuchCommand,
		RunE: func(*cobra.Command, []string) error {
			t := report.Table{Columns: report.Columns("FAMILY", "NAMES", "FOR EXAMPLE", "SOURCE")}
			families, count := zoo.Families(), 0
			for _, f := range families {
				first := f.Models[0]
				t.Rows = append(t.Rows, []string{f.Name, f.Grammars[0], zooPrefix + first.Name + "@" + first.Input, f.Source})
				for _, g := range f.Grammars[1:] {
					t.Rows = append(t.Rows, []string{"", g, "", ""})
				}
				count += len(f.Models)
			}
			answer := fmt.Sprintf("%d models in %d families, with numbers at one value each", count, len(families))
			return a.emit(report.Document{Tables: []report.Table{t}, Answer: answer, Value: a.envelope("Zoo", nil, zooStatus{families})})
		},
	}
	c.AddCommand(newZooExport(a))
	return c
}

func newZooExport(a *app) *cobra.Command {
	var file filename
	c := &cobra.Command{
		Use:   "export NAME -o FILE",
		Short: "Write a model of the zoo as an ONNX file",
		Args:  oneModel,
		RunE: func(_ *cobra.Command, args []string) error {
			if file == "" {
				return &exitError{code: exitUsage, err: errors.New("-o FILE is needed")}
			}
			m, err := openModel(zooPrefix + strings.TrimPrefix(args[0], zooPrefix))
			if err != nil {
				return err
			}
			defer m.Close()
			var b bytes.Buffer
			if err := models.Write(&b, m); err != nil {
				return err
			}
			return writeFile(string(file), b.Bytes())
		},
	}
	c.Flags().VarP(&file, "output", "o", "file to write")
	return c
}

// filename is a flag that names a file. Unlike others it is not taken from the environment or the configuration.
type filename string

func (f *filename) String() string     { return string(*f) }
func (f *filename) Type() string       { return "file" }
func (f *filename) Set(s string) error { *f = filename(s); return nil }
