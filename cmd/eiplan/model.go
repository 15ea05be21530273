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
	"github.com/eiplan/eiplan/pricing"
)

// modelFlags are the flags that settle how a model is compiled.
type modelFlags struct {
	dims    dims
	shapes  shapes
	threads int
	seed    uint64
	inputs  files
	tune    bool
}

func (m *modelFlags) add(f *pflag.FlagSet) {
	f.SortFlags = false
	f.Var(&m.dims, "dim", "size of a named dimension, repeatable: batch=1")
	f.Var(&m.shapes, "shape", "shape of an input, repeatable: x=1x3x224x224")
	f.IntVar(&m.threads, "threads", 0, "threads to run on (default the physical cores)")
	f.Uint64Var(&m.seed, "seed", 1, "seed of the inputs that are made up")
	f.Var(&m.inputs, "input", "content of an input, repeatable: x=file.pb, x=file.npy, or one number for all its elements, x=16000")
}

// files is a repeatable flag of NAME=FILE or NAME=NUMBER.
type files map[string]string

func (f *files) String() string { return "" }
func (f *files) Type() string   { return "input=file" }
func (f *files) Set(s string) error {
	name, file, ok := strings.Cut(s, "=")
	if !ok || name == "" || file == "" {
		return fmt.Errorf("%q is not INPUT=FILE or INPUT=NUMBER, such as x=input.npy", s)
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
	opened *models.Model // what Close closes
	ref    string
	given  map[string]models.Datum // contents of inputs, by name
	stated map[string]string       // numbers, or the like, that all elements of an input are, by name
	shapes map[string]tensor.Shape
	notes  []string
}

func newLoaded(model *models.Model, ref string) *loaded {
	return &loaded{Model: model, opened: model, ref: ref, given: map[string]models.Datum{}, stated: map[string]string{}, shapes: map[string]tensor.Shape{}, notes: model.Notes}
}

// Close releases the model's file.
func (l *loaded) Close() error { return l.opened.Close() }

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
	l := newLoaded(model, ref)
	for name, s := range m.shapes {
		l.shapes[name] = s
	}
	if err := m.readInputs(l); err != nil {
		model.Close()
		return nil, err
	}
	if len(m.inputs) == 0 && len(m.shapes) == 0 && len(m.dims) == 0 && open(model) {
		if set, err := model.ReadDataSet(os.DirFS(filepath.Join(filepath.Dir(ref), testData))); err == nil && set.Inputs != nil {
			l.use(set)
			l.notes = append(l.notes, "Inputs and their shapes are those of "+testData+", beside the model.")
		}
	}
	return l, nil
}

// checkShaped refuses --shape and --input of what is no input of the model, and --dim of what is no dimension of one.
func (m *modelFlags) checkShaped(model *models.Model) error {
	for _, flag := range []struct {
		name   string
		inputs []string
	}{
		{"shape", slices.Sorted(maps.Keys(m.shapes))},
		{"input", slices.Sorted(maps.Keys(m.inputs))},
	} {
		for _, name := range flag.inputs {
			if known := inputNames(model, flag.name == "input"); !slices.Contains(known, name) {
				return &exitError{code: exitUsage, err: fmt.Errorf("--%s %s: the model has no such input", flag.name, name), hint: "its inputs are " + strings.Join(known, ", ")}
			}
		}
	}
	known := dimNames(model)
	for _, name := range slices.Sorted(maps.Keys(m.dims)) {
		if slices.Contains(known, name) {
			continue
		}
		e := usageError("--dim %s: the model has no such dimension", name)
		if e.hint = didYouMean(pricing.Nearest(name, known)); e.hint == "" && len(known) > 0 {
			e.hint = "its dimensions are " + strings.Join(known, ", ")
		} else if e.hint == "" {
			e.hint = "the model names no dimension of its inputs; --shape INPUT=SHAPE gives a whole one"
		}
		return e
	}
	return nil
}

// dimNames are the names of the dimensions of a model's inputs, each once.
func dimNames(m *models.Model) []string {
	var names []string
	for _, in := range m.Graph.Inputs {
		for _, d := range in.Type.Dims {
			if d.Param != "" && !slices.Contains(names, d.Param) {
				names = append(names, d.Param)
			}
		}
	}
	return names
}

