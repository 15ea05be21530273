package peak

import (
	"time"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

// reader is one row of the table of reading loops.
type reader struct {
	isa   string
	needs cpu.Features
	step  int // bytes of one round

	// run reads rounds rounds from memory, at least one, and writes the sums
	// of its 64-bit words by lane, modulo 2⁶⁴.
	run func(memory *byte, rounds int, sums *[8]uint64)
}

// readers lists every reading loop, the fastest first.
func readers() []reader {
	compiled := routinesOfBuild()
	return []reader{
		{"avx512", cpu.AVX512, 512, compiled.readAVX512},
		{"avx2", cpu.AVX2, 256, compiled.readAVX2},
		{"generic", 0, 64, readWords},
	}
}

func (r reader) runnable(features cpu.Features) bool { return features.Has(r.needs) && r.run != nil }

func fastestReader(features cpu.Features) reader {
	for _, r := range readers() {
		if r.runnable(features) {
			return r
		}
	}
	panic("peak: no generic reader")
}

// readWords reads 64 bytes a round.
func readWords(memory *byte, rounds int, sums *[8]uint64) {
	words := unsafe.Slice((*[8]uint64)(unsafe.Pointer(memory)), rounds)
	var total [8]uint64
	for i := range words {
		w := &words[i]
		total[0] += w[0]
		total[1] += w[1]
		total[2] += w[2]
		total[3] += w[3]
		total[4] += w[4]
		total[5] += w[5]
		total[6] += w[6]
		total[7] += w[7]
	}
	*sums = total
}

// rate returns the best rate in GB/s at which team's workers read memory, each
// its own part, over and over while a run is too short to time.
func (r reader) rate(team *parallel.Team, memory []byte, budget time.Duration) float64 {
	size := team.Size()
	work := &reading{reader: r, memory: memory, rounds: len(memory) / r.step / size, passes: 1, sums: make([]wordSums, size)}
	if work.rounds == 0 {
		return 0
	}
	start := time.Now()
	team.Run(size, work)
	pass := max(time.Since(start), 1)
	work.passes = int(max(1, runTime/pass))
	best := bestOf(budget-pass, func() { team.Run(size, work) })
	return float64(work.rounds) * float64(r.step) * float64(size) * float64(work.passes) / float64(best)
}

// reading is the task of reading one part of memory per worker.
type reading struct {
	reader
	memory         []byte
	rounds, passes int // of a part
	sums           []wordSums
}

// wordSums is what a worker's loop writes, on a cache line of its own.
type wordSums struct {
	lanes [8]uint64
	_     [64]byte
}

func (r *reading) Do(_, i int) {
	for range r.passes {
		r.run(&r.memory[i*r.rounds*r.step], r.rounds, &r.sums[i].lanes)
	}
}
