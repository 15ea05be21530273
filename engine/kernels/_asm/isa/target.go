package isa

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"

	"github.com/eiplan/eiplan/engine/kernels/_asm/arm64"
)

// Target is the architecture that a generator runs for, as Go names it.
type Target string

// The targets.
const (
	AMD64 Target = "amd64"
	ARM64 Target = "arm64"
)

// Begin parses the command line, whose flag -arch names the target, and
// constrains the file to it and to builds without purego.
func Begin() Target {
	name := flag.String("arch", string(AMD64), "architecture to generate for: amd64 or arm64")
	flag.Parse()
	target := Target(*name)
	switch target {
	case AMD64:
	case ARM64:
		pass.Compile = pass.Concat(pass.Compile, pass.Func(arm64.Spell))
	default:
		fmt.Fprintf(os.Stderr, "unknown architecture %q\n", *name)
		os.Exit(2)
	}
	ConstraintExpr(string(target))
	ConstraintExpr("!purego")
	return target
}

// Of returns those of the instruction sets that the target has.
func (t Target) Of(sets ...ISA) []ISA {
	var of []ISA
	for _, set := range sets {
		if set.target() == t {
			of = append(of, set)
		}
	}
	return of
}

// target is the architecture that has the instruction set.
func (i ISA) target() Target {
	if i.Bytes == NEON.Bytes {
		return ARM64
	}
	return AMD64
}
