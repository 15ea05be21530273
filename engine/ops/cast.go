package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// castable is every type that Cast converts from and to; complex numbers are none.
const castable = anything &^ complexs

// cast converts elements to the type that the attribute to states, or castLike to the type of its second input.
func cast() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			return inferCast(n, tensor.DType(n.Int("to", 0)))
		},
		Cost:    costElementwise(1),
		Prepare: prepareCast,
	}
}

func castLike() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			return inferCast(n, n.Inputs[1].DType)
		},
		Cost:    costElementwise(1),
		Prepare: prepareCast,
	}
}

// bitCast takes the bits of elements for those of the type that the attribute to states, which is of the same size.
func bitCast() Op {
	op := view(1, 1, func(n *graph.Node) (tensor.Shape, error) { return n.Inputs[0].Shape, nil })
	op.Infer = func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		from, to := n.Inputs[0].DType, tensor.DType(n.Int("to", 0))
		if from.Bits() != to.Bits() || to.Bits() == 0 {
			return fmt.Errorf("%s of %d bits as %s of %d", from, from.Bits(), to, to.Bits())
		}
		yields(n, 0, to, n.Inputs[0].Shape)
		return nil
	}
	return op
}

func inferCast(n *graph.Node, to tensor.DType) error {
	if err := takes(n, 0, castable); err != nil {
		return err
	}
	if !castable.has(to) {
		return fmt.Errorf("to %s; it may be %s", to, castable)
	}
	yields(n, 0, to, n.Inputs[0].Shape)
	return nil
}

func prepareCast(n *graph.Node, t *Target) (Kernel, error) {
	from, to := n.Inputs[0].DType, n.Outputs[0].DType
	if from == to {
		return Kernel{Class: "copy", Bind: func(c *Call) func() error {
			return func() error { copyAll(&c.Out[0].Tensor, &c.In[0].Tensor); return nil }
		}}, nil
	}
	if bind := directCast(from, to, vector.For(t.Features)); bind != nil {
		return Kernel{Class: "convert", Bind: bind}, nil
	}
	how := conversion{saturate: n.Int("saturate", 1) != 0, round: n.Str("round_mode", "up")}
	return Kernel{Class: "convert", Bind: func(c *Call) func() error {
		return func() error { return how.convert(&c.Out[0].Tensor, &c.In[0].Tensor) }
	}}, nil
}

// conversion is what Cast's attributes decide.
type conversion struct {
	saturate bool   // for types of 8 bits
	round    string // for float8e8m0
}

// chunk is how many elements are in flight between two types.
const chunk = 128

// scalars are elements on their way: as what can hold them exactly.
type scalars struct {
	whole [chunk]int64 // uint64 as its bits
	part  [chunk]float64
	text  [chunk]string
}

// family is what holds a type's elements exactly.
type family uint8

const (
	wholeFamily family = iota // int64
	bitsFamily                // uint64
	partFamily                // float64
	textFamily
)

func familyOf(d tensor.DType) family {
	switch {
	case d == tensor.Uint64:
		return bitsFamily
	case d == tensor.String:
		return textFamily
	case floats.has(d) || float8.has(d) || d == tensor.Float4E2M1:
		return partFamily
	}
	return wholeFamily
}

// convert converts all elements of src to the type of dst.
func (how conversion) convert(dst, src *tensor.Tensor) error {
	if dst.DType.Bits() < 8 {
		clear(dst.Bytes)
	}
	var s scalars
	for at, n := 0, src.Len(); at < n; at += chunk {
		count := min(chunk, n-at)
		s.load(src, at, count)
		if err := s.change(src.DType, dst.DType, count); err != nil {
			return err
		}
		how.store(dst, at, count, &s)
	}
	return nil
}

// load reads elements into the list of their family.
func (s *scalars) load(t *tensor.Tensor, at, count int) {
	end := at + count
	switch d := t.DType; d {
	case tensor.Float32:
		into(s.part[:], tensor.Data[float32](*t)[at:end])
	case tensor.Float64:
		into(s.part[:], tensor.Data[float64](*t)[at:end])
	case tensor.Int8:
		into(s.whole[:], tensor.Data[int8](*t)[at:end])
	case tensor.Int16:
		into(s.whole[:], tensor.Data[int16](*t)[at:end])
	case tensor.Int32:
		into(s.whole[:], tensor.Data[int32](*t)[at:end])
	case tensor.Int64, tensor.Uint64:
		into(s.whole[:], tensor.Data[int64](*t)[at:end])
	case tensor.Uint8, tensor.Bool:
		into(s.whole[:], t.Bytes[at:end])
	case tensor.Uint16:
		into(s.whole[:], tensor.Data[uint16](*t)[at:end])
	case tensor.Uint32:
		into(s.whole[:], tensor.Data[uint32](*t)[at:end])
	case tensor.Float16, tensor.BFloat16:
		for i, v := range tensor.Data[uint16](*t)[at:end] {
			s.part[i] = float64(fromHalf(d, v))
		}
	case tensor.String:
		copy(s.text[:], t.Strings[at:end])
	default:
		s.loadSmall(t, at, count)
	}
}

// loadSmall reads elements of eight bits or less that Go has no type for.
func (s *scalars) loadSmall(t *tensor.Tensor, at, count int) {
	bits := t.DType.Bits()
	m, isFloat := minifloatOf(t.DType)
	signed := t.DType == tensor.Int4 || t.DType == tensor.Int2
	for i := range count {
		code := codeAt(t, at+i)
		switch {
		case isFloat:
			s.part[i] = float64(m.decode(code))
		case signed:
			s.whole[i] = int64(int8(code<<(8-bits)) >> (8 - bits))
		default:
			s.whole[i] = int64(code)
		}
	}
}

