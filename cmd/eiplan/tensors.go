package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// readDataFile reads what ONNX stores for a value of a type (.pb): a TensorProto, SequenceProto, OptionalProto or MapProto; or a NumPy array (.npy).
func readDataFile(file string, t models.Type) (models.Datum, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return models.Datum{}, err
	}
	var d models.Datum
	if bytes.HasPrefix(b, []byte(npyMagic)) {
		d.Tensor, err = parseNPY(b)
	} else {
		d, err = models.ReadDatum(b, t)
	}
	if err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	d.Tensor = tensor.Aligned(d.Tensor)
	return d, nil
}

// writeDataFile writes what readDataFile reads.
func writeDataFile(file string, d models.Datum) error {
	var b bytes.Buffer
	if err := models.WriteDatum(&b, d); err != nil {
		return err
	}
	return writeFile(file, b.Bytes())
}

// filledWith is a tensor whose elements all are the one that a text states.
func filledWith(d tensor.DType, s tensor.Shape, text string) (tensor.Tensor, error) {
	one, err := parseElement(d, text)
	if err != nil {
		return one, fmt.Errorf("%q is no file, and no %v", text, d)
	}
	t := tensor.New(d, s)
	for i := range t.Strings {
		t.Strings[i] = text
	}
	for at := 0; at < len(t.Bytes); at += len(one.Bytes) {
		copy(t.Bytes[at:], one.Bytes)
	}
	return t, nil
}

func parseElement(d tensor.DType, text string) (tensor.Tensor, error) {
	if d == tensor.Bool {
		v, err := strconv.ParseBool(text)
		return tensor.Scalar(d, v), err
	}
	if d == tensor.String {
		return tensor.Tensor{DType: d}, nil
	}
	if !d.Float() {
		return parseInteger(d, text)
	}
	v, err := strconv.ParseFloat(text, 64)
	switch d {
	case tensor.Float64:
		return tensor.Scalar(d, v), err
	case tensor.Float32:
		return tensor.Scalar(d, float32(v)), err
	case tensor.Float16:
		return tensor.Scalar(d, tensor.Float16Bits(float32(v))), err
	case tensor.BFloat16:
		return tensor.Scalar(d, tensor.BFloat16Bits(float32(v))), err
	}
	return tensor.Tensor{}, strconv.ErrSyntax
}

// parseInteger reads a whole number that a type of 8 to 64 bits holds.
func parseInteger(d tensor.DType, text string) (tensor.Tensor, error) {
	t := tensor.Tensor{DType: d, Shape: tensor.Shape{}}
	var bits uint64
	var err error
	switch d {
	case tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64:
		var v int64
		v, err = strconv.ParseInt(text, 10, d.Bits())
		bits = uint64(v)
	case tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64:
		bits, err = strconv.ParseUint(text, 10, d.Bits())
	default:
		err = strconv.ErrSyntax
	}
	t.Bytes = binary.LittleEndian.AppendUint64(nil, bits)[:d.Bits()/8]
	return t, err
}

const npyMagic = "\x93NUMPY"

// npyTypes maps NumPy's type strings, little-endian or of one byte, to types.
var npyTypes = map[string]tensor.DType{
	"<f4": tensor.Float32, "<f8": tensor.Float64, "<f2": tensor.Float16, "|b1": tensor.Bool,
	"|i1": tensor.Int8, "<i2": tensor.Int16, "<i4": tensor.Int32, "<i8": tensor.Int64,
	"|u1": tensor.Uint8, "<u2": tensor.Uint16, "<u4": tensor.Uint32, "<u8": tensor.Uint64,
}

// parseNPY reads a NumPy array of version 1 to 3, in C order: magic, version, header length, a header such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }, and the elements.
func parseNPY(b []byte) (tensor.Tensor, error) {
	bad := func(what string) (tensor.Tensor, error) {
		return tensor.Tensor{}, fmt.Errorf("not a NumPy array that can be read: %s", what)
	}
	if len(b) < 12 {
		return bad("truncated header")
	}
	start, size := 10, int(binary.LittleEndian.Uint16(b[8:]))
	if b[6] > 1 {
		start, size = 12, int(binary.LittleEndian.Uint32(b[8:]))
	}
	if size > len(b)-start {
		return bad("truncated header")
	}
	header := string(b[start : start+size])
	dtype, ok := npyTypes[between(header, "'descr': '", "'")]
	if !ok {
		return bad("type " + between(header, "'descr': ", ","))
	}
	if between(header, "'fortran_order': ", ",") != "False" {
		return bad("Fortran order; save it with numpy.ascontiguousarray")
	}
	shape := tensor.Shape{}
	for d := range strings.SplitSeq(between(header, "'shape': (", ")"), ",") {
		if d = strings.TrimSpace(d); d == "" {
			continue
		}
		n, err := strconv.Atoi(d)
		if err != nil || n < 0 {
			return bad("shape")
		}
		shape = append(shape, n)
	}
	data := b[start+size:]
	if n := shape.Elements(); n > len(data) || dtype.Bytes(n) != len(data) {
		return bad(fmt.Sprintf("%d bytes of data for %v %v", len(data), dtype, shape))
	}
	return tensor.Tensor{DType: dtype, Shape: shape, Bytes: data}, nil
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}
