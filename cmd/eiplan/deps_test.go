package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// policy says which rooms each room may import. It is the architecture: a build that breaks it is mended by changing the code. A room that ends in /...
// stands for itself and all below.
const policy = `
models/tensor:
models/onnx:
engine/cpu:
engine/parallel:
engine/bench:
pricing:
planner/report:
models: models/onnx models/tensor
models/zoo: models models/onnx models/tensor
engine/kernels/...: engine/cpu engine/parallel engine/kernels/...
engine/graph: models models/tensor
engine/ops: engine/graph engine/kernels/... engine/cpu engine/parallel models models/tensor
engine/passes: engine/graph engine/ops engine/parallel engine/cpu models models/tensor
engine: engine/... models models/tensor
pricing/awsapi: pricing
planner/hardware: models/tensor
planner/latency: planner/hardware engine models/tensor
planner/commit: pricing
planner/sizing: planner planner/report pricing
planner/gate: planner planner/portfolio planner/report planner/sizing
planner/portfolio: planner planner/sizing planner/report pricing
planner: planner/latency planner/hardware planner/commit engine engine/bench models/tensor pricing
cmd/eiplan: models/... engine engine/bench engine/cpu engine/parallel pricing/... planner/...
`

// onlyNet is the one room that may touch the network.
const onlyNet = "pricing/awsapi"

const module = "github.com/eiplan/eiplan/"

func TestImportsFollowThePolicy(t *testing.T) {
	allowed := map[string][]string{}
	for line := range strings.Lines(policy) {
		if room, may, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			allowed[room] = strings.Fields(may)
		}
	}
	imports := roomImports(t, "../..")
	if len(imports) < 10 {
		t.Fatalf("only %d rooms found", len(imports))
	}
	for room, list := range imports {
		may, ok := allowed[room]
		if !ok {
			may, ok = allowed[parentRoom(room)]
		}
		if !ok {
			t.Errorf("%s is in no line of the policy", room)
			continue
		}
		for _, imported := range list {
			if own, ours := strings.CutPrefix(imported, module); ours && !slices.ContainsFunc(may, func(m string) bool { return inRoom(m, own) }) {
				t.Errorf("%s may not import %s", room, own)
			}
			if (imported == "net" || strings.HasPrefix(imported, "net/")) && imported != "net/url" && room != onlyNet {
				t.Errorf("%s may not import %s", room, imported)
			}
			if imported == "text/template" || imported == "html/template" {
				t.Errorf("%s may not import %s: it calls methods by name, so that the linker keeps those of all types", room, imported)
			}
			if imported == "C" {
				t.Errorf("%s uses cgo", room)
			}
		}
	}
}

func parentRoom(room string) string {
	if i := strings.Index(room, "engine/kernels/"); i == 0 {
		return "engine/kernels/..."
	}
	return path.Dir(room)
}

func inRoom(pattern, room string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return room == prefix || strings.HasPrefix(room, prefix+"/")
	}
	return room == pattern
}

// roomImports lists what the non-test files of each package import.
func roomImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && name != ".." && (strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || name == "testdata") && file != root {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		room := filepath.ToSlash(dir)
		for _, spec := range f.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			imports[room] = append(imports[room], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}
