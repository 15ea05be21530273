package conv

import (
	"testing"
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// planeShapes are convolutions between planes.
var planeShapes = []shape{
	{reason: "one plane to one, a row that is one vector", c: 1, h: 3, w: 16, k: 1, kh: 1, kw: 1},
	{reason: "rows that tiles do not divide", c: 3, h: 4, w: 139, k: 1, kh: 5, kw: 5, top: 2, left: 2, bot: 2, rt: 2},
	{reason: "rows shorter than two vectors", c: 2, h: 3, w: 17, k: 2, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "three outputs of four that a kernel has", n: 2, c: 5, h: 6, w: 70, k: 3, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "four outputs", c: 4, h: 5, w: 100, k: 4, kh: 3, kw: 1, top: 1, bot: 1},
	{reason: "five outputs", c: 8, h: 5, w: 64, k: 5, kh: 3, kw: 9, top: 1, left: 4, bot: 1, rt: 4},
	{reason: "eight outputs of many channels", c: 33, h: 18, w: 49, k: 8, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "rows apart and dilated columns", c: 2, h: 19, w: 40, k: 6, kh: 3, kw: 3, sh: 2, dh: 2, dw: 3, top: 2, left: 3, bot: 2, rt: 3},
	{reason: "one long row in segments", c: 2, h: 1, w: 1033, k: 1, kh: 1, kw: 7, left: 3, rt: 3},
}

func (s shape) planes() Geometry {
	g := s.geometry()
	g.Out = NewPlanar(g.Out.Height, g.Out.Width, s.k, Halo{})
	return g
}

// TestPlanes runs each shape on every kernel that some machine would choose, within fences.
func TestPlanes(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	for _, s := range planeShapes {
		s.lanes = -1
		t.Run(s.reason, func(t *testing.T) {
			for _, clamp := range []gemm.Clamp{gemm.Unbounded(), {Lo: 0, Hi: 1}} {
				checkConv(t, team, newProblemOf(t, s, s.planes(), gemm.FP32, clamp, false))
			}
		})
	}
}

// TestPlanesThen applies a function, which must meet every output once.
func TestPlanesThen(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	for _, s := range planeShapes {
		s.lanes = -1
		p := newProblemOf(t, s, s.planes(), gemm.FP32, gemm.Unbounded(), false)
		for i := range p.want {
			p.want[i] = 3 - p.want[i]
		}
		for _, features := range levels() {
			plan, err := Prepare(nil, features, gemm.FP32, p.g, p.weights, p.epilogue)
			if err != nil {
				t.Fatal(err)
			}
			plan = plan.Then(Function{F32: func(x []float32) {
				for i := range x {
					x[i] = 3 - x[i]
				}
			}})
			out := Buffer{F32: make([]float32, len(p.want))}
			plan.Bind(2, nil).Run(team, p.in, out, p.res)
			p.compare(t, s.reason+", "+plan.Class(), out)
		}
	}
}

func TestStripLayout(t *testing.T) {
	var s Strip
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"Strip.Out", unsafe.Offsetof(s.Out), 24},
		{"Strip.Taps", unsafe.Offsetof(s.Taps), 40},
		{"Strip.Count", unsafe.Offsetof(s.Count), 56},
		{"Strip.Lo", unsafe.Offsetof(s.Lo), 64},
		{"Strip.Outs", unsafe.Offsetof(s.Outs), 72},
		{"all of Strip", unsafe.Sizeof(s), 192},
	} {
		if unsafe.Sizeof(uintptr(0)) == 8 && f.got != f.want {
			t.Errorf("%s is at %d, _asm/conv expects %d", f.name, f.got, f.want)
		}
	}
}
