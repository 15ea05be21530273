// Package arm64 spells generated functions for arm64. Generators speak in
// avo's verbs, which bear the names of x86 instructions; behind avo's register
// allocation, each verb on 128-bit vectors becomes the arm64 instructions that
// have its effect. It knows no kernel, and panics at a verb that it can't spell.
package arm64

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// Spell rewrites the functions of a file that avo has compiled.
func Spell(f *ir.File) error {
	// avo's last pass has forgotten how instructions follow each other.
	liveness := pass.Concat(pass.FunctionPass(pass.LabelTarget), pass.FunctionPass(pass.CFG), pass.FunctionPass(pass.Liveness))
	if err := liveness.Execute(f); err != nil {
		return err
	}
	for _, fn := range f.Functions() {
		s := &speller{function: fn.Name}
		for _, node := range fn.Nodes {
			if i, ok := node.(*ir.Instruction); ok {
				s.spell(i)
			} else {
				s.nodes = append(s.nodes, node)
			}
		}
		fn.Nodes, fn.ISA = s.nodes, nil
	}
	return nil
}

// speller collects the nodes of a function.
type speller struct {
	function string
	nodes    []ir.Node
	taken    [32]bool // vector registers that the present instruction needs, or those after it
	labels   int
}

func (s *speller) spell(i *ir.Instruction) {
	for n := range s.taken {
		id := reg.LookupPhysical(reg.KindVector, reg.Index(n), reg.S128).ID()
		s.taken[n] = i.LiveIn[id] != 0 || i.LiveOut[id] != 0
	}
	for _, r := range i.Registers() {
		if r.Kind() == reg.KindVector {
			s.taken[number(r)] = true
		}
	}
	verb, known := verbs[i.Opcode]
	if !known {
		panic(fmt.Sprintf("arm64: %s: no spelling of %s", s.function, i.Opcode))
	}
	verb(s, i.Operands)
	if i.IsTerminal || i.IsBranch {
		last := s.nodes[len(s.nodes)-1].(*ir.Instruction)
		last.IsTerminal, last.IsBranch, last.IsConditional = i.IsTerminal, i.IsBranch, i.IsConditional
	}
}

// verb emits the arm64 instructions of one x86 instruction with operands in
// Go's order.
type verb func(s *speller, ops []operand.Op)

// verbs holds every spelling by the name of the x86 instruction, or by the name
// that package isa gives an arm64 one.
var verbs = merge(integerVerbs, vectorVerbs, movingVerbs)

func merge(tables ...map[string]verb) map[string]verb {
	all := map[string]verb{}
	for _, t := range tables {
		for name, v := range t {
			all[name] = v
		}
	}
	return all
}

// text is an operand as the assembler reads it.
type text string

func (t text) Asm() string { return string(t) }

// emit adds an instruction of the Go assembler's own.
func (s *speller) emit(opcode string, operands ...string) {
	i := &ir.Instruction{Opcode: opcode}
	for _, o := range operands {
		i.Operands = append(i.Operands, text(o))
	}
	s.nodes = append(s.nodes, i)
}

// label is a name not yet used in the function.
func (s *speller) label(what string) string {
	s.labels++
	return fmt.Sprintf("%s_%d", what, s.labels)
}

func (s *speller) place(label string) { s.nodes = append(s.nodes, ir.Label(label)) }

// Registers that generated code is not given: avo knows but sixteen. The
// assembler keeps R27 for itself, the system R18.
const (
	addressScratch = "R19"
	valueScratch   = "R20"
)

// number is a register's as avo numbers its kind.
func number(r reg.Register) int { return int(reg.ToPhysical(r).PhysicalIndex()) }

// general names a general register.
func general(op operand.Op) string { return fmt.Sprintf("R%d", number(op.(reg.Register))) }

func isRegister(op operand.Op) bool {
	_, is := op.(reg.Register)
	return is
}

// immediate spells a constant operand.
func immediate(op operand.Op) (string, bool) {
	c, is := op.(operand.Constant)
	if !is {
		return "", false
	}
	return fmt.Sprintf("$%d", constant(c)), true
}

// constant is the value of a constant of any of avo's types.
func constant(op operand.Op) int64 {
	switch c := op.(type) {
	case operand.U8:
		return int64(c)
	case operand.I8:
		return int64(c)
	case operand.U16:
		return int64(c)
	case operand.I16:
		return int64(c)
	case operand.U32:
		return int64(c)
	case operand.I32:
		return int64(c)
	}
	panic(fmt.Sprintf("arm64: constant of type %T", op))
}

// linkBytes is where local variables begin: the assembler keeps the return
// address at the stack pointer.
const linkBytes = 8

// memory spells an address, of which all but base and displacement go into a
// scratch register first.
func (s *speller) memory(m operand.Mem) string {
	switch {
	case m.Base == reg.FramePointer:
		return m.Asm()
	case m.Base == reg.StaticBase:
		s.emit("MOVD", "$"+m.Asm(), addressScratch)
		return "(" + addressScratch + ")"
	}
	base := "RSP"
	if m.Base == reg.StackPointer {
		m.Disp += linkBytes
	} else {
		base = general(m.Base)
	}
	if m.Index != nil {
		s.emit("ADD", shifted(m), s.plain(base), addressScratch)
		base = addressScratch
	}
	if m.Disp == 0 {
		return "(" + base + ")"
	}
	return fmt.Sprintf("%d(%s)", m.Disp, base)
}

// plain is base in a register that an addition of a shifted one may take.
func (s *speller) plain(base string) string {
	if base != "RSP" {
		return base
	}
	s.emit("MOVD", base, addressScratch)
	return addressScratch
}

// shifted spells the scaled index of an address.
func shifted(m operand.Mem) string {
	shift, known := map[uint8]string{1: "", 2: "<<1", 4: "<<2", 8: "<<3"}[m.Scale]
	if !known {
		panic(fmt.Sprintf("arm64: index scaled by %d", m.Scale))
	}
	return general(m.Index) + shift
}
