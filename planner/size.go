package planner

import (
	"fmt"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// memoryFit is what a model needs and has, on the host and on the accelerator, in bytes. Accelerator figures are those of the part that serves one
// request; they are 0 without one.
type memoryFit struct {
	hostNeeds, hostHas               float64
	acceleratorNeeds, acceleratorHas float64
}

// fit counts memory: weights and live activations with a share for workspaces, what the runtime takes itself, and what a host needs in any case. An
// accelerator's host keeps the weights only while it loads them.
func (p *problem) fit(m *build) memoryFit {
	use := p.Coefficients.Memory
	w := p.workload(m.precision)
	model := func(bytes float64) float64 { return use.Overhead * bytes * (w.Weights + w.Peak) }
	runtime := p.Coefficients.RuntimeBytes(m.target.Runtime)
	f := memoryFit{hostHas: float64(m.instance.MemoryBytes)}
	if m.kind() == hardware.CPU {
		f.hostNeeds = use.HostBytes + runtime + model(m.target.Format.Bytes())
		return f
	}
	f.hostNeeds = use.HostBytes + runtime + hardware.FP32.Bytes()*w.Weights
	f.acceleratorNeeds = runtime + model(m.target.Format.Bytes())
	if m.ei != nil {
		f.acceleratorHas = float64(m.ei.MemoryBytes)
		return f
	}
	f.acceleratorHas = float64(m.own.MemoryBytes) / max(m.own.Count, 1) * m.device.PerCore()
	return f
}

// short says which memory is too small, or "".
func (f memoryFit) short() string {
	switch {
	case f.acceleratorNeeds > f.acceleratorHas:
		return fmt.Sprintf("needs %s of accelerator memory, has %s", gib(f.acceleratorNeeds), gib(f.acceleratorHas))
	case f.hostNeeds > f.hostHas:
		return fmt.Sprintf("needs %s of memory, has %s", gib(f.hostNeeds), gib(f.hostHas))
	}
	return ""
}

// tightest is the memory of which the larger share is taken.
func (f memoryFit) tightest() Memory {
	if f.acceleratorHas > 0 && f.acceleratorNeeds/f.acceleratorHas >= f.hostNeeds/f.hostHas {
		return Memory{NeededBytes: int64(f.acceleratorNeeds), AvailableBytes: int64(f.acceleratorHas), Where: "accelerator"}
	}
	return Memory{NeededBytes: int64(f.hostNeeds), AvailableBytes: int64(f.hostHas), Where: "host"}
}

func gib(bytes float64) string { return fmt.Sprintf("%.2f GiB", bytes/(1<<30)) }

// workload of a precision.
func (p *problem) workload(precision engine.Precision) *engine.Workload {
	if precision == engine.Mixed && p.Mixed != nil {
		return p.Mixed
	}
	return &p.Workload
}
