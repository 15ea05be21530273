package engine

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/peak"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// BenchmarkSteps says where the time of a model goes: for each operator, kernel and shape, the sums over the steps of their median and of their shortest times, and their
// share of what the processor multiplies at best, which is measured between the steps, as its clock is not steady. EIPLAN_STEPS names the models, files or
// entries of the zoo, with commas between them.
func BenchmarkSteps(b *testing.B) {
	if os.Getenv("EIPLAN_STEPS") == "" {
		b.Skip("SKIPPED: EIPLAN_STEPS names no models")
	}
	for _, name := range strings.Split(os.Getenv("EIPLAN_STEPS"), ",") {
		for _, threads := range []int{1, 2} {
			for _, precision := range []Precision{FP32, Mixed} {
				b.Run(fmt.Sprintf("%s/%v/%d", strings.ReplaceAll(name, "/", "_"), precision, threads), func(b *testing.B) { benchmarkSteps(b, name, precision, threads) })
			}
		}
	}
}

func benchmarkSteps(b *testing.B, name string, precision Precision, threads int) {
	open := zoo.Build
	if strings.HasSuffix(name, ".onnx") {
		open = models.Load
	}
	m, err := open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	features, err := cpu.FromEnv()
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	p, err := Compile(m, Options{Features: features, Threads: threads, Precision: precision})
	if err != nil {
		b.Fatal(err)
	}
	compiled := time.Since(begin)
	s := p.NewSession()
	defer s.Close()
	in, out := p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs))
	gauge := peak.Fastest(features, peak.FP32).Gauge(s.team)
	whole, shares, all := []time.Duration{}, make([][]float64, len(s.work)), []float64{}
	each, cost := make([][]time.Duration, len(s.work)), make([]float64, len(s.work))
	for k, st := range p.steps {
		cost[k] = ops.CostOf(st.node).FLOPs
	}
	for range 3 {
		if err := s.Run(in, out); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		sum, could, flops, before := time.Duration(0), 0.0, 0.0, gauge()
		for k, work := range s.work {
			start := time.Now()
			if err := work(); err != nil {
				b.Fatal(err)
			}
			took, after := time.Since(start), gauge()
			most := float64(took) * (before + after) / 2
			each[k], shares[k] = append(each[k], took), append(shares[k], cost[k]/most)
			sum, flops, could, before = sum+took, flops+cost[k], could+most, after
		}
		whole, all = append(whole, sum), append(all, flops/could)
	}
	sums, least, could, counts, flops := map[string]time.Duration{}, map[string]time.Duration{}, map[string]float64{}, map[string]int{}, map[string]float64{}
	for k, st := range p.steps {
		key := fmt.Sprintf("%-22s %-28s %v", ops.Key(st.node.Domain, st.node.Op), st.kernel.Class, st.node.Outputs[0].Shape)
		if product := st.node.Inputs; len(product) > 1 && product[1] != nil && product[1].Const != nil {
			key += fmt.Sprintf(" of %v", product[1].Shape)
		}
		sums[key] += middle(each[k])
		least[key] += each[k][0] // middle has sorted them
		could[key] += cost[k] / max(middle(shares[k]), math.SmallestNonzeroFloat32)
		counts[key]++
		flops[key] += cost[k]
	}
	keys := make([]string, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y string) int { return int(sums[y] - sums[x]) })
	b.ReportMetric(float64(middle(whole))/1e6, "median-ms")
	b.ReportMetric(float64(whole[0])/1e6, "least-ms")
	b.ReportMetric(100*middle(all), "%-of-peak")
	b.ReportMetric(100*all[len(all)-1], "%-at-best")
	b.ReportMetric(float64(compiled)/1e6, "compile-ms")
	for _, k := range keys[:min(len(keys), 32)] { // not into the log, of which a benchmark shows ten lines
		fmt.Fprintf(os.Stderr, "%9.3f ms ≥ %9.3f ms %7.1f GFLOPS %5.1f%%  %4d × %s\n", float64(sums[k])/1e6, float64(least[k])/1e6, flops[k]/float64(sums[k]), 100*flops[k]/max(could[k], 1), counts[k], k)
	}
}

// middle is the median of a list, which it sorts.
func middle[T cmp.Ordered](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}
