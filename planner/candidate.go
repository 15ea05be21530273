package planner

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// A machine is an instance type with what does the work in it, in one precision: what a candidate is before it has a region and a price.
type machine struct {
	instance  *pricing.InstanceType
	own       *pricing.Device      // of the instance, where that does the work
	ei        *pricing.Accelerator // bought beside it, where that does
	device    *hardware.Device     // of own or ei
	processor *hardware.Processor  // nil where unknown
	precision engine.Precision
	target    latency.Target
	memory    memoryFit
	service   service
	rejected  *rejection // nil: it meets everything that neither region nor price decides
}

// rejection is why a machine is out.
type rejection struct {
	reason Reason
	text   string
}

// accelerator is the key of what does the work, or "" for the CPU.
func (m *machine) accelerator() string {
	switch {
	case m.own != nil:
		return m.own.Accelerator
	case m.ei != nil:
		return m.ei.Name
	}
	return ""
}

// devices is what measurements may call the machine, the most particular name first.
func (m *machine) devices() []string {
	switch {
	case m.own != nil:
		return []string{m.instance.Name, m.own.Accelerator}
	case m.ei != nil:
		return []string{m.instance.Name + "+" + m.ei.Name, m.ei.Name}
	}
	return []string{m.instance.Name}
}

// kind of hardware that does the work.
func (m *machine) kind() hardware.Kind {
	if m.device == nil {
		return hardware.CPU
	}
	return m.device.Kind
}

// count of accelerators in one instance.
func (m *machine) count() int {
	switch {
	case m.own != nil:
		return max(int(m.own.Count), 1)
	case m.ei != nil:
		return 1
	}
	return 0
}

// serves is how many requests an instance works on at once: one on a CPU, with all its cores, and one on each GPU, NeuronCore or EI accelerator.
func (m *machine) serves() int {
	if m.own == nil {
		return 1
	}
	return max(m.count()*m.device.Cores, 1)
}

// machines enumerates what can be bought, judged by every rule that neither region nor price decides, in the order of the catalogue.
func (p *problem) machines() []machine {
	instances, accelerators := p.Catalog.Instances(), p.Catalog.Accelerators()
	all := make([]machine, 0, 2*len(instances)*(1+len(accelerators))) // in two precisions, with none or one of them
	add := func(m machine) {
		for _, precision := range []engine.Precision{engine.FP32, engine.Mixed} {
			m.precision = precision
			p.judge(&m)
			all = append(all, m)
		}
	}
	for i := range instances {
		in := &instances[i]
		processor, _ := p.Hardware.Processor(in.Processor)
		add(machine{instance: in, processor: processor})
		for k := range in.Devices {
			d := &in.Devices[k]
			if d.Kind == pricing.OtherDevice {
				continue
			}
			device, _ := p.Hardware.Device(d.Accelerator, float64(d.MemoryBytes)/1e9/max(d.Count, 1))
			if device == nil {
				device = &hardware.Device{Key: d.Accelerator, Kind: hardware.Kind(d.Kind.String())}
			}
			add(machine{instance: in, processor: processor, own: d, device: device})
		}
		for k := range accelerators {
			if len(in.Devices) == 0 {
				device, _ := p.Hardware.Device(accelerators[k].Name, 0)
				add(machine{instance: in, processor: processor, ei: &accelerators[k], device: device})
			}
		}
	}
	return all
}

// judge predicts and sizes a machine and holds it against the rules; the first that it breaks stays as its rejection.
func (p *problem) judge(m *machine) {
	m.rejected = nil
	for _, rule := range rules {
		if text := rule.broken(p, m); text != "" {
			m.rejected = &rejection{rule.reason, text}
			return
		}
	}
}

