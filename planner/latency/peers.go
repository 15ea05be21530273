package latency

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/eiplan/eiplan/engine"
)

// Peers says how many times as long as this project's engine another one takes, both in FP32 on one machine, on a day.
type Peers struct {
	AsOf    string        `json:"asOf"` // YYYY-MM-DD
	Peer    string        `json:"peer"` // the other engine and its version
	CPU     string        `json:"cpu"`
	ISA     string        `json:"isa"`
	Commit  string        `json:"commit,omitempty"` // of this project
	Source  string        `json:"source"`
	Rows    []PeerRow     `json:"rows"`
	Summary []PeerSummary `json:"summary"`
}

// PeerRow is one model on a number of threads. Ratio is the peer's median time over the engine's, and Low and High the ends of its 95% interval.
type PeerRow struct {
	Model   string  `json:"model"`
	SHA256  string  `json:"sha256"` // of the model, as reports state it
	Class   string  `json:"class"`
	Threads int     `json:"threads"`
	Ratio   float64 `json:"ratio"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// PeerSummary is what a model of a class that is not among the rows may be expected to have: the geometric mean of the rows' ratios, with their p10 and p90.
type PeerSummary struct {
	Class   string  `json:"class"`
	Threads int     `json:"threads"`
	Models  int     `json:"models"`
	Ratio   float64 `json:"ratio"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// The classes of models that ratios are told apart by.
const (
	floatClass     = "fp32"
	quantizedClass = "int8"
	smallClass     = "small" // so little work that launches make the time
)

// smallFLOPs is below what all but one of the measured models of class fp32 do, and above what all but two of class small do.
const smallFLOPs = 50e6

// peerClass is the class whose models are nearest to a workload.
func peerClass(w *engine.Workload) string {
	quantized := func(op string) bool {
		return strings.Contains(op, "Integer") || strings.Contains(op, "QLinear") || strings.HasSuffix(op, "uantizeLinear")
	}
	switch {
	case slices.ContainsFunc(w.Steps, func(s engine.Work) bool { return quantized(s.Op) || slices.ContainsFunc(s.Fused, quantized) }):
		return quantizedClass
	case w.FLOPs < smallFLOPs:
		return smallClass
	}
	return floatClass
}

//go:embed peers.json
var embeddedPeers []byte

// ReadPeers parses what Write wrote. A row without a positive ratio inside its interval is an error, as is a summary that is not the rows'.
func ReadPeers(file []byte) (*Peers, error) {
	p := &Peers{}
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	if _, err := time.Parse(time.DateOnly, p.AsOf); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	for _, r := range p.Rows {
		if !(r.Low > 0 && r.Low <= r.Ratio && r.Ratio <= r.High) || r.Threads < 1 {
			return nil, fmt.Errorf("peers: %s on %d threads: ratio %g in [%g, %g]", r.Model, r.Threads, r.Ratio, r.Low, r.High)
		}
	}
	if !slices.Equal(p.Summary, summarize(p.Rows)) {
		return nil, fmt.Errorf("peers: the summary is not that of the rows")
	}
	return p, nil
}

// Write renders p as a file that ReadPeers takes, with the summary made anew from the rows, whose figures are rounded to three digits behind the point.
func (p Peers) Write() ([]byte, error) {
	p.Rows = slices.Clone(p.Rows)
	for i := range p.Rows {
		r := &p.Rows[i]
		r.Ratio, r.Low, r.High = thousandths(r.Ratio), thousandths(r.Low), thousandths(r.High)
	}
	p.Summary = summarize(p.Rows)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(p); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	return b.Bytes(), nil
}

// Ratio is the peer's time over the engine's for a model, by its hash: the row of that number of threads, else of the nearest that was measured. Where the
// model was not measured it is the summary of its class, and measured is false; ok is false where that is missing too.
func (p *Peers) Ratio(sha256, class string, threads int) (r PeerRow, measured, ok bool) {
	distance := func(of int) float64 { return math.Abs(math.Log(float64(of) / float64(max(threads, 1)))) }
	for _, row := range p.Rows {
		if row.SHA256 == sha256 && sha256 != "" && (!measured || distance(row.Threads) < distance(r.Threads)) {
			r, measured = row, true
		}
	}
	if measured {
		return r, true, true
	}
	for _, s := range p.Summary {
		if s.Class == class && (!ok || distance(s.Threads) < distance(r.Threads)) {
			r, ok = PeerRow{SHA256: sha256, Class: class, Threads: s.Threads, Ratio: s.Ratio, Low: s.Low, High: s.High}, true
		}
	}
	return r, false, ok
}

// A conversion is what another runtime makes of a time of this project's engine on one machine, and the doubts about it.
type conversion struct {
	factor float64
	why    string // empty where nothing is converted
	doubts []Doubt
}

// convert brings the time of a workload from this project's engine, here, to a runtime on the target, by the measured ratio of the two.
func (p *Predictor) convert(t, here *Target, w *engine.Workload) conversion {
	c, peers, threads := p.Coefficients, p.Coefficients.Peers, int(here.Tiles)
	if t.Runtime == EIPlan {
		return conversion{factor: 1}
	}
	row, measured, ok := peers.Ratio(p.Subject.SHA256, peerClass(w), threads)
	if !ok {
		return conversion{c.overPeer(t.Runtime), "", []Doubt{c.doubt("other-runtime")}}
	}
	out := conversion{factor: row.Ratio * c.overPeer(t.Runtime)}
	where := fmt.Sprintf("on %d threads of %s (%s), %s", row.Threads, peers.CPU, peers.ISA, peers.AsOf)
	if measured {
		out.why = fmt.Sprintf("%s over eiplan, this model measured %s", peers.Peer, where)
		out.doubts = []Doubt{narrowed("runtime-ratio", row.Ratio, row.Low, row.High, out.why)}
	} else {
		out.why = fmt.Sprintf("%s over eiplan, geometric mean of class %s measured %s", peers.Peer, row.Class, where)
		out.doubts = []Doubt{{"runtime-ratio", min(1, row.Low/row.Ratio), max(1, row.High/row.Ratio), out.why}}
	}
	if t.Runtime != ONNXRuntime {
		out.why += fmt.Sprintf(", x %s for %s", trim(c.overPeer(t.Runtime)), t.Runtime)
		out.doubts = append(out.doubts, c.doubt("other-runtime"))
	}
	if recorded := vectors(peers.ISA); vectors(t.ISA) != recorded || vectors(here.ISA) != recorded {
		out.doubts = append(out.doubts, c.doubt("ratio-other-isa"))
	}
	if row.Threads != threads {
		out.doubts = append(out.doubts, c.doubt("ratio-other-threads"))
	}
	return out
}

// vectors is what a label of instruction sets says of FP32 vectors, which FP32 ratios depend on: the 16-bit and 8-bit additions count for nothing.
func vectors(isa string) string {
	for _, width := range []string{"avx512", "avx2", "neon"} {
		if strings.HasPrefix(isa, width) {
			return width
		}
	}
	if isa == "amx" {
		return "avx512"
	}
	return isa
}

// summarize makes a summary for each class and number of threads, in the order of the rows.
func summarize(rows []PeerRow) []PeerSummary {
	var list []PeerSummary
	ratios := map[PeerSummary][]float64{}
	for _, r := range rows {
		key := PeerSummary{Class: r.Class, Threads: r.Threads}
		if ratios[key] == nil {
			list = append(list, key)
		}
		ratios[key] = append(ratios[key], r.Ratio)
	}
	for i, s := range list {
		all := ratios[s]
		slices.Sort(all)
		list[i].Models, list[i].Ratio = len(all), thousandths(stat.GeometricMean(all, nil))
		list[i].Low, list[i].High = stat.Quantile(0.1, stat.Empirical, all, nil), stat.Quantile(0.9, stat.Empirical, all, nil)
	}
	return list
}

func thousandths(v float64) float64 { return math.Round(1000*v) / 1000 }
