package main

import (
	"fmt"

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
	patchScratch  = 104
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
// time. Rows are transformed into scratch, then columns out of it.
func winogradInput(constant map[int]Mem) {
	TEXT("winogradInput", attr.NOSPLIT, "func(p *byte)")
	p := Load(Param("p"), GP64())
	image, row, pixel := isa.Field(p, patchImage), isa.Field(p, patchRow), isa.Field(p, patchPixel)
	planes, plane := isa.Field(p, patchPlanes), isa.Field(p, patchPlane)
	scratch := isa.Field(p, patchScratch)
	groups := isa.Field(p, patchGroups)
	two, four, five := z(29), z(31), z(30)
	VBROADCASTSS(constant[2], two)
	VBROADCASTSS(constant[4], four)
	VBROADCASTSS(constant[5], five)
	pixels := isa.NewRows(edge, pixel)
	line, to := GP64(), GP64()
	Label("group")
	MOVQ(image, line)
	for r := range edge {
		first := r % 2 * 14
		MOVQ(line, pixels.First())
		pixels.Start()
		for c := range edge {
			VMOVUPS(pixels.At(c, 0), z(first+c))
		}
		if r < edge-1 {
			ADDQ(row, line)
		}
		for c, x := range transformInput(first, two, four, five) {
			VMOVUPS(x, Mem{Base: scratch, Disp: (r*edge + c) * 64})
		}
	}
	MOVQ(planes, to)
	for c := range edge {
		first := c % 2 * 14
		for r := range edge {
			VMOVUPS(Mem{Base: scratch, Disp: (r*edge + c) * 64}, z(first+r))
		}
		for _, x := range transformInput(first, two, four, five) {
			VMOVUPS(x, Mem{Base: to})
			ADDQ(plane, to)
		}
	}
	ADDQ(U8(64), image)
	ADDQ(U8(64), planes)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// transformInput emits Bᵀ·d for d in six registers from first on, using the
// eight after them too, and returns where the results are:
//
//	4d₀−5d₂+d₄, (d₄−4d₂)±(d₃−4d₁), (d₄−d₂)±2(d₃−d₁), 4d₁−5d₃+d₅
func transformInput(first int, two, four, five reg.VecPhysical) [edge]reg.VecPhysical {
	d := func(i int) reg.VecPhysical { return z(first + i) }
	t := func(i int) reg.VecPhysical { return z(first + edge + i) }
	VMOVAPS(d(4), t(0))
	VFMADD231PS(d(0), four, t(0))
	VFNMADD231PS(d(2), five, t(0))
	VFMADD231PS(d(1), four, d(5))
	VFNMADD231PS(d(3), five, d(5))
	VMOVAPS(d(4), t(1))
	VFNMADD231PS(d(2), four, t(1))
	VMOVAPS(d(3), t(2))
	VFNMADD231PS(d(1), four, t(2))
	VADDPS(t(1), t(2), t(3))
	VSUBPS(t(2), t(1), t(4))
	VSUBPS(d(2), d(4), t(5))
	VSUBPS(d(1), d(3), t(6))
	VMOVAPS(t(5), t(7))
	VFMADD231PS(t(6), two, t(5))
	VFNMADD231PS(t(6), two, t(7))
	return [edge]reg.VecPhysical{t(0), t(3), t(4), t(5), t(7), d(5)}
}

// winogradOutput writes clamp(bias + residual + Aᵀ·m·A) of 36 planes m to a 4×4
// patch, or as much of it as lies in the image, 16 channels at a time. Columns
// of m are transformed first; all 24 results stay in registers.
func winogradOutput(constant map[int]Mem) {
	TEXT("winogradOutput", attr.NOSPLIT, "func(p *byte)")
	o := beginOutput(inner)
	two, four, eight := z(31), z(30), z(29)
	VBROADCASTSS(constant[2], two)
	VBROADCASTSS(constant[4], four)
	VBROADCASTSS(constant[8], eight)
	Label("group")
	MOVQ(o.planes, o.from)
	y := func(c, r int) reg.VecPhysical { return z(c*inner + r) }
	for c := range edge {
		o.load(y(c, 0))
		for i := range 4 {
			o.load(z(24 + i))
		}
		// The sixth plane is added from memory.
		VADDPS(z(25), z(24), y(c, 2))
		VSUBPS(z(25), z(24), y(c, 1))
		VADDPS(z(27), z(26), z(24))
		VSUBPS(z(27), z(26), z(25))
		VADDPS(y(c, 2), y(c, 0), y(c, 0))
		VADDPS(z(24), y(c, 0), y(c, 0))
		VADDPS(Mem{Base: o.from}, y(c, 1), y(c, 3))
		ADDQ(o.plane, o.from)
		VFMADD231PS(z(25), eight, y(c, 3))
		VFMADD231PS(z(25), two, y(c, 1))
		VFMADD231PS(z(24), four, y(c, 2))
	}
	o.rows(func(r int) []reg.VecPhysical {
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
	})
	o.nextGroup()
}

// output is an output transform under generation.
type output struct {
	inner                        int
	p                            reg.Register
	image, row, pixel            reg.Register
	planes, plane                reg.Register
	residual, bias               reg.Register
	from, line, to, resLine, res reg.GPVirtual
}

func beginOutput(inner int) *output {
	p := Load(Param("p"), GP64())
	return &output{
		inner: inner, p: p,
		image: isa.Field(p, patchImage), row: isa.Field(p, patchRow), pixel: isa.Field(p, patchPixel),
		planes: isa.Field(p, patchPlanes), plane: isa.Field(p, patchPlane),
		residual: isa.Field(p, patchResidual), bias: isa.Field(p, patchBias),
		from: GP64(), line: GP64(), to: GP64(), resLine: GP64(), res: GP64(),
	}
}

// load reads the next plane.
func (o *output) load(r reg.VecPhysical) {
	VMOVUPS(Mem{Base: o.from}, r)
	ADDQ(o.plane, o.from)
}

// rows finishes and stores the rows of outputs that transform returns. It needs
// the registers 26 to 28.
func (o *output) rows(transform func(r int) []reg.VecPhysical) {
	MOVQ(o.image, o.line)
	MOVQ(o.residual, o.resLine)
	for r := range o.inner {
		if r > 0 {
			CMPQ(Mem{Base: o.p, Disp: patchRows}, U8(uint8(r)))
			JLE(LabelRef("next"))
		}
		values := transform(r)
		VMOVUPS(Mem{Base: o.bias}, z(28))
		VBROADCASTSS(Mem{Base: o.p, Disp: patchLo}, z(26))
		VBROADCASTSS(Mem{Base: o.p, Disp: patchHi}, z(27))
		MOVQ(o.line, o.to)
		MOVQ(o.resLine, o.res)
		for c, v := range values {
			if c > 0 {
				CMPQ(Mem{Base: o.p, Disp: patchCols}, U8(uint8(c)))
				JLE(LabelRef(fmt.Sprintf("row%d", r)))
			}
			VADDPS(z(28), v, v)
			plain := fmt.Sprintf("plain%d_%d", r, c)
			TESTQ(o.res, o.res)
			JZ(LabelRef(plain))
			VADDPS(Mem{Base: o.res}, v, v)
			ADDQ(Mem{Base: o.p, Disp: patchResPixel}, o.res)
			Label(plain)
			VMAXPS(v, z(26), v)
			VMINPS(v, z(27), v)
			VMOVUPS(v, Mem{Base: o.to})
			ADDQ(o.pixel, o.to)
		}
		Label(fmt.Sprintf("row%d", r))
		ADDQ(o.row, o.line)
		ADDQ(Mem{Base: o.p, Disp: patchResRow}, o.resLine)
	}
	Label("next")
}

// nextGroup moves on by 16 channels, and ends the function after the last.
func (o *output) nextGroup() {
	ADDQ(U8(64), o.planes)
	ADDQ(U8(64), o.image)
	ADDQ(U8(64), o.bias)
	TESTQ(o.residual, o.residual)
	JZ(LabelRef("counted"))
	ADDQ(U8(64), o.residual)
	Label("counted")
	DECQ(Mem{Base: o.p, Disp: patchGroups})
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}
