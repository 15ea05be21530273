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

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestConformance compiles the cases of the operators' conformance test, with and without rewrites, and runs each program twice: what passes there node by
// node must pass as a program. Cases with inputs or outputs that are no tensors are left out, as Compile refuses them.
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

// conform runs a case's first data set; ok is false where the case is left out.
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
	in, out, ok, err := readDataSet(m, files)
	if !ok || err != nil {
		return false, err
	}
	shapes := map[string]tensor.Shape{}
	for i, v := range m.Graph.Inputs {
		shapes[v.Name] = in[i].Shape
	}
	for _, o := range []engine.Options{
		{Features: cpu.Detect(), NoPasses: true},
		{Features: cpu.Detect(), Threads: 2},
	} {
		o.Shapes = shapes
		err := conformProgram(m, o, in, out)
		var unsupported *engine.UnsupportedError
		if errors.As(err, &unsupported) {
			return false, nil
		}
		if err != nil {
			return true, fmt.Errorf("passes %v: %w", !o.NoPasses, err)
		}
	}
	return true, nil
}

// readDataSet decodes the inputs and outputs of a case's first data set; ok is false where one of them is no tensor.
func readDataSet(m *models.Model, files map[string][]byte) (in, out []tensor.Tensor, ok bool, err error) {
	read := func(ports []*models.Value, what string) ([]tensor.Tensor, error) {
		list := make([]tensor.Tensor, len(ports))
		for i, v := range ports {
			if v.Type.Kind != models.TensorKind {
				return nil, nil
			}
			_, t, err := models.ReadTensor(files[fmt.Sprintf("test_data_set_0/%s_%d.pb", what, i)])
			if err != nil {
				return nil, fmt.Errorf("%s %d: %w", what, i, err)
			}
			list[i] = t
		}
		return list, nil
	}
	if in, err = read(m.Graph.Inputs, "input"); err != nil || in == nil && len(m.Graph.Inputs) > 0 {
		return nil, nil, false, err
	}
	out, err = read(m.Graph.Outputs, "output")
	return in, out, out != nil, err
}

func conformProgram(m *models.Model, o engine.Options, in, want []tensor.Tensor) error {
	p, err := engine.Compile(m, o)
	if err != nil {
		return err
	}
	s := p.NewSession()
	defer s.Close()
	got := make([]tensor.Tensor, len(want))
	for range 2 { // what a run leaves behind must not show in the next
		if err := s.Run(in, got); err != nil {
			return err
		}
		for i := range want {
			if random(m.Graph) {
				continue
			}
			d, err := engine.Compare(got[i], want[i], toleranceFor(m, want[i].DType))
			if err != nil {
				return fmt.Errorf("output %d: %w", i, err)
			}
			if !d.Within {
				return fmt.Errorf("output %d: element %d is %g, want %g", i, d.Worst, d.Got, d.Want)
			}
		}
	}
	return nil
}

// random reports whether a graph makes up numbers.
func random(g *models.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *models.Node) bool {
		return strings.HasPrefix(n.Op, "Random") || n.Op == "Multinomial" || n.Op == "Bernoulli"
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
