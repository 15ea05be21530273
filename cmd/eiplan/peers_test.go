//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/report"
)

const (
	turnTime      = 40 * time.Millisecond // that the counted runs of a turn are to take
	mostRuns      = 2000                  // of a turn
	fewestRounds  = 7                     // the median's 95% interval has both ends from 6 on
	preciseRounds = 30                    // from which on a precise ratio ends a contest
	preciseShare  = 0.01                  // of the ratio, within which its interval's ends then are
)

// peerSettings are the environment of make bench-peers.
type peerSettings struct {
	models  []string      // MODELS, names of the manifest; none is all
	threads []int         // THREADS, 1,2 by default
	time    time.Duration // TIME for the turns of one model on a number of threads
	busy    int           // BUSY: processes that compete for the processors all the while
	save    string        // SAVE=1: the file of planner/latency that is to hold the ratios
}

func readPeerSettings() (s peerSettings, err error) {
	if list := os.Getenv("MODELS"); list != "" {
		s.models = strings.Split(list, ",")
	}
	for _, n := range strings.Split(envOr("THREADS", "1,2"), ",") {
		threads, err := strconv.Atoi(n)
		if err != nil || threads < 1 {
			return s, fmt.Errorf("THREADS: %q is no number of threads", n)
		}
		s.threads = append(s.threads, threads)
	}
	if s.time, err = time.ParseDuration(envOr("TIME", "10s")); err != nil {
		return s, fmt.Errorf("TIME: %w", err)
	}
	if s.busy, err = strconv.Atoi(envOr("BUSY", "0")); err != nil || s.busy < 0 {
		return s, fmt.Errorf("BUSY: %q is no number of processes", os.Getenv("BUSY"))
	}
	if os.Getenv("SAVE") == "1" && s.busy > 0 {
		return s, errors.New("SAVE: ratios on a busy machine are not kept")
	}
	if os.Getenv("SAVE") == "1" {
		s.save = "../../planner/latency/peers.json"
	}
	return s, nil
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// BenchmarkAgainstONNXRuntime is make bench-peers: the engine against ONNX Runtime on the models of testdata/peers/models.json.
func BenchmarkAgainstONNXRuntime(b *testing.B) {
	if os.Getenv("ORT_NODE") == "" {
		b.Skip("SKIPPED: ORT_NODE names no folder of the npm package onnxruntime-node")
	}
	s, err := readPeerSettings()
	if err != nil {
		b.Fatal(err)
	}
	m, err := readPeerManifest()
	if err != nil {
		b.Fatal(err)
	}
	features, err := cpu.FromEnv()
	if err != nil {
		b.Fatal(err)
	}
	c := championship{info: cpu.Describe(features), settings: s, peaks: map[int]engine.Peaks{}}
	for _, threads := range s.threads {
		c.peaks[threads] = engine.MeasurePeaks(c.info, threads)
	}
	chosen, absent := choosePeerModels(b, m, s.models)
	stop, err := startBusy(s.busy)
	b.Cleanup(stop)
	if err != nil {
		b.Fatal(err)
	}
	for _, model := range chosen {
		if err := c.play(model); err != nil {
			b.Errorf("%s: %v", model.Name, err)
		}
	}
	if err := report.Write(os.Stdout, "table", c.document(m, absent)); err != nil {
		b.Fatal(err)
	}
	if s.save != "" {
		if err := c.save(s.save); err != nil {
			b.Fatal(err)
		}
	}
}

// choosePeerModels takes the models that are asked for and can be found, and names those that can't.
func choosePeerModels(b *testing.B, m *peerManifest, wanted []string) (chosen []peerModel, absent []string) {
	for _, name := range wanted {
		if !slices.ContainsFunc(m.Models, func(p peerModel) bool { return p.Name == name }) {
			b.Fatalf("MODELS: the manifest has no %q", name)
		}
	}
	for _, model := range m.Models {
		switch {
		case len(wanted) > 0 && !slices.Contains(wanted, model.Name):
		case strings.HasPrefix(model.Ref, sharedPrefix) && !exists(model.file()):
			absent = append(absent, model.Name)
		default:
			chosen = append(chosen, model)
		}
	}
	return chosen, absent
}

// file is where a shared model lies.
func (m peerModel) file() string {
	return filepath.Join(os.Getenv("EIPLAN_SHARED"), "models", strings.TrimPrefix(m.Ref, sharedPrefix), "model.onnx")
}

// championship is a run over many models.
type championship struct {
	info     cpu.Info
	settings peerSettings
	peaks    map[int]engine.Peaks // by threads
	peer     string               // the other engine's version
	outcomes []outcome
}

// play measures a model on every number of threads.
func (c *championship) play(m peerModel) error {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ref, file := m.Ref, filepath.Join(dir, "model.onnx")
	if strings.HasPrefix(ref, sharedPrefix) {
		ref, file = m.file(), m.file()
	} else if code := run(context.Background(), []string{"zoo", "export", ref, "-o", file}, io.Discard, os.Stderr); code != 0 {
		return fmt.Errorf("export exited with %d", code)
	}
	opened, err := openModel(ref)
	if err != nil {
		return err
	}
	hash := opened.SHA256
	if err := opened.Close(); err != nil {
		return err
	}
	for _, threads := range c.settings.threads {
		t := contest{file: file, dir: dir, threads: threads, time: c.settings.time}
		err := t.play(m.precisions())
		t.end()
		if err != nil {
			return fmt.Errorf("%d threads: %w", threads, err)
		}
		c.peer = t.version
		for _, o := range t.outcomes() {
			o.peerModel, o.SHA256, o.Threads = m, hash, threads
			o.PeakShare = o.GFLOPS / c.peaks[threads].Of(o.Precision == "mixed")
			c.outcomes = append(c.outcomes, o)
			fmt.Fprintf(os.Stderr, "%s\n", strings.Join(o.cells(), "  "))
		}
	}
	return nil
}

// contest measures one model on a number of threads: ONNX Runtime, and this engine in each precision, in turns.
type contest struct {
	file, dir string
	threads   int
	time      time.Duration

	version string // of ONNX Runtime
	players []player
	rounds  int
}

// player is one engine in a contest; the first is ONNX Runtime.
type player struct {
	process   *engineProcess
	precision string
	hello     greeting
	diff      engine.Difference // from ONNX Runtime's outputs: the worst of each
	runs      int               // of a turn
	medians   []time.Duration   // of each turn
}

func (c *contest) play(precisions []string) error {
	var ours []player
	var outputs [][]tensor.Tensor
	for _, p := range precisions { // first, for they make the inputs
		cmd, err := ourselves(c.file, c.dir, c.threads, p)
		if err != nil {
			return err
		}
		process, hello, err := startEngine(cmd)
		if err != nil {
			return err
		}
		c.players = append(c.players, player{process: process, precision: p, hello: hello})
		got, err := readExchange(c.dir, "outputs")
		if err != nil {
			return err
		}
		outputs = append(outputs, got)
	}
	process, hello, err := startEngine(onnxRuntime(c.file, c.dir, c.threads))
	if err != nil {
		return err
	}
	ours, c.version = c.players, hello.Version
	c.players = append([]player{{process: process}}, ours...)
	want, err := readExchange(c.dir, "outputs")
	if err != nil {
		return err
	}
	for i, got := range outputs {
		if err := c.players[i+1].compare(got, want); err != nil {
			return err
		}
	}
	return c.playRounds()
}

// compare finds how far outputs are from ONNX Runtime's.
func (p *player) compare(got, want []tensor.Tensor) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d outputs, ONNX Runtime has %d", len(got), len(want))
	}
	for i := range got {
		d, err := engine.Compare(got[i], want[i], engine.Tolerance{})
		if err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
		p.diff.Largest, p.diff.RelativeRMS = max(p.diff.Largest, d.Largest), max(p.diff.RelativeRMS, d.RelativeRMS)
	}
	return nil
}

