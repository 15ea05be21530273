package planner

import (
	"cmp"
	"fmt"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// common is what requests have in common, worked out for the first of them that needs it. One goroutine may use it at a time.
type common struct {
	hardware     *hardware.Table
	coefficients *latency.Coefficients
	lineups      map[lineupKey][]build
	aims         map[aim]*aim
	terms        map[termsKey]*terms
	entries      int // the most that a market had
}

func newCommon() *common {
	return &common{
		hardware: hardware.Default(), coefficients: latency.Default(),
		lineups: map[lineupKey][]build{}, aims: map[aim]*aim{}, terms: map[termsKey]*terms{},
	}
}

// lineupKey is all that a line-up depends on.
type lineupKey struct {
	catalog      *pricing.Catalog
	hardware     *hardware.Table
	coefficients *latency.Coefficients
	runtime      latency.Runtime
	asOf         pricing.Date
	speedUp      float64 // of mixed precision on this machine's CPU; 0 where no CPU runs it
	asked        string  // the constraints that leave builds out
}

// lineup enumerates what can be bought, judged by the rules of builds, in the order of the catalogue.
func (p *problem) lineup() []build {
	c := &p.Constraints
	key := lineupKey{catalog: p.Catalog, hardware: p.Hardware, coefficients: p.Coefficients, runtime: p.Runtime, asOf: p.AsOf,
		asked: fmt.Sprintf("%q %q %q %v %t %t %t", c.Instances, c.Accelerators, c.Arch, c.Precisions, c.Burstable, c.BareMetal, c.PreviousGeneration)}
	if cmp.Or(p.Runtime, p.Coefficients.DefaultRuntime(hardware.CPU, "")) == latency.EIPlan {
		key.speedUp = p.measuredSpeedUp()
	}
	builds, ok := p.common.lineups[key]
	if !ok {
		builds = p.enumerate()
		p.common.lineups[key] = builds
	}
	return builds
}

func (p *problem) enumerate() []build {
	instances, accelerators := p.Catalog.Instances(), p.Catalog.Accelerators()
	all := make([]build, 0, 2*len(instances)*(1+len(accelerators))) // in two precisions, with none or one of them
	add := func(b build) {
		for _, b.precision = range []engine.Precision{engine.FP32, engine.Mixed} {
			p.admit(&b)
			all = append(all, b)
		}
	}
	for i := range instances {
		in := &instances[i]
		processor, _ := p.Hardware.Processor(in.Processor)
		add(build{instance: in, processor: processor})
		for k := range in.Devices {
			d := &in.Devices[k]
			if d.Kind == pricing.OtherDevice {
				continue
			}
			device, _ := p.Hardware.Device(d.Accelerator, float64(d.MemoryBytes)/1e9/max(d.Count, 1))
			if device == nil {
				device = &hardware.Device{Key: d.Accelerator, Kind: hardware.Kind(d.Kind.String())}
			}
			add(build{instance: in, processor: processor, own: d, device: device})
		}
		for k := range accelerators {
			if len(in.Devices) == 0 {
				device, _ := p.Hardware.Device(accelerators[k].Name, 0)
				add(build{instance: in, processor: processor, ei: &accelerators[k], device: device})
			}
		}
	}
	return all
}

// admit holds a build against the rules; the first that it breaks stays, and without one it gets its aim.
func (p *problem) admit(b *build) {
	b.aim, b.out = nil, nil
	for _, rule := range buildRules {
		if text := rule.broken(p, b); text != "" {
			b.out = &rejection{rule.reason, text}
			return
		}
	}
	shared, ok := p.common.aims[*b.aim]
	if !ok {
		shared = b.aim
		p.common.aims[*shared] = shared
	}
	b.aim = shared
}