// predict takes a measurement of the model on the machine where there is one. A prediction is made once for all machines whose targets are equal.
func (p *problem) predict(m *machine) (latency.Prediction, error) {
	if found, ok := p.Calibration.Measured(m.devices(), p.Model, m.target.Runtime, m.target.Format, p.Batch); ok {
		return p.predictor.FromMeasurement(&found, &m.target), nil
	}
	key := targetKey{m.target, m.precision}
	a, ok := p.predictions[key]
	if !ok {
		a.prediction, a.err = p.predictor.Predict(&m.target, m.precision)
		p.predictions[key] = a
	}
	return a.prediction, a.err
}

type targetKey struct {
	target    latency.Target
	precision engine.Precision
}

type predicted struct {
	prediction latency.Prediction
	err        error
}

// aim sets the machine's target. The error says why its hardware can't run the model so.
func (p *problem) aim(m *machine) error {
	runtime := p.Runtime
	name := ""
	if m.device != nil {
		name = m.device.FittedAs
	}
	if runtime == "" {
		runtime = p.Coefficients.DefaultRuntime(m.kind(), name)
	}
	if m.device != nil && name == "" {
		return fmt.Errorf("no runtime of these supports %s", m.device.Key)
	}
	if _, ok := p.Coefficients.Stack(runtime, m.kind(), name); !ok {
		return fmt.Errorf("%s does not run on %s", runtime, describeKind(m.kind()))
	}
	format, err := p.format(m, runtime)
	if err != nil {
		return err
	}
	in := m.instance
	switch m.kind() {
	case hardware.CPU:
		coreMark := in.Measure.CoreMark / float64(in.PhysicalCores)
		m.target = latency.OnProcessor(m.processor, runtime, hardware.FP32, in.PhysicalCores, in.ClockGHz, coreMark)
		if m.precision == engine.Mixed {
			m.target.TFLOPS *= p.mixedSpeedUp(m.processor)
			m.target.Format = format
		}
	case hardware.EI:
		m.target = latency.OnAccelerator(m.device, runtime, format, float64(in.Network.BaselineBitsPerSecond)/1e9)
	default:
		m.target = latency.OnDevice(m.device, runtime, format, min(m.own.Count, 1), lanes(in.Measure.PCIeLink))
	}
	return nil
}

// format is the number format in which a precision runs, or why it can't.
func (p *problem) format(m *machine, runtime latency.Runtime) (hardware.Format, error) {
	switch kind := m.kind(); {
	case kind == hardware.CPU && m.precision == engine.Mixed && runtime != latency.EIPlan:
		return 0, fmt.Errorf("%s runs CPUs in FP32", runtime)
	case kind == hardware.CPU && m.precision == engine.Mixed && m.processor.PerCycle[hardware.BF16] == 0:
		return 0, fmt.Errorf("%s has no 16-bit dot products", m.processor.Key)
	case kind == hardware.CPU && m.precision == engine.Mixed:
		return hardware.BF16, nil
	case m.precision == engine.FP32 && kind != hardware.CPU && m.device.TFLOPS[hardware.FP32] == 0:
		return 0, fmt.Errorf("%s has no FP32 arithmetic", m.device.Key)
	case m.precision == engine.FP32:
		return hardware.FP32, nil
	case m.device.Kind == hardware.Neuron:
		return hardware.BF16, nil
	case m.device.TFLOPS[hardware.FP16] == 0:
		return 0, fmt.Errorf("%s has no 16-bit arithmetic", m.device.Key)
	}
	return hardware.FP16, nil
}

// lanes reads the negotiated width of a PCIe link, "8x/16x"; 0 where it is not known.
func lanes(link string) int {
	width, _, _ := strings.Cut(link, "x")
	n, err := strconv.Atoi(width)
	if err != nil {
		return 0
	}
	return n
}

func describeKind(k hardware.Kind) string {
	switch k {
	case hardware.CPU:
		return "a CPU"
	case hardware.GPU:
		return "a GPU"
	case hardware.Neuron:
		return "a Neuron device"
	}
	return "Elastic Inference"
}
