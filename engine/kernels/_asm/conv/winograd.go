package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of conv.Patch's fields; a test in that package holds them true.
const (
	patchImage    = 0
	patchRow      = 8
	patchPixel    = 16
	patchPlanes   = 24
	patchPlane    = 32
	patchGroups   = 40
	patchBias     = 48
	patchResidual = 56
	patchResRow   = 64
	patchResPixel = 72
	patchRows     = 80
	patchCols     = 88
	patchLo       = 96
	patchHi       = 100
	patchCount    = 104
	patchStep     = 112
	patchResStep  = 120
)

const (
	edge  = 6 // of a transformed patch
	inner = 4 // outputs along each side
)

var z = isa.AVX512.Reg

// winogradConstants are the multipliers of the transforms.
func winogradConstants() map[int]Mem {
	m := map[int]Mem{}
	for _, v := range []int{2, 4, 5, 8} {
		m[v] = isa.Float(fmt.Sprintf("winograd%d", v), float32(v))
	}
	return m
}

// winogradInput writes Bᵀ·d·B of a 6×6 patch d to 36 planes, 16 channels at a
// time: three columns of planes, then the others, for each of which the lines of d
// are read. More than three have no room in the registers.
func winogradInput(constant map[int]Mem) {
	TEXT("winogradInput", attr.NOSPLIT, "func(p *byte)")
	p := Load(Param("p"), GP64())
	image, row, pixel := isa.Field(p, patchImage), isa.Field(p, patchRow), isa.Field(p, patchPixel)
	planes, plane := isa.Field(p, patchPlanes), isa.Field(p, patchPlane)
	groups := GP64()
	t := transform{two: z(29), four: z(31), five: z(30)}
	VBROADCASTSS(constant[2], t.two)
	VBROADCASTSS(constant[4], t.four)
	VBROADCASTSS(constant[5], t.five)
	pixels, to := isa.NewRows(edge-1, pixel), isa.NewRows(edge, plane)
	column := GP64()
	LEAQ(Mem{Base: plane, Index: plane, Scale: 2}, column)
	ADDQ(column, column)
	cell := func(r, c int) reg.VecPhysical { return z(r*edge/2 + c) }
	beginPatch(p, groups)
	MOVQ(planes, to.First())
	for half, line := range []func(d func(int) Mem, to [edge / 2]reg.VecPhysical){t.lower, t.upper} {
		MOVQ(image, pixels.First())
		if half > 0 {
			ADDQ(pixel, pixels.First())
		}
		for r := range edge {
			line(func(i int) Mem { return pixels.At(i-half, 0) }, [edge / 2]reg.VecPhysical{cell(r, 0), cell(r, 1), cell(r, 2)})
			if r < edge-1 {
				ADDQ(row, pixels.First())
			}
		}
		for c := range edge / 2 {
			to.Start()
			t.column(func(r int) reg.VecPhysical { return cell(r, c) }, func(r int, x reg.VecPhysical) {
				PREFETCHT0(to.At(r, 64)) // the next group's, or the next patch's first
				VMOVUPS(x, to.At(r, 0))
			})
			ADDQ(column, to.First())
		}
	}
	ADDQ(U8(64), image)
	ADDQ(U8(64), planes)
	endPatch(p, groups, image, func() {})
}

// beginPatch and endPatch emit the loops over patches and over their groups.
func beginPatch(p, groups reg.Register) {
	Label("patch")
	MOVQ(Mem{Base: p, Disp: patchGroups}, groups)
	Label("group")
}

func endPatch(p, groups, image reg.Register, next func()) {
	DECQ(groups)
	JNZ(LabelRef("group"))
	ADDQ(Mem{Base: p, Disp: patchStep}, image)
	next()
	DECQ(Mem{Base: p, Disp: patchCount})
	JNZ(LabelRef("patch"))
	VZEROUPPER()
	RET()
}

// transform emits Bᵀ·d, which is
//
//	4d₀−5d₂+d₄, (d₄−4d₂)±(d₃−4d₁), (d₄−d₂)±2(d₃−d₁), 4d₁−5d₃+d₅
//
// with multipliers in registers. It needs the registers 18 to 20.
type transform struct{ two, four, five reg.VecPhysical }

