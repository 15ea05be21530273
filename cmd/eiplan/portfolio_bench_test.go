package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/models/zoo"
	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// BenchmarkPlanPortfolio plans a Portfolio of 200 measured models over three regions and renders it in each format, as the command does.
func BenchmarkPlanPortfolio(b *testing.B) {
	const models = 200
	file := measuredPortfolio(b, b.TempDir(), models)
	for _, format := range report.Formats() {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				var out, errs bytes.Buffer
				if code := run(context.Background(), []string{"plan", file, "-o", format}, &out, &errs); code != exitFeasible {
					b.Fatalf("exit %d: %s%s", code, &errs, out.String()[:min(out.Len(), 2000)])
				}
				b.ReportMetric(float64(out.Len())/1e6, "MB")
			}
		})
	}
}

// measuredPortfolio writes a Portfolio of so many models of the zoo, each with a file of its own work and of a made-up measurement: 100 GFLOPS in FP32.
func measuredPortfolio(b testing.TB, dir string, models int) string {
	b.Helper()
	list := bytes.NewBufferString("apiVersion: eiplan/v1\nkind: Portfolio\nspec:\n  defaults: {regions: [us-east-1, eu-west-1, ap-northeast-1]}\n  models:\n")
	entries := zoo.List()
	for i := range models {
		m, err := zoo.Outline(entries[i*len(entries)/models].Name)
		if err != nil {
			b.Fatal(err)
		}
		w, err := engine.Count(m, engine.Options{Dims: map[string]int{"batch": 1}})
		if err != nil {
			b.Fatal(err)
		}
		ms := w.FLOPs / 100e6
		r := benchReport{Spec: benchSpec{Model: sizing.Model{Path: m.Path, Name: fmt.Sprint("model", i), Sha256: m.SHA256, Format: "onnx", Flops: w.FLOPs, Dims: map[string]int{"batch": 1}}}}
		r.Status.Host = planner.Host{CPU: "Intel Xeon Platinum 8488C", ISA: "amx", Cores: 2, PeakGflopsFp32: 330, PeakGflopsMixed: 660, BandwidthGBs: 20}
		r.Status.Workload = w
		for _, precision := range []string{"fp32", "mixed"} {
			r.Status.Runs = append(r.Status.Runs, benchRun{Run: planner.Run{Precision: precision, Threads: 2, Samples: 100, P50Ms: ms, P90Ms: ms, MeanMs: ms, CILowMs: ms, CIHighMs: ms}, Record: bench.Record{Samples: 100}})
		}
		var out bytes.Buffer
		env := report.Envelope{APIVersion: report.APIVersion, Kind: "Benchmark", Metadata: report.Metadata{GeneratedAt: "2026-02-02T02:40:00Z"}, Spec: r.Spec, Status: r.Status}
		if err := report.Write(&out, "yaml", report.Document{Value: env}); err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("bench%d.yaml", i)
		if err := os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o644); err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(list, "    - {measured: %s, latency: %.0fms, tags: {team: t%d}}\n", name, 50+2*ms, i%7)
	}
	file := filepath.Join(dir, "portfolio.yaml")
	if err := os.WriteFile(file, list.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	return file
}
