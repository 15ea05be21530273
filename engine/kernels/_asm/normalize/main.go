// Command normalize generates the row passes of engine/kernels/normalize, one
// group of them per run.
package main

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// file is one assembly file under generation.
type file struct {
	isa.Table
	isa.Target
	constants *isa.Algebra
}

// begin starts a function that is a field of the table by its own name.
func (f *file) begin(set isa.ISA, name, signature string) *isa.Algebra {
	f.Function(set, name, "", name, signature)
	return f.constants.For(set)
}

func main() {
	group := flag.String("group", "", "which functions: passes, passesBF16 or blocks")
	table := flag.String("table", "", "file for the functions' declarations and table")
	target := isa.Begin()
	f := &file{isa.Table{Package: "normalize", Struct: *group}, target, isa.NewAlgebra(isa.AVX512)}
	switch *group {
	case "passes":
		for _, set := range f.Of(isa.AVX512, isa.AVX2, isa.NEON) {
			passes(f, set)
		}
	case "passesBF16":
		for _, set := range f.Of(isa.AVX512BF16, isa.AVX512, isa.AVX2, isa.NEON) {
			standardize(f, set, "standardizeBF16", "*uint16", isa.BFloat16, true)
			standardize(f, set, "standardizeUnbiasedBF16", "*uint16", isa.BFloat16, false)
		}
	case "blocks":
		blocks(f)
	default:
		fmt.Fprintf(os.Stderr, "unknown group %q\n", *group)
		os.Exit(2)
	}
	Generate()
	if err := f.Write(*table, "_asm/normalize", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
