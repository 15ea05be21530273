package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/x448/float16"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// levels are the machines that tests pretend to have.
func levels() []cpu.Features {
	here := cpu.Detect()
	all := []cpu.Features{0}
	for _, l := range []cpu.Level{cpu.LevelAVX2, cpu.LevelAVX512, cpu.LevelAVX512BF16, cpu.LevelAMX, cpu.LevelNEON, cpu.LevelNEONBF16} {
		if f := here.Cap(l); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// TestConvolve runs each shape on every kernel that some machine would choose.
func TestConvolve(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	for _, s := range shapes {
		for _, format := range []gemm.Format{gemm.FP32, gemm.BF16, gemm.FP16} {
			t.Run(fmt.Sprintf("%s/%v", s.reason, format), func(t *testing.T) {
				for i, clamp := range []gemm.Clamp{gemm.Unbounded(), {Lo: 0, Hi: 1}} {
					checkConv(t, team, newProblem(t, s, format, clamp, format == gemm.BF16 && i == 0))
				}
			})
		}
	}
}

func widen(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

func narrow(x float32) uint16 {
	bits := math.Float32bits(x)
	return uint16((bits + 0x7FFF + bits>>16&1) >> 16)
}

func stored(f gemm.Format, x float32) float32 {
	switch f {
	case gemm.BF16:
		return widen(narrow(x))
	case gemm.FP16:
		return float16.Fromfloat32(x).Float32()
	}
	return x
}

// fill puts random values in the pixels of m, zeros in the halo, and NaN in
// what no kernel may take for a value.
func fill(r *rand.Rand, f gemm.Format, x []float32, m Image, n int) {
	if !m.planar() {
		for i := range x {
			if i%m.PixelPitch >= m.Channels {
				x[i] = float32(math.NaN())
			}
		}
	}
	for i := range n {
		for c := range m.Channels {
			for y := range m.Height {
				for z := range m.Width {
					x[m.Index(i, c, y, z)] = stored(f, r.Float32()*2-1)
				}
			}
		}
	}
}

// buffer copies x into fenced memory, as bfloat16 or as it is.
func buffer(t *testing.T, x []float32, bf16 bool) Buffer {
	if !bf16 {
		b := Buffer{F32: fenced[float32](t, len(x))}
		copy(b.F32, x)
		return b
	}
	b := Buffer{BF16: fenced[uint16](t, len(x))}
	for i, v := range x {
		b.BF16[i] = narrow(v)
	}
	return b
}

// TestWindowKernels runs each row of the depthwise table on each kind of window.
func TestWindowKernels(t *testing.T) {
	for _, k := range WindowKernels() {
		t.Run(k.String(), func(t *testing.T) {
			if !k.Runnable(cpu.Detect()) {
				t.Skipf("%v needs %v in a build with its assembly; this machine has %v", k, k.Needs, cpu.Detect())
			}
			format := gemm.FP32
			if k.Mixed {
				format = gemm.BF16
			}
			special := map[int]bool{}
			for _, s := range shapes {
				g := s.geometry()
				if !fitsDepthwise(k.Needs, format, g) {
					continue
				}
				special[g.special()] = true
				for _, bf16Out := range []bool{false, true} {
					if bf16Out && !k.Mixed {
						continue
					}
					p := newProblem(t, s, format, gemm.Clamp{Lo: -1, Hi: 2}, bf16Out)
					plan, err := Prepare(nil, k.Needs, format, p.g, p.weights, p.epilogue)
					if err != nil {
						t.Fatal(err)
					}
					if plan.Class() != k.String() {
						t.Fatalf("%s: class %q", s.reason, plan.Class())
					}
					fresh := make([]float32, len(p.want))
					for i := range fresh {
						fresh[i] = untouched
					}
					out := buffer(t, fresh, bf16Out)
					plan.Bind(1, nil).Run(nil, p.in, out, p.res)
					p.compare(t, plan.Class(), out)
				}
			}
			if len(special) != window5x5s2+1 {
				t.Errorf("shapes reach only kernels %v", special)
			}
		})
	}
}

// problem is a convolution with its operands and the answer.
type problem struct {
	g         Geometry
	format    gemm.Format
	weights   []float32
	epilogue  gemm.Epilogue
	in, res   Buffer
	want      []float32
	tolerance float64
	bf16Out   bool
}

const untouched = 77

func newProblem(t *testing.T, s shape, format gemm.Format, clamp gemm.Clamp, bf16Out bool) problem {
	return newProblemOf(t, s, s.geometry(), format, clamp, bf16Out)
}

// newRoomyProblem is one in binary32 whose input has a halo of its own.
func newRoomyProblem(t *testing.T, s shape, h Halo, clamp gemm.Clamp) problem {
	g := s.geometry()
	g.In = NewImage(s.h, s.w, s.c, 16, h)
	return newProblemOf(t, s, g, gemm.FP32, clamp, false)
}

func newProblemOf(t *testing.T, s shape, g Geometry, format gemm.Format, clamp gemm.Clamp, bf16Out bool) problem {
	p := problem{g: g, format: format, epilogue: gemm.Epilogue{Clamp: clamp, Bias: make([]float32, s.k)}, bf16Out: bf16Out}
	r := rand.New(rand.NewPCG(5, uint64(len(s.reason))))
	p.weights = make([]float32, s.k*s.c/g.Groups*s.kh*s.kw)
	for i := range p.weights {
		p.weights[i] = stored(format, r.Float32()*2-1)
	}
	for i := range p.epilogue.Bias {
		p.epilogue.Bias[i] = r.Float32()
	}
	in := make([]float32, g.In.Size(g.N))
	fill(r, format, in, g.In, g.N)
	p.in = buffer(t, in, format == gemm.BF16)
	var residual []float32
	if s.residual {
		residual = make([]float32, g.Residual.Size(g.N))
		kind := gemm.FP32
		if bf16Out {
			kind = gemm.BF16
		}
		fill(r, kind, residual, g.Residual, g.N)
		p.res = buffer(t, residual, bf16Out)
	}
	p.want = make([]float32, g.Out.Size(g.N))
	for i := range p.want {
		p.want[i] = untouched
	}
	Reference(g, p.weights, p.epilogue, in, p.want, residual)
	p.tolerance = 2e-6 * float64(len(p.weights)/s.k+8)
	return p
}

// checkConv solves p once by each class of plan, in each way.
func checkConv(t *testing.T, team *parallel.Team, p problem) {
	seen := map[string]bool{}
	for _, features := range levels() {
		for i, way := range Ways(features, p.format, p.g) {
			plan, err := PrepareAs(way, gemm.NewArena(), features, p.format, p.g, p.weights, p.epilogue)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				checkDefault(t, features, p, plan)
			}
			if seen[plan.Class()] {
				continue
			}
			seen[plan.Class()] = true
			fresh := make([]float32, len(p.want))
			for i := range fresh {
				fresh[i] = untouched
			}
			out := buffer(t, fresh, p.bf16Out)
			plan.Bind(2, nil).Run(team, p.in, out, p.res)
			p.compare(t, plan.Class(), out)
		}
	}
	if _, err := PrepareAs("by hand", nil, 0, p.format, p.g, p.weights, p.epilogue); err == nil {
		t.Error("a way that there is not was taken")
	}
}

// checkDefault holds Prepare to the first of the ways.
func checkDefault(t *testing.T, features cpu.Features, p problem, first *Plan) {
	plan, err := Prepare(nil, features, p.format, p.g, p.weights, p.epilogue)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Class() != first.Class() {
		t.Errorf("Prepare makes %q, the first way is %q", plan.Class(), first.Class())
	}
}

// TestSchemes runs each size of transformed patch on blocks that hold all patches
// and on ones that do not, whole and cut off at the image's end.
func TestSchemes(t *testing.T) {
	if !transforms(cpu.Detect(), gemm.FP32) {
		t.Skipf("transforms need AVX-512 in a build with its assembly; this machine has %v", cpu.Detect())
	}
	team := parallel.New(2)
	defer team.Close()
	for i := range schemes {
		s := &schemes[i]
		for _, x := range []shape{
			named(t, "3x3 with room for Winograd"),
			{reason: "patches that fit", n: 2, c: 16, h: 8, w: 4, k: 64, haloOut: 1},
			{reason: "many blocks", c: 192, h: 33, w: 31, k: 96},
		} {
			x.kh, x.kw, x.top, x.left, x.bot, x.rt, x.fast = 3, 3, 1, 1, 1, 1, false
			p := newRoomyProblem(t, x, Halo{1, 1, 4, 4}, gemm.Clamp{Lo: -20, Hi: 20})
			plan := s.prepare(gemm.NewArena(), cpu.Detect(), p.g, p.weights, p.epilogue)
			out := Buffer{F32: make([]float32, len(p.want))}
			for i := range out.F32 {
				out.F32[i] = untouched
			}
			plan.Bind(2, nil).Run(team, p.in, out, p.res)
			p.compare(t, s.name+", "+x.reason, out)
		}
	}
}

func (p problem) compare(t *testing.T, class string, out Buffer) {
	t.Helper()
	tolerance := p.tolerance
	if strings.HasPrefix(class, "winograd") {
		tolerance *= 5
	}
	for i, want := range p.want {
		var got float32
		allowed := tolerance
		if p.bf16Out {
			got = widen(out.BF16[i])
			allowed += math.Abs(float64(want)) / 250
		} else {
			got = out.F32[i]
		}
		if want == untouched {
			allowed = 0
		}
		if !(math.Abs(float64(got-want)) <= allowed) {
			t.Fatalf("%s, clamp %v: element %d (of rows of %d, pixels of %d) is %v, want %v ± %v",
				class, p.epilogue.Clamp, i, p.g.Out.RowPitch, p.g.Out.PixelPitch, got, want, allowed)
		}
	}
}

func TestWindowLayout(t *testing.T) {
	var w Window
	var p Patch
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"Window.Tap", unsafe.Offsetof(w.Tap), 40},
		{"Window.Count", unsafe.Offsetof(w.Count), 80},
		{"Window.Lo", unsafe.Offsetof(w.Lo), 104},
		{"Window.Hi", unsafe.Offsetof(w.Hi), 108},
		{"Window.Row", unsafe.Offsetof(w.Row), 120},
		{"Patch.Groups", unsafe.Offsetof(p.Groups), 40},
		{"Patch.Lo", unsafe.Offsetof(p.Lo), 96},
		{"Patch.Hi", unsafe.Offsetof(p.Hi), 100},
		{"Patch.Count", unsafe.Offsetof(p.Count), 104},
		{"Patch.ResStep", unsafe.Offsetof(p.ResStep), 120},
	} {
		if unsafe.Sizeof(uintptr(0)) == 8 && f.got != f.want {
			t.Errorf("%s is at %d, _asm/conv expects %d", f.name, f.got, f.want)
		}
	}
}

