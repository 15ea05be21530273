// Package cpu says what the processor under this program can do: its
// instruction sets, cores and caches. It knows no kernel and no model, and it
// keeps no state: callers detect once and pass Features on.
package cpu

import (
	"fmt"
	"os"
	"strings"
)

// Features is a set of instruction set extensions that both the processor and
// the operating system support. The zero value is a plain machine, on which
// only Go code runs.
type Features uint32

// Each feature is what a kernel names as its requirement.
const (
	AVX2       Features = 1 << iota // 256-bit integer and floating-point vectors
	FMA                             // fused multiply-add on AVX registers
	F16C                            // conversion between binary16 and binary32
	AVX512                          // AVX-512 F, BW, VL and DQ together
	AVX512VNNI                      // VPDPBUSD: int8 dot products into int32
	AVX512BF16                      // VDPBF16PS: bfloat16 dot products into binary32
	AVX512FP16                      // binary16 arithmetic on AVX-512 registers
	AVXVNNI                         // VPDPBUSD on 256-bit registers, VEX encoded
	AMXINT8                         // TDPBUSD: int8 tile products
	AMXBF16                         // TDPBF16PS: bfloat16 tile products
	NEON                            // Advanced SIMD of arm64
	ASIMDHP                         // binary16 arithmetic on Advanced SIMD registers
	ASIMDDP                         // SDOT and UDOT: int8 dot products
	I8MM                            // SMMLA and UMMLA: int8 matrix products
	BF16                            // BFDOT and BFMMLA: bfloat16 products of arm64
	SVE                             // Scalable Vector Extension
)

// names lists every feature in the order of its bit.
var names = [...]string{
	"avx2", "fma", "f16c", "avx512", "avx512vnni", "avx512bf16", "avx512fp16", "avxvnni", "amxint8", "amxbf16",
	"neon", "asimdhp", "asimddp", "i8mm", "bf16", "sve",
}

// Has reports whether f holds every feature of want. Every set has the empty one.
func (f Features) Has(want Features) bool { return f&want == want }

// String lists the features by name, separated by spaces, in a fixed order;
// "generic" if there are none.
func (f Features) String() string {
	if f == 0 {
		return string(Generic)
	}
	var held []string
	for bit, name := range names {
		if f.Has(1 << bit) {
			held = append(held, name)
		}
	}
	return strings.Join(held, " ")
}

// Level names a rung of an architecture's ladder of instruction sets: the
// label of a machine, and the cap that a user may ask for.
type Level string

// The rungs. Each includes those above it of its own architecture.
const (
	Generic         Level = "generic"
	LevelAVX2       Level = "avx2"
	LevelAVX512     Level = "avx512"
	LevelAVX512VNNI Level = "avx512vnni"
	LevelAVX512BF16 Level = "avx512bf16"
	LevelAVX512FP16 Level = "avx512fp16"
	LevelAMX        Level = "amx"
	LevelNEON       Level = "neon"
	LevelNEONFP16   Level = "neonfp16"
	LevelNEONBF16   Level = "neonbf16"
)

const (
	avx2Set   = AVX2 | FMA | F16C
	avx512Set = avx2Set | AVX512
	vnniSet   = avx512Set | AVX512VNNI | AVXVNNI
	neonFP16  = NEON | ASIMDHP | ASIMDDP
)

// ladder holds the rungs from the weakest up, amd64 before arm64. A machine is
// on a rung when it has all of needs; a cap to the rung keeps what is in keeps.
var ladder = [...]struct {
	level        Level
	needs, keeps Features
}{
	{Generic, 0, 0},
	{LevelAVX2, avx2Set, avx2Set},
	{LevelAVX512, avx512Set, avx512Set},
	{LevelAVX512VNNI, avx512Set | AVX512VNNI, vnniSet},
	{LevelAVX512BF16, avx512Set | AVX512VNNI | AVX512BF16, vnniSet | AVX512BF16},
	{LevelAVX512FP16, avx512Set | AVX512VNNI | AVX512BF16 | AVX512FP16, vnniSet | AVX512BF16 | AVX512FP16},
	{LevelAMX, avx512Set | AVX512VNNI | AVX512BF16 | AMXINT8 | AMXBF16, vnniSet | AVX512BF16 | AVX512FP16 | AMXINT8 | AMXBF16},
	{LevelNEON, NEON, NEON},
	{LevelNEONFP16, neonFP16, neonFP16},
	{LevelNEONBF16, neonFP16 | BF16, neonFP16 | I8MM | BF16 | SVE},
}

// Levels returns every level of every architecture, from the weakest up.
func Levels() []Level {
	levels := make([]Level, len(ladder))
	for i, rung := range ladder {
		levels[i] = rung.level
	}
	return levels
}

// ParseLevel reads a level's name. The error lists the names there are.
func ParseLevel(name string) (Level, error) {
	var known []string
	for _, rung := range ladder {
		if string(rung.level) == name {
			return rung.level, nil
		}
		known = append(known, string(rung.level))
	}
	return "", fmt.Errorf("unknown instruction set %q: want one of %s", name, strings.Join(known, ", "))
}

// Level returns the highest rung that f reaches.
func (f Features) Level() Level {
	reached := Generic
	for _, rung := range ladder {
		if f.Has(rung.needs) {
			reached = rung.level
		}
	}
	return reached
}

// Cap returns the features of f that level allows. It never adds one, so a
// level of another architecture leaves a plain machine. A level that is not
// one of Levels panics.
func (f Features) Cap(level Level) Features {
	for _, rung := range ladder {
		if rung.level == level {
			return f & rung.keeps
		}
	}
	panic(fmt.Sprintf("cpu: Cap to level %q, which is not in the ladder", level))
}

// EnvCap is the environment variable whose value, a Level, caps what
// FromEnv returns. It is there to measure and debug lesser machines.
const EnvCap = "EIPLAN_CPU"

// FromEnv returns what Detect finds, capped by EnvCap if that is set and not
// empty. An unknown value is an error that lists the known ones.
func FromEnv() (Features, error) {
	name := os.Getenv(EnvCap)
	if name == "" {
		return Detect(), nil
	}
	level, err := ParseLevel(name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", EnvCap, err)
	}
	return Detect().Cap(level), nil
}

// Detect returns the features of the processor that runs the program. The
// answer does not change while the program runs. AMX is among them only where
// the system grants tiles to this process, which Detect asks for on Linux.
func Detect() Features { return detect() }

// collect turns a table of what was found into a set.
func collect(found map[Features]bool) Features {
	var f Features
	for feature, has := range found {
		if has {
			f |= feature
		}
	}
	return f
}
