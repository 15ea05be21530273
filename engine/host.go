package engine

import (
	"time"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/peak"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Peaks are what this machine does at best, measured.
type Peaks struct {
	Threads      int     `json:"threads"`
	FP32GFLOPS   float64 `json:"fp32Gflops"`
	MixedGFLOPS  float64 `json:"mixedGflops"`
	MixedKind    string  `json:"mixedKind"` // what the faster of the mixed loops multiplies
	BandwidthGBs float64 `json:"bandwidthGBs"`
}

// peakTime is how long the peaks are measured for.
const peakTime = 400 * time.Millisecond

// MeasurePeaks measures this machine's peaks on a number of threads.
func MeasurePeaks(info cpu.Info, threads int) Peaks {
	team := parallel.New(threads)
	defer team.Close()
	p := peak.Measure(team, info, peakTime)
	return Peaks{Threads: threads, FP32GFLOPS: p.FP32GFLOPS, MixedGFLOPS: p.MixedGFLOPS, MixedKind: p.MixedKind, BandwidthGBs: p.BandwidthGBs}
}

// Of is the peak of a precision.
func (h Peaks) Of(mixed bool) float64 {
	if mixed {
		return h.MixedGFLOPS
	}
	return h.FP32GFLOPS
}
