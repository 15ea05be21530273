package latency

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestPeersReadBack(t *testing.T) {
	p := Peers{AsOf: "2026-11-22", Peer: "other 1.0", CPU: "c", ISA: "avx512", Source: "s", Rows: []PeerRow{
		{"a", "01", "fp32", 1, 1.00049, 0.9, 1.1},
		{"b", "02", "fp32", 1, 4, 3.9, 4.1},
		{"a", "01", "fp32", 2, 1.5, 1.4, 1.6},
		{"c", "03", "small", 1, 9, 8, 10},
	}}
	b, err := p.Write()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadPeers(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := (PeerSummary{"fp32", 1, 2, 2, 1, 4}); got.Summary[0] != want {
		t.Errorf("summary %+v, want %+v", got.Summary[0], want)
	}
	cases := []struct {
		reason, sha256, class string
		threads               int
		want                  float64
		measured, ok          bool
	}{
		{"a measured model", "01", "fp32", 1, 1, true, true},
		{"its other number of threads", "01", "fp32", 2, 1.5, true, true},
		{"more threads than were measured", "01", "fp32", 16, 1.5, true, true},
		{"a hash is enough", "03", "fp32", 2, 9, true, true},
		{"an unknown model has its class's mean", "99", "fp32", 1, 2, false, true},
		{"a model without a hash is not measured", "", "fp32", 1, 2, false, true},
		{"a class that nothing was measured of", "99", "int8", 1, 0, false, false},
	}
	for _, c := range cases {
		r, measured, ok := got.Ratio(c.sha256, c.class, c.threads)
		if math.Abs(r.Ratio-c.want) > 1e-9 || measured != c.measured || ok != c.ok {
			t.Errorf("%s: %g, measured %v, ok %v; want %g, %v, %v", c.reason, r.Ratio, measured, ok, c.want, c.measured, c.ok)
		}
	}
}

func TestReadPeersRefuses(t *testing.T) {
	good := func() Peers {
		return Peers{AsOf: "2026-11-22", Rows: []PeerRow{{"a", "01", "fp32", 1, 1, 0.9, 1.1}}}
	}
	cases := []struct {
		reason string
		change func(*Peers)
		edit   func(string) string
		want   string
	}{
		{"no date", func(p *Peers) { p.AsOf = "" }, nil, "parsing time"},
		{"a ratio outside of its interval", func(p *Peers) { p.Rows[0].Low = 2 }, nil, "ratio 1 in [2, 1.1]"},
		{"no ratio", func(p *Peers) { p.Rows[0].Low, p.Rows[0].Ratio = 0, 0 }, nil, "ratio 0"},
		{"no threads", func(p *Peers) { p.Rows[0].Threads = 0 }, nil, "on 0 threads"},
		{"a summary of other rows", nil, func(s string) string { return strings.Replace(s, `"models": 1`, `"models": 2`, 1) }, "not that of the rows"},
		{"an unknown field", nil, func(s string) string { return strings.Replace(s, `"asOf"`, `"date"`, 1) }, `unknown field "date"`},
	}
	for _, c := range cases {
		p := good()
		if c.change != nil {
			c.change(&p)
		}
		b, err := p.Write()
		if err != nil {
			t.Fatal(err)
		}
		if c.edit != nil {
			b = []byte(c.edit(string(b)))
		}
		if _, err := ReadPeers(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.reason, err, c.want)
		}
	}
}

// TestEmbeddedPeers holds the data to what predictions rest on: every class on one thread, at plausible ratios, written as Write writes.
func TestEmbeddedPeers(t *testing.T) {
	p := DefaultPeers()
	if _, _, ok := p.Ratio("", "fp32", 1); !ok {
		t.Error("nothing stands for models that were not measured")
	}
	for _, r := range p.Rows {
		if r.Class == "fp32" && (r.Ratio < 0.2 || r.Ratio > 20) {
			t.Errorf("%s on %d threads: a ratio of %g", r.Model, r.Threads, r.Ratio)
		}
		if len(r.SHA256) != 64 {
			t.Errorf("%s: hash %q", r.Model, r.SHA256)
		}
	}
	b, err := p.Write()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, embeddedPeers) {
		t.Error("the embedded file is not what Write writes")
	}
}
