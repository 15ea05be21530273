package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
)

// portfolioTop is how many choices of each model a PortfolioReport holds where --top does not say.
const portfolioTop = 10

// member is a model of a portfolio with all that its plan is made from.
type member struct {
	where string // file and entry, for errors
	entry portfolio.Entry
	flags planFlags
	bench *benchReport
	asked portfolio.Asked
	input portfolio.Input
}

// plannable reports whether plan takes a file as it is: a Portfolio, or a measurement.
func plannable(file string) bool {
	return slices.Contains([]string{"Benchmark", portfolio.Kind}, kindOf(file))
}

// declarative reports whether a file is called as those of YAML and JSON are: a model, which may be large, is not read to see what it is.
func declarative(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
}

// unplannable says what is wrong with a file that plan does not take.
func unplannable(file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	e := usageError("%s is neither of kind Benchmark nor of kind %s", file, portfolio.Kind)
	e.hint = "eiplan bench MODEL -o yaml --out bench.yaml makes the one; eiplan schema Portfolio describes the other"
	return e
}

// planPortfolio plans all models of the files at once.
func (p *planFlags) planPortfolio(a *app, c *cobra.Command, files []string) error {
	if p.explain != "" {
		return explainsOne("there are several")
	}
	if err := p.open(); err != nil {
		return err
	}
	var members []*member
	spec := portfolio.ReportSpec{}
	for _, file := range files {
		if !plannable(file) {
			return unplannable(file)
		}
		more, origin, err := p.members(c, file)
		if err != nil {
			return err
		}
		members, spec.Files = append(members, more...), append(spec.Files, origin)
	}
	loadAll(c.Context(), a, members)
	name(members)
	inputs := make([]portfolio.Input, len(members))
	for i, m := range members {
		inputs[i] = m.input
		spec.Models = append(spec.Models, m.asked)
	}
	env := a.envelope(portfolio.ReportKind, nil, nil)
	r := &portfolio.Report{APIVersion: env.APIVersion, Kind: env.Kind, Metadata: env.Metadata, Spec: spec}
	p.sources.sign(&r.Metadata)
	r.Status = portfolio.Plan(inputs, &p.sources.owned, func(i int, err error) *portfolio.Failure { return members[i].failure(err) })
	if err := a.emit(toldTogether(r, a.format)); err != nil {
		return err
	}
	return gravest(&r.Status)
}

// gravest is the exit code of a portfolio: that of the member whose code goes before the others'. Its message is why members failed, if any did, for the report
// may have gone to a file.
func gravest(s *portfolio.Status) error {
	e := &exitError{code: firstCode(memberCodes(s)...)}
	if e.code == exitFeasible {
		return nil
	}
	var failures []error
	for _, m := range s.Models {
		if m.Failure != nil {
			failures, e.hint = append(failures, errors.New(m.Failure.Text)), m.Failure.Hint
		}
	}
	if len(failures) > 1 {
		e.hint = "" // it is of the last alone; each stands in the report
	}
	e.err = errors.Join(failures...)
	return e
}

// memberCodes are the exit codes that the models of a portfolio would have alone.
func memberCodes(s *portfolio.Status) []int {
	var codes []int
	for _, m := range s.Models {
		switch {
		case m.Failure != nil:
			codes = append(codes, m.Failure.ExitCode)
		case m.Outcome == portfolio.Infeasible:
			codes = append(codes, exitInfeasible)
		case m.Outcome == portfolio.Unknown:
			codes = append(codes, exitUnpriced)
		}
	}
	return codes
}

// members reads a file: the models of a Portfolio, or the one of a Benchmark. What is wrong in the file itself is an error; what is wrong with a model that it
// names is that model's failure, later.
func (p *planFlags) members(c *cobra.Command, file string) ([]*member, report.Origin, error) {
	origin := report.Origin{Source: file}
	changed := c.Flags().Changed
	if kindOf(file) == "Benchmark" {
		m := &member{where: file, entry: portfolio.Entry{Measured: file}, flags: *p}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, origin, usageError("%w", err)
		}
		sum := sha256.Sum256(b)
		origin.SHA256 = hex.EncodeToString(sum[:])
		_, err = m.flags.sla()
		return []*member{m}, origin, err
	}
	var s portfolio.Spec
	hash, err := readSpec(file, portfolio.Kind, &s)
	if err != nil {
		return nil, origin, err
	}
	origin.SHA256 = hash
	if len(s.Models) == 0 {
		return nil, origin, &exitError{code: exitUsage, err: fmt.Errorf("%s: spec.models is empty", file), hint: "each model is a measured file, or a model and how fast it must be: {measured: bench.yaml, latency: 100ms}"}
	}
	base := *p
	if err := base.take(&s.Defaults, changed); err != nil {
		return nil, origin, usageError("%s: defaults: %w", file, err)
	}
	list := make([]*member, len(s.Models))
	for i := range s.Models {
		m := &member{where: fmt.Sprintf("%s: models[%d]", file, i), entry: s.Models[i], flags: base}
		if m.entry.Name != "" {
			m.where += " " + m.entry.Name
		}
		if err := m.settle(filepath.Dir(file)); err != nil {
			e := usageError("%s: %w", m.where, err)
			var was *exitError
			if errors.As(err, &was) && was.hint != "" {
				e.hint = was.hint + "; in the file as latency: 100ms, total: 300ms and so on, of the model or under defaults"
			}
			return nil, origin, e
		}
		list[i] = m
	}
	return list, origin, nil
}