// playRounds gives every engine a turn a round, until the time is over or the ratios are precise.
func (c *contest) playRounds() error {
	for i := range c.players {
		p := &c.players[i]
		once, err := p.process.turn(1)
		if err != nil {
			return err
		}
		p.runs = int(min(max(turnTime/max(once, 1), 1), mostRuns))
	}
	for start := time.Now(); c.rounds < fewestRounds || time.Since(start) < c.time && !(c.rounds >= preciseRounds && c.precise()); c.rounds++ {
		for i := range c.players {
			p := &c.players[i]
			median, err := p.process.turn(p.runs)
			if err != nil {
				return err
			}
			p.medians = append(p.medians, median)
		}
	}
	return nil
}

// precise reports whether all ratios to ONNX Runtime are known well enough.
func (c *contest) precise() bool {
	for i := 1; i < len(c.players); i++ {
		r := c.ratio(0, i).Rounds
		if max(r.High-r.Value, r.Value-r.Low) > preciseShare*r.Value {
			return false
		}
	}
	return true
}

// ratio is player a's time over b's. A round's medians are a pair.
func (c *contest) ratio(a, b int) bench.Ratio {
	return bench.Comparison{Samples: []bench.Sample{
		bench.NewSample(c.players[a].medians, nil, 0.95), bench.NewSample(c.players[b].medians, nil, 0.95)}}.Ratio(0, 1)
}

