package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/gate"
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
		line = strings.TrimLeft(strings.TrimSpace(line), "$- ") // as a session or as a pipeline shows it
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

// TestREADMEFiles reads every file that the README shows: those of eiplan's kinds follow their schema, rules compile, and a workflow gives the action what it takes.
func TestREADMEFiles(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	a, err := readAction()
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(b, -1)
	policies, workflows := 0, 0
	for _, block := range blocks {
		var doc struct {
			Kind string
			Spec yaml.Node
			Jobs map[string]struct {
				Steps []struct {
					Uses string
					With map[string]string
				}
			}
		}
		if err := yaml.Unmarshal(block[1], &doc); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
			continue
		}
		if doc.Kind == gate.PolicyKind {
			policies++
			var rules gate.PolicySpec
			if err := doc.Spec.Decode(&rules); err != nil {
				t.Error(err)
			}
			if _, err := gate.Compile("README.md", block[1], rules, gate.Variables{Base: true, Portfolio: true}); err != nil {
				t.Error(err)
			}
		}
		if doc.Kind != "" {
			validate(t, plainJSON(t, block[1]))
		}
		for _, job := range doc.Jobs {
			for _, s := range job.Steps {
				if !strings.Contains(s.Uses, ".github/actions/eiplan") {
					continue
				}
				workflows++
				for name, in := range a.Inputs {
					if _, given := s.With[name]; in.Required && !given {
						t.Errorf("the workflow does not give the action %s", name)
					}
				}
				for name := range s.With {
					if _, known := a.Inputs[name]; !known {
						t.Errorf("the workflow gives the action %s, which it does not take", name)
					}
				}
			}
		}
	}
	if policies == 0 || workflows == 0 {
		t.Errorf("%d policies and %d workflows are shown", policies, workflows)
	}
}