// TestClass holds shapes to the algorithm they deserve.
func TestClass(t *testing.T) {
	best := cpu.AVX2 | cpu.FMA | cpu.F16C | cpu.AVX512 | cpu.AVX512BF16
	if !gemm.Choose(best, gemm.FP32, 1, 1, 1).Vector() {
		t.Skip("no vector kernels in this build")
	}
	for _, c := range []struct {
		reason   string
		shape    string
		format   gemm.Format
		features cpu.Features
		want     string
	}{
		{"fifteen pixels are two tiles", "3x3 of whole vectors", gemm.FP32, best, "conv avx512_8x32 fp32"},
		{"bfloat16 where the machine has it", "3x3 of whole vectors", gemm.BF16, best, "conv avx512bf16_8x32 bf16"},
		{"no vectors, no vector kernel", "3x3 of whole vectors", gemm.FP32, 0, "conv generic_4x16 fp32"},
		{"room for Winograd", "3x3 with room for Winograd", gemm.FP32, best, "winograd_f4x3 avx512_10x32 fp32"},
		{"Winograd is for binary32", "3x3 with room for Winograd", gemm.BF16, best, "conv avx512bf16_9x32 bf16"},
		{"a window for each channel", "depthwise 3x3", gemm.FP32, best, "depthwise avx512 fp32"},
		{"AVX2 alone, tiles over the ends of lines", "3x3 of whole vectors", gemm.FP32, best &^ cpu.AVX512, "conv avx2_6x16 fp32"},
	} {
		plan, err := Prepare(nil, c.features, c.format, named(t, c.shape).geometry(), make([]float32, weightsOf(t, c.shape)), gemm.Epilogue{Clamp: gemm.Unbounded()})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Class() != c.want {
			t.Errorf("%s: %q, want %q", c.reason, plan.Class(), c.want)
		}
	}
}

