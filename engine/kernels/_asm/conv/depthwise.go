package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of conv.Window's fields; a test in that package holds them true.
const (
	argIn       = 0
	argWeights  = 8
	argBias     = 16
	argOut      = 24
	argResidual = 32
	argTap      = 40
	argTaps     = 48
	argNext     = 56
	argPixelOut = 64
	argPixelRes = 72
	argCount    = 80
	argGroups   = 88
	argCols     = 96
	argLo       = 104
	argHi       = 108
	argPixel    = 112
	argRow      = 120
)

// depthwise is a kernel under generation. With a size it keeps a whole window's
// weights in registers and reads each input once for all outputs that it meets;
// without, it follows a list of taps. Registers: an accumulator per pixel, then
// weights, then temporaries.
type depthwise struct {
	isa.ISA
	values
	size, stride int // 0: any

	p      reg.Register
	in     reg.Register // input of the first pixel in work
	out    reg.Register
	res    reg.Register
	count  reg.Register // pixels left
	next   reg.Register // bytes between the inputs of neighbouring pixels
	labels int
}

// pixels is how many outputs are in work at a time.
func (d *depthwise) pixels() int {
	if d.size == 0 {
		return 8
	}
	return 4
}

func (d *depthwise) weights() int {
	if d.size == 0 {
		return 1
	}
	return d.size * d.size
}

// temporaries is the number of registers for inputs and for the epilogue.
const temporaries = 3

func (d *depthwise) fits() bool {
	return d.pixels()+d.weights()+temporaries <= d.Count
}

func (d *depthwise) function() string {
	name := "depthwise"
	if d.size > 0 {
		name = fmt.Sprintf("depthwise%dx%ds%d", d.size, d.size, d.stride)
	}
	return name + d.name() + d.Title
}

func (d *depthwise) name() string { return d.values.name }

func (d *depthwise) weight(i int) reg.VecPhysical { return d.Reg(d.pixels() + i) }

func (d *depthwise) temp(i int) reg.VecPhysical {
	return d.Reg(d.Count - temporaries + i)
}

// label is a name unique within the function.
func (d *depthwise) label(name string) string {
	d.labels++
	return fmt.Sprintf("%s%d", name, d.labels)
}

func bytesOf(d *depthwise, bf bool) int {
	if bf {
		return d.Lanes() * 2
	}
	return d.Lanes() * 4
}

