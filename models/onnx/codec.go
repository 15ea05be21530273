package onnx

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

type number = protowire.Number

// maxDepth is how deep messages may lie in one another; protobuf's own parsers stop at 100 as well.
const maxDepth = 100

// message is a type of this package: fields hands each field to the codec.
type message interface{ fields(*codec) }

// codec reads one field of a message, or writes them all. Reading, number is the field at hand and each method ignores all others;
// writing, number is 0 and each method appends its field unless that is absent.
type codec struct {
	out *rope // nil while reading

	number number
	wire   protowire.Type
	x      uint64 // the value of a number
	b      []byte // the value of a field with a length: part of the input
	at     int    // where the value begins in the input
	depth  int
	err    error
}

// SyntaxError is input that does not follow the format.
type SyntaxError struct {
	Path   string // of the message within the outermost one, such as graph.node[3].attribute[0]; "" is the outermost
	Offset int    // of the field, in bytes from the beginning of the input
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s: at byte %d: %s", e.Path, e.Offset, e.Reason)
}

// within puts a message's name before the path of what is wrong in it.
func within(name string, err error) error {
	if e, ok := err.(*SyntaxError); ok {
		if e.Path != "" {
			name += "."
		}
		e.Path = name + e.Path
	}
	return err
}

// parseError is what protowire's code for an error means, without the prefix that protobuf varies from build to build.
func parseError(code int) string {
	return strings.TrimLeft(strings.TrimPrefix(protowire.ParseError(code).Error(), "proto:"), " \u00a0")
}

// read decodes b, which begins at byte at of the input, into m. A field that is there again replaces a number or a text, is merged
// into a message and is appended to a list, as protobuf demands.
func read(m message, b []byte, at, depth int) error {
	if depth > maxDepth {
		return &SyntaxError{Offset: at, Reason: fmt.Sprintf("messages nested deeper than %d", maxDepth)}
	}
	var c codec
	for len(b) > 0 {
		num, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return &SyntaxError{Offset: at, Reason: "no field begins here: " + parseError(n)}
		}
		c = codec{number: num, wire: wire, at: at + n, depth: depth}
		size := c.consume(b[n:])
		if size < 0 {
			return &SyntaxError{Offset: at, Reason: fmt.Sprintf("field %d: %s", num, parseError(size))}
		}
		m.fields(&c)
		if c.err != nil {
			return c.err
		}
		b, at = b[n+size:], at+n+size
	}
	return nil
}

// consume takes the field's value from the front of b and tells its size; a negative one is protowire's code for an error.
func (c *codec) consume(b []byte) (n int) {
	switch c.wire {
	case protowire.VarintType:
		c.x, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		c.x, n = protowire.ConsumeFixed64(b)
	case protowire.Fixed32Type:
		var x uint32
		x, n = protowire.ConsumeFixed32(b)
		c.x = uint64(x)
	case protowire.BytesType:
		c.b, n = protowire.ConsumeBytes(b)
		c.at += n - len(c.b)
	default:
		n = protowire.ConsumeFieldValue(c.number, c.wire, b)
	}
	return n
}

// is reports whether the field at hand is num, to be read as one of the given wire types.
func (c *codec) is(num number, wires ...protowire.Type) bool {
	if c.out != nil || c.number != num || c.err != nil {
		return false
	}
	for _, w := range wires {
		if c.wire == w {
			return true
		}
	}
	c.fail(fmt.Sprintf("field %d has wire type %d, want %d", num, c.wire, wires[0]))
	return false
}

func (c *codec) fail(reason string) { c.err = &SyntaxError{Offset: c.at, Reason: reason} }

func (c *codec) integer(num number, v *int64) { c.integerIf(num, v, *v != 0) }

// integerIf writes *v, even when it is 0, if present.
func (c *codec) integerIf(num number, v *int64, present bool) {
	if c.out != nil && present {
		c.out.varint(num, uint64(*v))
	}
	if c.is(num, protowire.VarintType) {
		*v = int64(c.x)
	}
}

func (c *codec) boolean(num number, v *bool) {
	if c.out != nil && *v {
		c.out.varint(num, 1)
	}
	if c.is(num, protowire.VarintType) {
		*v = c.x == 1
	}
}

func enum[E ~int32](c *codec, num number, v *E) {
	if c.out != nil && *v != 0 {
		c.out.varint(num, uint64(int64(*v)))
	}
	if c.is(num, protowire.VarintType) {
		*v = E(c.x)
	}
}

func (c *codec) float(num number, v *float32, present bool) {
	if c.out != nil && present {
		c.out.fixed32(num, math.Float32bits(*v))
	}
	if c.is(num, protowire.Fixed32Type) {
		*v = math.Float32frombits(uint32(c.x))
	}
}

func (c *codec) text(num number, v *string) {
	if c.out != nil && *v != "" {
		c.out.bytes(num, []byte(*v))
	}
	if c.is(num, protowire.BytesType) {
		*v = string(c.b)
	}
}

func (c *codec) texts(num number, v *[]string) {
	if c.out != nil {
		for _, s := range *v {
			c.out.bytes(num, []byte(s))
		}
	}
	if c.is(num, protowire.BytesType) {
		*v = append(*v, string(c.b))
	}
}

func (c *codec) bytes(num number, v *[]byte, present bool) {
	if c.out != nil && present {
		c.out.bytes(num, *v)
	}
	if c.is(num, protowire.BytesType) {
		*v = c.b[:len(c.b):len(c.b)]
	}
}

