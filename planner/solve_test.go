package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"reflect"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// resnetLike is the shape of ResNet-50: 8.2 GFLOP in 53 convolutions and a product, 25.6 million weights.
func resnetLike() engine.Workload {
	w := engine.Workload{Unfused: 174, Peak: 1.6e6, InBytes: 4 * 3 * 224 * 224, OutBytes: 4 * 1000}
	for i := range 53 {
		w.Steps = append(w.Steps, engine.Work{Name: "conv", Op: "Conv", Cost: engine.Cost{
			Kind: engine.Conv, FLOPs: 8.2e9 / 53, Weights: 25.5e6 / 54, Reads: 2e5, Writes: 2e5,
			M: 3136 >> (2 * (i / 18)), N: 64 << (i / 18), K: 576, Groups: 1, Window: [2]int{1 + 2*(i%2), 1 + 2*(i%2)}, Stride: 1,
		}})
	}
	w.Steps = append(w.Steps, engine.Work{Name: "fc", Op: "Gemm", Cost: engine.Cost{
		Kind: engine.GEMM, FLOPs: 4.1e6, Weights: 2.05e6, Reads: 2048, Writes: 1000, M: 1, N: 1000, K: 2048, Groups: 1,
	}})
	for _, s := range w.Steps {
		w.FLOPs += s.FLOPs
		w.Weights += s.Weights
	}
	return w
}

// measuredHere is a benchmark of resnetLike on a machine with two cores of Sapphire Rapids.
func measuredHere() *Benchmark {
	return &Benchmark{
		Host: Host{CPU: "Intel Xeon Platinum 8488C", ISA: "amx", Cores: 2, PeakGflopsFp32: 330, PeakGflopsMixed: 660, BandwidthGBs: 20},
		Runs: []Run{
			{Precision: "fp32", Threads: 2, Samples: 200, P50Ms: 41.2, P90Ms: 42, MeanMs: 41.4},
			{Precision: "mixed", Threads: 2, Samples: 200, P50Ms: 22.3, P90Ms: 23, MeanMs: 22.5},
		},
		AsOf: "2026-11-22",
	}
}

func request(budgetMs float64) Request {
	return Request{Workload: resnetLike(), Measured: measuredHere(), Model: latency.Subject{Name: "resnet50"}, Catalog: pricing.Snapshot(), SLA: SLA{TotalMs: budgetMs}}
}

func mustSolve(t testing.TB, r Request) *Plan {
	t.Helper()
	plan, err := Solve(r)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestSolveTwice holds the plan to the request alone.
func TestSolveTwice(t *testing.T) {
	r := request(100)
	r.Explain, r.Baseline = true, "p2.xlarge"
	write := func() (j, y []byte) {
		plan := mustSolve(t, r)
		j, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		if y, err = yaml.Marshal(plan); err != nil {
			t.Fatal(err)
		}
		return j, y
	}
	j1, y1 := write()
	j2, y2 := write()
	if !bytes.Equal(j1, j2) || !bytes.Equal(y1, y2) {
		t.Error("the same request gave two different plans")
	}
	var fromJSON, fromYAML any
	if err := json.Unmarshal(j1, &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(y1, &fromYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromJSON, fromYAML) {
		t.Error("JSON and YAML say different things")
	}
}

// TestTags holds every field of the result to one name in both formats.
func TestTags(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(typ.Elem())
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				if j, y := f.Tag.Get("json"), f.Tag.Get("yaml"); j == "" || j != y {
					t.Errorf("%s.%s: json %q, yaml %q", typ.Name(), f.Name, j, y)
				}
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Plan]())
}

