package arm64

import "github.com/mmcloughlin/avo/operand"

// integerVerbs are those on general registers, and control. Additions and
// subtractions set the condition flags, as on x86; what the scratch registers
// need does not.
var integerVerbs = map[string]verb{
	"MOVQ":    func(s *speller, ops []operand.Op) { s.move("MOVD", "MOVD", ops) },
	"MOVL":    func(s *speller, ops []operand.Op) { s.move("MOVWU", "MOVW", ops) },
	"MOVW":    func(s *speller, ops []operand.Op) { s.move("MOVHU", "MOVH", ops) },
	"MOVB":    func(s *speller, ops []operand.Op) { s.move("MOVBU", "MOVB", ops) },
	"MOVWLZX": func(s *speller, ops []operand.Op) { s.move("MOVHU", "MOVH", ops) },
	"LEAQ":    address,
	"ADDQ":    arithmetic("ADDS"),
	"SUBQ":    arithmetic("SUBS"),
	"INCQ":    func(s *speller, ops []operand.Op) { s.update("ADDS", "$1", ops[0]) },
	"DECQ":    func(s *speller, ops []operand.Op) { s.update("SUBS", "$1", ops[0]) },
	"IMULQ":   arithmetic("MUL"),
	"IMUL3Q":  multiplyConstant,
	"SHLQ":    arithmetic("LSL"),
	"SHRQ":    arithmetic("LSR"),
	"XORQ":    arithmetic("EOR"),
	"ANDQ":    arithmetic("ANDS"),
	"CMPQ": func(s *speller, ops []operand.Op) {
		s.emit("CMP", s.value(ops[1], valueScratch), s.value(ops[0], addressScratch))
	},
	"TESTQ": func(s *speller, ops []operand.Op) {
		s.emit("TST", s.value(ops[1], valueScratch), s.value(ops[0], addressScratch))
	},
	"CMOVQLT":    conditionalMove("LT"),
	"CMOVQGT":    conditionalMove("GT"),
	"CMOVQNE":    conditionalMove("NE"),
	"JMP":        branch("B"),
	"JZ":         branch("BEQ"),
	"JE":         branch("BEQ"),
	"JNZ":        branch("BNE"),
	"JNE":        branch("BNE"),
	"JL":         branch("BLT"),
	"JLT":        branch("BLT"),
	"JLE":        branch("BLE"),
	"JG":         branch("BGT"),
	"JGT":        branch("BGT"),
	"JGE":        branch("BGE"),
	"RET":        func(s *speller, _ []operand.Op) { s.emit("RET") },
	"VZEROUPPER": func(*speller, []operand.Op) {}, // there are no upper halves
	"PREFETCHT0": prefetch("PLDL1KEEP"),
	"PREFETCHT1": prefetch("PLDL2KEEP"),
}

// move spells a copy between a register and memory, or of a constant.
func (s *speller) move(load, store string, ops []operand.Op) {
	if m, is := ops[1].(operand.Mem); is {
		s.emit(store, s.value(ops[0], valueScratch), s.memory(m))
		return
	}
	if m, is := ops[0].(operand.Mem); is {
		s.emit(load, s.memory(m), general(ops[1]))
		return
	}
	s.emit("MOVD", s.value(ops[0], valueScratch), general(ops[1]))
}

// value is a 64-bit operand as a register or constant; of memory, loaded into
// the register scratch.
func (s *speller) value(op operand.Op, scratch string) string {
	if c, is := immediate(op); is {
		return c
	}
	if m, is := op.(operand.Mem); is {
		s.emit("MOVD", s.memory(m), scratch)
		return scratch
	}
	return general(op)
}

// arithmetic spells destination = destination ∘ source.
func arithmetic(opcode string) verb {
	return func(s *speller, ops []operand.Op) { s.update(opcode, s.value(ops[0], valueScratch), ops[1]) }
}

// update spells the same of a source that has been read.
func (s *speller) update(opcode, source string, destination operand.Op) {
	m, is := destination.(operand.Mem)
	if !is {
		s.emit(opcode, source, general(destination))
		return
	}
	at := s.memory(m)
	if at == "("+addressScratch+")" || m.Index != nil {
		panic("arm64: " + s.function + ": update of memory at an address that needs the register for its value")
	}
	s.emit("MOVD", at, addressScratch)
	s.emit(opcode, source, addressScratch)
	s.emit("MOVD", addressScratch, at)
}

// address spells LEAQ.
func address(s *speller, ops []operand.Op) {
	m, to := ops[0].(operand.Mem), general(ops[1])
	switch {
	case m.Symbol.Name != "":
		s.emit("MOVD", "$"+m.Asm(), to)
	case m.Index == nil:
		s.emit("MOVD", "$"+s.memory(m), to)
	case m.Disp == 0:
		s.emit("ADD", shifted(m), general(m.Base), to)
	default:
		s.emit("MOVD", "$"+s.memory(m), to)
	}
}

func multiplyConstant(s *speller, ops []operand.Op) {
	c, _ := immediate(ops[0])
	s.emit("MOVD", c, addressScratch)
	s.emit("MUL", addressScratch, s.value(ops[1], valueScratch), general(ops[2]))
}

func conditionalMove(condition string) verb {
	return func(s *speller, ops []operand.Op) {
		to := general(ops[1])
		s.emit("CSEL", condition, s.value(ops[0], valueScratch), to, to)
	}
}

func branch(opcode string) verb {
	return func(s *speller, ops []operand.Op) { s.emit(opcode, ops[0].Asm()) }
}

func prefetch(level string) verb {
	return func(s *speller, ops []operand.Op) { s.emit("PRFM", s.memory(ops[0].(operand.Mem)), level) }
}
