// Command move generates the block transposes of engine/kernels/move.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// v is a vector register.
type v = reg.VecVirtual

func main() {
	table := flag.String("table", "", "file for the functions' declarations and table")
	target := isa.Begin()
	t := &isa.Table{Package: "move", Struct: "transposes"}
	if target == isa.ARM64 {
		block(t, isa.NEON, "words", 8, 2, words, false)
		block(t, isa.NEON, "doublewords", 4, 4, doublewordsNarrow, false)
		block(t, isa.NEON, "doublewordsPadded", 4, 4, doublewordsNarrow, true)
	} else {
		block(t, isa.AVX512, "doublewords", 16, 4, doublewordsWide, false)
		block(t, isa.AVX512, "doublewordsPadded", 16, 4, doublewordsWide, true)
		block(t, isa.AVX2, "words", 8, 2, words, false)
		block(t, isa.AVX2, "doublewords", 8, 4, doublewords, false)
		block(t, isa.AVX2, "doublewordsPadded", 8, 4, doublewords, true)
	}
	Generate()
	if err := t.Write(*table, "_asm/move", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// block generates dst[c·dstPitch+r] = src[r·srcPitch+c] for squares of side
// elements, count times, each srcStep and dstStep bytes after the last. If
// padded, only the first rows rows of src exist, and zero stands for the others.
func block(t *isa.Table, set isa.ISA, name string, side, bytes int, transpose func(load loader) []v, padded bool) {
	signature := "(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep int)"
	if padded {
		signature = "(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep, rows int)"
	}
	t.Function(set, name, "", "transpose"+strings.ToUpper(name[:1])+name[1:], signature)
	to, from := isa.NewRows(side, parameter("dstPitch")), isa.NewRows(side, parameter("srcPitch"))
	dst, src, count := parameter("dst"), parameter("src"), parameter("count")
	Label("block")
	MOVQ(src, from.First())
	from.Start()
	columns := transpose(func(i int, r v) {
		if padded && i > 0 {
			loadIfPresent(from.At(i, 0), i, r)
		} else {
			VMOVUPS(from.At(i, 0), r)
		}
	})
	MOVQ(dst, to.First())
	to.Start()
	for i, c := range columns {
		VMOVUPS(c, to.At(i, 0))
	}
	ADDQ(parameter("srcStep"), src)
	ADDQ(parameter("dstStep"), dst)
	DECQ(count)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// loader emits the load of row i into r.
type loader func(i int, r v)

// loadIfPresent loads row i, or zero if there are only so many rows.
func loadIfPresent(row Mem, i int, r v) {
	VXORPS(r, r, r)
	absent := fmt.Sprintf("absent%d", i)
	CMPQ(parameter("rows"), I8(int8(i)))
	JLE(LabelRef(absent))
	VMOVUPS(row, r)
	Label(absent)
}

// parameter is an integer or pointer parameter in a new register.
func parameter(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// pair returns, of two rows, the interleaved lower and upper elements.
func pair(low, high func(ops ...Op), a, b v, register func() v) (lower, upper v) {
	lower, upper = register(), register()
	low(b, a, lower)
	high(b, a, upper)
	return lower, upper
}

// quads loads four rows and returns u with u[k], in its 128-bit lane L, holding
// column 4L+k.
func quads(load loader, first int, register func() v) (u [4]v) {
	var r [4]v
	for i := range r {
		r[i] = register()
		load(first+i, r[i])
	}
	l01, h01 := pair(VUNPCKLPS, VUNPCKHPS, r[0], r[1], register)
	l23, h23 := pair(VUNPCKLPS, VUNPCKHPS, r[2], r[3], register)
	u[0], u[1] = pair(VUNPCKLPD, VUNPCKHPD, l01, l23, register)
	u[2], u[3] = pair(VUNPCKLPD, VUNPCKHPD, h01, h23, register)
	return u
}

// doublewordsNarrow transposes 4 × 4 elements of 4 bytes.
func doublewordsNarrow(load loader) []v {
	u := quads(load, 0, XMM)
	return u[:]
}

// doublewords transposes 8 × 8 elements of 4 bytes.
func doublewords(load loader) []v {
	upper, lower := quads(load, 0, YMM), quads(load, 4, YMM)
	columns := make([]v, 8)
	for k := range 4 {
		columns[k], columns[4+k] = YMM(), YMM()
		VPERM2F128(U8(0x20), lower[k], upper[k], columns[k])
		VPERM2F128(U8(0x31), lower[k], upper[k], columns[4+k])
	}
	return columns
}

// doublewordsWide transposes 16 × 16 elements of 4 bytes.
func doublewordsWide(load loader) []v {
	const lowerLanes, upperLanes, evenLanes, oddLanes = 0b01_00_01_00, 0b11_10_11_10, 0b10_00_10_00, 0b11_01_11_01
	shuffle := func(lanes uint8, a, b v) v {
		r := ZMM()
		VSHUFF32X4(U8(lanes), b, a, r)
		return r
	}
	var u [4][4]v
	for i := range u {
		u[i] = quads(load, 4*i, ZMM)
	}
	columns := make([]v, 16)
	for k := range 4 {
		for half, lanes := range []uint8{lowerLanes, upperLanes} {
			upper, lower := shuffle(lanes, u[0][k], u[1][k]), shuffle(lanes, u[2][k], u[3][k])
			columns[8*half+k] = shuffle(evenLanes, upper, lower)
			columns[8*half+4+k] = shuffle(oddLanes, upper, lower)
		}
	}
	return columns
}

// words transposes 8 × 8 elements of 2 bytes.
func words(load loader) []v {
	var r, s [8]v
	for i := range r {
		r[i] = XMM()
		load(i, r[i])
	}
	for i := 0; i < 8; i += 2 {
		s[i], s[i+1] = pair(VPUNPCKLWD, VPUNPCKHWD, r[i], r[i+1], XMM)
	}
	columns := make([]v, 8)
	for half := range 2 { // columns 0 to 3 come from the lower interleavings
		l01, h01 := pair(VPUNPCKLDQ, VPUNPCKHDQ, s[half], s[2+half], XMM)
		l23, h23 := pair(VPUNPCKLDQ, VPUNPCKHDQ, s[4+half], s[6+half], XMM)
		columns[4*half], columns[4*half+1] = pair(VPUNPCKLQDQ, VPUNPCKHQDQ, l01, l23, XMM)
		columns[4*half+2], columns[4*half+3] = pair(VPUNPCKLQDQ, VPUNPCKHQDQ, h01, h23, XMM)
	}
	return columns
}