// TestElasticInferenceLifecycle: what is no longer sold answers only a request that lives in its time, or that admits it.
func TestElasticInferenceLifecycle(t *testing.T) {
	uses := func(c Choice) bool {
		if c.Accelerator == nil {
			return false
		}
		ei, _ := path.Match("eia*", *c.Accelerator)
		return ei
	}
	today := request(200)
	today.Top = 5000
	for _, c := range mustSolve(t, today).Plans {
		if uses(c) {
			t.Fatalf("today's plan has %s", choiceName(&c))
		}
	}
	if plan := mustSolve(t, today); plan.BestElasticInference == nil || !uses(*plan.BestElasticInference) || *plan.BestElasticInference.Lifecycle.Accelerator != "retired" {
		t.Errorf("beside today's plan stands %+v, want a retired Elastic Inference", plan.BestElasticInference)
	}
	only := today
	only.Constraints.Accelerators = []string{"eia*"}
	if plan := mustSolve(t, only); plan.Verdict != Infeasible || plan.BestRetired == nil {
		t.Errorf("Elastic Inference alone, today: %s, retired %v", plan.Verdict, plan.BestRetired)
	}
	for reason, edit := range map[string]func(*Request){
		"in its own time":    func(r *Request) { r.AsOf = 20200601 },
		"any lifecycle goes": func(r *Request) { r.Constraints.Lifecycle = AnyTime },
	} {
		r := only
		edit(&r)
		if plan := mustSolve(t, r); plan.Best == nil || !uses(*plan.Best) {
			t.Errorf("%s: %s, best %+v", reason, plan.Verdict, plan.Best)
		}
	}
}

// TestElasticInferenceHosts: the rules of attaching an accelerator.
func TestElasticInferenceHosts(t *testing.T) {
	r := request(1000)
	r.Top, r.Constraints = 20000, Constraints{Lifecycle: AnyTime, Accelerators: []string{"eia*"}, Regions: []string{"us-east-1", "ap-northeast-1", "eu-west-2"}}
	for _, c := range mustSolve(t, r).Plans {
		in, err := r.Catalog.Instance(c.Instance)
		switch {
		case err != nil:
			t.Fatal(err)
		case c.Arch != "amd64" || len(in.Devices) > 0:
			t.Errorf("%s: not a host", choiceName(&c))
		case c.Region == "eu-west-2", c.Region == "ap-northeast-1" && (*c.Accelerator)[:4] != "eia1":
			t.Errorf("%s: was not offered there", choiceName(&c))
		}
	}
}

// TestEveryCandidateIsAccountedFor: a candidate is among the choices or rejected once.
func TestEveryCandidateIsAccountedFor(t *testing.T) {
	r := request(60)
	r.Top, r.Explain = 100_000, true
	plan := mustSolve(t, r)
	feasible := map[string]bool{}
	for _, c := range plan.Plans {
		feasible[fmt.Sprint(c.Region, c.Instance, text(c.Accelerator), c.Precision)] = true
	}
	if len(plan.Plans) != plan.Feasible {
		t.Errorf("%d plans of %d feasible choices", len(plan.Plans), plan.Feasible)
	}
	if plan.Rejected.Total+len(feasible) != plan.Considered {
		t.Errorf("%d rejected and %d feasible of %d candidates", plan.Rejected.Total, len(feasible), plan.Considered)
	}
	if got := plan.Rejected.Total - plan.Rejected.Count[NotAsked]; len(plan.Rejected.Rows) != got {
		t.Errorf("%d rows for %d rejections", len(plan.Rejected.Rows), got)
	}
	for _, row := range plan.Rejected.Rows {
		if row.Text == "" || row.Instance == "" {
			t.Fatalf("a rejection without its reason: %+v", row)
		}
	}
}

