package planner

import (
	"math"

	"github.com/eiplan/eiplan/planner/latency"
)

// largestTerms is how many operators an explanation names.
const largestTerms = 5

// explain tells how a machine's prediction was made.
func (p *problem) explain(m *machine) *Explanation {
	pr := &m.service.prediction
	e := &Explanation{
		Model: pr.Source, ComputeMs: round6(pr.Split.ComputeMs), MemoryMs: round6(pr.Split.MemoryMs), LaunchMs: round6(pr.Split.LaunchMs),
		HostMs: round6(pr.Split.HostMs), NetworkMs: round6(pr.NetworkMs), TransferMs: round6(pr.Split.TransferMs), TflopsRule: p.predictor.PlainRule(pr, &m.target, m.precision),
		Terms: []Term{}, TailSource: pr.Tail.Source,
	}
	if pr.AnchorMs > 0 {
		e.AnchorMs, e.AnchorX, e.RuntimeX = rounded(pr.AnchorMs), rounded(pr.AnchorX), rounded(pr.RuntimeX)
	}
	for _, t := range p.heaviest(m) {
		e.Terms = append(e.Terms, Term{
			Name: t.Name, Op: t.Op, Kind: t.Kind, Ms: round6(t.Ms * pr.Scale), ComputeMs: round6(t.ComputeMs * pr.Scale),
			MemoryMs: round6(t.MemoryMs * pr.Scale), LaunchMs: round6(t.LaunchMs * pr.Scale), Percent: round6(100 * t.Share),
		})
	}
	all := latency.Bounds{Low: 1, High: 1}
	for _, d := range pr.Doubts {
		all = all.And(latency.Bounds{Low: d.Low, High: d.High})
		e.Doubts = append(e.Doubts, Doubt{d.Code, round6(d.Low), round6(d.High), d.Source})
	}
	e.Narrowing = 1
	if all.High > 1 {
		e.Narrowing = round6(math.Log(pr.High/pr.Value) / math.Log(all.High))
	}
	_, tail := pr.Tail.At(p.SLA.Percentile)
	e.Doubts = append(e.Doubts, Doubt{"tail", round6(tail.Low), round6(tail.High), pr.Tail.Source})
	return e
}

// heaviest are the operators behind a prediction of the roofline; the other rules see none.
func (p *problem) heaviest(m *machine) []latency.Term {
	if m.service.prediction.Scale == 0 {
		return nil
	}
	return p.predictor.Terms(&m.target, m.precision, largestTerms)
}

// text is what a name points to, empty for nil.
func text(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}
