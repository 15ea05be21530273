package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"eiplan": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		serveName: func() {
			if err := serveRuns(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(exitUsage)
			}
		},
	})
}

// TestScripts runs testdata/script: what a user types, and what must come back. EIPLAN_GOLDEN=write accepts what comes.
func TestScripts(t *testing.T) {
	data, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	composite, err := readAction()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join(data, "script"),
		UpdateScripts: os.Getenv("EIPLAN_GOLDEN") == "write",
		Setup: func(e *testscript.Env) error {
			e.Values[actionKey{}] = composite
			e.Setenv("TESTDATA", data)
			e.Setenv("SOURCE_DATE_EPOCH", "1770000000")
			e.Setenv("MNIST", filepath.Join(data, "models", "mnist8", "model.onnx"))
			e.Setenv("RESNET50", filepath.Join(data, "records", "resnet50.yaml"))
			e.Setenv("MNIST8", filepath.Join(data, "records", "mnist8.yaml"))
			return os.WriteFile(filepath.Join(e.WorkDir, "picture.onnx"), []byte("\x89PNG\r\n\x1a\n0000"), 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "model": makeModel, "truncate": truncate, "damage": damage, "same": same, "step": step},
	})
}

// exits runs eiplan and compares its exit code: exits 2 plan --latency 100.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	err := ts.Exec("eiplan", args[1:]...)
	code := "0"
	if e, ok := err.(interface{ ExitCode() int }); ok {
		code = strconv.Itoa(e.ExitCode())
	}
	if code != args[0] {
		ts.Fatalf("eiplan %v exited with %s, want %s", args[1:], code, args[0])
	}
}

// damage overwrites every file of a folder: damage cache.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FOLDER")
	}
	dir := ts.MkAbs(args[0])
	files, err := os.ReadDir(dir)
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
	for _, f := range files {
		ts.Check(os.WriteFile(filepath.Join(dir, f.Name()), []byte("{\"choices\""), 0o644))
	}
}

// same compares two reports, in JSON or YAML, by what they say but for the command that made them: same a.json b.yaml.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	var values [2]map[string]any
	for i, file := range args {
		ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(file)), &values[i]))
		delete(values[i]["metadata"].(map[string]any), "command")
	}
	if reflect.DeepEqual(values[0], values[1]) == neg {
		ts.Fatalf("%s and %s: same is %v", args[0], args[1], !neg)
	}
}