// TestRanks: cost orders choices, ranks are places, and alternatives are found whatever the length of the list.
func TestRanks(t *testing.T) {
	r := request(100)
	r.Top = 100_000
	whole := mustSolve(t, r)
	for i, c := range whole.Plans {
		if c.Rank != i+1 || i > 0 && c.Cost.TotalHourlyUsd < whole.Plans[i-1].Cost.TotalHourlyUsd {
			t.Fatalf("rank %d at place %d costs %g", c.Rank, i+1, c.Cost.TotalHourlyUsd)
		}
	}
	r.Top = 3
	short := mustSolve(t, r)
	if !reflect.DeepEqual(short.Alternatives, whole.Alternatives) {
		t.Errorf("alternatives of 3 plans %+v, of all %+v", short.Alternatives, whole.Alternatives)
	}
	for _, rank := range []*int{short.Alternatives.OnDemand, short.Alternatives.GPU, short.Alternatives.Fastest} {
		if rank == nil || !reflect.DeepEqual(short.Ranked(*rank), whole.Ranked(*rank)) {
			t.Errorf("rank %v of the short plan is another choice", rank)
		}
	}
}

// TestRate sizes fleets.
func TestRate(t *testing.T) {
	r := request(100)
	r.Constraints.Instances = []string{"c6i.2xlarge"}
	last := 0
	for _, rate := range []float64{1, 20, 100, 400} {
		r.Rate = rate
		best := mustSolve(t, r).Best
		if best == nil || best.Replicas < last || best.Latency.SlaMs > 100 || *best.Utilisation.CPU >= 1 {
			t.Fatalf("%g/s after %d replicas: %+v", rate, last, best)
		}
		if want := best.Cost.HourlyUsd * float64(best.Replicas) / (3600 * rate) * 1e6; math.Abs(best.Cost.PerMillionUsd/want-1) > 1e-5 {
			t.Errorf("%g/s: a million costs %g, want %g", rate, best.Cost.PerMillionUsd, want)
		}
		last = best.Replicas
	}
	if last < 5 {
		t.Errorf("400 requests per second on %d instances", last)
	}
	r.Rate, r.Constraints.MinInstances = 0, 3
	if best := mustSolve(t, r).Best; best.Replicas != 3 || math.Abs(best.Cost.TotalHourlyUsd-3*best.Cost.HourlyUsd) > 1e-9 {
		t.Errorf("at least three instances: %+v", best)
	}
}

// TestInfeasible names the nearest candidate and what would help.
func TestInfeasible(t *testing.T) {
	r := request(20)
	r.Constraints.Instances = []string{"c6i.large", "c6i.xlarge"}
	plan := mustSolve(t, r)
	if plan.Verdict != Infeasible || plan.Best != nil || len(plan.Plans) != 0 {
		t.Fatalf("verdict %s with %d plans", plan.Verdict, len(plan.Plans))
	}
	n := plan.Rejected.Nearest
	if n == nil || n.Instance != "c6i.xlarge" || n.Shortfall.Reason != TooSlow || math.Abs(n.Latency.SlaMs-20-n.Shortfall.Amount) > 1e-3 {
		t.Fatalf("nearest: %+v", n)
	}
	changes := map[string]*Choice{}
	for _, x := range plan.Rejected.Relaxations {
		changes[x.Change] = x.Choice
	}
	if c := changes["latency"]; c == nil || c.Latency.SlaMs < 20 {
		t.Errorf("a looser budget: %+v", c)
	}
	if c := changes["instance"]; c == nil || c.Latency.SlaMs > 20 {
		t.Errorf("any instance: %+v", c)
	}
}

// TestBaseline compares with what is run today, sold or not.
func TestBaseline(t *testing.T) {
	r := request(100)
	for baseline, accelerator := range map[string]string{"p2.xlarge": "K80", "c5.xlarge+eia2.medium": "eia2.medium", "c5.4xlarge": ""} {
		r.Baseline = baseline
		b := mustSolve(t, r).Baseline
		if b == nil || text(b.Accelerator) != accelerator || b.Purchase.Option != "on-demand" || b.SavingsPercent == nil || *b.SavingsPercent <= 0 {
			t.Errorf("%s: %+v", baseline, b)
		}
	}
}

