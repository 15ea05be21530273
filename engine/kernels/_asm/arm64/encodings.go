package arm64

import (
	"fmt"
	"strings"
)

// vector is a vector register by its number.
type vector int

// f is the register as the assembler's loads and stores name it, v as its
// vector instructions do.
func (v vector) f() string { return fmt.Sprintf("F%d", int(v)) }
func (v vector) v() string { return fmt.Sprintf("V%d", int(v)) }

// encoding is an Advanced SIMD instruction of up to three registers: Rd in bits
// 0 to 4, Rn in 5 to 9, Rm in 16 to 20. Values are those of the Arm Architecture
// Reference Manual for A-profile (DDI 0487), C7.2. The Go assembler names but a
// few of them, so that all are words. Vectors have four 32-bit lanes unless the
// name says more.
type encoding struct {
	name string
	bits uint32
}

var (
	fadd   = encoding{"fadd", 0x4E20D400}
	fsub   = encoding{"fsub", 0x4EA0D400}
	fmul   = encoding{"fmul", 0x6E20DC00}
	fdiv   = encoding{"fdiv", 0x6E20FC00}
	fmla   = encoding{"fmla", 0x4E20CC00}
	fmls   = encoding{"fmls", 0x4EA0CC00}
	fcmeq  = encoding{"fcmeq", 0x4E20E400}
	fcmgt  = encoding{"fcmgt", 0x6EA0E400}
	fcmge  = encoding{"fcmge", 0x6E20E400}
	fsqrt  = encoding{"fsqrt", 0x6EA1F800}
	frintn = encoding{"frintn", 0x4E218800}
	frintm = encoding{"frintm", 0x4E219800}
	frintp = encoding{"frintp", 0x4EA18800}

	fcvtns = encoding{"fcvtns", 0x4E21A800}
	scvtf  = encoding{"scvtf", 0x4E21D800}
	fcvtl  = encoding{"fcvtl.4h", 0x0E217800}
	fcvtn  = encoding{"fcvtn.4h", 0x0E216800}
	bfcvtn = encoding{"bfcvtn", 0x0EA16800}

	add   = encoding{"add", 0x4EA08400}
	sub   = encoding{"sub", 0x6EA08400}
	cmgt  = encoding{"cmgt", 0x4EA03400}
	cmlt0 = encoding{"cmlt #0", 0x4EA0A800}
	uminv = encoding{"uminv", 0x6EB1A800}

	and = encoding{"and", 0x4E201C00}
	orr = encoding{"orr", 0x4EA01C00}
	eor = encoding{"eor", 0x6E201C00}
	not = encoding{"mvn", 0x6E205800}
	bsl = encoding{"bsl", 0x6E601C00}
	bit = encoding{"bit", 0x6EA01C00}
	bif = encoding{"bif", 0x6EE01C00}

	shl  = encoding{"shl", 0x4F205400}  // by 0; the amount is added at bit 16
	ushr = encoding{"ushr", 0x6F400400} // by 0; the amount is taken off at bit 16
	sshr = encoding{"sshr", 0x4F400400}

	uxtl     = encoding{"uxtl.4h", 0x2F10A400}
	uxtlByte = encoding{"uxtl.8b", 0x2F08A400}
	sxtl     = encoding{"sxtl.4h", 0x0F10A400}
	sxtlByte = encoding{"sxtl.8b", 0x0F08A400}
	narrow   = encoding{"sqxtun.4h", 0x2E612800}
	narrow2  = encoding{"sqxtun2.8h", 0x6E612800}
	bytes    = encoding{"sqxtun.8b", 0x2E212800}
	bytes2   = encoding{"sqxtun2.16b", 0x6E212800}

	zip1      = encoding{"zip1", 0x4E803800}
	zip2      = encoding{"zip2", 0x4E807800}
	zip1Words = encoding{"zip1.8h", 0x4E403800}
	zip2Words = encoding{"zip2.8h", 0x4E407800}
	zip1Pairs = encoding{"zip1.2d", 0x4EC03800}
	zip2Pairs = encoding{"zip2.2d", 0x4EC07800}
	swapHalf  = encoding{"ext #8", 0x6E004000} // of one register twice
	swapLanes = encoding{"rev64", 0x4EA00800}

	duplicateLane = encoding{"dup", 0x4E040400} // lane 0; the lane is added at bit 19
	duplicate     = encoding{"dup w", 0x4E040C00}

	fmlaElement  = encoding{"fmla element", 0x4F801000} // element 0; see element
	bfdotElement = encoding{"bfdot element", 0x4F40F000}
)

// shiftedBy is a shift by so many bits.
func (e encoding) shiftedBy(bits int64) encoding {
	amount := uint32(bits) << 16
	if e == shl {
		return encoding{fmt.Sprintf("%s #%d", e.name, bits), e.bits + amount}
	}
	return encoding{fmt.Sprintf("%s #%d", e.name, bits), e.bits - amount}
}

// element is a product with one 32-bit element of Rm: its number's low bit is
// bit 21, the high one bit 11.
func (e encoding) element(n int64) encoding {
	return encoding{fmt.Sprintf("%s %d", e.name, n), e.bits | uint32(n)&1<<21 | uint32(n)>>1<<11}
}

// word emits e with its registers in Arm's order: Rd, Rn, Rm.
func (s *speller) word(e encoding, registers ...vector) {
	bits := e.bits
	names := make([]string, len(registers))
	for i, r := range registers {
		bits |= uint32(r) << [...]int{0, 5, 16}[i]
		names[i] = strings.ToLower(r.v())
	}
	s.emit("WORD", fmt.Sprintf("$0x%08x // %s %s", bits, e.name, strings.Join(names, ", ")))
}
