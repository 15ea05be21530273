package main

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner/report"
)

// The exit codes.
const (
	exitFeasible    = 0
	exitGate        = 1
	exitUsage       = 2
	exitInfeasible  = 3
	exitModel       = 4
	exitUnstable    = 5
	exitUnpriced    = 6
	exitInterrupted = 130
)

// firstCode is the one of several exit codes that goes before the others: in the order of 2, 4, 3, 6, 5, 1. One that is none of these is a fault of what holds it.
func firstCode(codes ...int) int {
	for _, code := range codes {
		if code == exitFeasible {
			continue
		}
		if !slices.Contains(precedence[:], code) {
			return exitUsage
		}
	}
	for _, code := range precedence {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return exitFeasible
}

var precedence = [...]int{exitUsage, exitModel, exitInfeasible, exitUnpriced, exitUnstable, exitGate}

// exitMeanings explains the codes in --help.
var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitFeasible, "feasible; gates passed; every case agrees"},
	{exitGate, "a gate is violated, or a verified case disagrees"},
	{exitUsage, "usage, input or output, or a fault of eiplan's"},
	{exitInfeasible, "nothing meets the SLA"},
	{exitModel, "the model can't be planned"},
	{exitUnstable, "the measurement is too unstable for --strict"},
	{exitUnpriced, "a price is needed and unknown"},
	{exitInterrupted, "interrupted"},
}

func exitTable() string {
	var b strings.Builder
	for _, m := range exitMeanings {
		fmt.Fprintf(&b, "  %3d  %s\n", m.code, m.meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// exitError is an error with its exit code and, where there is one, what to do next. A nil err is a result that needs no message, such as infeasible.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// modelError marks an error as the model's: it can't be planned.
func modelError(err error) error {
	var e *exitError
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &exitError{code: exitModel, err: err}
}

// withHint adds what to do next to an error.
func withHint(err error, hint string) error {
	var e *exitError
	if errors.As(err, &e) {
		return &exitError{code: e.code, err: e.err, hint: hint}
	}
	return &exitError{code: exitUsage, err: err, hint: hint}
}

// guarded makes an error of a broken invariant of ours, so that the user gets a message and an exit code; --verbose shows where it broke.
func (a *app) guarded(f func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			a.say("%s", debug.Stack())
			err = &exitError{code: exitUsage, err: fmt.Errorf("a fault of eiplan's: %v", fault), hint: "please report it with the model; --verbose prints where it happened"}
		}
	}()
	return f()
}

// conclude prints an error for the user and returns the exit code.
func conclude(w io.Writer, err error) int {
	if err == nil {
		return exitFeasible
	}
	e := &exitError{code: exitUsage, err: err}
	errors.As(err, &e)
	if e.err != nil {
		for line := range strings.Lines(fmt.Sprintf("eiplan: %v", err)) { // names of files and nodes are whatever their makers chose
			fmt.Fprintln(w, report.Legible(strings.TrimSuffix(line, "\n")))
		}
		if e.hint != "" {
			fmt.Fprintf(w, "  %s\n", report.Legible(e.hint))
		}
	}
	return e.code
}
