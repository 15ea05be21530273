// Package tensor is the vocabulary shared by models and engine: element types, shapes and dense tensors.
// It knows no operator, no file format and no layout other than dense row-major.
package tensor

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Tensor is a dense, row-major array. It is a view: copying a Tensor shares its elements.
// Elements of numeric types lie in Bytes, little-endian, types of less than eight bits packed; strings lie in Strings.
type Tensor struct {
	DType   DType
	Shape   Shape
	Bytes   []byte
	Strings []string
}

// Element is a Go type that stores one element of a DType. float16 and bfloat16 are stored as uint16, float8 as uint8, bool as bool.
type Element interface {
	~float32 | ~float64 | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~bool | ~complex64 | ~complex128
}

// New makes a zeroed tensor aligned to eight bytes. The shape is kept, not copied.
func New(d DType, s Shape) Tensor {
	t := Tensor{DType: d, Shape: s}
	n := s.Elements()
	if d == String {
		t.Strings = make([]string, n)
		return t
	}
	size := d.Bytes(n)
	words := make([]uint64, (size+7)/8)
	if len(words) > 0 {
		t.Bytes = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), size)
	}
	return t
}

// From makes a tensor of dtype d around data, without copying. It panics when len(data) is not the shape's number of elements or T is not d's storage size.
func From[T Element](d DType, s Shape, data []T) Tensor {
	var zero T
	if len(data) != s.Elements() || int(unsafe.Sizeof(zero))*8 != d.Bits() {
		panic(fmt.Sprintf("tensor: %d elements of %d bytes for %s %s", len(data), unsafe.Sizeof(zero), d, s))
	}
	t := Tensor{DType: d, Shape: s}
	if len(data) > 0 {
		t.Bytes = unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), d.Bytes(len(data)))
	}
	return t
}

// Scalar makes a tensor of rank 0.
func Scalar[T Element](d DType, v T) Tensor { return From(d, Shape{}, []T{v}) }

// Data views a tensor's elements as T, without copying. It panics when T's size is not the element's, or when the bytes lie where Aligned
// would not leave them: bytes in a file's map may, and pass through Aligned first.
func Data[T Element](t Tensor) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if size*8 != t.DType.Bits() {
		panic(fmt.Sprintf("tensor: %d-byte view of %s", size, t.DType))
	}
	if len(t.Bytes) == 0 {
		return nil
	}
	if !anywhere && uintptr(unsafe.Pointer(&t.Bytes[0]))%unsafe.Alignof(zero) != 0 {
		panic("tensor: misaligned view")
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&t.Bytes[0])), len(t.Bytes)/size)
}

// anywhere reports whether processors of the architecture read numbers at any address.
const anywhere = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// Aligned returns t itself where the processor can read its elements, and else a copy whose bytes are aligned to eight.
func Aligned(t Tensor) Tensor {
	if anywhere || len(t.Bytes) == 0 || uintptr(unsafe.Pointer(&t.Bytes[0]))%8 == 0 {
		return t
	}
	c := New(t.DType, t.Shape)
	copy(c.Bytes, t.Bytes)
	return c
}

// Clone copies a tensor, its shape and its elements.
func (t Tensor) Clone() Tensor {
	c := New(t.DType, t.Shape.Clone())
	copy(c.Bytes, t.Bytes)
	copy(c.Strings, t.Strings)
	return c
}

// Len is the number of elements.
func (t Tensor) Len() int { return t.Shape.Elements() }

// String prints the type and the shape, not the elements.
func (t Tensor) String() string { return t.DType.String() + " " + t.Shape.String() }
