package zoo_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models/zoo"
)

// TestTraces compares each product and convolution with those that a trace of the reference definition holds: as many of each kind and size.
func TestTraces(t *testing.T) {
	dir := os.Getenv("EIPLAN_SHARED")
	if dir == "" {
		t.Skip("SKIPPED: EIPLAN_SHARED names no folder of collected figures")
	}
	f, err := os.Open(filepath.Join(dir, "latency", "study", "profiles.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var traces map[string]struct {
		Ops []struct {
			Kind    string  `json:"kind"`
			FLOPs   float64 `json:"flops"`
			M, N, K int
		} `json:"ops"`
		Input []int `json:"input"`
	}
	if err := json.NewDecoder(z).Decode(&traces); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(traces)) {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "twins") {
				t.Skip("where nothing is reduced, queries are one product with keys and values; the trace has two")
			}
			want := map[string]int{}
			for _, op := range traces[name].Ops {
				switch op.Kind {
				case "conv", "gconv", "dwconv", "bmm", "gemm":
					want[product(op.Kind, op.FLOPs)]++
				}
			}
			ref := name
			if in := traces[name].Input; len(in) == 4 {
				ref += fmt.Sprintf("@%dx%d", in[2], in[3])
			}
			m, err := zoo.Outline(ref)
			if err != nil {
				t.Fatal(err)
			}
			w, err := engine.Count(m, engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[engine.Kind]string{engine.Conv: "conv", engine.GroupedConv: "gconv", engine.DepthwiseConv: "dwconv", engine.BatchMatMul: "bmm", engine.GEMM: "gemm"}
			got := map[string]int{}
			for _, s := range w.Steps {
				if kind, ok := kinds[s.Kind]; ok {
					got[product(kind, s.FLOPs)]++
				}
			}
			for _, p := range slices.Sorted(maps.Keys(want)) {
				if got[p] != want[p] {
					t.Errorf("%d of %s, the trace has %d", got[p], p, want[p])
				}
			}
			for _, p := range slices.Sorted(maps.Keys(got)) {
				if want[p] == 0 {
					t.Errorf("%d of %s, the trace has none", got[p], p)
				}
			}
		})
	}
}

func product(kind string, flops float64) string {
	return fmt.Sprintf("%s of %.6g MFLOP", kind, flops/1e6)
}
