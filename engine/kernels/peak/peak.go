// Package peak measures what this machine can do at best: how much arithmetic
// of each kind in a second, and how fast it reads memory. It knows nothing of
// models; a kernel's speed means something beside these figures.
package peak

import (
	"math"
	"time"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Peaks holds the best of many short runs of each loop. A fused multiply-add
// is two floating-point operations. GB are 10⁹ bytes.
type Peaks struct {
	Threads int // of the figures that are not per thread

	FP32Kernel  string // the loop's name: "avx512 fp32"
	MixedKernel string // the fastest of the mixed loops
	MixedKind   string // what it multiplies: the name of a Kind

	FP32GFLOPS, MixedGFLOPS                   float64 // all threads together
	FP32GFLOPSPerThread, MixedGFLOPSPerThread float64 // one thread, the others idle

	// Reading buffers that fit a cache, with one thread; 0 where the cache's
	// size is not known. Cores that share a cache may get less of it each.
	L2GBs, L3GBs float64
	// Reading a buffer beyond the caches, with one thread and with all.
	BandwidthGBsPerThread, BandwidthGBs float64
}

// Measure runs the fastest loops that info.Features allow, on team and on the
// caller alone, for about budget; 400 ms serve well. It takes longer where one
// run of each does: reading beyond large caches, or a busy machine.
func Measure(team *parallel.Team, info cpu.Info, budget time.Duration) Peaks {
	const shares = 10 // seven figures by share, three that a large buffer rules
	share := budget / shares
	fp32 := Fastest(info.Features, FP32)
	mixed, mixedRate := fastestMixed(info.Features, func(l Loop) float64 { return l.gflops(nil, share) })
	p := Peaks{Threads: team.Size(), FP32Kernel: fp32.String(), MixedKernel: mixed.String(), MixedKind: mixed.Kind.String()}

	p.FP32GFLOPSPerThread, p.MixedGFLOPSPerThread = fp32.gflops(nil, share), mixedRate
	p.FP32GFLOPS, p.MixedGFLOPS = p.FP32GFLOPSPerThread, p.MixedGFLOPSPerThread
	if team.Size() > 1 {
		p.FP32GFLOPS = fp32.gflops(team, share)
		p.MixedGFLOPS = mixed.gflops(team, share)
	}

	b := newBuffer(bufferBytes(info), team)
	defer b.free()
	reader := fastestReader(info.Features)
	if info.L2Bytes > 0 {
		p.L2GBs = reader.rate(nil, b.first(info.L2Bytes/2), share)
	}
	if info.L3Bytes > 0 {
		p.L3GBs = reader.rate(nil, b.first(min(info.L3Bytes/2, l3Most)), share)
	}
	p.BandwidthGBsPerThread = reader.rate(nil, b.bytes, share)
	p.BandwidthGBs = p.BandwidthGBsPerThread
	if team.Size() > 1 {
		p.BandwidthGBs = reader.rate(team, b.bytes, share)
	}
	return p
}

// fastestMixed returns the mixed loop of the highest rate, and that rate. Dot
// products of bfloat16 are twice as fast as FP32 on some processors and half
// as fast on others, where storage in binary16 is the better kind.
func fastestMixed(features cpu.Features, rate func(Loop) float64) (fastest Loop, best float64) {
	for _, kind := range []Kind{BF16Dot, FP16Storage} {
		l := Fastest(features, kind)
		if l.run == nil {
			continue
		}
		if r := rate(l); r > best {
			fastest, best = l, r
		}
	}
	return fastest, best
}

// runTime is what one timed run should take: long beside the clock's grain and
// a team's start, short beside the scheduler's slice.
const runTime = 500 * time.Microsecond

// bestOf returns the shortest time of run, called as often as budget allows
// and at least twice: the first call may wake up what slept.
func bestOf(budget time.Duration, run func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	start := time.Now()
	for n := 0; n < 2 || time.Since(start) < budget; n++ {
		began := time.Now()
		run()
		best = min(best, time.Since(began))
	}
	return max(best, 1)
}

// gflops returns the best rate of the loop on every worker of team at once.
func (l Loop) gflops(team *parallel.Team, budget time.Duration) float64 {
	work := &arithmetic{loop: l, rounds: l.calibrate(), sums: make([]sums, team.Size())}
	best := bestOf(budget, func() { team.Run(team.Size(), work) })
	return float64(l.FLOPs) * float64(work.rounds) * float64(team.Size()) / float64(best)
}

// Gauge returns a function that runs the loop once on every worker of team, for
// about half a millisecond, and returns the rate in GFLOPS: taken beside other
// work, it is the peak that this work could have reached at the clock of the moment.
func (l Loop) Gauge(team *parallel.Team) func() float64 {
	work := &arithmetic{loop: l, rounds: l.calibrate(), sums: make([]sums, team.Size())}
	return func() float64 {
		start := time.Now()
		team.Run(team.Size(), work)
		return float64(l.FLOPs) * float64(work.rounds) * float64(team.Size()) / float64(max(time.Since(start), 1))
	}
}

// calibrate returns a number of rounds that takes about runTime.
func (l Loop) calibrate() int {
	for rounds, out := 16, new(sums); ; rounds *= 2 {
		start := time.Now()
		l.run(rounds, &out.lanes)
		if took := time.Since(start); took >= runTime/2 || rounds >= 1<<24 {
			return rounds
		}
	}
}

// arithmetic is the task of running a loop once per worker.
type arithmetic struct {
	loop   Loop
	rounds int
	sums   []sums
}

// sums is what a worker's loop writes, on cache lines of its own.
type sums struct {
	lanes [16]float32
	_     [64]byte
}

func (a *arithmetic) Do(_, i int) { a.loop.run(a.rounds, &a.sums[i].lanes) }
