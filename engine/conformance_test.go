package engine_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestConformance compiles the cases of the operators' conformance test, with and without rewrites, and runs each program twice: what passes there node by
// node must pass as a program.
func TestConformance(t *testing.T) {
	archives := []string{filepath.Join("..", "testdata", "onnx", "subset.tar.gz")}
	if shared := os.Getenv("EIPLAN_SHARED"); shared != "" && !testing.Short() {
		for _, name := range []string{"onnx-backend", "onnx-backend-old", "snippets"} {
			archives = append(archives, filepath.Join(shared, "onnx-node", name+".tar.gz"))
		}
	}
	excused := readExcused(t)
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), func(t *testing.T) {
			ran := 0
			for name, files := range readCases(t, archive) {
				if excused[name] {
					continue
				}
				ok, err := conform(t, files)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if ok {
					ran++
				}
			}
			if ran < 200 {
				t.Errorf("only %d cases ran", ran)
			}
			t.Logf("%d cases ran", ran)
		})
	}
}

// readExcused are the cases that the operators' own test excuses.
func readExcused(t *testing.T) map[string]bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "onnx", "excused.txt"))
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, ": ")
		list[name] = true
	}
	return list
}

// readCases yields the files of each folder of an archive that holds a model.
func readCases(t *testing.T, archive string) func(yield func(string, map[string][]byte) bool) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]map[string][]byte{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		_, name, _ := strings.Cut(path.Clean(h.Name), "/")
		dir, file := path.Split(name)
		if set := path.Base(dir); strings.HasPrefix(set, "test_data_set_") {
			dir, file = path.Dir(path.Clean(dir)), set+"/"+file
		}
		dir = path.Clean(dir)
		if cases[dir] == nil {
			cases[dir] = map[string][]byte{}
		}
		if cases[dir][file], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return func(yield func(string, map[string][]byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			if cases[name]["model.onnx"] != nil && !yield(name, cases[name]) {
				return
			}
		}
	}
}

// conform runs a case's data sets; ok is false where an operator is not supported.
func conform(t *testing.T, files map[string][]byte) (ok bool, err error) {
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, files["model.onnx"], 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m, err := models.Load(file)
	if err != nil {
		return false, err
	}
	defer m.Close()
	for set := 0; ; set++ {
		name := fmt.Sprintf("test_data_set_%d", set)
		if files[name+"/output_0.pb"] == nil {
			return set > 0, nil
		}
		data, err := m.ReadDataSet(dataSet(files, name))
		if err != nil {
			return false, err
		}
		for _, o := range []engine.Options{
			{Features: cpu.Detect(), NoPasses: true},
			{Features: cpu.Detect(), Threads: 2},
		} {
			err := runDataSet(data, o)
			var unsupported *engine.UnsupportedError
			if errors.As(err, &unsupported) {
				return false, nil
			}
			if err != nil {
				return true, fmt.Errorf("%s: passes %v: %w", name, !o.NoPasses, err)
			}
		}
	}
}

// dataSet is the folder of a case's data set.
func dataSet(files map[string][]byte, name string) fstest.MapFS {
	folder := fstest.MapFS{}
	for file, b := range files {
		if in, file := path.Split(file); path.Clean(in) == name {
			folder[file] = &fstest.MapFile{Data: b}
		}
	}
	return folder
}

func runDataSet(data *models.DataSet, o engine.Options) error {
	o.Shapes = map[string]tensor.Shape{}
	for i, d := range data.Inputs {
		if d.Kind == models.TensorKind {
			o.Shapes[data.Model.Graph.Inputs[i].Name] = d.Tensor.Shape
		}
	}
	p, err := engine.Compile(data.Model, o)
	if err != nil {
		return err
	}
	s := p.NewSession()
	defer s.Close()
	got := make([]models.Datum, len(data.Outputs))
	for range 2 { // what a run leaves behind must not show in the next
		if err := s.RunData(data.Inputs, got); err != nil {
			return err
		}
		for i := range data.Outputs {
			err := models.Pairs(got[i], data.Outputs[i], func(where string, got, want tensor.Tensor) error {
				if random(data.Model.Graph) {
					if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
						return fmt.Errorf("%s: %v, want %v", where, got, want)
					}
					return nil
				}
				d, err := engine.Compare(got, want, toleranceFor(data.Model, want.DType))
				if err == nil && !d.Within {
					err = fmt.Errorf("%s: number %d is %g, want %g", where, d.Worst, d.Got, d.Want)
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("output %d: %w", i, err)
			}
		}
	}
	return nil
}

// random reports whether a graph makes up numbers.
func random(g *models.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *models.Node) bool {
		training := n.Op == "Dropout" && len(n.Inputs) > 2
		return training || strings.HasPrefix(n.Op, "Random") || n.Op == "Multinomial" || n.Op == "Bernoulli"
	})
}

// toleranceFor is by the root mean square where a case computes in 16 bits, whatever the type of its outputs.
func toleranceFor(m *models.Model, d tensor.DType) engine.Tolerance {
	narrow := func(d tensor.DType) bool { return d == tensor.Float16 || d == tensor.BFloat16 }
	for _, n := range m.Graph.Nodes {
		if n.Op == "Cast" && narrow(tensor.DType(n.Attributes["to"].Int)) {
			return engine.Tolerance{RMS: 1e-2}
		}
	}
	for _, t := range m.Graph.Initializers {
		if narrow(t.DType) {
			return engine.Tolerance{RMS: 1e-2}
		}
	}
	return engine.ToleranceOf(d)
}
