package latency

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// published is one measured row with a trace of its model's operators.
type published struct {
	id, class, stack, device, precision string
	batch                               int
	ms                                  float64
	work                                engine.Workload
}

// TestPublishedRows predicts published measurements with the coefficients fitted on them, by their own software stacks (in-sample), prints how far off it is beside the
// plain FLOPs ÷ TFLOPS, and checks it against the study's own predictions.
func TestPublishedRows(t *testing.T) {
	shared := os.Getenv("EIPLAN_SHARED")
	if shared == "" {
		t.Skip("EIPLAN_SHARED is not set: the published measurements are not here, so nothing was validated")
	}
	c := Default()
	study := studyPredictions(t, shared)
	peaks := studyPeaks(t, shared)
	all := map[string]*score{}
	naive := map[string]*score{}
	compared := 0
	for _, row := range publishedRows(t, shared) {
		want, ok := study[row.id]
		if !ok {
			continue
		}
		row.class, row.stack = want.class, want.stack
		if row.class == "cpu" && row.stack == "mxnet12" {
			row.stack = "cpu-mxnet" // the study's last step gives both of MXNet's stacks one name
		}
		target, ok := row.target(c, peaks)
		if !ok {
			continue
		}
		stack, ok := c.ofStudy(row.class, row.stack)
		if !ok {
			continue
		}
		r, _ := c.resolve(&target, &stack)
		got := r.run(&row.work).total
		if rel := math.Abs(got/want.ms - 1); rel > 0.01 {
			t.Errorf("%s %s: %.4f ms, the study's own model says %.4f", row.id, row.stack, got, want.ms)
		}
		compared++
		classes := []string{row.class, "all"}
		if row.batch == 1 {
			classes = append(classes, "batch1")
		}
		for _, class := range classes {
			if all[class] == nil {
				all[class], naive[class] = &score{}, &score{}
			}
			all[class].add(got, row.ms)
			naive[class].add(row.work.FLOPs*1e-9/target.TFLOPS, row.ms)
		}
	}
	if compared < 1000 {
		t.Fatalf("only %d rows could be predicted", compared)
	}
	for _, class := range []string{"trt", "graph", "eager", "cpu", "neuron", "batch1", "all"} {
		model, plain := all[class], naive[class]
		t.Logf("in-sample %-7s %5d rows: MAPE %5.1f%% median %5.1f%% factor %.2f   FLOPs/TFLOPS: MAPE %5.1f%% median %5.1f%% factor %.2f",
			class, len(model.errors), model.mape(), model.median(), model.factor(), plain.mape(), plain.median(), plain.factor())
		if model.factor() > plain.factor()/1.5 {
			t.Errorf("%s: factor %.2f is not clearly better than the plain rule's %.2f", class, model.factor(), plain.factor())
		}
	}
}

