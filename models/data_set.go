package models

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/eiplan/eiplan/models/tensor"
)

// DataSet is the data of one run, as ONNX's tests keep them in a folder: input_0.pb, input_1.pb … and output_0.pb, output_1.pb …
type DataSet struct {
	Model   *Model  // the model that was asked, with the defaults that the folder overrides
	Inputs  []Datum // of each of the model's inputs; nil where the folder has none
	Outputs []Datum // nil where the folder has none
}

// ReadDataSet reads a folder's data. Where it has more inputs than the model has without a default, they are for all that the model's file lists; those for
// a constant are not used. An error names the file.
func (m *Model) ReadDataSet(folder fs.FS) (*DataSet, error) {
	s := &DataSet{Model: m}
	listed := m.Graph.Inputs
	if _, err := fs.Stat(folder, dataFile("input", len(listed))); err == nil && m.Graph.Listed != nil {
		listed = m.Graph.Listed
	}
	all, err := readData(folder, "input", listed)
	if err != nil {
		return nil, err
	}
	overridden := map[string]tensor.Tensor{}
	for i, v := range listed[:len(all)] {
		switch {
		case slices.Contains(m.Graph.Inputs, v):
			s.Inputs = append(s.Inputs, all[i])
		case slices.Contains(m.Graph.Defaults, v):
			overridden[v.Name] = all[i].Tensor
		}
	}
	if s.Outputs, err = readData(folder, "output", m.Graph.Outputs); err != nil {
		return nil, err
	}
	s.Model, err = m.Overriding(overridden)
	return s, err
}

func dataFile(what string, i int) string { return fmt.Sprintf("%s_%d.pb", what, i) }

// readData reads a file for each of the values, or none where there is not the first.
func readData(folder fs.FS, what string, values []*Value) ([]Datum, error) {
	var data []Datum
	for i, v := range values {
		b, err := fs.ReadFile(folder, dataFile(what, i))
		if i == 0 && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		d, err := ReadDatum(b, v.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dataFile(what, i), err)
		}
		data = append(data, d)
	}
	return data, nil
}
