package latency

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
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
	p := Default().Peers
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

// TestRuntimeRatio: a time of this project's engine is brought to the runtime deployed by their measured ratio, the model's own before its class's, and each
// way in which the target differs from where it was measured is a doubt.
func TestRuntimeRatio(t *testing.T) {
	file, err := Peers{AsOf: "2026-11-22", Peer: "onnxruntime 1.30.0", CPU: "c", ISA: "amx", Source: "s", Rows: []PeerRow{
		{"resnet50", "01", "fp32", 1, 1.17, 1.087, 1.351},
		{"bert_base@128", "02", "fp32", 1, 1.231, 1.21, 1.356},
		{"vgg16", "03", "fp32", 1, 1.924, 1.666, 2.331},
		{"efficientnet_b0", "04", "fp32", 1, 0.946, 0.921, 0.977},
		{"gtcrn_simple", "05", "small", 1, 3.806, 3.718, 3.916},
	}}.Write()
	if err != nil {
		t.Fatal(err)
	}
	peers, err := ReadPeers(file)
	if err != nil {
		t.Fatal(err)
	}
	coefficients := *Default()
	coefficients.Peers = peers
	class, _, _ := peers.Ratio("", floatClass, 1)
	table := hardware.Default()
	predict := func(sha256, processor string, r Runtime, threads int, w *engine.Workload) Prediction {
		cpu, _ := table.Processor("sapphire-rapids")
		host := OnHost(cpu, "amx", hardware.FP32, threads, cpu.DenseGFLOPS(hardware.FP32, threads, 3), cpu.BandwidthGBs(threads))
		p := &Predictor{Coefficients: &coefficients, FP32: w, Batch: 1, Local: &Local{FP32: Measured{Host: host, Ms: 100}}, Subject: Subject{SHA256: sha256}, RuntimeStated: true}
		target := host
		if other, ok := table.Processor(processor); ok {
			target = OnProcessor(other, r, hardware.FP32, threads, 3, 0)
		}
		target.Runtime = r
		got, err := p.Predict(&target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	large, little := product(512, 4096, 4096), product(64, 64, 64)
	quantized := product(512, 4096, 4096)
	quantized.Steps[0].Op = "QLinearMatMul"
	cases := []struct {
		reason, sha256, processor string
		runtime                   Runtime
		threads                   int
		work                      *engine.Workload
		ratio                     float64
		doubts                    string // the codes that concern the runtime
	}{
		{"the engine itself", "01", "", EIPlan, 1, large, 1, ""},
		{"a measured model", "01", "", ONNXRuntime, 1, large, 1.17, "runtime-ratio"},
		{"a model that was not measured", "99", "", ONNXRuntime, 1, large, class.Ratio, "runtime-ratio"},
		{"a model with little work", "99", "", ONNXRuntime, 1, little, 3.806, "runtime-ratio"},
		{"a class that was not measured", "99", "", ONNXRuntime, 1, quantized, 1, "other-runtime"},
		{"a runtime that was not measured", "01", "", PyTorch, 1, large, 1.17 * 1.7, "runtime-ratio other-runtime"},
		{"vectors as wide", "01", "cascade-lake", ONNXRuntime, 1, large, 1.17, "runtime-ratio"},
		{"vectors of another width", "01", "zen3", ONNXRuntime, 1, large, 1.17, "runtime-ratio ratio-other-isa"},
		{"another number of threads", "01", "", ONNXRuntime, 2, large, 1.17, "runtime-ratio ratio-other-threads"},
	}
	for _, c := range cases {
		got := predict(c.sha256, c.processor, c.runtime, c.threads, c.work)
		if !near(got.RuntimeX, c.ratio) || c.processor == "" && math.Abs(got.Value/(100*c.ratio)-1) > 1e-9 {
			t.Errorf("%s: %g ms with a ratio of %g, want %g", c.reason, got.Value, got.RuntimeX, c.ratio)
		}
		var doubts []string
		for _, d := range got.Doubts {
			if strings.HasPrefix(d.Code, "r") || d.Code == "other-runtime" {
				doubts = append(doubts, d.Code)
			}
		}
		if all := strings.Join(doubts, " "); all != c.doubts {
			t.Errorf("%s: doubts %q, want %q", c.reason, all, c.doubts)
		}
		if named := strings.Contains(got.Source, "onnxruntime 1.30.0"); named != strings.Contains(c.doubts, "runtime-ratio") {
			t.Errorf("%s: %s", c.reason, got.Source)
		}
	}
	width := func(p Prediction) float64 { return p.High / p.Low }
	own := predict("02", "", ONNXRuntime, 1, large)
	if width(predict("99", "", ONNXRuntime, 1, large)) <= width(own) || width(predict("02", "zen3", ONNXRuntime, 1, large)) <= width(predict("02", "cascade-lake", ONNXRuntime, 1, large)) {
		t.Error("a class's mean, or another width of vectors, is no more doubtful")
	}
}

// TestUnstatedRuntime: where several runtimes would do, one that nobody stated is a doubt; where there is but one, it is none.
func TestUnstatedRuntime(t *testing.T) {
	for _, c := range []struct {
		target Target
		doubt  bool
	}{
		{OnDevice(device(t, "T4"), TensorRT, hardware.FP16, 1, 0), true},
		{OnDevice(device(t, "Inferentia2"), Neuron, hardware.BF16, 1, 0), false},
		{OnAccelerator(device(t, "eia2.medium"), EI, hardware.FP32, 1), false},
	} {
		p := &Predictor{Coefficients: Default(), FP32: product(512, 512, 512), Batch: 1}
		unstated, err := p.Predict(&c.target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		p.RuntimeStated = true
		stated, err := p.Predict(&c.target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		if wider := unstated.High/unstated.Low > stated.High/stated.Low; wider != c.doubt {
			t.Errorf("%s: wider without a stated runtime: %v", c.target.Name, wider)
		}
	}
}
