package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t := toolVersion()
			line := "eiplan " + t.Version
			if t.Commit != "" {
				line += " (" + t.Commit[:min(12, len(t.Commit))] + ")"
			}
			line += fmt.Sprintf(" %s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return a.emit(report.Document{Lead: []string{line}, Answer: line, Value: t})
		},
	}
}
