package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// openers start what shows a file, by operating system; the last is for all others.
var openers = []struct {
	system  string
	command []string
}{
	{"darwin", []string{"open"}},
	{"windows", []string{"rundll32", "url.dll,FileProtocolHandler"}},
	{"", []string{"xdg-open"}},
}

// show writes a page to --out, else to a new file, and opens it.
func (a *app) show(page []byte) error {
	name := a.out
	if name == "" {
		f, err := os.CreateTemp("", "eiplan-*.html")
		if err != nil {
			return usageError("--open: %w", err)
		}
		name = f.Name()
		if err := f.Close(); err != nil {
			return usageError("--open: %w", err)
		}
	}
	if err := writeFile(name, page); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "eiplan: the page is in %s\n", name)
	for _, o := range openers {
		if o.system != runtime.GOOS && o.system != "" {
			continue
		}
		c := exec.Command(o.command[0], append(o.command[1:], name)...)
		if err := c.Start(); err != nil {
			e := usageError("--open: %s can't be started: %w", strings.Join(o.command, " "), err)
			e.hint = "open " + name + " in a browser"
			return e
		}
		return c.Process.Release() // a browser may stay open for as long as it likes
	}
	return nil
}
