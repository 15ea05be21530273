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
	p := &problem{Request: Request{Workload: *w, Catalog: catalog, Hardware: hardware.Default(), Coefficients: latency.Default(), Batch: m.Batch, Runtime: m.Runtime}}
	format, err := hardware.ParseFormat(m.Precision)
	if err != nil {
		return err
	}
	machine, err := p.named(m.Device)
	if err != nil {
		return err
	}
	if format != hardware.FP32 {
		machine.precision = engine.Mixed
	}
	if err := p.aim(machine); err != nil {
		return fmt.Errorf("%s: %w", m.Device, err)
	}
	machine.target.Format = format
	if machine.device != nil {
		machine.target.TFLOPS = machine.device.TFLOPS[format] * machine.device.PerCore()
	}
	m.Runtime = machine.target.Runtime
	m.Place, m.Spread = p.Coefficients.Place(&machine.target, m.Batch)
	predictor := &latency.Predictor{Coefficients: p.Coefficients, FP32: w, Batch: m.Batch}
	if said, err := predictor.Predict(&machine.target, machine.precision); err == nil {
		m.PredictedMs = said.Value
	}
	return nil
}

// named is the machine that a measurement was made on. An accelerator alone is one in an instance without limits of its own.
func (p *problem) named(device string) (*machine, error) {
	instance, accelerator, both := strings.Cut(device, "+")
	in, err := p.Catalog.Instance(instance)
	if err != nil && !both {
		return p.bare(device)
	}
	if err != nil {
		return nil, err
	}
	m := &machine{instance: &in}
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
func (p *problem) bare(key string) (*machine, error) {
	d, ok := p.Hardware.Device(key, 0)
	if !ok {
		return nil, fmt.Errorf("device %q is neither an instance type, nor instance+accelerator, nor an accelerator", key)
	}
	m := &machine{instance: &pricing.InstanceType{}, device: d}
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
