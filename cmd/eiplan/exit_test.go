package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestFaultsAreTold: a broken invariant ends in a message and an exit code, and under --verbose in a stack.
func TestFaultsAreTold(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var stderr bytes.Buffer
		a := &app{stderr: &stderr, verbose: verbose}
		code := conclude(&stderr, a.guarded(func() error { panic("ops: no such layout") }))
		if code != exitUsage || !strings.Contains(stderr.String(), "a fault of eiplan's: ops: no such layout") {
			t.Errorf("exit %d: %s", code, &stderr)
		}
		if strings.Contains(stderr.String(), "exit_test.go") != verbose {
			t.Errorf("verbose %t: %s", verbose, &stderr)
		}
	}
}

// An error that quotes a name is printed so that neither a terminal nor GitHub Actions obeys it; its own lines stay.
func TestErrorsAreLegible(t *testing.T) {
	var b bytes.Buffer
	code := conclude(&b, usageError("first\n::error::x\x1b[2J\n##[group]y"))
	if want := "eiplan: first\n\\::error::x\\x1b[2J\n#\\#[group]y\n"; code != exitUsage || b.String() != want {
		t.Errorf("exit %d, %q, want %q", code, b.String(), want)
	}
}
