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

// TestFirstCode: where several exit codes hold, the order is 2, 4, 3, 6, 5, 1, whatever stands first.
func TestFirstCode(t *testing.T) {
	order := []int{exitUsage, exitModel, exitInfeasible, exitUnpriced, exitUnstable, exitGate, exitFeasible}
	for i, first := range order {
		for _, other := range order[i:] {
			if a, b := firstCode(first, other), firstCode(other, first); a != first || b != first {
				t.Errorf("of %d and %d: %d and %d, want %d", first, other, a, b, first)
			}
		}
	}
	if code := firstCode(); code != exitFeasible {
		t.Errorf("of none: %d", code)
	}
	if code := firstCode(exitModel, 77); code != exitUsage {
		t.Errorf("of one that is none: %d", code)
	}
}