// settle lays what the entry asks over the defaults, and checks what can be checked without reading another file.
func (m *member) settle(dir string) error {
	e := &m.entry
	switch {
	case e.Model == "" && e.Measured == "":
		return errors.New("neither model nor measured says what is to be planned")
	case e.Measured != "" && len(e.Dims)+len(e.Shapes) > 0:
		return errors.New("dims and shapes are those of the measurement; measured leaves no room for others")
	}
	at := func(path string) string {
		if path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, zooPrefix) {
			return path
		}
		return filepath.Join(dir, path)
	}
	e.Model, e.Measured = at(e.Model), at(e.Measured)
	if err := m.flags.take(&e.Ask, func(string) bool { return false }); err != nil {
		return err
	}
	_, err := m.flags.sla()
	return err
}

// loadAll reads what was measured on all processors, and counts the work of what was not, one model after the other.
func loadAll(ctx context.Context, a *app, members []*member) {
	todo := make(chan *member)
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(members)) {
		readers.Go(func() {
			for m := range todo {
				m.load(ctx, a)
			}
		})
	}
	for _, m := range members {
		if m.entry.Measured != "" {
			todo <- m
		}
	}
	close(todo)
	readers.Wait()
	for _, m := range members {
		if m.entry.Measured == "" {
			a.say("%s: counting the work of %s", m.where, m.entry.Model)
			m.load(ctx, a)
		}
	}
}

// load makes the model's request; what goes wrong is its failure.
func (m *member) load(ctx context.Context, a *app) {
	e := &m.entry
	m.asked = portfolio.Asked{Tags: e.Tags, Measured: e.Measured}
	if m.asked.Tags == nil {
		m.asked.Tags = map[string]string{}
	}
	m.input = portfolio.Input{Tags: e.Tags}
	err := a.guarded(func() (err error) {
		if e.Measured != "" {
			var args []string
			if e.Model != "" {
				args = []string{e.Model}
			}
			m.flags.measured = e.Measured
			m.bench, err = m.flags.readMeasured(args)
		} else {
			b := benchFlags{}
			if err := b.bind(e); err != nil {
				return err
			}
			m.bench, err = m.flags.measurement(ctx, a, &b, e.Model, true)
		}
		if err != nil {
			return err
		}
		r, err := m.flags.request(m.bench)
		if err != nil {
			return err
		}
		if r.Top == 0 {
			r.Top = portfolioTop
		}
		spec := m.flags.spec(r, m.bench)
		m.asked.Asked, m.input.Request, m.input.Doubts = &spec, r, m.flags.doubts(m.bench)
		return nil
	})
	if err != nil {
		m.input.Failure = m.failure(err)
	}
}

// bind takes the sizes of inputs that an entry states.
func (b *benchFlags) bind(e *portfolio.Entry) error {
	for name, size := range e.Dims {
		if err := b.dims.Set(fmt.Sprintf("%s=%d", name, size)); err != nil {
			return usageError("dims: %w", err)
		}
	}
	for name, shape := range e.Shapes {
		if err := b.shapes.Set(name + "=" + shape); err != nil {
			return usageError("shapes: %w", err)
		}
	}
	return nil
}

// failure is an error as the report holds it.
func (m *member) failure(err error) *portfolio.Failure {
	e := &exitError{code: exitUsage}
	errors.As(err, &e)
	return &portfolio.Failure{Text: m.where + ": " + err.Error(), Hint: e.hint, ExitCode: e.code}
}

// name gives each member a name of its own: the entry's, else that of its model, or of its file where nothing could be read. The second of a name is NAME #2.
func name(members []*member) {
	taken := map[string]bool{}
	for _, m := range members {
		name := m.entry.Name
		switch {
		case name != "":
		case m.bench != nil:
			name = m.bench.Spec.Model.Name
		default:
			name = filepath.Base(cmp.Or(m.entry.Model, m.entry.Measured))
		}
		own := name
		for n := 2; taken[own]; n++ {
			own = fmt.Sprintf("%s #%d", name, n)
		}
		taken[own] = true
		m.asked.Name, m.input.Name = own, own
	}
}

var topKind = regexp.MustCompile(`(?m)^kind:[ \t]*["']?(\w+)`)

// kindOf is the kind of a report or of a file that users write; empty where the file is neither, or can't be read.
func kindOf(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return kindIn(b)
}

// kindIn is kindOf of a file's content.
func kindIn(b []byte) string {
	var head struct{ Kind string }
	if json.Unmarshal(b, &head) == nil {
		return head.Kind
	}
	if found := topKind.FindSubmatch(b); found != nil {
		return string(found[1])
	}
	return ""
}