// readInputs takes what --input states: files, or where there is no such file what all elements are.
func (m *modelFlags) readInputs(l *loaded) (err error) {
	overridden := map[string]tensor.Tensor{}
	for _, v := range slices.Concat(l.Graph.Inputs, l.Graph.Defaults) {
		text, ok := m.inputs[v.Name]
		if !ok {
			continue
		}
		was, fallback := l.Graph.Initializers[v.Name]
		d, err := readDataFile(text, v.Type)
		if errors.Is(err, fs.ErrNotExist) && v.Type.Kind == models.TensorKind && filepath.Ext(text) != ".pb" && filepath.Ext(text) != ".npy" {
			if d.Tensor, err = filledWith(v.Type.DType, was.Shape, text); err == nil && !fallback {
				l.stated[v.Name] = text
				continue
			}
		}
		switch {
		case err != nil:
			return usageError("--input %s: %w", v.Name, err)
		case fallback:
			overridden[v.Name] = d.Tensor
		default:
			l.give(v.Name, d)
		}
	}
	if l.Model, err = l.Overriding(overridden); err != nil {
		return usageError("--input: %w", err)
	}
	return nil
}

// give makes d an input's content.
func (l *loaded) give(name string, d models.Datum) {
	l.given[name] = d
	if d.Kind == models.TensorKind {
		l.shapes[name] = d.Tensor.Shape
	}
}

// inputNames lists the inputs, with those that have a default if asked.
func inputNames(m *models.Model, defaults bool) []string {
	list := m.Graph.Inputs
	if defaults {
		list = slices.Concat(list, m.Graph.Defaults)
	}
	names := make([]string, len(list))
	for i, in := range list {
		names[i] = in.Name
	}
	return names
}

// open reports whether the model leaves a dimension of its inputs open.
func open(m *models.Model) bool {
	for _, in := range m.Graph.Inputs {
		if !in.Type.HasShape || in.Type.Kind != models.TensorKind {
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

// testData is the folder beside a model in which ONNX keeps a run's inputs and outputs.
const testData = "test_data_set_0"

// use takes a data set's inputs and the defaults that it overrides.
func (l *loaded) use(set *models.DataSet) {
	l.Model = set.Model
	for i, d := range set.Inputs {
		l.give(l.Graph.Inputs[i].Name, d)
	}
}

// compile compiles the model for this machine.
func (m *modelFlags) compile(l *loaded, features cpu.Features, p engine.Precision) (*engine.Program, error) {
	var prog *engine.Program
	tuner, keep := m.tuner(l, features)
	defer keep()
	err := l.Guard(func() (err error) {
		prog, err = engine.Compile(l.Model, engine.Options{Features: features, Threads: m.threads, Precision: p, Dims: m.dims, Shapes: l.shapes, Tuner: tuner})
		return err
	})
	if err != nil {
		return nil, m.failed(l, err)
	}
	return prog, nil
}

// failed is the error of compiling or running a model. Where sizes of its inputs had to be guessed, it says how to state them.
func (m *modelFlags) failed(l *loaded, err error) error {
	err = modelError(fmt.Errorf("%s: %w", l.ref, err))
	var guessed []string
	for _, in := range l.Graph.Inputs {
		_, shaped := l.shapes[in.Name]
		unbound := slices.ContainsFunc(in.Type.Dims, func(d models.Dim) bool {
			_, bound := m.dims[d.Param]
			return d.Size < 0 && !bound
		})
		if !shaped && in.Type.Kind == models.TensorKind && (unbound || !in.Type.HasShape) {
			guessed = append(guessed, fmt.Sprintf("%s, %v", in.Name, in.Type))
		}
	}
	if len(guessed) == 0 {
		return err
	}
	return withHint(err, "the sizes of inputs that nobody stated may not fit: "+strings.Join(guessed, "; ")+"; state them with --shape INPUT=1x3x224x224 or --dim NAME=1, or with --input INPUT=FILE")
}

// contents are the inputs that were given, and made-up ones for the rest.
func (m *modelFlags) contents(l *loaded, p *engine.Program) ([]models.Datum, error) {
	in := make([]models.Datum, len(p.Inputs))
	for i, t := range p.SeededInputs(m.seed) {
		port := &p.Inputs[i]
		d, given := l.given[port.Name]
		text, stated := l.stated[port.Name]
		switch {
		case given:
		case stated:
			var err error
			if d.Tensor, err = filledWith(port.DType, port.Shape, text); err != nil {
				return nil, usageError("--input %s: %w", port.Name, err)
			}
		case port.Kind != models.TensorKind:
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("input %q is %s, which cannot be made up", port.Name, port.Type()),
				hint: fmt.Sprintf("give its content with --input %s=FILE.pb", port.Name)}
		default:
			d.Tensor = t
		}
		in[i] = d
	}
	return in, nil
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
