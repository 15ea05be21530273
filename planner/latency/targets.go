package latency

import (
	"math"

	"github.com/eiplan/eiplan/planner/hardware"
)

// OnProcessor is the target of an instance's CPU: all its physical cores work on one request. coreMarkPerCore counts to the next thousand, below
// which measurements differ by chance; 0 is the processor's usual one.
func OnProcessor(p *hardware.Processor, r Runtime, f hardware.Format, cores int, ghz float64, coreMarkPerCore float64) Target {
	if coreMarkPerCore == 0 {
		coreMarkPerCore = p.CoreMarkPerCore()
	}
	return Target{
		Kind: hardware.CPU, Name: p.Key, ISA: p.Levels[0], Runtime: r, Format: f, TFLOPS: p.DenseGFLOPS(f, cores, ghz) / 1e3, GBs: p.BandwidthGBs(cores),
		Tiles: float64(cores), CoreMark: thousands(coreMarkPerCore),
	}
}

// Throttled is a processor of which only a share of the time is to be had: everything takes longer by as much.
func (t Target) Throttled(share float64) Target {
	t.TFLOPS, t.GBs, t.CoreMark = t.TFLOPS*share, t.GBs*share, t.CoreMark*share
	return t
}

// OnDevice is the target of an accelerator that is part of an instance: the part of it that serves one request. share below 1 is a slice of a GPU;
// lanes is what the instance connects of its PCIe slot, 0 for all.
func OnDevice(d *hardware.Device, r Runtime, f hardware.Format, share float64, lanes int) Target {
	part := d.PerCore()
	if share < 1 {
		part *= share
	}
	return Target{
		Kind: d.Kind, Name: d.FittedAs, Runtime: r, Format: f, Tensor: d.Tensor && f != hardware.FP32, TFLOPS: d.TFLOPS[f] * part,
		GBs: d.BandwidthGBs * part, Tiles: d.Tiles * min(share, 1), LinkGBs: d.LinkGBs(lanes), Fraction: share < 1,
		StandIn: d.Quality == hardware.Assumed,
	}
}

// OnAccelerator is the target of an Elastic Inference accelerator behind a host's sustained network bandwidth.
func OnAccelerator(d *hardware.Device, r Runtime, f hardware.Format, hostGbps float64) Target {
	return Target{
		Kind: hardware.EI, Name: d.FittedAs, Runtime: r, Format: f, Tensor: f != hardware.FP32, TFLOPS: d.TFLOPS[f], GBs: d.BandwidthGBs, HostGbps: hostGbps,
	}
}

// OnHost is the target of the machine that was measured: its measured peaks in place of nominal ones. p is nil where the processor is not known; isa is the label of the
// instruction sets that were used.
func OnHost(p *hardware.Processor, isa string, f hardware.Format, cores int, gflops, gbs float64) Target {
	t := Target{Kind: hardware.CPU, Name: "unknown", ISA: isa, Runtime: EIPlan, Format: f, TFLOPS: gflops / 1e3, GBs: gbs, Tiles: float64(cores)}
	if p != nil {
		t.Name, t.CoreMark = p.Key, thousands(p.CoreMarkPerCore())
	}
	return t
}

func thousands(v float64) float64 { return math.Round(v/1000) * 1000 }
