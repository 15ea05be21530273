package ops_test

import (
	"archive/tar"
	"bufio"
	"bytes"
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

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

const testdata = "../../testdata/onnx"

// TestConformanceSubset runs the cases that the repository holds.
func TestConformanceSubset(t *testing.T) {
	conform(t, filepath.Join(testdata, "subset.tar.gz"), false)
}

// TestConformance runs all cases of the ONNX project and of other projects' test data, from the shared folder.
func TestConformance(t *testing.T) {
	shared := os.Getenv("EIPLAN_SHARED")
	if shared == "" {
		t.Skip("EIPLAN_SHARED is not set: only the subset is run")
	}
	for _, name := range []string{"onnx-backend", "onnx-backend-old", "snippets"} {
		t.Run(name, func(t *testing.T) {
			conform(t, filepath.Join(shared, "onnx-node", name+".tar.gz"), true)
		})
	}
}

var errUnsupported = errors.New("an operator is not in the registry")

// conform runs every case of an archive. Cases listed in excused.txt must fail, all others pass; those with an operator that the registry lacks
// are counted only.
func conform(t *testing.T, archive string, whole bool) {
	t.Helper()
	excused := readExcused(t)
	ran, passed, lacking := 0, 0, map[string]int{}
	eachCase(t, archive, func(name string, files map[string][]byte) {
		err := runCase(t, files)
		if errors.Is(err, errUnsupported) {
			lacking[err.Error()]++
			return
		}
		ran++
		reason, listed := excused[name]
		switch {
		case err != nil && !listed:
			t.Errorf("%s: %v", name, err)
		case err == nil && listed:
			t.Errorf("%s passes, but is excused: %s", name, reason)
		case err == nil:
			passed++
		}
	})
	if ran == 0 {
		t.Errorf("%s holds no case", archive)
	}
	t.Logf("%s: %d of %d cases pass", filepath.Base(archive), passed, ran)
	for _, name := range slices.Sorted(maps.Keys(lacking)) {
		t.Logf("%d cases not run: %s", lacking[name], name)
	}
}

// readExcused reads the manifest of cases that are known to fail: a case and its reason on a line.
func readExcused(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testdata, "excused.txt"))
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Errorf("excused.txt: %q gives no reason", line)
		}
		list[name] = reason
	}
	return list
}

// eachCase calls do with the files of each folder of the archive that holds a model, named without the archive's own top folder.
func eachCase(t testing.TB, archive string, do func(name string, files map[string][]byte)) {
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
		if err == io.EOF {
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
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		if cases[name]["model.onnx"] != nil {
			do(name, cases[name])
		}
	}
}

// runCase runs a model on each of its data sets, and returns the first difference from the recorded outputs.
func runCase(t *testing.T, files map[string][]byte) (err error) {
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, files["model.onnx"], 0o600); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m, err := models.Load(file)
	if err != nil {
		return err
	}
	defer m.Close()
	for set := 0; ; set++ {
		name := fmt.Sprintf("test_data_set_%d", set)
		if files[name+"/output_0.pb"] == nil {
			if set == 0 {
				return errors.New("no recorded output")
			}
			return nil
		}
		data, err := m.ReadDataSet(dataSet(files, name))
		if err == nil {
			err = runSet(data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
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

func runSet(data *models.DataSet) error {
	low, in, err := lowerSet(data)
	if err != nil {
		return err
	}
	if list := ops.Unsupported(low.Graph); len(list) > 0 {
		return fmt.Errorf("%w: %s", errUnsupported, list[0].Key)
	}
	if err := ops.InferGraph(low.Graph); err != nil {
		return fmt.Errorf("infer: %w", err)
	}
	drew, implausible := false, error(nil)
	out, err := interpreter{low.Graph}.record(in, func(n *graph.Node, in, out []*ops.Slot) {
		if draws(n, in) {
			drew = true
			implausible = errors.Join(implausible, plausible(n, in, out))
		}
	})
	if err = errors.Join(err, implausible); err != nil {
		return err
	}
	for i, want := range data.Outputs {
		switch err := sameDatum(out[i], want); {
		case err == nil:
		case drew && out[i].DType == want.Tensor.DType && out[i].Shape.Equal(want.Tensor.Shape):
		case slices.ContainsFunc(low.Nodes, rounds) && near(out[i].Tensor, want.Tensor):
		default:
			return fmt.Errorf("output %d: %w", i, err)
		}
		if v := low.Graph.Outputs[i]; v.Kind == models.TensorKind && (v.DType != out[i].DType || v.Shape != nil && !fits(v.Shape, out[i].Shape)) {
			return fmt.Errorf("output %d: inferred %s %s, made %s", i, v.DType, v.Shape, out[i].Tensor)
		}
	}
	return nil
}

// lowerSet lowers a model for a data set, and reads its inputs.
func lowerSet(data *models.DataSet) (*graph.Lowered, []*ops.Slot, error) {
	bind := graph.Bindings{Shapes: map[string]tensor.Shape{}}
	var in []*ops.Slot
	for i, d := range data.Inputs {
		if d.Kind == models.TensorKind {
			bind.Shapes[data.Model.Graph.Inputs[i].Name] = d.Tensor.Shape
		}
		in = append(in, slotOf(d))
	}
	low, err := graph.Lower(data.Model, bind)
	return low, in, err
}

// rounds reports whether a node makes 16-bit numbers: what comes of them in a wider type is judged as a whole.
func rounds(n *graph.Node) bool {
	return slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool {
		return v != nil && (v.DType == tensor.Float16 || v.DType == tensor.BFloat16)
	})
}

// fits reports whether a shape is one of those that an inferred shape allows.
func fits(inferred, got tensor.Shape) bool {
	return slices.EqualFunc(inferred, got, func(a, b int) bool { return a == b || a == tensor.Unknown })
}

// interpreter runs a graph node by node; it also serves as the bodies of control flow.
type interpreter struct{ g *graph.Graph }

// recorder is told of each node that ran.
type recorder func(n *graph.Node, in, out []*ops.Slot)

func (i interpreter) NewRun(*parallel.Team) ops.BodyRun { return i }

func (i interpreter) Run(in []*ops.Slot) ([]*ops.Slot, error) {
	return i.record(in, func(*graph.Node, []*ops.Slot, []*ops.Slot) {})
}

func (i interpreter) record(in []*ops.Slot, tell recorder) ([]*ops.Slot, error) {
	target := target()
	slots := map[*graph.Value]*ops.Slot{}
	for k, v := range i.g.Inputs {
		slots[v] = in[k]
	}
	at := func(v *graph.Value) *ops.Slot {
		if v != nil && v.Const != nil {
			return &ops.Slot{Tensor: *v.Const}
		}
		return slots[v]
	}
	for _, n := range i.g.Nodes {
		var args []*ops.Slot
		for _, v := range n.Inputs {
			args = append(args, at(v))
		}
		made, err := ops.Eval(n, args, target, nil)
		if err != nil {
			return nil, fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
		tell(n, args, made)
		for k, v := range n.Outputs {
			if v != nil {
				slots[v] = made[k]
			}
		}
	}
	var out []*ops.Slot
	for _, v := range i.g.Outputs {
		out = append(out, at(v))
	}
	return out, nil
}
