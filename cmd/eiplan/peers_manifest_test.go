package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/models/zoo"
)

// peerManifest is testdata/peers/models.json: the models that the engine is compared with others on, chosen before anything was tuned for them, and what is
// to be reached on them.
type peerManifest struct {
	Frozen   string      `json:"frozen"` // the day
	Models   []peerModel `json:"models"`
	Excluded []struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	} `json:"excluded"`
	Targets []peerTarget `json:"targets"`
	Compile []struct {
		Name         string  `json:"name"`
		Milliseconds float64 `json:"milliseconds"`
	} `json:"compile"` // most time to compile a model for one thread in FP32
	Memory struct {
		Weights float64 `json:"weights"` // times the weights in FP32
		Bytes   float64 `json:"bytes"`
	} `json:"memory"` // most resident memory, beside the activations
}

// peerModel is a model by its reference: zoo:NAME[@INPUT], or shared:NAME for models/NAME in the folder that EIPLAN_SHARED names.
type peerModel struct {
	Name  string `json:"name"`
	Ref   string `json:"ref"`
	Class string `json:"class"` // fp32, int8, or small for less than 50 MFLOP
}

// sharedPrefix marks a model of the folder that EIPLAN_SHARED names.
const sharedPrefix = "shared:"

// precisions are those in which a class is measured.
func (m peerModel) precisions() []string {
	if m.Class == "fp32" {
		return []string{"fp32", "mixed"}
	}
	return []string{"fp32"}
}

// peerTarget is what the ratios of a class are to reach.
type peerTarget struct {
	Class     string             `json:"class"`
	Precision string             `json:"precision"`
	Threads   int                `json:"threads"`
	BFloat16  *bool              `json:"bf16"`    // holds on processors that do, or do not, multiply bfloat16; nil: on all
	Against   string             `json:"against"` // empty: ONNX Runtime; else "eiplan fp32"
	Mean      float64            `json:"mean"`    // the least geometric mean
	Floor     float64            `json:"floor"`   // no interval may lie wholly below; 0: any may
	Models    map[string]float64 `json:"models"`  // the least ratio of single models
}

