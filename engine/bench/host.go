package bench

import (
	"math"
	"runtime"
	"time"
)

// host is what a measurement reads of the machine. Its methods do not allocate.
type host interface {
	// now is the time on a clock that never goes back.
	now() time.Duration
	// delay is how long the watched threads have waited for a processor while
	// they could run, since they began; -1 if that is unknown.
	delay() time.Duration
	// spin does a fixed piece of arithmetic and returns the time it took.
	spin() time.Duration
	signals() reading
	close()
}

// Signals is what the operating system told of the time of the samples. What
// it does not tell is nil.
type Signals struct {
	CPUs                int      `json:"cpus" yaml:"cpus"`                               // processors that the process may use
	Steal               *float64 `json:"steal" yaml:"steal"`                             // share of all processors' time that the hypervisor took
	Load1               *float64 `json:"load1" yaml:"load1"`                             // load average over the minute before the first sample
	InvoluntarySwitches *int64   `json:"involuntarySwitches" yaml:"involuntarySwitches"` // how often the measuring thread lost its processor
	ClockDrift          float64  `json:"clockDrift" yaml:"clockDrift"`                   // change of the time for fixed work, as a share
}

// reading is one look at counters that only grow; -1 where one is unknown.
type reading struct {
	stolen, ticks int64 // of all processors
	switches      int64 // of the thread, involuntary
	load1         float64
}

// unknownReading is the reading of a system that tells nothing.
func unknownReading() reading { return reading{stolen: -1, ticks: -1, switches: -1, load1: -1} }

// since returns the signals between two readings.
func (r reading) since(before reading) Signals {
	s := Signals{CPUs: runtime.NumCPU()}
	if before.ticks >= 0 && r.ticks > before.ticks {
		steal := float64(r.stolen-before.stolen) / float64(r.ticks-before.ticks)
		s.Steal = &steal
	}
	if before.load1 >= 0 {
		s.Load1 = &before.load1
	}
	if before.switches >= 0 && r.switches >= before.switches {
		switches := r.switches - before.switches
		s.InvoluntarySwitches = &switches
	}
	return s
}

// clock is the part of a host that is the same everywhere.
type clock struct{ start time.Time }

func (c clock) now() time.Duration { return time.Since(c.start) }

// spin returns the best time of a chain of multiplications, each of which
// waits for the one before: a count of cycles that no cache or vector unit
// changes.
func (c clock) spin() time.Duration {
	const tries, steps = 20, 20_000
	best := time.Duration(math.MaxInt64)
	x := uint64(1)
	for range tries {
		start := c.now()
		for range steps {
			x = x*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
		}
		best = min(best, c.now()-start)
	}
	runtime.KeepAlive(x)
	return best
}
