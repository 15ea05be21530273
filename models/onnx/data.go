package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// DataType is a TensorProto.DataType.
type DataType int32

// The values are those of onnx.proto.
const (
	Undefined DataType = iota
	Float
	Uint8
	Int8
	Uint16
	Int16
	Int32
	Int64
	String
	Bool
	Float16
	Double
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
)

// store is the typed field of a TensorProto that holds elements of a type when raw_data does not.
type store uint8

const (
	noStore     store = iota
	floatStore        // float_data
	doubleStore       // double_data
	int32Store        // int32_data: each number's low bits are one element, or for types of less than a byte one byte of packed ones
	int64Store        // int64_data
	uint64Store       // uint64_data
	stringStore       // string_data
)

// dataTypes gives each type's size in bits and its typed field.
var dataTypes = [...]struct {
	bits  int
	store store
}{
	Float:          {32, floatStore},
	Uint8:          {8, int32Store},
	Int8:           {8, int32Store},
	Uint16:         {16, int32Store},
	Int16:          {16, int32Store},
	Int32:          {32, int32Store},
	Int64:          {64, int64Store},
	String:         {0, stringStore},
	Bool:           {8, int32Store},
	Float16:        {16, int32Store},
	Double:         {64, doubleStore},
	Uint32:         {32, uint64Store},
	Uint64:         {64, uint64Store},
	Complex64:      {64, floatStore},
	Complex128:     {128, doubleStore},
	BFloat16:       {16, int32Store},
	Float8E4M3FN:   {8, int32Store},
	Float8E4M3FNUZ: {8, int32Store},
	Float8E5M2:     {8, int32Store},
	Float8E5M2FNUZ: {8, int32Store},
	Uint4:          {4, int32Store},
	Int4:           {4, int32Store},
	Float4E2M1:     {4, int32Store},
	Float8E8M0:     {8, int32Store},
	Uint2:          {2, int32Store},
	Int2:           {2, int32Store},
}

// Known reports whether d is a type that a tensor can have.
func (d DataType) Known() bool { return d > Undefined && int(d) < len(dataTypes) }

// Elements is the product of the dimensions.
func (t *Tensor) Elements() (int, error) {
	n := 1
	if slices.Contains(t.Dims, 0) {
		n = 0
	}
	for _, d := range t.Dims {
		if d < 0 {
			return 0, fmt.Errorf("dims %v: a negative dimension", t.Dims)
		}
		if n > 0 && int64(n) > math.MaxInt/16/d { // the size in bytes of the largest type must fit as well
			return 0, fmt.Errorf("dims %v: too many elements", t.Dims)
		}
		n *= int(d)
	}
	return n, nil
}

// Content is the tensor's elements, little-endian, those of less than a byte packed with the first in the lowest bits. It is t.Raw itself
// where the tensor has raw data, and made from the typed field else. Tensors of strings and those with external data are not for Content.
// It is an error for the content to differ in size from what the dimensions say.
func (t *Tensor) Content() ([]byte, error) {
	n, size, err := t.size()
	if err != nil {
		return nil, err
	}
	kind := dataTypes[t.DataType]
	if kind.store == stringStore {
		return nil, fmt.Errorf("a tensor of strings has no content in bytes")
	}
	if t.Raw != nil {
		if len(t.Raw) != size {
			return nil, fmt.Errorf("raw_data of %d bytes for %d elements of %d bits", len(t.Raw), n, kind.bits)
		}
		return t.Raw, nil
	}
	b := t.typed(kind.store, kind.bits, min(size, 1<<20))
	if len(b) != size {
		return nil, fmt.Errorf("data of %d bytes for %d elements of %d bits", len(b), n, kind.bits)
	}
	return b, nil
}

// size is the number of the tensor's elements and how many bytes they take.
func (t *Tensor) size() (elements, bytes int, err error) {
	if !t.DataType.Known() {
		return 0, 0, fmt.Errorf("unknown data type %d", t.DataType)
	}
	if t.Segment != nil {
		return 0, 0, fmt.Errorf("a segment of a tensor, which no operator accepts")
	}
	if elements, err = t.Elements(); err != nil {
		return 0, 0, err
	}
	bits := dataTypes[t.DataType].bits
	return elements, elements/8*bits + (elements%8*bits+7)/8, nil
}

// typed encodes the typed field as raw_data would hold it; hint is the expected size.
func (t *Tensor) typed(s store, bits, hint int) []byte {
	b := make([]byte, 0, hint)
	switch s {
	case floatStore:
		for _, x := range t.Floats {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	case doubleStore:
		for _, x := range t.Doubles {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
	case int64Store:
		for _, x := range t.Int64s {
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		}
	case uint64Store:
		for _, x := range t.Uint64s {
			b = appendLow(b, x, bits)
		}
	case int32Store:
		for _, x := range t.Int32s {
			b = appendLow(b, uint64(x), bits)
		}
	}
	return b
}

// appendLow appends the low bits of x: as many bytes as bits fill, and one byte for less.
func appendLow(b []byte, x uint64, bits int) []byte {
	for n := max(bits/8, 1); n > 0; n-- {
		b = append(b, byte(x))
		x >>= 8
	}
	return b
}

// Texts is the elements of a tensor of strings, copied.
func (t *Tensor) Texts() ([]string, error) {
	n, _, err := t.size()
	if err != nil {
		return nil, err
	}
	if t.DataType != String || len(t.Strings) != n || t.Raw != nil {
		return nil, fmt.Errorf("%d strings for %d elements", len(t.Strings), n)
	}
	texts := make([]string, n)
	for i, s := range t.Strings {
		texts[i] = string(s)
	}
	return texts, nil
}
