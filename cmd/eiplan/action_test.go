package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"
)

// action is the composite action, as far as its shell steps go.
type action struct {
	Inputs map[string]struct {
		Default  string
		Required bool
	}
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

func readAction() (a action, err error) {
	b, err := os.ReadFile("../../.github/actions/eiplan/action.yml")
	if err == nil {
		err = yaml.Unmarshal(b, &a)
	}
	return a, err
}

var expression = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)

// step runs one step of the composite action with inputs, as GitHub does, and compares its exit code: step plan 0 measured=bench.yaml.
func step(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: step ID CODE INPUT=VALUE...")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		ts.Fatalf("the steps of the action are written for bash: %v", err)
	}
	a, ok := ts.Value(actionKey{}).(action)
	if !ok {
		ts.Fatalf("no action")
	}
	inputs := map[string]string{}
	for name, in := range a.Inputs {
		inputs[name] = in.Default
	}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		if _, ok := inputs[name]; !ok {
			ts.Fatalf("the action has no input %q", name)
		}
		inputs[name] = strings.ReplaceAll(value, "; ", "\n")
	}
	for _, s := range a.Runs.Steps {
		if s.ID != args[0] {
			continue
		}
		for name, value := range s.Env {
			ts.Setenv(name, expression.ReplaceAllStringFunc(value, func(e string) string {
				return inputs[strings.TrimPrefix(expression.FindStringSubmatch(e)[1], "inputs.")]
			}))
		}
		err := ts.Exec("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run)
		code := 0
		if e, ok := err.(interface{ ExitCode() int }); ok {
			code = e.ExitCode()
		}
		if strconv.Itoa(code) != args[1] {
			ts.Fatalf("step %s exited with %d, want %s", args[0], code, args[1])
		}
		return
	}
	ts.Fatalf("the action has no step %q", args[0])
}

// actionKey is the key of the action among a script's values.
type actionKey struct{}

// TestActionNamesWhatThereIs: inputs, outputs and steps that expressions name exist, and no input is pasted into a script.
func TestActionNamesWhatThereIs(t *testing.T) {
	a, err := readAction()
	if err != nil {
		t.Fatal(err)
	}
	ids, used := map[string]bool{}, map[string]bool{}
	for _, s := range a.Runs.Steps {
		ids[s.ID] = true
		if expression.MatchString(s.Run) {
			t.Errorf("step %s pastes an expression into its script", s.ID)
		}
		for name, value := range s.Env {
			if strings.HasPrefix(name, "EIPLAN_") {
				t.Errorf("step %s sets %s, which is a flag", s.ID, name)
			}
			use(t, a, fmt.Sprintf("step %s", s.ID), value, used, ids)
		}
	}
	for name, out := range a.Outputs {
		use(t, a, "output "+name, out.Value, used, ids)
	}
	for name := range a.Inputs {
		if !used[name] {
			t.Errorf("nothing uses the input %s", name)
		}
	}
}

// use checks the expressions in a text.
func use(t *testing.T, a action, where, text string, used, ids map[string]bool) {
	t.Helper()
	for _, m := range expression.FindAllStringSubmatch(text, -1) {
		parts := strings.Split(m[1], ".")
		switch parts[0] {
		case "inputs":
			if _, ok := a.Inputs[parts[1]]; !ok {
				t.Errorf("%s names the input %s, which does not exist", where, parts[1])
			}
			used[parts[1]] = true
		case "steps":
			if !ids[parts[1]] {
				t.Errorf("%s names the step %s, which does not exist", where, parts[1])
			}
		default:
			t.Errorf("%s: what is %s?", where, m[1])
		}
	}
}

// TestHooksRunWhatThereIs holds the entries of pre-commit's hooks against the program's own commands.
func TestHooksRunWhatThereIs(t *testing.T) {
	b, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Name, Language, Entry string }
	if err := yaml.Unmarshal(b, &hooks); err != nil || len(hooks) == 0 {
		t.Fatalf("%d hooks, %v", len(hooks), err)
	}
	root := newRoot(&app{stdout: io.Discard, stderr: io.Discard})
	for _, h := range hooks {
		words := strings.Fields(h.Entry)
		if c, _, err := root.Find(words[1:]); err != nil || c == root || words[0] != "eiplan" || h.ID == "" || h.Name == "" || h.Language != "golang" {
			t.Errorf("hook %+v: %v", h, err)
		}
	}
}
