package models

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// maxDenseBytes is up to what size a sparse tensor is made dense.
const maxDenseBytes = 1 << 30

// sparse makes a sparse tensor dense: its default is 0. It returns its name too, which is that of its values.
func (c *converter) sparse(p *onnx.SparseTensor) (t tensor.Tensor, name string, err error) {
	if p == nil || p.Values == nil || p.Indices == nil {
		return t, "", errors.New("a sparse tensor without values or indices")
	}
	name = p.Values.Name
	values, err := c.tensor(p.Values)
	if err != nil {
		return t, name, fmt.Errorf("values: %w", err)
	}
	indices, err := c.tensor(p.Indices)
	if err != nil {
		return t, name, fmt.Errorf("indices: %w", err)
	}
	shape, err := sparseShape(p.Dims, values.DType)
	if err != nil {
		return t, name, err
	}
	n := len(values.Shape)
	if n != 1 || indices.DType != tensor.Int64 {
		return t, name, fmt.Errorf("values of rank %d with indices of %v, want rank 1 and int64", n, indices.DType)
	}
	flat, err := flatIndices(tensor.Data[int64](tensor.Aligned(indices)), indices.Shape, shape, values.Shape[0])
	if err != nil {
		return t, name, err
	}
	t = tensor.New(values.DType, shape)
	size := t.DType.Bits() / 8
	for i, at := range flat {
		copy(t.Bytes[at*size:(at+1)*size], values.Bytes[i*size:])
	}
	return t, name, nil
}

func sparseShape(dims []int64, d tensor.DType) (tensor.Shape, error) {
	if d.Bits() < 8 {
		return nil, fmt.Errorf("a sparse tensor of %v is not supported", d)
	}
	n, err := (&onnx.Tensor{Dims: dims}).Elements()
	if err != nil {
		return nil, err
	}
	if n > maxDenseBytes/(d.Bits()/8) {
		return nil, fmt.Errorf("dims %v: a sparse tensor of more than %d bytes when dense", dims, maxDenseBytes)
	}
	shape := make(tensor.Shape, len(dims))
	for i, v := range dims {
		shape[i] = int(v)
	}
	return shape, nil
}

// flatIndices gives the n places, counted in the flattened tensor, that indices of shape [n] or [n, rank] name.
func flatIndices(indices []int64, form, shape tensor.Shape, n int) ([]int, error) {
	width := 1
	bounds := tensor.Shape{shape.Elements()}
	if len(form) == 2 {
		width, bounds = len(shape), shape
	}
	if len(form) < 1 || len(form) > 2 || form[0] != n || len(indices) != n*width {
		return nil, fmt.Errorf("indices of shape %v for %d values of shape %v", form, n, shape)
	}
	flat := make([]int, n)
	for i := range flat {
		for j, bound := range bounds {
			x := indices[i*width+j]
			if x < 0 || x >= int64(bound) {
				return nil, fmt.Errorf("index %d of value %d is outside shape %v", x, i, shape)
			}
			flat[i] = flat[i]*bound + int(x)
		}
	}
	return flat, nil
}
