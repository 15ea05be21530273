package planner

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// Expect fills in what the model says of a measurement: its runtime where that is not stated, the prediction at its device, and how far that is trusted. w is
// the workload of its model at its batch. The device is an instance type, instance+accelerator, or an accelerator alone. An error means that the device is
// unknown or does not run the precision; a device whose speed is not known leaves the prediction 0.
func Expect(catalog *pricing.Catalog, w *engine.Workload, m *latency.Measurement) error {
	p := &problem{Request: Request{Workload: *w, Catalog: catalog, Hardware: hardware.Default(), Coefficients: latency.Default(), Batch: m.Batch}}
	machine, err := p.measuredOn(m)
	if err != nil {
		return err
	}
	m.Runtime = machine.target.Runtime
	m.Place, m.Spread = p.Coefficients.Place(&machine.target, m.Batch)
	predictor := &latency.Predictor{Coefficients: p.Coefficients, FP32: w, Batch: m.Batch}
	if said, err := predictor.Predict(&machine.target, machine.precision); err == nil {
		m.PredictedMs = said.Value
	}
	return nil
}

// measuredOn is the machine that a measurement was made on, its target set.
func (p *problem) measuredOn(m *latency.Measurement) (*build, error) {
	there := *p
	there.Runtime = m.Runtime
	format, err := hardware.ParseFormat(m.Precision)
	if err != nil {
		return nil, err
	}
	machine, err := there.named(m.Device)
	if err != nil {
		return nil, err
	}
	if format != hardware.FP32 {
		machine.precision = engine.Mixed
	}
	if err := there.aimAt(machine); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Device, err)
	}
	machine.target.Format = format
	if machine.device != nil {
		machine.target.TFLOPS = machine.device.TFLOPS[format] * machine.device.PerCore()
	}
	return machine, nil
}

// anchored is what the calibration says of predictions that are scaled from the local measurement: measurements of this very model on processors, held
// against what would have been predicted for them from here. Those of other models say nothing of it, since nothing here anchors them.
func (p *problem) anchored() *latency.Calibration {
	if p.Calibration == nil {
		return nil
	}
	var rows []latency.Measurement
	for _, m := range p.Calibration.Measurements {
		if m.Batch != p.Batch || !p.Model.Is(m.Model, m.Sha256) {
			continue
		}
		machine, err := p.measuredOn(&m)
		if err != nil {
			continue // on what this catalogue does not know
		}
		said, err := p.predictor.Predict(&machine.target, machine.precision)
		if err != nil || said.Basis != "anchored" {
			continue
		}
		m.Runtime, m.PredictedMs, m.Spread = machine.target.Runtime, said.Value, said.Spread()
		m.Place, _ = p.Coefficients.Place(&machine.target, m.Batch)
		if m.Percentile > 0 {
			m.PredictedMs = said.Percentile(m.Percentile).Value
		}
		rows = append(rows, m)
	}
	return latency.Calibrate(p.Calibration.AsOf, rows)
}

// named is the machine that a measurement was made on. An accelerator alone is one in an instance without limits of its own.
func (p *problem) named(device string) (*build, error) {
	instance, accelerator, both := strings.Cut(device, "+")
	in, err := p.Catalog.Instance(instance)
	if err != nil && !both {
		return p.bare(device)
	}
	if err != nil {
		return nil, err
	}
	m := &build{instance: &in}
	m.processor, _ = p.Hardware.Processor(in.Processor)
	if both {
		ei, err := p.Catalog.Accelerator(accelerator)
		if err != nil {
			return nil, err
		}
		m.ei = &ei
		m.device, _ = p.Hardware.Device(ei.Name, 0)
		return m, nil
	}
	for k := range in.Devices {
		if d := &in.Devices[k]; d.Kind != pricing.OtherDevice {
			m.own = d
			m.device, _ = p.Hardware.Device(d.Accelerator, float64(d.MemoryBytes)/1e9/max(d.Count, 1))
		}
	}
	if m.own == nil && m.processor == nil {
		return nil, fmt.Errorf("the processor of %s is not known", device)
	}
	return m, nil
}

// bare is an accelerator by its key alone.
func (p *problem) bare(key string) (*build, error) {
	d, ok := p.Hardware.Device(key, 0)
	if !ok {
		return nil, fmt.Errorf("device %q is neither an instance type, nor instance+accelerator, nor an accelerator", key)
	}
	m := &build{instance: &pricing.InstanceType{}, device: d}
	if d.Kind == hardware.EI {
		ei, err := p.Catalog.Accelerator(key)
		if err != nil {
			return nil, err
		}
		m.ei = &ei
		m.instance.Network.BaselineBitsPerSecond = int64(p.Coefficients.EI.BandwidthGbps * 1e9)
		return m, nil
	}
	m.own = &pricing.Device{Accelerator: key, Count: 1}
	return m, nil
}
