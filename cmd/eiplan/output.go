package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eiplan/eiplan/planner/report"
)

// mostNames is how many names a line of text, or a cell, lists.
const mostNames = 8

func formatList() string { return strings.Join(report.Formats(), ", ") }

// checkOutput refuses formats and colours that do not exist, before anything is done for them.
func (a *app) checkOutput() error {
	if err := report.Known(a.format); err != nil {
		return usageError("--output: %w", err)
	}
	if a.open && a.format != htmlFormat {
		return usageError("--open shows the page that -o html writes, not %s", a.format)
	}
	if !slices.Contains([]string{"auto", "always", "never"}, a.color) {
		return usageError("--color %q is not auto, always or never", a.color)
	}
	return nil
}

// emit writes documents in the format asked, to --out or standard output.
func (a *app) emit(docs ...report.Document) error {
	format := a.format
	if a.quiet {
		format = "name"
	}
	var b bytes.Buffer
	if err := report.Write(&b, format, docs...); err != nil {
		return err
	}
	if format == githubFormat {
		if err := publish(docs); err != nil {
			return err
		}
	}
	if text := b.Bytes(); len(docs) > 0 && len(docs[0].Lead) > 0 && (format == "table" || format == "wide") && a.colored() {
		first, rest, _ := bytes.Cut(text, []byte("\n"))
		return a.write(slices.Concat([]byte(bold), first, []byte(plain+"\n"), rest))
	}
	return a.write(b.Bytes())
}

// write writes a command's result to --out or standard output.
func (a *app) write(result []byte) error {
	if a.open && !a.quiet {
		return a.show(result)
	}
	if a.out != "" {
		return writeFile(a.out, result)
	}
	_, err := a.stdout.Write(result)
	return err
}

// The escape sequences for the line that answers the question, the only one that stands out.
const bold, plain = "\x1b[1m", "\x1b[0m"

// colored reports whether escape sequences are wanted: by --color, else on a terminal without NO_COLOR.
func (a *app) colored() bool {
	if a.color != "auto" {
		return a.color == "always"
	}
	return a.out == "" && os.Getenv("NO_COLOR") == "" && terminal(a.stdout)
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// writeFile writes a file under a temporary name beside it and renames it, so that it is never seen half written. What is there and no regular file, such as
// /dev/stdout, is written to as it is.
func writeFile(name string, content []byte) error {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return usageError("%s: can't be written: %w", name, err)
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return usageError("%s: can't be written: %w", name, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return usageError("%s: can't be written: %w", name, err)
	}
	return nil
}

// say prints a line on standard error under --verbose.
func (a *app) say(format string, args ...any) {
	if a.verbose {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// envelope frames a report. SOURCE_DATE_EPOCH, in seconds, stands in for the clock.
func (a *app) envelope(kind string, spec, status any) report.Envelope {
	return report.Envelope{
		APIVersion: report.APIVersion,
		Kind:       kind,
		Metadata:   report.Metadata{GeneratedAt: now().Format(time.RFC3339), Tool: toolVersion(), Command: append([]string{"eiplan"}, a.args...)},
		Spec:       spec,
		Status:     status,
	}
}

// seeded frames a report of a run on inputs that were made up from a seed.
func (a *app) seeded(kind string, seed uint64, spec, status any) report.Envelope {
	env, n := a.envelope(kind, spec, status), int64(seed)
	env.Metadata.Seed = &n
	return env
}

// now is the time of a report.
func now() time.Time {
	if s, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(s, 0).UTC()
	}
	return time.Now().UTC()
}

// toolVersion is what the Go toolchain recorded of this binary.
func toolVersion() report.Tool {
	t := report.Tool{Version: "devel"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		t.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			t.Commit = s.Value
		}
	}
	return t
}