func fromHalf(d tensor.DType, v uint16) float32 {
	if d == tensor.BFloat16 {
		return tensor.FromBFloat16(v)
	}
	return tensor.FromFloat16(v)
}

// change moves elements from the list of one family to that of another. d is the type that they are of, to, the one that they get.
func (s *scalars) change(d, to tensor.DType, count int) error {
	from, into := familyOf(d), familyOf(to)
	switch {
	case from == textFamily && into == textFamily:
	case from == textFamily:
		for i := range count {
			if err := s.parse(i, into, to); err != nil {
				return err
			}
		}
	case into == textFamily:
		for i := range count {
			s.text[i] = s.format(i, from, d)
		}
	case into == partFamily && from == wholeFamily:
		for i, v := range s.whole[:count] {
			s.part[i] = float64(v)
		}
	case into == partFamily && from == bitsFamily:
		for i, v := range s.whole[:count] {
			s.part[i] = float64(uint64(v))
		}
	case from == partFamily && into != partFamily:
		for i, v := range s.part[:count] {
			s.whole[i] = wholeOf(v, to)
		}
	}
	return nil
}

// wholeOf drops the fraction of a number on its way to an integer type or to bool; on its way to less than eight bits it is rounded, ties to even, as the
// ONNX documentation has it in "4 bit integer types".
func wholeOf(v float64, to tensor.DType) int64 {
	switch {
	case to == tensor.Bool && v != 0:
		return 1
	case to == tensor.Bool:
		return 0
	case to == tensor.Uint64 && v >= 1<<63:
		return int64(uint64(v))
	case to.Bits() < 8:
		return int64(math.RoundToEven(v))
	}
	return int64(v)
}

// store writes elements from the list of their family. What does not fit wraps around.
func (how conversion) store(t *tensor.Tensor, at, count int, s *scalars) {
	end := at + count
	switch d := t.DType; d {
	case tensor.Float32:
		into(tensor.Data[float32](*t)[at:end], s.part[:count])
	case tensor.Float64:
		into(tensor.Data[float64](*t)[at:end], s.part[:count])
	case tensor.Int8:
		into(tensor.Data[int8](*t)[at:end], s.whole[:count])
	case tensor.Int16:
		into(tensor.Data[int16](*t)[at:end], s.whole[:count])
	case tensor.Int32:
		into(tensor.Data[int32](*t)[at:end], s.whole[:count])
	case tensor.Int64, tensor.Uint64:
		into(tensor.Data[int64](*t)[at:end], s.whole[:count])
	case tensor.Uint8:
		into(t.Bytes[at:end], s.whole[:count])
	case tensor.Uint16:
		into(tensor.Data[uint16](*t)[at:end], s.whole[:count])
	case tensor.Uint32:
		into(tensor.Data[uint32](*t)[at:end], s.whole[:count])
	case tensor.String:
		copy(t.Strings[at:end], s.text[:count])
	case tensor.Bool:
		for i, v := range s.whole[:count] {
			tensor.Data[bool](*t)[at+i] = v != 0
		}
	case tensor.Float16, tensor.BFloat16:
		for i, v := range s.part[:count] {
			tensor.Data[uint16](*t)[at+i] = toHalf(d, v)
		}
	default:
		how.storeSmall(t, at, count, s)
	}
}

// storeSmall writes numbers of eight bits or less that Go has no type for.
func (how conversion) storeSmall(t *tensor.Tensor, at, count int, s *scalars) {
	m, isFloat := minifloatOf(t.DType)
	for i := range count {
		code := uint8(s.whole[i])
		switch {
		case t.DType == tensor.Float8E8M0:
			code = m.encodeScale(s.part[i], how.saturate, how.round)
		case isFloat:
			code = m.encode(s.part[i], how.saturate)
		}
		setCode(t, at+i, code)
	}
}

// toHalf rounds once to a type of 16 bits: the step through float32 rounds to odd, which the second step cannot tell from the exact number.
func toHalf(d tensor.DType, x float64) uint16 {
	f := float32(x)
	if wide := float64(f); wide != x && x == x && !math.IsInf(wide, 0) {
		bits := math.Float32bits(f)
		if math.Abs(wide) > math.Abs(x) {
			bits--
		}
		f = math.Float32frombits(bits | 1)
	}
	if d == tensor.BFloat16 {
		return tensor.BFloat16Bits(f)
	}
	return tensor.Float16Bits(f)
}

// realAt is an element of a numeric tensor as a float64.
func realAt(t *tensor.Tensor, i int) float64 {
	switch t.DType {
	case tensor.Float32:
		return float64(tensor.Data[float32](*t)[i])
	case tensor.Int64:
		return float64(tensor.Data[int64](*t)[i])
	case tensor.Int32:
		return float64(tensor.Data[int32](*t)[i])
	case tensor.Int8:
		return float64(int8(t.Bytes[i]))
	case tensor.Uint8:
		return float64(t.Bytes[i])
	}
	return convertedAt(t, i)
}

// convertedAt is realAt by way of the conversion of any type.
func convertedAt(t *tensor.Tensor, i int) float64 {
	var s scalars
	s.load(t, i, 1)
	_ = s.change(t.DType, tensor.Float64, 1) // numbers always change
	return s.part[0]
}
