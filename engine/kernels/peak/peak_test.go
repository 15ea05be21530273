package peak

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

// eachRunnable calls f for every row of a table that this machine can run,
// and logs the rest, which are not tested here.
func eachRunnable[T any](t *testing.T, rows []T, name func(T) string, runnable func(T, cpu.Features) bool, f func(*testing.T, T)) {
	t.Helper()
	for _, row := range rows {
		t.Run(name(row), func(t *testing.T) {
			if !runnable(row, cpu.Detect()) {
				t.Skipf("NOT TESTED: this build or processor has no %s", name(row))
			}
			f(t, row)
		})
	}
}

// TestLoopsCountTheirFLOPs has every multiply-add leave a trace: the sums must
// be half of the FLOPs that the table claims.
func TestLoopsCountTheirFLOPs(t *testing.T) {
	eachRunnable(t, Loops(), Loop.String, Loop.Runnable, func(t *testing.T, l Loop) {
		for _, rounds := range []int{1, 2, 7, 1000} {
			var lanes [16]float32
			l.run(rounds, &lanes)
			var total float64
			for _, lane := range lanes {
				total += float64(lane)
			}
			if want := float64(l.FLOPs) / 2 * float64(rounds); total != want {
				t.Errorf("%d rounds sum to %v, want %v", rounds, total, want)
			}
		}
	})
}

// TestReadersReadEveryByte compares with a sum that is taken word by word.
func TestReadersReadEveryByte(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	memory := make([]byte, 16<<10)
	for i := range memory {
		memory[i] = byte(random.Uint32())
	}
	name := func(r reader) string { return r.isa }
	eachRunnable(t, readers(), name, reader.runnable, func(t *testing.T, r reader) {
		for _, rounds := range []int{1, 3, len(memory) / r.step} {
			var lanes [8]uint64
			r.run(&memory[0], rounds, &lanes)
			var got, want uint64
			for _, lane := range lanes {
				got += lane
			}
			for at := 0; at < rounds*r.step; at += 8 {
				want += binary.NativeEndian.Uint64(memory[at:])
			}
			if got != want {
				t.Errorf("%d rounds of %d bytes sum to %x, want %x", rounds, r.step, got, want)
			}
		}
	})
}

func TestFastestIsRunnable(t *testing.T) {
	levels := cpu.Levels()
	for _, level := range levels {
		features := cpu.Detect().Cap(level)
		for _, kind := range []Kind{FP32, BF16Dot, FP16Storage} {
			l := Fastest(features, kind)
			if l.run == nil {
				if kind != BF16Dot {
					t.Errorf("at %s there is no loop of kind %v", level, kind)
				}
				continue
			}
			if l.Kind != kind || !features.Has(l.Needs) {
				t.Errorf("at %s the fastest loop of kind %v is %v, which needs %v", level, kind, l, l.Needs)
			}
		}
		for _, winner := range []Kind{BF16Dot, FP16Storage} {
			if Fastest(features, winner).run == nil {
				continue
			}
			mixed, rate := fastestMixed(features, func(l Loop) float64 {
				if l.Kind == winner {
					return 2
				}
				return 1
			})
			if mixed.Kind != winner || rate != 2 {
				t.Errorf("at %s the fastest mixed loop is %v at %v, want one of kind %v", level, mixed, rate, winner)
			}
		}
	}
	if got := Fastest(0, FP32).ISA; got != "generic" {
		t.Errorf("a plain machine's loop is %s", got)
	}
}

func TestMeasure(t *testing.T) {
	for _, size := range []int{1, 2} {
		for name, features := range map[string]cpu.Features{"all": cpu.Detect(), "generic": 0} {
			team := parallel.New(size)
			defer team.Close()
			info := cpu.Info{Features: features, L2Bytes: 1 << 20, L3Bytes: 8 << 20}
			p := Measure(team, info, time.Millisecond)
			figures := map[string]float64{
				"FP32": p.FP32GFLOPS, "FP32 per thread": p.FP32GFLOPSPerThread, "mixed": p.MixedGFLOPS, "mixed per thread": p.MixedGFLOPSPerThread,
				"L2": p.L2GBs, "L3": p.L3GBs, "memory": p.BandwidthGBs, "memory per thread": p.BandwidthGBsPerThread,
			}
			for what, value := range figures {
				if !(value > 0) || math.IsInf(value, 0) {
					t.Errorf("%s features, %d threads: %s is %v", name, size, what, value)
				}
			}
			if p.Threads != size || p.FP32Kernel != Fastest(features, FP32).String() || p.MixedKind == "" {
				t.Errorf("%s features, %d threads: %+v", name, size, p)
			}
		}
	}
}

func TestUnknownCaches(t *testing.T) {
	p := Measure(nil, cpu.Info{}, 0)
	if p.L2GBs != 0 || p.L3GBs != 0 || p.BandwidthGBs <= 0 || p.Threads != 1 {
		t.Errorf("with caches of unknown size: %+v", p)
	}
}

func TestBuffer(t *testing.T) {
	for _, n := range []int{page, touchStep + page, 3*touchStep - 8} {
		b := newBuffer(n, nil)
		if len(b.bytes) != n || uintptr(unsafe.Pointer(&b.bytes[0]))%page != 0 {
			t.Errorf("buffer of %d bytes: %d at %p", n, len(b.bytes), &b.bytes[0])
		}
		for at := 0; at < n; at += page {
			if b.bytes[at] != 1 {
				t.Errorf("buffer of %d bytes: the page at %d was not written", n, at)
			}
		}
		b.free()
	}
	sizes := map[int64]int{0: memoryLeast, 8 << 20: memoryLeast, 50 << 20: 100 << 20, 1 << 30: memoryMost}
	for l3, want := range sizes {
		if got := bufferBytes(cpu.Info{L3Bytes: l3}); got != want {
			t.Errorf("a cache of %d bytes is read past with %d, want %d", l3, got, want)
		}
	}
}
