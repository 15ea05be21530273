package latency

import (
	"cmp"
	"slices"

	"github.com/eiplan/eiplan/engine"
)

// Term is one step's share of a prediction.
type Term struct {
	Name, Op, Kind                    string
	Ms, ComputeMs, MemoryMs, LaunchMs float64
	Share                             float64 // of all steps, 0..1
	FLOPs, Bytes                      float64 // counted; the bytes are in the target's format
}

// Terms lists the n steps that take longest on a target, by the roofline; nil where the runtime does not run there.
func (p *Predictor) Terms(t *Target, prec engine.Precision, n int) []Term {
	stack, ok := p.Coefficients.Stack(t.Runtime, t.Kind, t.Name)
	if !ok || t.TFLOPS <= 0 || t.GBs <= 0 {
		return nil
	}
	w := p.workload(prec)
	r, _ := p.Coefficients.resolve(t, stack)
	terms := make([]Term, len(w.Steps))
	var all float64
	for i := range w.Steps {
		s := r.step(&w.Steps[i])
		all += s.roof + s.launch
		terms[i] = Term{
			Name: w.Steps[i].Name, Op: w.Steps[i].Op, Kind: w.Steps[i].Kind.String(),
			Ms: (s.roof + s.launch) * r.scale, ComputeMs: s.compute * r.scale, MemoryMs: s.memory * r.scale, LaunchMs: s.launch * r.scale,
			FLOPs: w.Steps[i].FLOPs, Bytes: r.bytes * (w.Steps[i].Weights + w.Steps[i].Reads + w.Steps[i].Writes),
		}
	}
	slices.SortStableFunc(terms, func(a, b Term) int { return cmp.Compare(b.Ms, a.Ms) })
	terms = terms[:min(n, len(terms))]
	for i := range terms {
		terms[i].Share = terms[i].Ms / (all * r.scale)
	}
	return terms
}