func (c *contest) outcomes() []outcome {
	median := func(p *player) float64 {
		return milliseconds(bench.NewSample(p.medians, nil, 0.95).Quantile(0.5).Value)
	}
	var all []outcome
	for i := 1; i < len(c.players); i++ {
		p := &c.players[i]
		o := outcome{Precision: p.precision, PeerMs: median(&c.players[0]), Ms: median(p), Peer: c.ratio(0, i).Rounds, Own: c.ratio(1, i).Rounds,
			Largest: p.diff.Largest, RelativeRMS: p.diff.RelativeRMS, greeting: p.hello}
		o.GFLOPS = o.FLOPs / o.Ms / 1e6
		all = append(all, o)
	}
	return all
}

func (c *contest) end() {
	for _, p := range c.players {
		p.process.end()
	}
}

// cells are the outcome's line in the table.
func (o *outcome) cells() []string {
	return []string{o.Name, o.Class, fmt.Sprint(o.Threads), o.Precision, report.Milliseconds(o.PeerMs), report.Milliseconds(o.Ms), fmt.Sprintf("%.3f", o.Peer.Value), fmt.Sprintf("%.3f-%.3f", o.Peer.Low, o.Peer.High),
		fmt.Sprintf("%.1f", o.GFLOPS), fmt.Sprintf("%.0f%%", 100*o.PeakShare), fmt.Sprintf("%.2g", o.Largest), fmt.Sprintf("%.2g", o.RelativeRMS),
		fmt.Sprintf("%.0f", o.CompileMs), fmt.Sprintf("%.0f", o.PeakBytes/1e6)}
}

func (c *championship) document(m *peerManifest, absent []string) report.Document {
	t := report.Table{Columns: report.Columns("MODEL", "CLASS", ">THREADS", "PRECISION", ">ONNX RUNTIME MS", ">EIPLAN MS", ">RATIO", ">95% INTERVAL", ">GFLOPS", ">OF PEAK",
		">LARGEST DIFFERENCE", ">REL. RMS", ">COMPILE MS", ">PEAK MB")}
	for _, o := range c.outcomes {
		t.Rows = append(t.Rows, o.cells())
	}
	targets := report.Table{Title: "Targets", Columns: report.Columns("WHAT", "WANTED", "GOT", "")}
	for _, v := range m.judge(c.outcomes, bfloat16(c.info.Features)) {
		met := "met"
		if !v.met {
			met = "MISSED"
		}
		targets.Rows = append(targets.Rows, []string{v.what, v.wanted, v.got, met})
	}
	d := report.Document{Lead: []string{fmt.Sprintf("ONNX Runtime %s in FP32 against this engine on %s, %s. A ratio is ONNX Runtime's time over the engine's: above 1 the engine is faster.", c.peer, c.info.Model, c.info.ISA)},
		Tables: []report.Table{t, targets}}
	if c.settings.busy > 0 {
		d.Lead = append(d.Lead, fmt.Sprintf("BUSY: %d processes competed for the processors, which the peaks below do not show.", c.settings.busy))
	}
	for _, threads := range c.settings.threads {
		p := c.peaks[threads]
		d.Lead = append(d.Lead, fmt.Sprintf("Peaks measured on %d threads: %.0f GFLOPS FP32, %.0f mixed (%s), %.1f GB/s.", threads, p.FP32GFLOPS, p.MixedGFLOPS, p.MixedKind, p.BandwidthGBs))
	}
	for _, e := range m.Excluded {
		d.Tail = append(d.Tail, fmt.Sprintf("Left out: %s: %s.", e.Name, e.Reason))
	}
	if len(absent) > 0 {
		d.Tail = append(d.Tail, fmt.Sprintf("SKIPPED %d models that are not in the folder that EIPLAN_SHARED names: %s.", len(absent), strings.Join(absent, ", ")))
	}
	return d
}

// save keeps the FP32 ratios as data of the latency model.
func (c *championship) save(file string) error {
	p := latency.Peers{AsOf: time.Now().UTC().Format(time.DateOnly), Peer: "onnxruntime " + c.peer, CPU: c.info.Model, ISA: string(c.info.ISA),
		Source: "make bench-peers: the ratio of medians, paired and interleaved"}
	if commit, err := exec.Command("git", "rev-parse", "HEAD").Output(); err == nil {
		p.Commit = string(bytes.TrimSpace(commit))
	}
	for _, o := range c.outcomes {
		if o.Precision == "fp32" && !math.IsInf(o.Peer.High, 1) {
			p.Rows = append(p.Rows, latency.PeerRow{Model: o.Name, SHA256: o.SHA256, Class: o.Class, Threads: o.Threads, Ratio: o.Peer.Value, Low: o.Peer.Low, High: o.Peer.High})
		}
	}
	b, err := p.Write()
	if err != nil {
		return err
	}
	return writeFile(file, b)
}
