package engine

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// BenchmarkSteps says where the time of a model goes: for each operator, kernel and shape, the sums over the steps of their median and of their shortest times. EIPLAN_STEPS
// names the models, files or entries of the zoo, with commas between them.
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
	whole := []time.Duration{}
	each := make([][]time.Duration, len(s.work))
	for range 3 {
		if err := s.Run(in, out); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		start := time.Now()
		last := start
		for k, work := range s.work {
			if err := work(); err != nil {
				b.Fatal(err)
			}
			now := time.Now()
			each[k] = append(each[k], now.Sub(last))
			last = now
		}
		whole = append(whole, last.Sub(start))
	}
	sums, least, counts, flops := map[string]time.Duration{}, map[string]time.Duration{}, map[string]int{}, map[string]float64{}
	for k, st := range p.steps {
		key := fmt.Sprintf("%-22s %-28s %v", ops.Key(st.node.Domain, st.node.Op), st.kernel.Class, st.node.Outputs[0].Shape)
		sums[key] += middle(each[k])
		least[key] += each[k][0] // middle has sorted them
		counts[key]++
		flops[key] += ops.CostOf(st.node).FLOPs
	}
	keys := make([]string, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y string) int { return int(sums[y] - sums[x]) })
	b.ReportMetric(float64(middle(whole))/1e6, "median-ms")
	b.ReportMetric(float64(whole[0])/1e6, "least-ms")
	b.ReportMetric(float64(compiled)/1e6, "compile-ms")
	for _, k := range keys[:min(len(keys), 24)] { // not into the log, of which a benchmark shows ten lines
		fmt.Fprintf(os.Stderr, "%9.3f ms ≥ %9.3f ms %7.1f GFLOPS  %4d × %s\n", float64(sums[k])/1e6, float64(least[k])/1e6, flops[k]/float64(sums[k]), counts[k], k)
	}
}

// middle is the median.
func middle(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
