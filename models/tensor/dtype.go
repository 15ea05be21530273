package tensor

import "fmt"

// DType is an element type. Its values are those of onnx.TensorProto.DataType.
type DType uint8

const (
	Undefined DType = iota
	Float32
	Uint8
	Int8
	Uint16
	Int16
	Int32
	Int64
	String
	Bool
	Float16
	Float64
	Uint32
	Uint64
	Complex64
	Complex128
	BFloat16
	Float8E4M3FN
	Float8E4M3FNUZ
	Float8E5M2
	Float8E5M2FNUZ
	Uint4
	Int4
	Float4E2M1
	Float8E8M0
	Uint2
	Int2
	numDTypes
)

// dtypes gives each type's name, as ONNX spells it in lower case, and its size in bits; strings have no size.
var dtypes = [numDTypes]struct {
	name string
	bits int
}{
	Undefined:      {"undefined", 0},
	Float32:        {"float32", 32},
	Uint8:          {"uint8", 8},
	Int8:           {"int8", 8},
	Uint16:         {"uint16", 16},
	Int16:          {"int16", 16},
	Int32:          {"int32", 32},
	Int64:          {"int64", 64},
	String:         {"string", 0},
	Bool:           {"bool", 8},
	Float16:        {"float16", 16},
	Float64:        {"float64", 64},
	Uint32:         {"uint32", 32},
	Uint64:         {"uint64", 64},
	Complex64:      {"complex64", 64},
	Complex128:     {"complex128", 128},
	BFloat16:       {"bfloat16", 16},
	Float8E4M3FN:   {"float8e4m3fn", 8},
	Float8E4M3FNUZ: {"float8e4m3fnuz", 8},
	Float8E5M2:     {"float8e5m2", 8},
	Float8E5M2FNUZ: {"float8e5m2fnuz", 8},
	Uint4:          {"uint4", 4},
	Int4:           {"int4", 4},
	Float4E2M1:     {"float4e2m1", 4},
	Float8E8M0:     {"float8e8m0", 8},
	Uint2:          {"uint2", 2},
	Int2:           {"int2", 2},
}

// Known reports whether d is a type that a tensor can have.
func (d DType) Known() bool { return d > Undefined && d < numDTypes }

// String is the type's name, such as "float32".
func (d DType) String() string {
	if d < numDTypes {
		return dtypes[d].name
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Bits is the size of one element in bits; 0 for strings and unknown types.
func (d DType) Bits() int {
	if d < numDTypes {
		return dtypes[d].bits
	}
	return 0
}

// Bytes is the size of n elements. Types of less than eight bits are packed, the first element in the lowest bits, and the last byte is padded.
func (d DType) Bytes(n int) int { return (n*d.Bits() + 7) / 8 }

// Float reports whether d is a floating-point type of 16 bits or more.
func (d DType) Float() bool {
	return d == Float32 || d == Float64 || d == Float16 || d == BFloat16
}

// ParseDType reads a name as String prints it.
func ParseDType(s string) (DType, error) {
	for d, t := range dtypes {
		if t.name == s && DType(d).Known() {
			return DType(d), nil
		}
	}
	return Undefined, fmt.Errorf("unknown dtype %q", s)
}
