package planner

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models/zoo"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// summer2019 is us-west-2 with m5 at its prices of then and Elastic Inference at those of the table below.
func summer2019(t *testing.T) *pricing.Catalog {
	t.Helper()
	nano := map[string]int64{
		"m5.large": 96e6, "m5.xlarge": 192e6, "m5.2xlarge": 384e6, "m5.4xlarge": 768e6,
		"eia1.medium": 130e6, "eia1.large": 260e6, "eia1.xlarge": 520e6,
	}
	tables := pricing.Tables{Source: "test"}
	real := pricing.Snapshot()
	for _, in := range real.Instances() {
		if nano[in.Name] > 0 {
			tables.Instances = append(tables.Instances, in)
		}
	}
	for _, a := range real.Accelerators() {
		if nano[a.Name] > 0 {
			tables.Accelerators = append(tables.Accelerators, a)
		}
	}
	for name, price := range nano {
		tables.Offered = append(tables.Offered, pricing.Offering{Region: "us-west-2", Subject: name, From: 20181128, Source: "test"})
		tables.Prices = append(tables.Prices, pricing.Price{
			Region: "us-west-2", Subject: name, Purchase: pricing.Purchase{Option: pricing.OnDemand}, Recurring: pricing.USDPerHour(price),
			Provenance: pricing.Provenance{Source: "test", AsOf: 20190701, Quality: pricing.Observed},
		})
	}
	c, err := pricing.New(tables)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fasterRCNN are the latencies of Faster R-CNN with ResNet-50 on a frame of 1080×1920, in milliseconds, on eia1.medium, large and xlarge: AWS Machine Learning
// Blog, "Optimizing costs in Amazon Elastic Inference with TensorFlow", July 2019.
var fasterRCNN = map[string][3]float64{
	"m5.large": {353.53, 222.78, 140.96}, "m5.xlarge": {357.70, 224.81, 150.29}, "m5.2xlarge": {350.38, 229.65, 142.55}, "m5.4xlarge": {355.53, 222.53, 149.17},
}

// TestPublishedElasticInference: planned from the measurements of a published table, the answers are those that its authors came to.
func TestPublishedElasticInference(t *testing.T) {
	var rows []latency.Measurement
	for host, ms := range fasterRCNN {
		for i, size := range []string{"medium", "large", "xlarge"} {
			rows = append(rows, latency.Measurement{Device: host + "+eia1." + size, Model: "faster_rcnn", Precision: "fp32", Batch: 1, Ms: ms[i]})
		}
	}
	heavy := fasterRCNNWork(t)
	for _, c := range []struct {
		budgetMs  float64
		objective Objective
		want      string
	}{
		{100, Hourly, ""},
		{150, Hourly, "m5.large+eia1.xlarge"},
		{250, Hourly, "m5.large+eia1.large"},
		{400, Hourly, "m5.large+eia1.medium"},
		{400, PerMillion, "m5.large+eia1.large"},
	} {
		t.Run(fmt.Sprintf("%g ms %s", c.budgetMs, c.objective), func(t *testing.T) {
			plan := mustSolve(t, Request{
				Workload: heavy, Model: latency.Subject{Name: "faster_rcnn"}, Catalog: summer2019(t), AsOf: 20190701,
				SLA: SLA{TotalMs: c.budgetMs, Confidence: 0.5}, Objective: c.objective, Calibration: latency.Calibrate("2019-07-01", rows),
				Constraints: Constraints{Regions: []string{"us-west-2"}, Instances: []string{"m5.*"}},
			})
			if plan.Best == nil {
				if c.want != "" {
					t.Fatalf("infeasible, want %s", c.want)
				}
				return
			}
			got := plan.Best.Instance + "+" + text(plan.Best.Accelerator)
			if c.want == "" {
				t.Fatalf("%s is feasible", got)
			}
			if got != c.want || plan.Best.Latency.Basis != "measured" {
				t.Errorf("%s, %s; want %s, measured", got, plan.Best.Latency.Basis, c.want)
			}
		})
	}
}

// fasterRCNNWork is the work of the table's model.
func fasterRCNNWork(t *testing.T) engine.Workload {
	t.Helper()
	model, err := zoo.Outline("faster_rcnn_resnet50@1080x1920")
	if err != nil {
		t.Fatal(err)
	}
	w, err := engine.Count(model, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestElasticInferenceAlone holds what is predicted of the table, without a measurement of anything, against it. The prediction gives the host's bandwidth a part
// that the table does not show.
func TestElasticInferenceAlone(t *testing.T) {
	w := fasterRCNNWork(t)
	var total float64
	for _, host := range slices.Sorted(maps.Keys(fasterRCNN)) {
		for i, size := range []string{"medium", "large", "xlarge"} {
			m := latency.Measurement{Device: host + "+eia1." + size, Precision: "fp32", Batch: 1, Ms: fasterRCNN[host][i]}
			if err := Expect(pricing.Snapshot(), &w, &m); err != nil {
				t.Fatal(err)
			}
			off := m.PredictedMs/m.Ms - 1
			total += math.Abs(off)
			t.Logf("%-22s %4.0f ms measured, %4.0f predicted: %+.0f%%", m.Device, m.Ms, m.PredictedMs, 100*off)
			if math.Abs(off) > 0.3 || host == "m5.large" && math.Abs(off) > 0.1 {
				t.Errorf("%s: predicted %.0f ms, measured %.0f", m.Device, m.PredictedMs, m.Ms)
			}
		}
	}
	if mape := 100 * total / 12; mape > 14 {
		t.Errorf("a mean error of %.1f%%", mape)
	} else {
		t.Logf("a mean error of %.1f%%", mape)
	}
}

// TestMeasuredPrecision: what was measured on a machine stands for it; another number format of it is predicted where it is asked for.
func TestMeasuredPrecision(t *testing.T) {
	r := request(10_000)
	r.Calibration = latency.Calibrate("2026-11-01", []latency.Measurement{{Device: "g4dn.xlarge", Model: "resnet50", Precision: "fp32", Batch: 1, Ms: 9}})
	r.Constraints.Instances, r.Constraints.Accelerators, r.Top = []string{"g4dn.xlarge", "g4dn.2xlarge"}, []string{"T4"}, 1000
	precisions := func() string {
		seen := map[string]bool{}
		for _, c := range mustSolve(t, r).Plans {
			seen[c.Instance+" "+c.Format+" "+c.Latency.Basis] = true
		}
		return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
	}
	if got, want := precisions(), "g4dn.2xlarge fp16 modelled, g4dn.2xlarge fp32 modelled, g4dn.xlarge fp32 measured"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	r.Constraints.Precisions = []engine.Precision{engine.FP32, engine.Mixed}
	if got := precisions(); !strings.Contains(got, "g4dn.xlarge fp16 modelled, g4dn.xlarge fp32 measured") {
		t.Errorf("both precisions asked for: %s", got)
	}
}

// TestExpect: measurements name their device as users do, and are compared with what would have been predicted there.
func TestExpect(t *testing.T) {
	w := resnetLike()
	for _, c := range []struct{ device, precision, place, fails string }{
		{"g4dn.xlarge", "fp16", "T4 tensorrt fp16", ""},
		{"T4", "fp16", "T4 tensorrt fp16", ""},
		{"c5.xlarge+eia2.medium", "fp32", "eia2.medium ei fp32", ""},
		{"c6i.2xlarge", "fp32", "ice-lake-sp onnxruntime fp32", ""},
		{"eia1.large", "fp16", "eia1.large ei fp16", ""},
		{"c9.xlarge", "fp32", "", "neither an instance type"},
		{"c5.xlarge+eia9.medium", "fp32", "", "eia9.medium"},
		{"T4", "fp12", "", "fp12"},
	} {
		m := latency.Measurement{Device: c.device, Precision: c.precision, Batch: 1, Ms: 10}
		err := Expect(pricing.Snapshot(), &w, &m)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s %s: %v, want an error about %q", c.device, c.precision, err, c.fails)
			}
		case err != nil:
			t.Errorf("%s %s: %v", c.device, c.precision, err)
		case m.Place != c.place || m.PredictedMs <= 0 || m.Spread <= 0:
			t.Errorf("%s %s: place %q, predicted %g ms, spread %g", c.device, c.precision, m.Place, m.PredictedMs, m.Spread)
		}
	}
}

// TestAnchoredCalibration: what was measured of this model on processors moves the predictions that are scaled from here, by less than all of the difference;
// what was measured of other models does not, and both are told.
func TestAnchoredCalibration(t *testing.T) {
	predict := func(instance string, rows ...latency.Measurement) Choice {
		r := request(10_000)
		r.Model = latency.Subject{Name: "mine"}
		r.Constraints = Constraints{Instances: []string{instance}, Accelerators: []string{"none"}, Precisions: []engine.Precision{engine.FP32}}
		r.Explain = true
		if len(rows) > 0 {
			for i := range rows {
				w := r.Workload
				if err := Expect(pricing.Snapshot(), &w, &rows[i]); err != nil {
					t.Fatal(err)
				}
			}
			r.Calibration = latency.Calibrate("2026-11-01", rows)
		}
		plan := mustSolve(t, r)
		if plan.Best == nil {
			t.Fatalf("%s: %s", instance, plan.Verdict)
		}
		return *plan.Best
	}
	there := predict("c6i.2xlarge").Latency.P50Ms
	row := latency.Measurement{Device: "c6i.2xlarge", Model: "mine", Precision: "fp32", Batch: 1, Ms: 1.5 * there}
	if got := predict("c6i.2xlarge", row).Latency; got.Basis != "measured" || math.Abs(got.P50Ms/row.Ms-1) > 1e-5 {
		t.Errorf("measured there: %g ms, %s", got.P50Ms, got.Basis)
	}
	far := map[string]float64{}
	for _, instance := range []string{"c6i.4xlarge", "c5.2xlarge"} {
		before, after := predict(instance).Latency, predict(instance, row).Latency
		far[instance] = after.P50Ms / before.P50Ms
		if far[instance] <= 1.05 || far[instance] >= 1.5 || !strings.Contains(after.Source, "for 1 measurements of this model") {
			t.Errorf("%s: x %g: %s", instance, far[instance], after.Source)
		}
		if before.HighMs/before.LowMs <= after.HighMs/after.LowMs {
			t.Errorf("%s: a measurement did not narrow the interval", instance)
		}
	}
	if far["c6i.4xlarge"] <= far["c5.2xlarge"] {
		t.Errorf("a measurement moves its own microarchitecture no more than another: %v", far)
	}
	row.Model = "another"
	before, after := predict("c6i.4xlarge").Latency, predict("c6i.4xlarge", row).Latency
	if before.P50Ms != after.P50Ms || !strings.Contains(after.Source, "the calibration has no measurement of this model") {
		t.Errorf("a measurement of another model: %g ms, before %g: %s", after.P50Ms, before.P50Ms, after.Source)
	}
	row.Model, row.Device, row.Precision = "mine", "T4", "fp16"
	if after := predict("c6i.4xlarge", row).Latency; before.P50Ms != after.P50Ms {
		t.Errorf("a measurement on a GPU: %g ms, before %g", after.P50Ms, before.P50Ms)
	}
}