func (c *codec) byteses(num number, v *[][]byte) {
	if c.out != nil {
		for _, b := range *v {
			c.out.bytes(num, b)
		}
	}
	if c.is(num, protowire.BytesType) {
		*v = append(*v, c.b[:len(c.b):len(c.b)])
	}
}

// varints reads a repeated integer, packed or not.
func varints[T any](c *codec, num number, v *[]T, from func(uint64) T) {
	if !c.is(num, protowire.BytesType, protowire.VarintType) {
		return
	}
	if c.wire == protowire.VarintType {
		*v = append(*v, from(c.x))
		return
	}
	count := 0
	for _, b := range c.b {
		if b < 0x80 {
			count++
		}
	}
	*v = reserve(*v, count)
	for b, at := c.b, c.at; len(b) > 0; {
		x, n := protowire.ConsumeVarint(b)
		if n < 0 {
			c.at = at
			c.fail(fmt.Sprintf("field %d: %s", num, parseError(n)))
			return
		}
		*v = append(*v, from(x))
		b, at = b[n:], at+n
	}
}

// reserve makes room for exactly n more elements when v is empty, which a packed field almost always fills at once.
func reserve[T any](v []T, n int) []T {
	if len(v) == 0 && n > 0 {
		return make([]T, 0, n)
	}
	return v
}

// writePacked writes a repeated number in packed form.
func writePacked[T any](c *codec, num number, v []T, app func([]byte, T) []byte) {
	if c.out == nil || len(v) == 0 {
		return
	}
	var packed []byte
	for _, x := range v {
		packed = app(packed, x)
	}
	c.out.bytes(num, packed)
}

func (c *codec) integers(num number, v *[]int64) {
	writePacked(c, num, *v, func(b []byte, x int64) []byte { return protowire.AppendVarint(b, uint64(x)) })
	varints(c, num, v, func(x uint64) int64 { return int64(x) })
}

func (c *codec) int32s(num number, v *[]int32) {
	writePacked(c, num, *v, func(b []byte, x int32) []byte { return protowire.AppendVarint(b, uint64(int64(x))) })
	varints(c, num, v, func(x uint64) int32 { return int32(x) })
}

func (c *codec) uint64s(num number, v *[]uint64) {
	writePacked(c, num, *v, protowire.AppendVarint)
	varints(c, num, v, func(x uint64) uint64 { return x })
}

func (c *codec) floats(num number, v *[]float32) {
	writePacked(c, num, *v, func(b []byte, x float32) []byte { return protowire.AppendFixed32(b, math.Float32bits(x)) })
	if !c.is(num, protowire.BytesType, protowire.Fixed32Type) {
		return
	}
	if c.wire == protowire.Fixed32Type {
		*v = append(*v, math.Float32frombits(uint32(c.x)))
		return
	}
	if len(c.b)%4 != 0 {
		c.fail(fmt.Sprintf("field %d: %d bytes of packed floats", num, len(c.b)))
		return
	}
	*v = reserve(*v, len(c.b)/4)
	for b := c.b; len(b) > 0; b = b[4:] {
		x, _ := protowire.ConsumeFixed32(b)
		*v = append(*v, math.Float32frombits(x))
	}
}

func (c *codec) doubles(num number, v *[]float64) {
	writePacked(c, num, *v, func(b []byte, x float64) []byte { return protowire.AppendFixed64(b, math.Float64bits(x)) })
	if !c.is(num, protowire.BytesType, protowire.Fixed64Type) {
		return
	}
	if c.wire == protowire.Fixed64Type {
		*v = append(*v, math.Float64frombits(c.x))
		return
	}
	if len(c.b)%8 != 0 {
		c.fail(fmt.Sprintf("field %d: %d bytes of packed doubles", num, len(c.b)))
		return
	}
	*v = reserve(*v, len(c.b)/8)
	for b := c.b; len(b) > 0; b = b[8:] {
		x, _ := protowire.ConsumeFixed64(b)
		*v = append(*v, math.Float64frombits(x))
	}
}

// pointer is a *T that is a message.
type pointer[T any] interface {
	*T
	message
}

func one[T any, P pointer[T]](c *codec, num number, name string, v *P) {
	if c.out != nil && *v != nil {
		c.out.message(num, *v)
	}
	if c.is(num, protowire.BytesType) {
		if *v == nil {
			*v = new(T)
		}
		c.err = within(name, read(*v, c.b, c.at, c.depth+1))
	}
}

func many[T any, P pointer[T]](c *codec, num number, name string, v *[]P) {
	if c.out != nil {
		for _, m := range *v {
			c.out.message(num, m)
		}
	}
	if c.is(num, protowire.BytesType) {
		m := P(new(T))
		if err := read(m, c.b, c.at, c.depth+1); err != nil {
			c.err = within(fmt.Sprintf("%s[%d]", name, len(*v)), err)
			return
		}
		*v = append(*v, m)
	}
}

// list is many for messages that are kept by value.
func list[T any, P pointer[T]](c *codec, num number, name string, v *[]T) {
	if c.out != nil {
		for i := range *v {
			c.out.message(num, P(&(*v)[i]))
		}
	}
	if c.is(num, protowire.BytesType) {
		var m T
		if err := read(P(&m), c.b, c.at, c.depth+1); err != nil {
			c.err = within(fmt.Sprintf("%s[%d]", name, len(*v)), err)
			return
		}
		*v = append(*v, m)
	}
}
