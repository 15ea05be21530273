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

// A build is an instance type with what does the work in it, in one precision: what holds of a candidate whatever the model, the region and the price are.
type build struct {
	instance  *pricing.InstanceType
	own       *pricing.Device      // of the instance, where that does the work
	ei        *pricing.Accelerator // bought beside it, where that does
	device    *hardware.Device     // of own or ei
	processor *hardware.Processor  // nil where unknown
	precision engine.Precision
	*aim                 // nil where it is out before it has one
	out       *rejection // by the rules of builds; nil: it meets them
}

// An aim is what a prediction and its service depend on: builds of one aim answer alike.
type aim struct {
	target    latency.Target
	precision engine.Precision
	serves    int // requests that one instance works on at once
}

// A machine is a build with a model on it: what a candidate is before it has a region and a price.
type machine struct {
	*build
	memory   memoryFit
	service  *service   // nil where a rule before the prediction leaves the machine out
	rejected *rejection // nil: it meets everything that neither region nor price decides
}

// rejection is why a machine is out.
type rejection struct {
	reason Reason
	text   string
}

// accelerator is the key of what does the work, or "" for the CPU.
func (m *build) accelerator() string {
	switch {
	case m.own != nil:
		return m.own.Accelerator
	case m.ei != nil:
		return m.ei.Name
	}
	return ""
}

// devices is what measurements may call the machine, the most particular name first.
func (m *build) devices() []string {
	switch {
	case m.own != nil:
		return []string{m.instance.Name, m.own.Accelerator}
	case m.ei != nil:
		return []string{m.instance.Name + "+" + m.ei.Name, m.ei.Name}
	}
	return []string{m.instance.Name}
}

// kind of hardware that does the work.
func (m *build) kind() hardware.Kind {
	if m.device == nil {
		return hardware.CPU
	}
	return m.device.Kind
}

// count of accelerators in one instance.
func (m *build) count() int {
	switch {
	case m.own != nil:
		return max(int(m.own.Count), 1)
	case m.ei != nil:
		return 1
	}
	return 0
}

// servers is how many requests an instance works on at once: one on a CPU, with all its cores, and one on each GPU, NeuronCore or EI accelerator.
func (m *build) servers() int {
	if m.own == nil {
		return 1
	}
	return max(m.count()*m.device.Cores, 1)
}

// machines judges the line-up by every rule that neither region nor price decides, in the order of the catalogue.
func (p *problem) machines() []machine {
	builds := p.lineup()
	all := make([]machine, len(builds))
	for i := range builds {
		all[i].build = &builds[i]
		p.judge(&all[i])
	}
	return all
}

// judge predicts and sizes a machine; the first of what it breaks stays as its rejection.
func (p *problem) judge(m *machine) {
	m.service, m.rejected = nil, m.out
	if m.rejected != nil {
		return
	}
	if text := p.measuredOtherwise(m.build); text != "" {
		m.rejected = &rejection{NotAsked, text}
		return
	}
	a := p.predict(m.build)
	if m.rejected = a.fail; m.rejected != nil {
		return
	}
	m.service, m.memory, m.rejected = &a.service, p.fit(m.build), a.late
	if text := m.memory.short(); text != "" {
		m.rejected = &rejection{LacksMemory, text}
	}
}

// predict takes a measurement of the model on the build where there is one. What an aim answers is worked out once.
func (p *problem) predict(m *build) *answered {
	if p.Calibration != nil {
		if found, ok := p.Calibration.Measured(m.devices(), p.Model, m.target.Runtime, m.target.Format, p.Batch); ok {
			return p.answered(p.predictor.FromMeasurement(&found, &m.target), nil, m.serves)
		}
	}
	a := p.answers[m.aim]
	if a == nil {
		said := p.predictions[m.aim]
		if said == nil {
			said = &predicted{}
			said.prediction, said.err = p.predictor.Predict(&m.target, m.precision)
			p.predictions[m.aim] = said
		}
		a = p.answered(said.prediction, said.err, m.serves)
		p.answers[m.aim] = a
	}
	return a
}

// answered is how a prediction answers the load, and what is wrong with it: there is none, or it is late.
type answered struct {
	service
	fail, late *rejection
}

func (p *problem) answered(pr latency.Prediction, err error, serves int) *answered {
	if err != nil {
		return &answered{fail: &rejection{NoData, err.Error()}}
	}
	a := &answered{service: p.answer(pr, serves)}
	a.late = p.late(&a.service)
	return a
}

type predicted struct {
	prediction latency.Prediction
	err        error
}

// aimAt sets the build's aim. The error says why its hardware can't run the model so.
func (p *problem) aimAt(m *build) error {
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
	m.aim = &aim{precision: m.precision, serves: m.servers()}
	in := m.instance
	switch m.kind() {
	case hardware.CPU:
		coreMark := in.Measure.CoreMark / float64(in.PhysicalCores)
		m.target = latency.OnProcessor(m.processor, runtime, hardware.FP32, in.PhysicalCores, in.ClockGHz, coreMark).Throttled(in.SustainedCPU())
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
func (p *problem) format(m *build, runtime latency.Runtime) (hardware.Format, error) {
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
