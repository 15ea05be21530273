package latency

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// TestCalibrate: residuals go to what they have in common, and the more rows say so, the less they are shrunk.
func TestCalibrate(t *testing.T) {
	row := func(place, model string, ratio float64) Measurement {
		return Measurement{Device: place, Model: model, Place: place, Ms: 10 * ratio, PredictedMs: 10, Spread: 0.3, Batch: 1, Precision: "fp16"}
	}
	factor := func(list []Factor, of string) Factor {
		for _, f := range list {
			if f.Of == of {
				return f
			}
		}
		t.Fatalf("no factor of %s in %v", of, list)
		return Factor{}
	}
	one := Calibrate("", []Measurement{row("T4", "a", 1.5)})
	place, model := factor(one.Places, "T4"), factor(one.Models, "a")
	if both := place.Value * model.Value; both <= 1.2 || both >= 1.5 {
		t.Errorf("one row of 1.5 makes %g and %g", place.Value, model.Value)
	}
	var many []Measurement
	for _, m := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		many = append(many, row("T4", m, 1.5), row("V100", m, 1))
	}
	c := Calibrate("", many)
	if at := factor(c.Places, "T4"); math.Abs(at.Value/factor(c.Places, "V100").Value-1.5) > 0.15 || at.Deviation >= place.Deviation {
		t.Errorf("eight models that are 1.5 times slower on one device: %+v", c.Places)
	}
	if alone := Calibrate("", []Measurement{{Device: "T4", Model: "x", Ms: 3}}); len(alone.Places)+len(alone.Models) > 0 {
		t.Errorf("a measurement without a prediction corrects others: %+v", alone)
	}
}

// TestCalibratedPredictions: a correction moves the centre by the factors and narrows the interval; what nobody measured stays.
func TestCalibratedPredictions(t *testing.T) {
	w := product(512, 4096, 4096)
	p := &Predictor{Coefficients: Default(), FP32: w, Batch: 1, Subject: Subject{Name: "a"}}
	predict := func(key string) Prediction {
		target := OnDevice(device(t, key), TensorRT, hardware.FP16, 1, 0)
		got, err := p.Predict(&target, engine.FP32)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	t4, v100 := predict("T4"), predict("V100")
	p.Calibration = &Calibration{Places: []Factor{{Of: "T4 tensorrt fp16", Value: 1.3, Deviation: 0.05, Rows: 4}}}
	after := predict("T4")
	if grew := (after.ComputeMs) / t4.ComputeMs; math.Abs(grew-1.3) > 1e-9 {
		t.Errorf("a factor of 1.3 made %g", grew)
	}
	if after.High/after.Low >= t4.High/t4.Low {
		t.Errorf("the interval did not narrow: %g, before %g", after.High/after.Low, t4.High/t4.Low)
	}
	if predict("V100").Value != v100.Value {
		t.Error("a device that nobody measured moved")
	}
}

// TestMeasured: the most particular name counts, then the median of its rows; a model is known by its hash where there is one.
func TestMeasured(t *testing.T) {
	c := &Calibration{Measurements: []Measurement{
		{Device: "T4", Model: "a", Sha256: "1", Precision: "fp16", Batch: 1, Ms: 9},
		{Device: "g4dn.xlarge", Model: "a", Sha256: "1", Precision: "fp16", Batch: 1, Ms: 3},
		{Device: "g4dn.xlarge", Model: "a", Sha256: "1", Precision: "fp16", Batch: 1, Ms: 1},
		{Device: "g4dn.xlarge", Model: "a", Sha256: "1", Precision: "fp16", Batch: 1, Ms: 2},
		{Device: "g4dn.xlarge", Model: "a", Sha256: "2", Precision: "fp16", Batch: 1, Ms: 77},
	}}
	names := []string{"g4dn.xlarge", "T4"}
	if m, ok := c.Measured(names, Subject{"other name", "1"}, TensorRT, hardware.FP16, 1); !ok || m.Ms != 2 {
		t.Errorf("%+v, %t", m, ok)
	}
	if m, ok := c.Measured(names[1:], Subject{"a", "1"}, TensorRT, hardware.FP16, 1); !ok || m.Ms != 9 {
		t.Errorf("%+v, %t", m, ok)
	}
	for _, batch := range []int{0, 2} {
		if _, ok := c.Measured(names, Subject{"a", "1"}, TensorRT, hardware.FP16, batch); ok {
			t.Errorf("a measurement at batch 1 served batch %d", batch)
		}
	}
}