func readPeerManifest() (*peerManifest, error) {
	b, err := os.ReadFile("../../testdata/peers/models.json")
	if err != nil {
		return nil, err
	}
	m := &peerManifest{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return m, d.Decode(m)
}

// outcome is what was measured of one model in one precision on a number of threads. Ratios are times of another engine over this one's.
type outcome struct {
	peerModel
	SHA256      string
	Threads     int
	Precision   string
	PeerMs, Ms  float64 // medians
	Peer, Own   bench.Interval
	GFLOPS      float64
	PeakShare   float64 // of the measured peak of the precision
	Largest     float64 // difference of an element of the outputs
	RelativeRMS float64 // of the outputs' difference
	greeting
}

// ratio is the one that a target is about.
func (o *outcome) ratio(t *peerTarget) bench.Interval {
	if t.Against != "" {
		return o.Own
	}
	return o.Peer
}

// finding is one figure beside what is wanted of it.
type finding struct {
	what, wanted, got string
	met               bool
}

// judge computes the figures of all targets that apply to a processor.
func (m *peerManifest) judge(outcomes []outcome, bfloat16 bool) []finding {
	var all []finding
	for _, t := range m.Targets {
		if t.BFloat16 == nil || *t.BFloat16 == bfloat16 {
			all = append(all, t.judge(m, outcomes)...)
		}
	}
	var heavy []string
	measured := 0
	for _, o := range outcomes {
		if o.Precision != "fp32" || o.Threads != 1 {
			continue
		}
		measured++
		if limit := m.memoryLimit(&o); o.PeakBytes > limit {
			heavy = append(heavy, fmt.Sprintf("%s %.0f of %.0f MB", o.Name, o.PeakBytes/1e6, limit/1e6))
		}
		for _, c := range m.Compile {
			if c.Name == o.Name {
				all = append(all, finding{"compile " + c.Name, fmt.Sprintf("< %.0f ms", c.Milliseconds), fmt.Sprintf("%.0f ms", o.CompileMs), o.CompileMs < c.Milliseconds})
			}
		}
	}
	if measured > 0 {
		all = append(all, finding{"peak resident memory", fmt.Sprintf("≤ %g × weights + activations + %.0f MB", m.Memory.Weights, m.Memory.Bytes/1e6), named(heavy, "above"), len(heavy) == 0})
	}
	return all
}

func (m *peerManifest) memoryLimit(o *outcome) float64 {
	return m.Memory.Weights*4*o.Weights + o.ArenaBytes + m.Memory.Bytes
}

func (t *peerTarget) judge(m *peerManifest, outcomes []outcome) []finding {
	var ratios, above []float64
	var below []string
	var singles []finding
	title := fmt.Sprintf("%s, %s on %d", t.Class, t.Precision, t.Threads)
	if t.Against != "" {
		title += " against " + t.Against
	}
	for _, o := range outcomes {
		if o.Class != t.Class || o.Precision != t.Precision || o.Threads != t.Threads {
			continue
		}
		r := o.ratio(t)
		ratios = append(ratios, r.Value)
		if o.PeerMs >= callMs {
			above = append(above, r.Value)
		}
		if r.High < t.Floor {
			below = append(below, fmt.Sprintf("%s %.2f", o.Name, r.Value))
		}
		if want := t.Models[o.Name]; want > 0 {
			singles = append(singles, finding{title + ": " + o.Name, fmt.Sprintf("≥ %.2f", want), fmt.Sprintf("%.2f", r.Value), r.Value >= want})
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	mean := stat.GeometricMean(ratios, nil)
	got := fmt.Sprintf("%.2f (%s)", mean, m.share(t.Class, len(ratios)))
	if 0 < len(above) && len(above) < len(ratios) {
		got += fmt.Sprintf("; %.2f for the %d that ONNX Runtime takes %g ms for", stat.GeometricMean(above, nil), len(above), callMs)
	}
	all := []finding{{title + ": geometric mean", fmt.Sprintf("≥ %.2f", t.Mean), got, mean >= t.Mean}}
	if t.Floor > 0 {
		all = append(all, finding{title + ": intervals", fmt.Sprintf("none wholly below %.2f", t.Floor), named(below, "below"), len(below) == 0})
	}
	return append(all, singles...)
}

// callMs is a time against which what a call of ONNX Runtime's binding takes, some 10 µs, is little.
const callMs = 0.1

// share says how much of a class was measured.
func (m *peerManifest) share(class string, n int) string {
	all := 0
	for _, model := range m.Models {
		if model.Class == class {
			all++
		}
	}
	return fmt.Sprintf("%d of %d models", n, all)
}

func named(list []string, what string) string {
	if len(list) == 0 {
		return "none " + what
	}
	return fmt.Sprintf("%d %s: %s", len(list), what, strings.Join(list, ", "))
}

func TestPeerManifest(t *testing.T) {
	m, err := readPeerManifest()
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]int{}
	var names []string
	for _, model := range m.Models {
		classes[model.Class]++
		if slices.Contains(names, model.Name) {
			t.Errorf("%s is listed twice", model.Name)
		}
		names = append(names, model.Name)
		ref, ours := strings.CutPrefix(model.Ref, zooPrefix)
		if !ours && !strings.HasPrefix(model.Ref, sharedPrefix) {
			t.Errorf("%s: %q is neither zoo: nor shared:", model.Name, model.Ref)
		}
		if !ours {
			continue
		}
		if _, err := zoo.Outline(ref); err != nil || ref != model.Name {
			t.Errorf("%s is %s: %v", model.Name, model.Ref, err)
		}
	}
	if classes["fp32"] < 20 || classes["int8"] < 3 || classes["small"] < 20 || len(classes) != 3 {
		t.Errorf("models by class: %v", classes)
	}
	for _, target := range m.Targets {
		if classes[target.Class] == 0 || target.Mean <= 0 {
			t.Errorf("a target of class %q and mean %g", target.Class, target.Mean)
		}
		for name := range target.Models {
			if !slices.Contains(names, name) {
				t.Errorf("a target for %s, which is no model", name)
			}
		}
	}
	for _, c := range m.Compile {
		if !slices.Contains(names, c.Name) {
			t.Errorf("a time to compile %s, which is no model", c.Name)
		}
	}
}

func TestPeerTargets(t *testing.T) {
	yes, no := true, false
	m := &peerManifest{Models: []peerModel{{"a", "", "fp32"}, {"b", "", "fp32"}, {"c", "", "fp32"}}, Targets: []peerTarget{
		{Class: "fp32", Precision: "fp32", Threads: 1, Mean: 2, Floor: 1, Models: map[string]float64{"a": 4.5, "b": 1}},
		{Class: "fp32", Precision: "mixed", Threads: 1, Mean: 3, BFloat16: &yes},
		{Class: "fp32", Precision: "mixed", Threads: 1, Mean: 0.97, BFloat16: &no, Against: "eiplan fp32"},
		{Class: "small", Precision: "fp32", Threads: 1, Mean: 1},
	}}
	m.Compile = append(m.Compile, struct {
		Name         string  `json:"name"`
		Milliseconds float64 `json:"milliseconds"`
	}{"a", 100})
	m.Memory.Weights, m.Memory.Bytes = 2, 1e6
	of := func(name, precision string, peer, own, half float64, g greeting) outcome {
		return outcome{peerModel: peerModel{Name: name, Class: "fp32"}, Threads: 1, Precision: precision, PeerMs: 1, greeting: g,
			Peer: bench.Interval{Value: peer, Low: peer - half, High: peer + half}, Own: bench.Interval{Value: own, Low: own, High: own}}
	}
	outcomes := []outcome{
		of("a", "fp32", 4, 1, 0.1, greeting{CompileMs: 99, PeakBytes: 9e6, Weights: 1e6, ArenaBytes: 1e5}),
		of("b", "fp32", 0.9, 1, 0.05, greeting{PeakBytes: 9.2e6, Weights: 1e6, ArenaBytes: 1e5}),
		of("a", "mixed", 8, 2, 0.1, greeting{}),
		of("b", "mixed", 2, 0.5, 0.1, greeting{}),
	}
	lines := func(bfloat16 bool) string {
		var b strings.Builder
		for _, v := range m.judge(outcomes, bfloat16) {
			fmt.Fprintf(&b, "%s | %s | %s | %v\n", v.what, v.wanted, v.got, v.met)
		}
		return b.String()
	}
	const shared = `fp32, fp32 on 1: geometric mean | ≥ 2.00 | 1.90 (2 of 3 models) | false
fp32, fp32 on 1: intervals | none wholly below 1.00 | 1 below: b 0.90 | false
fp32, fp32 on 1: a | ≥ 4.50 | 4.00 | false
fp32, fp32 on 1: b | ≥ 1.00 | 0.90 | false
`
	const costs = `compile a | < 100 ms | 99 ms | true
peak resident memory | ≤ 2 × weights + activations + 1 MB | 1 above: b 9 of 9 MB | false
`
	if got, want := lines(true), shared+"fp32, mixed on 1: geometric mean | ≥ 3.00 | 4.00 (2 of 3 models) | true\n"+costs; got != want {
		t.Errorf("with bfloat16:\n%swant\n%s", got, want)
	}
	if got, want := lines(false), shared+"fp32, mixed on 1 against eiplan fp32: geometric mean | ≥ 0.97 | 1.00 (2 of 3 models) | true\n"+costs; got != want {
		t.Errorf("without bfloat16:\n%swant\n%s", got, want)
	}
	outcomes[1].Peer.High, outcomes[1].PeerMs = math.Nextafter(1, 2), callMs/2
	got := m.Targets[0].judge(m, outcomes)
	if got[0].got != "1.90 (2 of 3 models); 4.00 for the 1 that ONNX Runtime takes 0.1 ms for" || !got[1].met {
		t.Errorf("an interval that reaches the floor and a short run: %+v", got[:2])
	}
}
