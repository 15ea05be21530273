package latency

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
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

//go:embed peers.json
var embeddedPeers []byte

// DefaultPeers reads the measurements embedded in the program.
func DefaultPeers() *Peers {
	p, err := ReadPeers(embeddedPeers)
	if err != nil {
		panic("latency: embedded: " + err.Error())
	}
	return p
}

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