// TestPublishedRowsLieInside holds the interval that a plan states, p10 to p90 under the default runtime of each device, against what was published on
// it. PaddleClas is left out: its rows are of Paddle's own runtime, half as fast as TensorRT's.
func TestPublishedRowsLieInside(t *testing.T) {
	shared := os.Getenv("EIPLAN_SHARED")
	if shared == "" {
		t.Skip("EIPLAN_SHARED is not set: the published measurements are not here, so nothing was validated")
	}
	keys := map[string]string{"T4": "T4", "V100": "V100", "A100": "A100", "K80": "K80", "M60": "M60", "inf1": "Inferentia", "inf2": "Inferentia2", "trn1": "Trainium"}
	classes := map[Runtime]string{TensorRT: "trt", ONNXRuntime: "graph", Neuron: "neuron"}
	c, study := Default(), studyPredictions(t, shared)
	type tally struct{ rows, above, below int }
	tallies := map[Runtime]*tally{}
	for _, row := range publishedRows(t, shared) {
		published, ok := study[row.id]
		if !ok || keys[row.device] == "" || published.stack == "paddleclas-trt" {
			continue
		}
		d := device(t, keys[row.device])
		format, err := hardware.ParseFormat(row.precision)
		runtime := c.DefaultRuntime(d.Kind, d.FittedAs)
		if err != nil || d.TFLOPS[format] == 0 || classes[runtime] != published.class || format == hardware.INT8 {
			continue
		}
		target := OnDevice(d, runtime, format, 1, 0)
		p := &Predictor{Coefficients: c, FP32: &row.work, Batch: row.batch}
		got, err := p.Predict(&target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		n := tallies[runtime]
		if n == nil {
			n = &tally{}
			tallies[runtime] = n
		}
		n.rows++
		if row.ms > got.High {
			n.above++
		}
		if row.ms < got.Low {
			n.below++
		}
	}
	for runtime := range classes {
		n := tallies[runtime]
		if n == nil || n.rows < 50 {
			t.Fatalf("%s: %+v", runtime, n)
		}
		t.Logf("%-11s %d rows: %d below p10, %d above p90", runtime, n.rows, n.below, n.above)
		if inside := 1 - float64(n.above+n.below)/float64(n.rows); inside < 0.75 {
			t.Errorf("%s: %.0f%% of %d rows lie inside", runtime, 100*inside, n.rows)
		}
	}
}

// score gathers relative errors.
type score struct {
	errors []float64
	logs   float64
}

func (s *score) add(predicted, observed float64) {
	s.errors = append(s.errors, math.Abs(predicted/observed-1))
	s.logs += math.Abs(math.Log(predicted / observed))
}

func (s *score) mape() float64 {
	var sum float64
	for _, e := range s.errors {
		sum += e
	}
	return 100 * sum / float64(len(s.errors))
}

func (s *score) median() float64 {
	sorted := slices.Sorted(slices.Values(s.errors))
	return 100 * sorted[len(sorted)/2]
}

func (s *score) factor() float64 { return math.Exp(s.logs / float64(len(s.errors))) }

// ofStudy is a stack as the study fitted it, by its own name.
func (c *Coefficients) ofStudy(class, name string) (Stack, bool) {
	if _, ok := c.fitted(class, "c_ms["+name+"]"); !ok {
		return Stack{}, false
	}
	of := func(key string) float64 {
		f, _ := c.fitted(class, key+"["+name+"]")
		return f.Value
	}
	return Stack{
		Class: class, LaunchMs: of("c_ms"), GroupedMs: of("cg_ms"), Small: of("small"), StartMs: of("t0_ms"), HostMs: of("h_ms"), Scale: of("s"),
	}, true
}

func (row *published) target(c *Coefficients, peaks map[string]map[string]float64) (Target, bool) {
	peak, ok := peaks[row.device]
	if !ok {
		return Target{}, false
	}
	t := Target{Kind: hardware.GPU, Name: row.device, GBs: peak["bandwidth"], Tiles: peak["tiles"]}
	format, err := hardware.ParseFormat(row.precision)
	if err != nil {
		return Target{}, false
	}
	t.Format, t.TFLOPS = format, peak[row.precision]
	t.Tensor = format != hardware.FP32 && !slices.Contains([]string{"K80", "M60", "P100"}, row.device)
	return t, t.TFLOPS > 0
}

type studied struct {
	class, stack string
	ms           float64
}

func studyPredictions(t *testing.T, shared string) map[string]studied {
	rows := map[string]studied{}
	for _, r := range readCSV(t, filepath.Join(shared, "latency", "cv_predictions_public.csv")) {
		if ms, err := strconv.ParseFloat(r["op_model_insample_ms"], 64); err == nil {
			rows[r["id"]] = studied{r["class"], r["sw"], ms}
		}
	}
	return rows
}

func studyPeaks(t *testing.T, shared string) map[string]map[string]float64 {
	peaks := map[string]map[string]float64{}
	for _, r := range readCSV(t, filepath.Join(shared, "latency", "accelerators.csv")) {
		of := func(name string) float64 {
			v, _ := strconv.ParseFloat(r[name], 64)
			return v
		}
		half := of("fp16_bf16_tflops")
		peaks[r["device"]] = map[string]float64{
			"fp32": of("fp32_tflops"), "tf32": of("tf32_tflops"), "fp16": half, "bf16": half, "int8": of("int8_tops"),
			"bandwidth": of("bandwidth_gb_s"), "tiles": of("sm_or_cores"),
		}
	}
	return peaks
}

func publishedRows(t *testing.T, shared string) []published {
	traces := readTraces(t, filepath.Join(shared, "latency", "study", "profiles.json.gz"))
	var pairs [][2]any
	decode(t, filepath.Join(shared, "latency", "study", "pkeys.json"), &pairs)
	keys := map[string]string{}
	for _, p := range pairs {
		if key, ok := p[1].(string); ok {
			keys[fmt.Sprint(p[0])] = key
		}
	}
	var rows []published
	for _, r := range readCSV(t, filepath.Join(shared, "latency", "public.csv")) {
		batch, _ := strconv.Atoi(r["batch"])
		ms, _ := strconv.ParseFloat(r["latency_ms"], 64)
		tr, ok := traces[keys[r["id"]]]
		if !ok || batch == 0 || ms == 0 {
			continue
		}
		rows = append(rows, published{id: r["id"], device: r["device"], precision: r["precision"], batch: batch, ms: ms, work: tr.workload(batch)})
	}
	return rows
}

// trace is the operators of a model at batch 1.
type trace struct {
	Eager int `json:"n_eager"`
	Ops   []struct {
		Kind                string
		Flops, W, Inn, Out  float64
		K, Cin, Cout, G, Sp int
		Stride, M, N        int
	}
}

func (tr *trace) workload(batch int) engine.Workload {
	kinds := map[string]engine.Kind{
		"conv": engine.Conv, "gconv": engine.GroupedConv, "dwconv": engine.DepthwiseConv, "gemm": engine.GEMM, "bmm": engine.BatchMatMul,
		"norm": engine.Normalize, "softmax": engine.Normalize, "pool": engine.Pool, "elt": engine.Elementwise, "cat": engine.Copy, "copy": engine.Copy,
	}
	w := engine.Workload{Unfused: tr.Eager}
	b := float64(batch)
	for _, o := range tr.Ops {
		c := engine.Cost{
			Kind: kinds[o.Kind], FLOPs: o.Flops * b, Weights: o.W, Reads: o.Inn * b, Writes: o.Out * b,
			M: max(o.Sp, 1) * batch, N: max(o.Cout, 1), Groups: 1, Stride: o.Stride,
		}
		if o.Kind == "gemm" {
			c.M, c.N = o.M*batch, o.N
		}
		if o.G > 1 {
			c.Groups, c.N = o.G, o.Cout/o.G
			c.K = o.Cin / o.G * o.K
		}
		c.Window = [2]int{1, o.K}
		if o.K == 9 {
			c.Window = [2]int{3, 3}
		}
		w.Steps = append(w.Steps, engine.Work{Cost: c})
		w.FLOPs += c.FLOPs
	}
	return w
}

func readTraces(t *testing.T, path string) map[string]*trace {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	traces := map[string]*trace{}
	if err := json.NewDecoder(z).Decode(&traces); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return traces
}

func decode(t *testing.T, path string, v any) {
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func readCSV(t *testing.T, path string) []map[string]string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		r := map[string]string{}
		for i, name := range lines[0] {
			r[name] = line[i]
		}
		rows = append(rows, r)
	}
	return rows
}