// lower emits the first half of Bᵀ·d for d in memory.
func (t transform) lower(d func(int) Mem, to [edge / 2]reg.VecPhysical) {
	d2, d3, d4 := z(18), z(19), z(20)
	VMOVUPS(d(4), d4)
	VMOVUPS(d(2), d2)
	VMOVUPS(d(3), d3)
	VMOVUPS(d(0), to[0])
	VFMADD213PS(d4, t.four, to[0])
	VFNMADD231PS(d2, t.five, to[0])
	VFNMADD231PS(d2, t.four, d4)
	VFNMADD231PS(d(1), t.four, d3)
	VADDPS(d3, d4, to[1])
	VSUBPS(d3, d4, to[2])
}

// upper emits the second.
func (t transform) upper(d func(int) Mem, to [edge / 2]reg.VecPhysical) {
	d1, d3, d4 := z(18), z(19), z(20)
	VMOVUPS(d(1), d1)
	VMOVUPS(d(3), d3)
	VMOVUPS(d(4), d4)
	VMOVUPS(d(5), to[2])
	VFMADD231PS(d1, t.four, to[2])
	VFNMADD231PS(d3, t.five, to[2])
	VSUBPS(d1, d3, to[1])
	VSUBPS(d(2), d4, d4)
	t.pair(d4, to[1], to[0])
}

// pair emits x+2y, and x−2y in y's place.
func (t transform) pair(x, y, plus reg.VecPhysical) {
	VMOVAPS(x, plus)
	VFMADD231PS(y, t.two, plus)
	VFNMADD213PS(x, t.two, y)
}

// column emits Bᵀ·d for d in registers, which it uses up.
func (t transform) column(d func(int) reg.VecPhysical, store func(int, reg.VecPhysical)) {
	x, y, plus := z(18), z(19), z(20)
	VSUBPS(d(2), d(4), x)
	VSUBPS(d(1), d(3), y)
	VFMADD213PS(d(4), t.four, d(0))
	VFNMADD231PS(d(2), t.five, d(0))
	store(0, d(0))
	VFNMADD231PS(d(2), t.four, d(4))
	VFMADD231PS(d(1), t.four, d(5))
	VFNMADD231PS(d(3), t.five, d(5))
	VFNMADD231PS(d(1), t.four, d(3))
	VADDPS(d(3), d(4), d(1))
	store(1, d(1))
	VSUBPS(d(3), d(4), d(2))
	store(2, d(2))
	t.pair(x, y, plus)
	store(3, plus)
	store(4, y)
	store(5, d(5))
}

// winogradOutput writes clamp(bias + residual + Aᵀ·m·A) of 36 planes m to a 4×4
// patch, or as much of it as lies in the image, 16 channels at a time. A line m
// becomes, with s, d = m₁±m₂ and u, v = m₃±m₄,
//
//	m₀+s+u, d+2v, s+4u, d+8v+m₅
func winogradOutput(constant map[int]Mem) {
	TEXT("winogradOutput", attr.NOSPLIT, "func(p *byte)")
	two, four, eight := z(31), z(30), z(29)
	VBROADCASTSS(constant[2], two)
	VBROADCASTSS(constant[4], four)
	VBROADCASTSS(constant[8], eight)
	y := func(c, r int) reg.VecPhysical { return z(c*inner + r) }
	column := func(c int, m func(int) Mem) {
		for i := range 4 {
			VMOVUPS(m(1+i), z(24+i))
		}
		VADDPS(z(25), z(24), y(c, 2))
		VSUBPS(z(25), z(24), y(c, 1))
		VADDPS(z(27), z(26), z(24))
		VSUBPS(z(27), z(26), z(25))
		VADDPS(m(0), y(c, 2), y(c, 0))
		VADDPS(z(24), y(c, 0), y(c, 0))
		VADDPS(m(5), y(c, 1), y(c, 3))
		VFMADD231PS(z(25), eight, y(c, 3))
		VFMADD231PS(z(25), two, y(c, 1))
		VFMADD231PS(z(24), four, y(c, 2))
	}
	row := func(r int) []reg.VecPhysical {
		x := func(c int) reg.VecPhysical { return y(c, r) }
		VADDPS(x(2), x(1), z(24))
		VSUBPS(x(2), x(1), z(25))
		VADDPS(x(4), x(3), z(26))
		VSUBPS(x(4), x(3), z(27))
		VADDPS(z(24), x(0), x(0))
		VADDPS(z(26), x(0), x(0))
		VADDPS(z(25), x(5), x(5))
		VFMADD231PS(z(27), eight, x(5))
		VFMADD231PS(z(27), two, z(25))
		VFMADD231PS(z(26), four, z(24))
		return []reg.VecPhysical{x(0), z(25), z(24), x(5)}
	}
	outputTransform{edge, inner, column, row}.emit()
}

