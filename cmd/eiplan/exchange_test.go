package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// exchanged is one tensor in a list, WHAT.json, that programs hand each other in a folder. File holds its little-endian elements; strings are in the list.
type exchanged struct {
	Name    string       `json:"name"`
	DType   string       `json:"dtype"`
	Shape   tensor.Shape `json:"shape"`
	File    string       `json:"file,omitempty"`
	Strings []string     `json:"strings,omitempty"`
}

// writeExchange writes tensors to dir as "inputs" or "outputs".
func writeExchange(dir, what string, data []models.Datum) error {
	list := []exchanged{}
	for i, d := range data {
		if d.Kind != models.TensorKind {
			return fmt.Errorf("%s: %q is a %v, which is not exchanged", what, d.Name, d.Kind)
		}
		shape := d.Tensor.Shape
		if shape == nil {
			shape = tensor.Shape{}
		}
		e := exchanged{Name: d.Name, DType: d.Tensor.DType.String(), Shape: shape}
		if d.Tensor.DType == tensor.String {
			e.Strings = d.Tensor.Strings
			list = append(list, e)
			continue
		}
		e.File = fmt.Sprintf("%s_%d.bin", what[:len(what)-1], i)
		list = append(list, e)
		if err := os.WriteFile(filepath.Join(dir, e.File), d.Tensor.Bytes, 0o644); err != nil {
			return err
		}
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, what+".json"), b, 0o644)
}

// readExchange reads what writeExchange, or testdata/onnxruntime/run.js, wrote to dir.
func readExchange(dir, what string) ([]tensor.Tensor, error) {
	b, err := os.ReadFile(filepath.Join(dir, what+".json"))
	if err != nil {
		return nil, err
	}
	var list []exchanged
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	tensors := make([]tensor.Tensor, len(list))
	for i, e := range list {
		t := &tensors[i]
		if t.DType, err = tensor.ParseDType(e.DType); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", what, e.Name, err)
		}
		t.Shape = e.Shape
		if t.DType == tensor.String {
			if t.Strings = e.Strings; len(t.Strings) != t.Len() {
				return nil, fmt.Errorf("%s: %q has %d strings, %v takes %d", what, e.Name, len(t.Strings), t, t.Len())
			}
			continue
		}
		if t.Bytes, err = os.ReadFile(filepath.Join(dir, e.File)); err != nil {
			return nil, err
		}
		if want := t.DType.Bytes(t.Len()); len(t.Bytes) != want {
			return nil, fmt.Errorf("%s: %q has %d bytes, %v takes %d", what, e.Name, len(t.Bytes), t, want)
		}
	}
	return tensors, nil
}
