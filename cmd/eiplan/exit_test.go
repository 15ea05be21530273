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
