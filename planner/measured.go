package planner

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
)

// check refuses figures that no measurement gives. Peaks and bandwidth may be 0: not measured.
func (b *Benchmark) check() error {
	if b == nil {
		return nil
	}
	figure := func(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }
	h := &b.Host
	if !figure(h.PeakGflopsFp32) || !figure(h.PeakGflopsMixed) || !figure(h.BandwidthGBs) {
		return fmt.Errorf("peaks of %g and %g GFLOPS, bandwidth of %g GB/s", h.PeakGflopsFp32, h.PeakGflopsMixed, h.BandwidthGBs)
	}
	for _, run := range b.Runs {
		switch {
		case run.Precision != "fp32" && run.Precision != "mixed":
			return fmt.Errorf("precision %q is neither fp32 nor mixed", run.Precision)
		case !figure(run.P50Ms) || run.P50Ms == 0 || !figure(run.CILowMs) || !figure(run.CIHighMs) || run.P99Ms != nil && !figure(*run.P99Ms):
			return fmt.Errorf("%s: a median of %g ms within %g to %g", run.Precision, run.P50Ms, run.CILowMs, run.CIHighMs)
		}
	}
	return nil
}

// run of a precision; nil where it was not measured.
func (b *Benchmark) run(precision engine.Precision) *Run {
	if b == nil {
		return nil
	}
	for i := range b.Runs {
		if b.Runs[i].Precision == precisionName(precision) {
			return &b.Runs[i]
		}
	}
	return nil
}

// localPeak is the host's GFLOPS in a precision: the measured peak, or what the model itself reached where that is more. A peak below it was measured
// while something else held the processor.
func (p *problem) localPeak(precision engine.Precision) float64 {
	return max(p.measuredPeak(precision), p.reached(precision))
}

func (p *problem) measuredPeak(precision engine.Precision) float64 {
	switch {
	case p.Measured == nil:
		return 0
	case precision == engine.Mixed:
		return p.Measured.Host.PeakGflopsMixed
	}
	return p.Measured.Host.PeakGflopsFp32
}

// reached is the rate of the model's run here in GFLOPS; 0 where it was not measured.
func (p *problem) reached(precision engine.Precision) float64 {
	run := p.Measured.run(precision)
	if run == nil {
		return 0
	}
	return p.workload(precision).FLOPs / run.P50Ms / 1e6
}

// local brings the benchmark into the terms of the latency model; nil where nothing was measured.
func (p *problem) local() *latency.Local {
	b := p.Measured
	if b == nil {
		return nil
	}
	processor, _ := p.Hardware.Identify(b.Host.CPU, b.Host.ISA)
	measured := func(precision engine.Precision, format hardware.Format) latency.Measured {
		run := b.run(precision)
		if run == nil {
			return latency.Measured{}
		}
		cores := b.Host.Cores
		if run.Threads > 0 && (cores == 0 || run.Threads < cores) {
			cores = run.Threads
		}
		m := latency.Measured{
			Host: latency.OnHost(processor, b.Host.ISA, format, cores, p.localPeak(precision), b.Host.BandwidthGBs), Ms: run.P50Ms, LowMs: run.CILowMs, HighMs: run.CIHighMs,
		}
		if run.P99Ms != nil {
			m.P99Ms = *run.P99Ms
		}
		return m
	}
	return &latency.Local{FP32: measured(engine.FP32, hardware.FP32), Mixed: measured(engine.Mixed, hardware.BF16), AsOf: b.AsOf}
}

// mixedSpeedUp is how much faster a processor multiplies 16-bit numbers: no more than its instructions promise, nor than was measured here.
func (p *problem) mixedSpeedUp(cpu *hardware.Processor) float64 {
	promised := cpu.PerCycle[hardware.BF16] / cpu.PerCycle[hardware.FP32]
	return max(1, min(promised, p.measuredSpeedUp()))
}

// measuredSpeedUp is that of this machine; 2 where it was not measured.
func (p *problem) measuredSpeedUp() float64 {
	if fp32, mixed := p.localPeak(engine.FP32), p.localPeak(engine.Mixed); fp32 > 0 && mixed > 0 {
		return mixed / fp32
	}
	return 2
}
