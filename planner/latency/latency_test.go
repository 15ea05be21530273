package latency

import (
	"math"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

func TestQuantiles(t *testing.T) {
	e := Evidence{Value: 60, Low: 40, High: 84}
	for p, want := range map[float64]float64{0.1: 40, 0.5: 60, 0.9: 84} {
		if got := e.Quantile(p); !near(got, want) {
			t.Errorf("quantile %g: %g, want %g", p, got, want)
		}
	}
	if e.Quantile(0.95) <= 84 || e.Quantile(0.75) >= 84 || e.Quantile(0.75) <= 60 {
		t.Error("quantiles are not in order")
	}
	if got := (Bounds{0.5, 2}).And(exact); !near(got.Low, 0.5) || !near(got.High, 2) {
		t.Errorf("no doubt added to a doubt: %+v", got)
	}
	if got := (Bounds{0.5, 2}).And(Bounds{0.5, 2}); !near(got.High, math.Pow(2, math.Sqrt2)) {
		t.Errorf("two equal doubts: %+v", got)
	}
}

func TestTail(t *testing.T) {
	tail := Tail{P99: 1.2, High: 1.5}
	if f, _ := tail.At(50); f != 1 {
		t.Errorf("the median lies %g over the centre", f)
	}
	f, doubt := tail.At(99)
	if !near(f, 1.2) || !near(doubt.High, 1.5/1.2) || doubt.Low < 1/1.2-1e-12 {
		t.Errorf("p99: %g %+v", f, doubt)
	}
	if p95, _ := tail.At(95); p95 <= 1 || p95 >= 1.2 {
		t.Errorf("p95: %g", p95)
	}
}

// product is a workload of one matrix product, m×n×k.
func product(m, n, k int) *engine.Workload {
	flops := 2 * float64(m) * float64(n) * float64(k)
	return &engine.Workload{Unfused: 1, FLOPs: flops, Weights: float64(n * k), InBytes: 4 * float64(m*k), OutBytes: 4 * float64(m*n), Steps: []engine.Work{{
		Name: "fc", Op: "Gemm",
		Cost: engine.Cost{Kind: engine.GEMM, FLOPs: flops, Weights: float64(n * k), Reads: float64(m * k), Writes: float64(m * n), M: m, N: n, K: k, Groups: 1},
	}}}
}

func device(t *testing.T, key string) *hardware.Device {
	d, ok := hardware.Default().Device(key, 0)
	if !ok {
		t.Fatalf("no device %s", key)
	}
	return d
}

// TestRoofline checks one step against the formula worked by hand.
func TestRoofline(t *testing.T) {
	p := &Predictor{Coefficients: Default(), FP32: product(4096, 4096, 4096), Batch: 1}
	target := OnDevice(device(t, "V100"), TensorRT, hardware.FP16, 1, 0)
	got, err := p.Predict(&target, engine.FP32)
	if err != nil {
		t.Fatal(err)
	}
	of := func(key string) float64 { return p.Coefficients.must("tensorrt", key) }
	tiles := 64.0 * 64 / 80
	compute := 2 * 4096 * 4096 * 4096 / 1e9 / (125 * of("e_dense[fp16]") * of("d[V100,fp16]") * tiles / (tiles + of("kappa[tc]")))
	memory := 2 * 4096 * 4096 * (1/of("e_wread") + 2/of("e_act[tc]")) / 1e6 / 900
	want := math.Pow(math.Pow(compute, 4)+math.Pow(memory, 4), 0.25)
	if math.Abs(got.ComputeMs/want-1) > 1e-6 {
		t.Errorf("compute %g ms, by hand %g", got.ComputeMs, want)
	}
	transfer := 8 * 4096 * 4096 / 1e6 / (16 * 0.985)
	if want := 0.005 + 0.05 + transfer; math.Abs(got.OverheadMs/want-1) > 1e-6 {
		t.Errorf("overhead %g ms, by hand %g", got.OverheadMs, want)
	}
	if !near(got.Value, got.ComputeMs+got.OverheadMs+got.NetworkMs) || got.Low >= got.Value || got.High <= got.Value {
		t.Errorf("parts do not make the whole: %+v", got)
	}
}

// TestOccupancy: few tiles leave multiprocessors idle, and the smooth roof lies above both of its sides.
func TestOccupancy(t *testing.T) {
	p := &Predictor{Coefficients: Default(), FP32: product(64, 64, 65536), Batch: 1}
	small := OnDevice(device(t, "A100"), TensorRT, hardware.FP16, 1, 0)
	got, err := p.Predict(&small, engine.FP32)
	if err != nil {
		t.Fatal(err)
	}
	if ideal := p.FP32.FLOPs / 1e9 / 312; got.Split.ComputeMs < 50*ideal {
		t.Errorf("one tile on 108 multiprocessors took %g ms, ideally %g", got.Split.ComputeMs, ideal)
	}
	if got.ComputeMs < max(got.Split.ComputeMs, got.Split.MemoryMs) {
		t.Errorf("the roof %g lies under %+v", got.ComputeMs, got.Split)
	}
}

// TestAnchor: the machine that was measured predicts itself, and twice the cores are faster, but not twice as fast.
func TestAnchor(t *testing.T) {
	table := hardware.Default()
	cpu, _ := table.Processor("cascade-lake")
	host := OnHost(cpu, "avx512", hardware.FP32, 4, cpu.DenseGFLOPS(hardware.FP32, 4, 3.4), cpu.BandwidthGBs(4))
	p := &Predictor{Coefficients: Default(), FP32: product(512, 4096, 4096), Batch: 1, Local: &Local{FP32: Measured{Host: host, Ms: 100}}}
	at := func(cores int) Prediction {
		target := OnProcessor(cpu, EIPlan, hardware.FP32, cores, 3.4, 0)
		got, err := p.Predict(&target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	self := at(4)
	if math.Abs(self.Value-100) > 1e-6 || self.Basis != "anchored" || self.AnchorMs != 100 {
		t.Errorf("the measured machine predicts itself at %g ms, %s", self.Value, self.Basis)
	}
	if twice := at(8); twice.Value >= 100 || twice.Value < 45 {
		t.Errorf("twice the cores take %g ms", twice.Value)
	}
	last := math.Inf(1)
	for cores := 1; cores <= 192; cores++ {
		v := at(cores).Value
		if v > last*1.0001 {
			t.Fatalf("%d cores take %g ms, one less %g", cores, v, last)
		}
		last = v
	}
	other, _ := table.Processor("zen4")
	target := OnProcessor(other, EIPlan, hardware.FP32, 4, 3.7, 0)
	far, err := p.Predict(&target, engine.FP32)
	if err != nil {
		t.Fatal(err)
	}
	if far.High/far.Value <= self.High/self.Value {
		t.Error("another microarchitecture is no more doubtful than the measured one")
	}
	fitted, _ := table.Processor("ice-lake-sp")
	target = OnProcessor(fitted, EIPlan, hardware.FP32, 4, 3.5, 0)
	if known, err := p.Predict(&target, engine.FP32); err != nil || far.High/far.Value <= known.High/known.Value {
		t.Errorf("a microarchitecture without a measurement is no more doubtful than one with: %v", err)
	}
	local := *p.Local
	local.FP32.LowMs, local.FP32.HighMs = 70, 150
	p = &Predictor{Coefficients: p.Coefficients, FP32: p.FP32, Batch: p.Batch, Local: &local}
	if loose := at(4); loose.High/loose.Value <= self.High/self.Value || loose.Low/loose.Value >= self.Low/self.Value {
		t.Error("a median within 70 to 150 ms is no more doubtful than an exact one")
	}
}

// TestDoubts: devices without data, and models with unknown work, are more doubtful.
func TestDoubts(t *testing.T) {
	coefficients := Default()
	width := func(key string, w *engine.Workload) float64 {
		p := &Predictor{Coefficients: coefficients, FP32: w, Batch: 1}
		target := OnDevice(device(t, key), TensorRT, hardware.FP16, 1, 0)
		got, err := p.Predict(&target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		return got.High / got.Low
	}
	known := width("T4", product(512, 512, 512))
	for _, key := range []string{"L4", "H100", "A10G"} {
		if width(key, product(512, 512, 512)) <= known {
			t.Errorf("%s is no more doubtful than T4", key)
		}
	}
	if width("T4g", product(512, 512, 512)) <= known {
		t.Error("T4g, taken for a T4, is no more doubtful than it")
	}
	grouped := product(512, 512, 512)
	grouped.Steps[0].Kind, grouped.Steps[0].Window = engine.DepthwiseConv, [2]int{3, 3}
	if width("T4", grouped) <= known {
		t.Error("depthwise convolutions are no more doubtful than a product")
	}
	unknown := product(512, 512, 512)
	unknown.Unknown = []string{"NonMaxSuppression"}
	if width("T4", unknown) <= known {
		t.Error("uncounted work does not widen the interval")
	}
}

// TestNetwork: the host's bandwidth bounds the way to the accelerator, up to what the service carries.
func TestNetwork(t *testing.T) {
	w := product(64, 64, 64)
	w.InBytes, w.OutBytes = 6.2e6, 0
	p := &Predictor{Coefficients: Default(), FP32: w, Batch: 1}
	for gbps, want := range map[float64]float64{0.75: 10 + 6.2e6*8/0.75e6, 1.25: 10 + 6.2e6*8/1.25e6, 5: 10 + 6.2e6*8/2e6} {
		target := OnAccelerator(device(t, "eia2.medium"), EI, hardware.FP32, gbps)
		got, err := p.Predict(&target, engine.FP32)
		if err != nil || math.Abs(got.NetworkMs-want) > 1e-9 {
			t.Errorf("%g Gbit/s: %g ms, %v; want %g", gbps, got.NetworkMs, err, want)
		}
	}
	target := OnAccelerator(device(t, "eia2.medium"), EI, hardware.FP32, 0)
	if _, err := p.Predict(&target, engine.FP32); err == nil {
		t.Error("a host of unknown bandwidth was predicted")
	}
}

func TestRefusals(t *testing.T) {
	p := &Predictor{Coefficients: Default(), FP32: product(64, 64, 64), Batch: 1}
	cpu, _ := hardware.Default().Processor("zen3")
	target := OnProcessor(cpu, TensorRT, hardware.FP32, 4, 3.6, 0)
	if _, err := p.Predict(&target, engine.FP32); err == nil || !strings.Contains(err.Error(), "does not run on") {
		t.Errorf("TensorRT on a CPU: %v", err)
	}
	p.Scaling = TFLOPS
	target.Runtime = ONNXRuntime
	if _, err := p.Predict(&target, engine.FP32); err == nil || !strings.Contains(err.Error(), "needs a measurement") {
		t.Errorf("nothing measured to scale: %v", err)
	}
	for _, bad := range []string{"onnx", "TensorRT"} {
		if _, err := ParseRuntime(bad); err == nil {
			t.Errorf("runtime %q was read", bad)
		}
	}
	if s, err := ParseScaling(""); err != nil || s != Roofline {
		t.Errorf("the default scaling: %q, %v", s, err)
	}
	if _, err := Read([]byte(`{"colour": "red"}`), nil, nil); err == nil {
		t.Error("an unknown field was read")
	}
}

// TestEveryRuntimeRunsSomewhere: names, stacks, classes, tails, intervals and defaults belong together.
func TestEveryRuntimeRunsSomewhere(t *testing.T) {
	c := Default()
	for _, r := range Runtimes() {
		found := false
		for _, s := range c.Runtimes {
			if s.Runtime == r {
				found = true
				c.Tail(s.Class)
				c.interval(s.Class, 1, false, false)
			}
		}
		if !found {
			t.Errorf("%s has no stack", r)
		}
	}
	for _, kind := range []hardware.Kind{hardware.CPU, hardware.GPU, hardware.Neuron, hardware.EI} {
		r := c.DefaultRuntime(kind, "")
		if _, ok := c.Stack(r, kind, ""); !ok {
			t.Errorf("the default runtime of a %s, %q, does not run there", kind, r)
		}
		c.achieved(&Target{Kind: kind})
	}
}

// TestSources: no figure without its reason.
func TestSources(t *testing.T) {
	c := Default()
	sources := map[string]string{
		"coefficients": c.Source, "anchored": c.Anchored.Source, "cpu cores": c.CPU.CoresSource, "cpu processors": c.CPU.ProcessorsSource,
		"CoreMark": c.CPU.CoreMarkSource, "over peer": c.CPU.OverPeerSource, "peers": c.Peers.Source, "hop": c.EI.Source, "queue": c.Queue.Source,
		"achieved": c.AchievedBy, "tflops": c.TFLOPS.Source, "memory": c.Memory.Source, "host memory": c.Memory.HostSource, "date": c.AsOf,
	}
	for _, s := range c.Runtimes {
		sources["runtime "+string(s.Runtime)+" "+s.Device] = s.Source
	}
	for _, i := range c.Intervals {
		sources["interval "+i.Class] = i.Source
		if !(i.Low < 1 && i.High > 1) {
			t.Errorf("interval of %s: %g to %g leaves the centre out", i.Class, i.Low, i.High)
		}
	}
	for _, d := range c.Doubts {
		sources["doubt "+d.Code] = d.Source
		if !(d.Low <= 1 && d.High >= 1) {
			t.Errorf("doubt %s: %g to %g narrows", d.Code, d.Low, d.High)
		}
	}
	for _, tail := range c.Tails {
		sources["tail "+tail.Class] = tail.Source
	}
	for what, source := range sources {
		if source == "" {
			t.Errorf("%s: no source", what)
		}
	}
}