// TestBadRequests are told by name.
func TestBadRequests(t *testing.T) {
	for reason, edit := range map[string]func(*Request){
		"no workload":                      func(r *Request) { r.Workload = engine.Workload{} },
		"no catalogue":                     func(r *Request) { r.Catalog = nil },
		"no budget":                        func(r *Request) { r.SLA.TotalMs = 0 },
		"reserves larger than the total":   func(r *Request) { r.SLA.Reserved = []Reservation{{"preprocess", 100}} },
		"a negative reserve":               func(r *Request) { r.SLA.Reserved = []Reservation{{"preprocess", -1}} },
		"a percentile of 100":              func(r *Request) { r.SLA.Percentile = 100 },
		"no confidence at all":             func(r *Request) { r.SLA.Confidence = 0.3 },
		"a negative rate":                  func(r *Request) { r.Rate = -1 },
		"a rate that is no number":         func(r *Request) { r.Rate = math.NaN() },
		"an unknown region":                func(r *Request) { r.Constraints.Regions = []string{"us-east-9"} },
		"an unknown type":                  func(r *Request) { r.Constraints.Instances = []string{"c5.nano"} },
		"a pattern without a match":        func(r *Request) { r.Constraints.Instances = []string{"zz*"} },
		"a broken pattern":                 func(r *Request) { r.Constraints.Instances = []string{"["} },
		"an unknown accelerator":           func(r *Request) { r.Constraints.Accelerators = []string{"eia3.medium"} },
		"an unknown architecture":          func(r *Request) { r.Constraints.Arch = []string{"riscv"} },
		"an unknown objective":             func(r *Request) { r.Objective = "weekly" },
		"an unknown lifecycle":             func(r *Request) { r.Constraints.Lifecycle = "past" },
		"more instances than money counts": func(r *Request) { r.Constraints.MinInstances = 2_000_000_000 },
		"a run that took no time":          func(r *Request) { r.Measured.Runs[0].P50Ms = 0 },
		"a run in no known precision":      func(r *Request) { r.Measured.Runs[0].Precision = "int8" },
		"a negative peak":                  func(r *Request) { r.Measured.Host.PeakGflopsFp32 = -1 },
		"an unknown baseline":              func(r *Request) { r.Baseline = "p9.xlarge" },
		"a baseline's unknown accelerator": func(r *Request) { r.Baseline = "c5.xlarge+eia9.medium" },
	} {
		r := request(100)
		edit(&r)
		if plan, err := Solve(r); err == nil {
			t.Errorf("%s: no error, verdict %s", reason, plan.Verdict)
		}
	}
}

// TestHardwareKnowsWhatIsSold: a key that pricing names without a row in the tables would drop out of every plan unnoticed.
func TestHardwareKnowsWhatIsSold(t *testing.T) {
	c := pricing.Snapshot()
	p, err := prepare(request(100), newCommon())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range c.Processors() {
		if _, ok := p.Hardware.Processor(key); !ok {
			t.Errorf("processor %q has no row", key)
		}
	}
	for _, in := range c.Instances() {
		for _, d := range in.Devices {
			if _, ok := p.Hardware.Device(d.Accelerator, 0); !ok && d.Kind != pricing.OtherDevice {
				t.Errorf("%s: device %q has no row", in.Name, d.Accelerator)
			}
		}
	}
	for _, a := range c.Accelerators() {
		if _, ok := p.Hardware.Device(a.Name, 0); !ok {
			t.Errorf("accelerator %q has no row", a.Name)
		}
	}
}

func BenchmarkSolveAllRegions(b *testing.B) {
	r := request(100)
	r.Constraints.Regions = []string{allRegions}
	for b.Loop() {
		if _, err := Solve(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSolveLargeModel is one region for a graph of 4,000 operators.
func BenchmarkSolveLargeModel(b *testing.B) {
	r := request(1000)
	for len(r.Workload.Steps) < 4000 {
		r.Workload.Steps = append(r.Workload.Steps, resnetLike().Steps...)
	}
	for b.Loop() {
		if _, err := Solve(r); err != nil {
			b.Fatal(err)
		}
	}
}