func named(t *testing.T, reason string) shape {
	for _, s := range shapes {
		if s.reason == reason {
			return s
		}
	}
	t.Fatalf("no shape %q", reason)
	return shape{}
}

func weightsOf(t *testing.T, reason string) int {
	s := named(t, reason)
	return s.k * s.c / max(s.groups, 1) * s.kh * s.kw
}

func TestRunDoesNotAllocate(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	for _, s := range shapes {
		g := s.geometry()
		plan, err := Prepare(nil, cpu.Detect(), gemm.FP32, g, make([]float32, weightsOf(t, s.reason)), gemm.Epilogue{Clamp: gemm.ReLU()})
		if err != nil {
			t.Fatal(err)
		}
		call := plan.Bind(2, nil)
		in, out := Buffer{F32: make([]float32, g.In.Size(g.N))}, Buffer{F32: make([]float32, g.Out.Size(g.N))}
		var res Buffer
		if s.residual {
			res.F32 = make([]float32, g.Residual.Size(g.N))
		}
		if n := testing.AllocsPerRun(5, func() { call.Run(team, in, out, res) }); n != 0 {
			t.Errorf("%s: %s: Run allocates %v times", s.reason, plan.Class(), n)
		}
	}
}

func TestBadInput(t *testing.T) {
	good := shape{c: 8, h: 5, w: 5, k: 6, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1}.geometry()
	for _, c := range []struct {
		reason        string
		change        func(*Geometry)
		weights, bias int
	}{
		{"halo too small", func(g *Geometry) { g.In = NewImage(5, 5, 8, 16, Halo{1, 1, 1, 0}) }, 6 * 72, 6},
		{"weights of another shape", func(*Geometry) {}, 6 * 71, 6},
		{"bias of another length", func(*Geometry) {}, 6 * 72, 5},
		{"channels not divisible by groups", func(g *Geometry) { g.Groups = 3 }, 6 * 72, 6},
		{"no stride", func(g *Geometry) { g.StrideW = 0 }, 6 * 72, 6},
		{"planar output", func(g *Geometry) { g.Out = NewPlanar(5, 5, 6, Halo{}) }, 6 * 72, 6},
		{"residual of another size", func(g *Geometry) { g.Residual = NewImage(5, 4, 6, 16, Halo{}) }, 6 * 72, 6},
		{"no images", func(g *Geometry) { g.N = 0 }, 6 * 72, 6},
	} {
		g := good
		c.change(&g)
		if _, err := Prepare(nil, 0, gemm.FP32, g, make([]float32, c.weights), gemm.Epilogue{Bias: make([]float32, c.bias)}); err == nil {
			t.Errorf("%s: no error", c.reason)
		}
	}
	if _, err := Prepare(nil, 0, gemm.FP32, good, make([]float32, 6*72), gemm.Epilogue{}); err != nil {
		t.Errorf("good geometry: %v", err)
	}
}
