package zoo_test

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/zoo"
)

// figures are what is known of a model: its work, its parameters and its launches by kind.
type figures struct {
	ref                        string
	gflops, parameters         float64
	launches                   float64
	conv, depthwise, gemm, bmm float64
	norm, pool                 float64
}

func published(t *testing.T) []figures {
	t.Helper()
	f, err := os.Open("testdata/figures.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []figures
	for _, row := range rows[1:] {
		n := make([]float64, len(row))
		for i := 2; i < len(row); i++ {
			if n[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, figures{row[0] + "@" + row[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]})
	}
	return list
}

// TestPublishedFigures counts every model that figures are published of.
func TestPublishedFigures(t *testing.T) {
	for _, want := range published(t) {
		t.Run(want.ref, func(t *testing.T) {
			got := counted(t, want.ref)
			near(t, "GFLOPs", got.gflops, want.gflops, 0.02)
			near(t, "million parameters", got.parameters, want.parameters, 0.02)
			near(t, "convolutions", got.conv, want.conv, 0.1)
			near(t, "depthwise convolutions", got.depthwise, want.depthwise, 0.1)
			near(t, "products with weights", got.gemm, want.gemm, 0.1)
			near(t, "products of activations", got.bmm, want.bmm, 0.1)
			near(t, "normalizations", got.norm, want.norm, 0.1)
			if !strings.HasPrefix(want.ref, "dla") { // the traces count pools whose results nothing reads
				near(t, "pools", got.pool, want.pool, 0.1)
			}
			if excused(want.ref) == "" {
				near(t, "launches", got.launches, want.launches, 0.1)
			}
		})
	}
}

// excused says why the sum of a model's launches is not that of the trace, where each count of products, normalizations and pools is.
func excused(ref string) string {
	for name, reason := range map[string]string{
		"convnext":          "the trace has no transposes, for PyTorch reads with other strides",
		"swin_":             "the trace makes the bias of each block from its table, which is done once when a model is compiled; it copies windows twice",
		"beit_":             "the trace makes the bias of each block from its table, which is done once when a model is compiled",
		"twins_pcpvt_small": "transposes around the shrinking convolutions, which the trace has not",
	} {
		if strings.HasPrefix(ref, name) {
			return reason
		}
	}
	return ""
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%.5g %s, published are %.5g", got, what, want)
	}
}

func counted(t *testing.T, ref string) figures {
	t.Helper()
	m, err := zoo.Outline(ref)
	if err != nil {
		t.Fatal(err)
	}
	w, err := engine.Count(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := figures{ref: ref, gflops: w.FLOPs / 1e9, parameters: float64(m.Parameters()-statistics(m)) / 1e6, launches: float64(len(w.Steps))}
	for _, s := range w.Steps {
		switch s.Kind {
		case engine.Conv, engine.GroupedConv:
			got.conv++
		case engine.DepthwiseConv:
			got.depthwise++
		case engine.GEMM:
			got.gemm++
		case engine.BatchMatMul:
			got.bmm++
		case engine.Normalize:
			if s.Op != "BatchNormalization" { // that by itself is a product and a sum
				got.norm++
			}
		case engine.Pool, engine.Reduction:
			got.pool++
		}
	}
	return got
}

// statistics counts the running means and variances, which are parameters to ONNX but not to those who publish figures.
func statistics(m *models.Model) int {
	n := 0
	for _, node := range m.Graph.Nodes {
		if node.Op == "BatchNormalization" {
			n += 2 * m.Graph.Initializers[node.Inputs[3]].Len()
		}
	}
	return n
}