func (d *depthwise) generate() {
	TEXT(d.function(), attr.NOSPLIT, "func(w *byte)")
	d.p = Load(Param("w"), GP64())
	d.next = isa.Field(d.p, argNext)
	Label("group")
	d.setMask()
	for i := range d.weights() {
		if d.size > 0 {
			VMOVUPS(Mem{Base: isa.Field(d.p, argWeights), Disp: i * d.Bytes}, d.weight(i))
		}
	}
	d.in = isa.Field(d.p, argIn)
	d.out = isa.Field(d.p, argOut)
	d.res = isa.Field(d.p, argResidual)
	d.count = isa.Field(d.p, argCount)
	n := d.pixels()
	SUBQ(U8(uint8(n)), d.count)
	JL(LabelRef("rest"))
	Label("loop")
	d.block(n)
	SUBQ(U8(uint8(n)), d.count)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(U8(uint8(n)), d.count)
	JZ(LabelRef("done"))
	Label("single")
	d.block(1)
	DECQ(d.count)
	JNZ(LabelRef("single"))
	Label("done")
	d.nextGroup()
	DECQ(Mem{Base: d.p, Disp: argGroups})
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// nextGroup moves the operands on by one vector of channels.
func (d *depthwise) nextGroup() {
	ADDQ(U8(uint8(bytesOf(d, d.inBF))), Mem{Base: d.p, Disp: argIn})
	ADDQ(U8(uint8(bytesOf(d, d.outBF))), Mem{Base: d.p, Disp: argOut})
	ADDQ(U8(uint8(d.Bytes)), Mem{Base: d.p, Disp: argBias})
	step := GP64()
	IMUL3Q(U8(uint8(d.Bytes)), Mem{Base: d.p, Disp: argTaps}, step)
	ADDQ(step, Mem{Base: d.p, Disp: argWeights})
	CMPQ(Mem{Base: d.p, Disp: argResidual}, U8(0))
	JE(LabelRef("moved"))
	ADDQ(U8(uint8(bytesOf(d, d.outBF))), Mem{Base: d.p, Disp: argResidual})
	Label("moved")
}

// block computes n neighbouring outputs of one vector of channels.
func (d *depthwise) block(n int) {
	bias := isa.Field(d.p, argBias)
	for i := range n {
		VMOVUPS(Mem{Base: bias}, d.Reg(i))
	}
	if d.size == 0 {
		d.anyWindow(n)
	} else {
		d.window(n)
	}
	step := GP64()
	IMUL3Q(U8(uint8(n)), d.next, step)
	ADDQ(step, d.in)
	d.finish(n)
}

// anyWindow adds tap by tap.
func (d *depthwise) anyWindow(n int) {
	tap, taps := isa.Field(d.p, argTap), isa.Field(d.p, argTaps)
	w := isa.Field(d.p, argWeights)
	rows := isa.NewRows(n, d.next)
	top := d.label("tap")
	Label(top)
	MOVQ(Mem{Base: tap}, rows.First())
	ADDQ(d.in, rows.First())
	rows.Start()
	VMOVUPS(Mem{Base: w}, d.weight(0))
	for i := range n {
		d.multiply(rows.At(i, 0), i%temporaries, func(x Op) { VFMADD231PS(x, d.weight(0), d.Reg(i)) })
	}
	ADDQ(U8(8), tap)
	ADDQ(U8(uint8(d.Bytes)), w)
	DECQ(taps)
	JNZ(LabelRef(top))
}

// window adds a size×size window, each input to all outputs that it meets.
func (d *depthwise) window(n int) {
	pixel, row := isa.Field(d.p, argPixel), isa.Field(d.p, argRow)
	inputs := (n-1)*d.stride + d.size
	line := GP64()
	MOVQ(d.in, line)
	rows := isa.NewRows(inputs, pixel)
	for r := range d.size {
		MOVQ(line, rows.First())
		rows.Start()
		for x := range inputs {
			d.load(rows.At(x, 0), d.temp(x%temporaries))
			for o := range n {
				if j := x - o*d.stride; j >= 0 && j < d.size {
					VFMADD231PS(d.temp(x%temporaries), d.weight(r*d.size+j), d.Reg(o))
				}
			}
		}
		if r < d.size-1 {
			ADDQ(row, line)
		}
	}
}

// multiply hands f the input at m: the memory itself, or a temporary that holds
// it widened.
func (d *depthwise) multiply(m Mem, temp int, f func(Op)) {
	if !d.inBF {
		f(m)
		return
	}
	d.load(m, d.temp(temp))
	f(d.temp(temp))
}

// load reads one vector of inputs as FP32.
func (d *depthwise) load(m Mem, r reg.VecPhysical) {
	if !d.inBF {
		VMOVUPS(m, r)
		return
	}
	VPMOVZXWD(m, r)
	VPSLLD(U8(16), r, r)
}

// finish adds the residual, clamps and stores n outputs.
func (d *depthwise) finish(n int) {
	x, lo, hi := d.temp(0), d.temp(1), d.temp(2)
	plain := d.label("plain")
	TESTQ(d.res, d.res)
	JZ(LabelRef(plain))
	d.loadMask(hi)
	pitch := isa.Field(d.p, argPixelRes)
	for i := range n {
		m := Mem{Base: d.res}
		switch {
		case d.outBF:
			VPMOVZXWD_Z(m, reg.K1, x)
			VPSLLD(U8(16), x, x)
		case d.Bytes == 64:
			VMOVUPS_Z(m, reg.K1, x)
		default:
			VMASKMOVPS(m, hi, x)
		}
		VADDPS(x, d.Reg(i), d.Reg(i))
		ADDQ(pitch, d.res)
	}
	Label(plain)
	VBROADCASTSS(Mem{Base: d.p, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: d.p, Disp: argHi}, hi)
	for i := range n {
		VMAXPS(d.Reg(i), lo, d.Reg(i))
		VMINPS(d.Reg(i), hi, d.Reg(i))
	}
	d.loadMask(hi)
	pitch = isa.Field(d.p, argPixelOut)
	for i := range n {
		m, r := Mem{Base: d.out}, d.Reg(i)
		switch {
		case d.outBF:
			isa.VCVTNEPS2BF16(r, r)
			VMOVDQU16(r.AsY(), reg.K1, m)
		case d.Bytes == 64:
			VMOVUPS(r, reg.K1, m)
		default:
			VMASKMOVPS(r, hi, m)
		}
		ADDQ(pitch, d.out)
	}
}

// setMask prepares the mask of this group's channels: all but in the last.
func (d *depthwise) setMask() {
	if d.Bytes != 64 {
		return
	}
	cols, all := isa.Field(d.p, argCols), GP64()
	MOVQ(U32(uint32(d.Lanes())), all)
	CMPQ(Mem{Base: d.p, Disp: argGroups}, U8(1))
	CMOVQNE(all, cols)
	ones := GP64()
	MOVQ(I32(-1), ones)
	BZHIQ(cols, ones, ones)
	KMOVW(ones.As32(), reg.K1)
}

// loadMask sets r to the mask, a vector, of this group's channels.
func (d *depthwise) loadMask(r reg.VecPhysical) {
	if d.Bytes == 64 {
		return
	}
	missing, none := GP64(), GP64()
	MOVQ(U32(uint32(d.Lanes())), missing)
	SUBQ(Mem{Base: d.p, Disp: argCols}, missing)
	XORQ(none, none)
	CMPQ(Mem{Base: d.p, Disp: argGroups}, U8(1))
	CMOVQNE(none, missing)
	table := GP64()
	LEAQ(Mem{Symbol: Symbol{Name: "channelMasks", Static: true}, Base: reg.StaticBase}, table)
	VMOVDQU(Mem{Base: table, Index: missing, Scale: 4, Disp: 4 * (tableOnes - d.Lanes())}, r)
}

// tableOnes is how many dwords of ones begin the table of masks.
const tableOnes = 8

// maskTable defines tableOnes dwords of ones followed by as many of zeros.
func maskTable() {
	GLOBL("channelMasks", attr.RODATA|attr.NOPTR)
	for i := range 2 * tableOnes {
		v := uint32(0)
		if i < tableOnes {
			v = 0xFFFFFFFF
		}
		DATA(i*4, U32(v))
	}
}
