package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestREADMECommandsExist holds every eiplan command and flag that the README shows against the program's own.
func TestREADMECommandsExist(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(&app{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}})
	flag := regexp.MustCompile(`--[a-z][a-z-]*`)
	shown, fenced := 0, false
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		rest, ok := strings.CutPrefix(line, "eiplan ")
		if !ok || !fenced {
			continue
		}
		words := strings.Fields(rest)
		c, _, err := root.Find(words[:1])
		if len(words) > 1 && err == nil && c != root {
			if sub, _, err := root.Find(words[:2]); err == nil {
				c = sub
			}
		}
		if err != nil || c == root {
			t.Errorf("README shows %q, which is no command", line)
			continue
		}
		shown++
		for _, f := range flag.FindAllString(rest, -1) {
			if c.Flags().Lookup(f[2:]) == nil && root.PersistentFlags().Lookup(f[2:]) == nil {
				t.Errorf("README shows %s for %s, which has no such flag", f, c.CommandPath())
			}
		}
	}
	if shown < 8 {
		t.Errorf("only %d commands found in the README", shown)
	}
}

// TestREADMEExample runs the README's main job on a smaller model.
func TestREADMEExample(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"size", "../../testdata/models/mnist8/model.onnx", "--total", "300ms", "--reserve", "preprocess=200ms", "--time", "200ms"}, &out, &errs)
	if code != exitFeasible || !strings.Contains(out.String(), "within 100 ms = 300 − 200 preprocess") {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
}
