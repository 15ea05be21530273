package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// A buildRule leaves builds out. It says why, or "" where it holds. Rules stand in the order in which they are asked: later ones rest on earlier ones.
type buildRule struct {
	reason Reason
	broken func(*problem, *build) string
}

var buildRules = []buildRule{
	{NotAsked, (*problem).notAsked},
	{NotByDefault, (*problem).notByDefault},
	{EIRule, (*problem).breaksEI},
	{NoData, (*problem).unknownHardware},
	{NotDeployable, (*problem).notDeployable},
}

func (p *problem) notAsked(m *build) string {
	c := &p.Constraints
	switch {
	case len(c.Instances) > 0 && !matchesAny(c.Instances, m.instance.Name):
		return "instance type not asked for"
	case len(c.Arch) > 0 && !slices.Contains(c.Arch, m.instance.Arch):
		return m.instance.Arch + " not asked for"
	case len(c.Accelerators) > 0 && !p.acceleratorAsked(m):
		return "accelerator not asked for"
	case len(c.Precisions) > 0 && !slices.Contains(c.Precisions, m.precision):
		return precisionName(m.precision) + " not asked for"
	}
	return ""
}

// acceleratorAsked holds the accelerator's key, and the kind of it, against the globs; "none" stands for the CPU.
func (p *problem) acceleratorAsked(m *build) bool {
	key := m.accelerator()
	if key == "" {
		return slices.Contains(p.Constraints.Accelerators, "none")
	}
	return matchesAny(p.Constraints.Accelerators, key) || matchesAny(p.Constraints.Accelerators, string(m.kind()))
}

// notByDefault leaves out what few want for serving, unless it is asked for as a class or its name is.
func (p *problem) notByDefault(m *build) string {
	if len(p.Constraints.Instances) > 0 {
		return ""
	}
	return p.unusual(m)
}

// unusual is what few want of a machine for serving, "" where there is nothing.
func (p *problem) unusual(m *build) string {
	c, in := &p.Constraints, m.instance
	switch {
	case in.Burstable && !c.Burstable:
		return "burstable: sustained load gets a fraction of a core"
	case in.Flex && !c.Burstable:
		return "flex: full CPU for 95% of the time only"
	case in.BareMetal && !c.BareMetal:
		return "bare metal"
	case in.PreviousGeneration(p.AsOf) && m.device == nil && !c.PreviousGeneration:
		return "previous generation"
	}
	return ""
}

// breaksEI holds what Elastic Inference asks of its host and nothing later can say: one accelerator, of one generation, bought at launch and used by
// one instance follows from how machines are enumerated.
func (p *problem) breaksEI(m *build) string {
	if m.ei != nil && m.instance.Arch != "amd64" {
		return "Elastic Inference's libraries are for amd64"
	}
	return ""
}

func (p *problem) unknownHardware(m *build) string {
	switch {
	case m.kind() == hardware.CPU && m.processor == nil:
		return "nothing is known of the processor " + m.instance.ProcessorModel
	case m.kind() == hardware.CPU && m.instance.SustainedCPU() == 0:
		return "the CPU that " + m.instance.Name + " sustains is not known"
	case m.kind() == hardware.CPU && m.instance.ClockGHz == 0:
		return "the clock of " + m.instance.Name + " is not known"
	case m.device != nil && m.device.BandwidthGBs == 0:
		return "nothing is known of " + m.accelerator()
	}
	return ""
}

func (p *problem) notDeployable(m *build) string {
	if err := p.aimAt(m); err != nil {
		return err.Error()
	}
	return ""
}

// measuredOtherwise: where a model was measured on an instance, or on an Elastic Inference accelerator behind any host, that stands for it. Number formats that
// were not measured there count only where precisions are asked for.
func (p *problem) measuredOtherwise(m *build) string {
	if p.Calibration == nil || len(p.Constraints.Precisions) > 0 {
		return ""
	}
	measured := p.Calibration.Formats(m.devices(), p.Model, m.target.Runtime, p.Batch)
	if len(measured) == 0 || slices.Contains(measured, m.target.Format.String()) {
		return ""
	}
	return fmt.Sprintf("measured there in %s, not in %s", strings.Join(measured, " and "), m.target.Format)
}

// late says what of a service misses the SLA, however much memory there is.
func (p *problem) late(s *service) *rejection {
	switch {
	case s.sla-s.wait > p.budget:
		return &rejection{TooSlow, fmt.Sprintf("%.4g ms in a budget of %.4g ms", s.sla-s.wait, p.budget)}
	case !s.keepsUp:
		return &rejection{CannotKeepUp, fmt.Sprintf("no fleet of up to %d serves %g requests per second within %.4g ms", mostReplicas, p.Rate, p.budget)}
	}
	return nil
}

// matchesAny matches a name, or its lower case, against globs that were checked before.
func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		exact, _ := path.Match(glob, name)
		lower, _ := path.Match(glob, strings.ToLower(name))
		return exact || lower
	})
}

func precisionName(p engine.Precision) string {
	if p == engine.Mixed {
		return "mixed"
	}
	return "fp32"
}
