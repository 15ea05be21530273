package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// measurement is the one in --measured, or a new one, or the work alone.
func (p *planFlags) measurement(ctx context.Context, a *app, b *benchFlags, ref string, noBench bool) (*benchReport, error) {
	if p.measured != "" {
		return p.readMeasured([]string{ref})
	}
	l, err := b.load(ref)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if err := p.bindBatch(b, l); err != nil {
		return nil, err
	}
	if !noBench {
		return b.measure(ctx, a, l, p.check)
	}
	features, _, err := b.machine()
	if err != nil {
		return nil, err
	}
	prog, err := b.compile(l, features, engine.FP32)
	if err != nil {
		return nil, err
	}
	return workOf(l, prog), nil
}

// isBatch reports whether a dimension is named as batches are.
func isBatch(name string) bool {
	return slices.Contains([]string{"batch", "batch_size", "n"}, strings.ToLower(name))
}

// bindBatch gives the model's batch dimension the size that --batch asks for.
func (p *planFlags) bindBatch(b *benchFlags, l *loaded) error {
	if p.batch == 0 {
		return nil
	}
	bound := false
	for _, in := range l.Graph.Inputs {
		for i, d := range in.Type.Dims {
			if !isBatch(d.Param) {
				continue
			}
			bound = true
			if _, stated := b.dims[d.Param]; !stated {
				if b.dims == nil {
					b.dims = dims{}
				}
				b.dims[d.Param] = p.batch
			}
			if s := l.shapes[in.Name]; i < len(s) && s[i] != p.batch {
				delete(l.shapes, in.Name)
				delete(l.given, in.Name)
			}
		}
	}
	if !bound && p.batch > 1 {
		return &exitError{code: exitUsage, err: fmt.Errorf("--batch %d: %s has no dimension named batch, N or batch_size", p.batch, l.ref), hint: "--shape INPUT=8x3x224x224 may set its shape"}
	}
	return nil
}

// batchOf is the batch that a model was compiled for: 1 where it names no such dimension.
func batchOf(m sizing.Model) int {
	for _, name := range slices.Sorted(maps.Keys(m.Dims)) {
		if isBatch(name) {
			return m.Dims[name]
		}
	}
	return 1
}

// readMeasured reads kind Benchmark, and refuses it where it is of another model.
func (p *planFlags) readMeasured(args []string) (*benchReport, error) {
	b, err := os.ReadFile(p.measured)
	if err != nil {
		return nil, withHint(usageError("--measured: %w", err), "eiplan bench MODEL -o yaml --out bench.yaml makes one")
	}
	var doc struct {
		Kind     string          `json:"kind"`
		Metadata report.Metadata `json:"metadata"`
		benchReport
	}
	r := &doc.benchReport
	err = report.Decode(b, &doc)
	if doc.Kind != "" && doc.Kind != "Benchmark" || err == nil && len(r.Status.Runs) == 0 {
		err = errors.New("not a report of kind Benchmark")
	}
	r.Status.asOf, _, _ = strings.Cut(doc.Metadata.GeneratedAt, "T")
	if err != nil {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", p.measured, err), hint: "eiplan bench MODEL -o yaml --out bench.yaml makes one"}
	}
	if was := batchOf(r.Spec.Model); p.batch != 0 && p.batch != was {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s was measured at batch %d, not %d", p.measured, was, p.batch), hint: "measure again with eiplan bench --dim batch=" + strconv.Itoa(p.batch)}
	}
	if len(args) == 0 {
		return r, nil
	}
	m, err := openModel(args[0])
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if m.SHA256 != r.Spec.Model.Sha256 {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s was measured on another model: its hash is %.12s, that of %s is %.12s", p.measured, r.Spec.Model.Sha256, args[0], m.SHA256),
			hint: "measure again with eiplan bench"}
	}
	return r, nil
}
