package main

import (
	"errors"
	"os"

	"github.com/eiplan/eiplan/planner/report"
)

// githubFormat is the format that also writes what a step of GitHub Actions leaves to the job.
const githubFormat = "github"

// publish appends documents to the step's summary and outputs, where the runner has files for them.
func publish(docs []report.Document) error {
	if file := os.Getenv("GITHUB_STEP_SUMMARY"); file != "" {
		var written int64
		if info, err := os.Stat(file); err == nil {
			written = info.Size()
		}
		text, err := report.StepSummary(written, docs...)
		if err != nil {
			return err
		}
		if err := appendFile(file, text); err != nil {
			return err
		}
	}
	if file := os.Getenv("GITHUB_OUTPUT"); file != "" {
		return appendFile(file, report.StepOutputs(docs...))
	}
	return nil
}

func appendFile(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return usageError("%w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return usageError("%s: can't be written: %w", name, err)
	}
	return nil
}

// located gives the findings of a document that are nowhere in particular a file to look in.
func located(file string, d report.Document) report.Document {
	for i := range d.Findings {
		if d.Findings[i].File == "" {
			d.Findings[i].File = file
		}
	}
	return d
}
