// Command vector generates the loops of engine/kernels/vector, one group of
// them per run.
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

// begin starts a function; see isa.Table.
func (f *file) begin(set isa.ISA, field, key, what, signature string) *isa.Algebra {
	f.Function(set, field, key, what, signature)
	return f.constants.For(set)
}

var groups = map[string]func(f *file){
	"elementwise": elementwise,
	"bfloat16":    bfloat16,
	"reduction":   reductions,
	"conversion":  conversions,
}

func main() {
	group := flag.String("group", "", "which functions: elementwise, bfloat16, reduction or conversion")
	table := flag.String("table", "", "file for the functions' declarations and table")
	target := isa.Begin()
	f := &file{isa.Table{Package: "vector", Struct: *group}, target, isa.NewAlgebra(isa.AVX512)}
	emit, known := groups[*group]
	if !known {
		fmt.Fprintf(os.Stderr, "unknown group %q\n", *group)
		os.Exit(2)
	}
	emit(f)
	Generate()
	if err := f.Write(*table, "_asm/vector", fieldTypes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// fieldTypes gives the Go type of each array field of the tables.
var fieldTypes = map[string]string{
	"unary":         "[unaryOps]func(dst, x *float32, n int)",
	"param":         "[paramOps]func(dst, x *float32, n int, alpha, beta float32)",
	"binary":        "[binaryOps]func(dst, a, b *float32, n int)",
	"scalar":        "[scalarOps]func(dst, x *float32, n int, s float32)",
	"compare":       "[relations]func(dst *bool, a, b *float32, n int)",
	"compareScalar": "[relations]func(dst *bool, x *float32, n int, s float32)",

	"reduce": "[reduceOps]func(x *float32, n int) float32",

	"matVec": "[matVecStrips]func(dst, x, w *float32, k, stride int)",

	"unaryBF16":  "[unaryOps]func(dst, x *uint16, n int)",
	"paramBF16":  "[paramOps]func(dst, x *uint16, n int, alpha, beta float32)",
	"binaryBF16": "[binaryOps]func(dst, a, b *uint16, n int)",
}