// outputTransform is Aᵀ·m·A for patches of some size: column emits Aᵀ·m of column
// c of planes, row the rest of row r of the outputs, which it returns in registers
// other than 26 to 28.
type outputTransform struct {
	edge, inner int
	column      func(c int, m func(r int) Mem)
	row         func(r int) []reg.VecPhysical
}

// emit emits the loops over patches and over groups of channels of
// clamp(bias + residual + Aᵀ·m·A).
func (t outputTransform) emit() {
	p := Load(Param("p"), GP64())
	field := func(offset int) Mem { return Mem{Base: p, Disp: offset} }
	image, planes := isa.Field(p, patchImage), isa.Field(p, patchPlanes)
	residual, bias, groups := isa.Field(p, patchResidual), GP64(), GP64()
	from := isa.NewRows(t.edge, isa.Field(p, patchPlane))
	to, add := isa.NewRows(t.inner, isa.Field(p, patchPixel)), isa.NewRows(t.inner, isa.Field(p, patchResPixel))
	Label("patch")
	for c := 1; c < t.inner; c++ {
		setInside(c, field(patchCols))
	}
	MOVQ(field(patchGroups), groups)
	MOVQ(field(patchBias), bias)
	Label("group")
	MOVQ(planes, from.First())
	for c := range t.edge {
		from.Start()
		t.column(c, func(r int) Mem { return from.At(r, 0) })
		if c < t.edge-1 {
			LEAQ(from.At(t.edge, 0), from.First())
		}
	}
	MOVQ(image, to.First())
	MOVQ(residual, add.First())
	for r := range t.inner {
		if r > 0 {
			CMPQ(field(patchRows), U8(uint8(r)))
			JLE(LabelRef("next"))
			ADDQ(field(patchRow), to.First())
			ADDQ(field(patchResRow), add.First())
		}
		t.fetchNext(to)
		values := t.row(r)
		VMOVUPS(Mem{Base: bias}, z(28))
		for _, v := range values {
			VADDPS(z(28), v, v)
		}
		plain := fmt.Sprintf("plain%d", r)
		TESTQ(add.First(), add.First())
		JZ(LabelRef(plain))
		t.fetchNext(add)
		for c, v := range values {
			VADDPS(inside(c, add.At(c, 0), v, v)...)
		}
		Label(plain)
		VBROADCASTSS(field(patchLo), z(26))
		VBROADCASTSS(field(patchHi), z(27))
		for c, v := range values {
			VMAXPS(v, z(26), v)
			VMINPS(v, z(27), v)
			VMOVUPS(inside(c, v, to.At(c, 0))...)
		}
	}
	Label("next")
	ADDQ(U8(64), planes)
	ADDQ(U8(64), image)
	ADDQ(U8(64), bias)
	TESTQ(residual, residual)
	JZ(LabelRef("counted"))
	ADDQ(U8(64), residual)
	Label("counted")
	endPatch(p, groups, image, func() {
		ADDQ(field(patchResStep), residual)
		SUBQ(U8(uint8(t.inner)), field(patchCols))
	})
}

// fetchNext asks for a row of the next patch's image, which may well lie beyond
// L2, before it is stored or added.
func (t outputTransform) fetchNext(row *isa.Rows) {
	next := GP64()
	LEAQ(row.At(t.inner, 0), next)
	for c := range t.inner {
		m := row.At(c, 0)
		m.Base = next
		PREFETCHT0(m)
	}
}

// insides are the opmasks of the columns of outputs; the first always lies in the
// image.
var insides = [inner]reg.Register{nil, reg.K1, reg.K2, reg.K3}

// setInside sets a column's opmask if more columns than c are left.
func setInside(c int, columns Mem) {
	ones := GP32()
	XORL(ones, ones)
	CMPQ(columns, U8(uint8(c+1)))
	SBBL(ones, ones)
	NOTL(ones)
	KMOVW(ones, insides[c])
}

// inside is operands with the opmask of a column before the last of them.
func inside(c int, operands ...Op) []Op {
	if insides[c] == nil {
		return operands
	}
	return slices.Insert(operands, len(operands)-1, Op(insides[c]))
}
