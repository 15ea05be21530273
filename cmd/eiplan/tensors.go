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

// readTensorFile reads an ONNX TensorProto (.pb) or a NumPy array (.npy).
func readTensorFile(file string) (tensor.Tensor, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return tensor.Tensor{}, err
	}
	var t tensor.Tensor
	if bytes.HasPrefix(b, []byte(npyMagic)) {
		t, err = parseNPY(b)
	} else {
		_, t, err = models.ReadTensor(b)
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", file, err)
	}
	return tensor.Aligned(t), nil
}

// writeTensorFile writes a TensorProto.
func writeTensorFile(file, name string, t tensor.Tensor) error {
	var b bytes.Buffer
	if err := models.WriteTensor(&b, name, t); err != nil {
		return err
	}
	return writeFile(file, b.Bytes())
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
