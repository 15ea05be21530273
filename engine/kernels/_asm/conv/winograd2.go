package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// The sizes of F(2×2, 3×3), whose patches fit the registers.
const (
	smallEdge  = 4
	smallInner = 2
)

// winogradInput2 writes Bᵀ·d·B of a 4×4 patch d to 16 planes, 16 channels at a
// time. A line d becomes d₀−d₂, d₁+d₂, d₂−d₁, d₁−d₃.
func winogradInput2() {
	TEXT("winogradInput2", attr.NOSPLIT, "func(p *byte)")
	p := Load(Param("p"), GP64())
	image, row, pixel := isa.Field(p, patchImage), isa.Field(p, patchRow), isa.Field(p, patchPixel)
	planes, plane := isa.Field(p, patchPlanes), isa.Field(p, patchPlane)
	groups := GP64()
	pixels := isa.NewRows(smallEdge, pixel)
	line, to := GP64(), GP64()
	transform := func(d, to [smallEdge]reg.VecPhysical) {
		VSUBPS(d[2], d[0], to[0])
		VADDPS(d[2], d[1], to[1])
		VSUBPS(d[1], d[2], to[2])
		VSUBPS(d[3], d[1], to[3])
	}
	cell := func(r, c int) reg.VecPhysical { return z(r*smallEdge + c) }
	beginPatch(p, groups)
	MOVQ(image, line)
	for r := range smallEdge {
		MOVQ(line, pixels.First())
		pixels.Start()
		var d, t [smallEdge]reg.VecPhysical
		for c := range smallEdge {
			d[c], t[c] = z(16+r%2*smallEdge+c), cell(r, c)
			VMOVUPS(pixels.At(c, 0), d[c])
		}
		if r < smallEdge-1 {
			ADDQ(row, line)
		}
		transform(d, t)
	}
	MOVQ(planes, to)
	for c := range smallEdge {
		var d, t [smallEdge]reg.VecPhysical
		for r := range smallEdge {
			d[r], t[r] = cell(r, c), z(16+c%2*smallEdge+r)
		}
		transform(d, t)
		for _, x := range t {
			VMOVUPS(x, Mem{Base: to})
			ADDQ(plane, to)
		}
	}
	ADDQ(U8(64), image)
	ADDQ(U8(64), planes)
	endPatch(p, groups, image, func() {})
}

// winogradOutput2 writes clamp(bias + residual + Aᵀ·m·A) of 16 planes m to a 2×2
// patch, or as much of it as lies in the image, 16 channels at a time. A line m
// becomes m₀+m₁+m₂, m₁−m₂−m₃.
func winogradOutput2() {
	TEXT("winogradOutput2", attr.NOSPLIT, "func(p *byte)")
	transform := func(m [smallEdge]reg.VecPhysical) {
		VADDPS(m[1], m[0], m[0])
		VADDPS(m[2], m[0], m[0])
		VSUBPS(m[2], m[1], m[1])
		VSUBPS(m[3], m[1], m[1])
	}
	y := func(c, r int) reg.VecPhysical { return z(c*smallEdge + r) }
	column := func(c int, m func(int) Mem) {
		var column [smallEdge]reg.VecPhysical
		for r := range column {
			column[r] = y(c, r)
			VMOVUPS(m(r), column[r])
		}
		transform(column)
	}
	row := func(r int) []reg.VecPhysical {
		var line [smallEdge]reg.VecPhysical
		for c := range line {
			line[c] = y(c, r)
		}
		transform(line)
		return line[:smallInner]
	}
	outputTransform{smallEdge, smallInner, column, row}.emit()
}
