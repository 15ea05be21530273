package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// modelFlags are the flags that settle how a model is compiled.
type modelFlags struct {
	dims    dims
	shapes  shapes
	threads int
	seed    uint64
	inputs  files
}

func (m *modelFlags) add(f *pflag.FlagSet) {
	f.SortFlags = false
	f.Var(&m.dims, "dim", "size of a named dimension, repeatable: batch=1")
	f.Var(&m.shapes, "shape", "shape of an input, repeatable: x=1x3x224x224")
	f.IntVar(&m.threads, "threads", 0, "threads to run on (default the physical cores)")
	f.Uint64Var(&m.seed, "seed", 1, "seed of the inputs that are made up")
	f.Var(&m.inputs, "input", "content of an input, repeatable: x=file.pb or x=file.npy")
}

// files is a repeatable flag of NAME=FILE.
type files map[string]string

func (f *files) String() string { return "" }
func (f *files) Type() string   { return "input=file" }
func (f *files) Set(s string) error {
	name, file, ok := strings.Cut(s, "=")
	if !ok || name == "" || file == "" {
		return fmt.Errorf("%q is not INPUT=FILE, such as x=input.npy", s)
	}
	if *f == nil {
		*f = files{}
	}
	(*f)[name] = file
	return nil
}

const zooPrefix = "zoo:"

// openModel reads a model file, or builds one of the zoo where ref is zoo:NAME or zoo:NAME@INPUT.
func openModel(ref string) (*models.Model, error) {
	if name, ok := strings.CutPrefix(ref, zooPrefix); ok {
		m, err := zoo.Build(name)
		if err != nil {
			return nil, withHint(&exitError{code: exitUsage, err: err}, "eiplan zoo lists the models that eiplan can build")
		}
		return m, nil
	}
	m, err := models.Load(ref)
	if errors.Is(err, fs.ErrNotExist) && !exists(ref) {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: no such file", ref), hint: "zoo:NAME is a model that eiplan builds itself; eiplan zoo lists them"}
	}
	return m, modelError(err)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// loaded is a model with the inputs that it is to run on.
type loaded struct {
	*models.Model
	ref    string
	given  map[string]tensor.Tensor // contents of inputs, by name
	shapes map[string]tensor.Shape
	notes  []string
}

// load opens a model and settles its inputs: from --input, else from test data that lies beside the model as ONNX keeps it, else from --shape and --dim.
func (m *modelFlags) load(ref string) (*loaded, error) {
	model, err := openModel(ref)
	if err != nil {
		return nil, err
	}
	if err := m.checkShaped(model); err != nil {
		model.Close()
		return nil, err
	}
	l := &loaded{Model: model, ref: ref, given: map[string]tensor.Tensor{}, shapes: map[string]tensor.Shape{}, notes: model.Notes}
	for name, s := range m.shapes {
		l.shapes[name] = s
	}
	if err := m.readInputs(l); err != nil {
		model.Close()
		return nil, err
	}
	if len(m.inputs) == 0 && len(m.shapes) == 0 && len(m.dims) == 0 && open(model) {
		l.useTestData(filepath.Join(filepath.Dir(ref), "test_data_set_0"))
	}
	return l, nil
}

// checkShaped refuses --shape and --input of what is no input of the model.
func (m *modelFlags) checkShaped(model *models.Model) error {
	for _, flag := range []struct {
		name   string
		inputs []string
	}{
		{"shape", slices.Sorted(maps.Keys(m.shapes))},
		{"input", slices.Sorted(maps.Keys(m.inputs))},
	} {
		for _, name := range flag.inputs {
			if known := inputNames(model); !slices.Contains(known, name) {
				return &exitError{code: exitUsage, err: fmt.Errorf("--%s %s: the model has no such input", flag.name, name), hint: "its inputs are " + strings.Join(known, ", ")}
			}
		}
	}
	return nil
}

func (m *modelFlags) readInputs(l *loaded) error {
	for name, file := range m.inputs {
		t, err := readTensorFile(file)
		if err != nil {
			return usageError("--input %s: %w", name, err)
		}
		l.given[name] = t
		l.shapes[name] = t.Shape
	}
	return nil
}

func inputNames(m *models.Model) []string {
	names := make([]string, len(m.Graph.Inputs))
	for i, in := range m.Graph.Inputs {
		names[i] = in.Name
	}
	return names
}

// open reports whether the model leaves a dimension of its inputs open.
func open(m *models.Model) bool {
	for _, in := range m.Graph.Inputs {
		if !in.Type.HasShape {
			return true
		}
		for _, d := range in.Type.Dims {
			if d.Param != "" || d.Size < 0 {
				return true
			}
		}
	}
	return false
}

// useTestData takes the inputs from input_0.pb, input_1.pb … where all of them are there.
func (l *loaded) useTestData(dir string) {
	found := map[string]tensor.Tensor{}
	for i, in := range l.Graph.Inputs {
		t, err := readTensorFile(filepath.Join(dir, fmt.Sprintf("input_%d.pb", i)))
		if err != nil || t.DType != in.Type.DType {
			return
		}
		found[in.Name] = t
	}
	for name, t := range found {
		l.given[name], l.shapes[name] = t, t.Shape
	}
	l.notes = append(l.notes, "Inputs and their shapes are those of "+filepath.Base(dir)+", beside the model.")
}

// compile compiles the model for this machine.
func (m *modelFlags) compile(l *loaded, features cpu.Features, p engine.Precision) (*engine.Program, error) {
	var prog *engine.Program
	err := l.Guard(func() (err error) {
		prog, err = engine.Compile(l.Model, engine.Options{Features: features, Threads: m.threads, Precision: p, Dims: m.dims, Shapes: l.shapes})
		return err
	})
	if err != nil {
		return nil, modelError(fmt.Errorf("%s: %w", l.ref, err))
	}
	return prog, nil
}

// contents are the inputs that were given, and made-up ones for the rest.
func (m *modelFlags) contents(l *loaded, p *engine.Program) []tensor.Tensor {
	in := p.SeededInputs(m.seed)
	for i, port := range p.Inputs {
		if t, ok := l.given[port.Name]; ok {
			in[i] = t
		}
	}
	return in
}

// machine is what this machine can do, as far as EIPLAN_CPU lets it, and the threads to use.
func (m *modelFlags) machine() (cpu.Features, cpu.Info, error) {
	features, err := cpu.FromEnv()
	if err != nil {
		return 0, cpu.Info{}, &exitError{code: exitUsage, err: err}
	}
	info := cpu.Describe(features)
	if m.threads <= 0 {
		m.threads = max(1, info.PhysicalCores)
	}
	return features, info, nil
}
