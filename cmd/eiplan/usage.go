package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/pricing"
)

// usageError is an error of whoever typed the command.
func usageError(format string, args ...any) *exitError {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// didYouMean is the hint of near names, empty without any.
func didYouMean(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// flagError names the flags that an unknown one may have been meant to be.
func flagError(cmd *cobra.Command, err error) error {
	e := &exitError{code: exitUsage, err: err}
	var missing *pflag.NotExistError
	if errors.As(err, &missing) {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		near := pricing.Nearest(missing.GetSpecifiedName(), known)
		for i := range near {
			near[i] = "--" + near[i]
		}
		e.hint = didYouMean(near)
	}
	return e
}

// noSuchCommand refuses what stands where a command should.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := usageError("unknown command %q", strings.TrimPrefix(cmd.CommandPath()+" "+args[0], "eiplan "))
	cmd.SuggestionsMinimumDistance = 2
	if e.hint = didYouMean(cmd.SuggestionsFor(args[0])); e.hint == "" {
		e.hint = cmd.CommandPath() + " --help lists the commands"
	}
	return e
}

// oneModel is the rule of commands that take one model.
func oneModel(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	e := usageError("%s takes one model, a file or zoo:NAME; %d are given", cmd.Name(), len(args))
	e.hint = "usage: " + cmd.UseLine()
	return e
}
