// Command pool generates the kernels of engine/kernels/pool, one group of them
// per run.
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

// storage is a format of images.
type storage struct {
	isa.Format
	suffix string // of names
	goType string
}

func main() {
	group := flag.String("group", "", "which functions: windows or windowsBF16")
	table := flag.String("table", "", "file for the functions' declarations and table")
	target := isa.Begin()
	f := &file{isa.Table{Package: "pool", Struct: *group}, target, isa.NewAlgebra(isa.AVX512)}
	switch *group {
	case "windows":
		for _, set := range f.Of(isa.AVX512, isa.AVX2, isa.NEON) {
			kernels(f, set, storage{isa.Float32, "", "float32"})
		}
	case "windowsBF16":
		for _, set := range f.Of(isa.AVX512BF16, isa.AVX512, isa.AVX2, isa.NEON) {
			kernels(f, set, storage{isa.BFloat16, "BF16", "uint16"})
		}
	default:
		fmt.Fprintf(os.Stderr, "unknown group %q\n", *group)
		os.Exit(2)
	}
	Generate()
	if err := f.Write(*table, "_asm/pool", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
