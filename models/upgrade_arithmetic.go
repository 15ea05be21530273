package models

import (
	"errors"
	"fmt"
	"math"

	"github.com/eiplan/eiplan/models/tensor"
)

// legacyBroadcast: before version 7, the attributes broadcast and axis said that B's dimensions are those of A from axis on; without axis they
// are A's last ones, as they are today.
//
//	Op(A, B, axis)  →  Op(A, Reshape(B, shape(B) ++ ones(rank(A) − axis − rank(B))))
func legacyBroadcast(u *upgrader, n *Node) error {
	axis, aligned := n.Attributes["axis"]
	aligned = aligned && n.intOr("broadcast", 0) != 0
	delete(n.Attributes, "axis")
	delete(n.Attributes, "broadcast")
	if !aligned {
		return nil
	}
	if err := n.need(2); err != nil {
		return err
	}
	n.setInput(1, u.align(n.Inputs[0], n.Inputs[1], axis.Int))
	return nil
}

// align appends dimensions of 1 to b's shape, so that b's first dimension meets a's dimension axis.
func (u *upgrader) align(a, b string, axis int64) string {
	rank := func(v string) string { return u.add("Shape", nil, u.add("Shape", nil, v)) }
	behind := u.ints(-axis) // how many dimensions a has from axis on
	if axis >= 0 {
		behind = u.add("Sub", nil, rank(a), u.ints(axis))
	}
	room := u.add("Sub", nil, behind, rank(b))
	ones := u.add("ConstantOfShape", attrs{"value": tensorAttribute(intsTensor([]int64{1}))}, room)
	shape := u.add("Concat", attrs{"axis": intAttribute(0)}, u.add("Shape", nil, b), ones)
	return u.add("Reshape", attrs{"allowzero": intAttribute(1)}, b, shape)
}

// slopePerChannel: before version 7, a PRelu's slope of rank 1 was one for all or one per channel.
func slopePerChannel(u *upgrader, n *Node) error {
	if err := n.need(2); err != nil {
		return err
	}
	if slope, ok := u.known(n.Inputs[1]); ok && slope.Len() == 1 {
		return nil
	}
	n.setInput(1, u.align(n.Inputs[0], n.Inputs[1], 1))
	return nil
}

// castByName: before version 6, Cast named its type as TensorProto.DataType does: FLOAT.
func castByName(_ *upgrader, n *Node) error {
	a := n.Attributes["to"]
	if a.Kind != StringAttribute {
		return nil
	}
	names := map[string]tensor.DType{
		"FLOAT": tensor.Float32, "UINT8": tensor.Uint8, "INT8": tensor.Int8, "UINT16": tensor.Uint16, "INT16": tensor.Int16, "INT32": tensor.Int32,
		"INT64": tensor.Int64, "STRING": tensor.String, "BOOL": tensor.Bool, "FLOAT16": tensor.Float16, "DOUBLE": tensor.Float64,
		"UINT32": tensor.Uint32, "UINT64": tensor.Uint64, "COMPLEX64": tensor.Complex64, "COMPLEX128": tensor.Complex128,
	}
	d, ok := names[a.Str]
	if !ok {
		return fmt.Errorf("attribute to is %q, which is no type", a.Str)
	}
	n.Attributes["to"] = intAttribute(int64(d))
	return nil
}

// clipLimits: before version 11, min and max were attributes. A limit at the end of float32's range limits nothing.
func clipLimits(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	for i, name := range []string{"min", "max"} {
		a, ok := n.Attributes[name]
		delete(n.Attributes, name)
		if ok && !(a.Kind == FloatAttribute && math.Abs(float64(a.Float)) == math.MaxFloat32) {
			n.setInput(i+1, u.like(a, n.Inputs[0]))
		}
	}
	return nil
}

// constantValue: a Constant's value becomes a tensor, whichever attribute holds it.
func constantValue(_ *upgrader, n *Node) error {
	if len(n.Inputs) > 0 || len(n.Outputs) != 1 {
		return fmt.Errorf("%d inputs and %d outputs, want 0 and 1", len(n.Inputs), len(n.Outputs))
	}
	if len(n.Attributes) != 1 {
		return fmt.Errorf("%d attributes, want one that holds the value", len(n.Attributes))
	}
	for name, a := range n.Attributes {
		var t tensor.Tensor
		switch {
		case a.Kind == ReferenceAttribute:
			return nil
		case name == "value" && a.Kind == TensorAttribute, name == "sparse_value" && a.Kind == TensorAttribute:
			t = a.Tensor
		case name == "value_float" && a.Kind == FloatAttribute:
			t = tensor.Scalar(tensor.Float32, a.Float)
		case name == "value_floats" && a.Kind == FloatsAttribute:
			t = tensor.From(tensor.Float32, tensor.Shape{len(a.Floats)}, a.Floats)
		case name == "value_int" && a.Kind == IntAttribute:
			t = tensor.Scalar(tensor.Int64, a.Int)
		case name == "value_ints" && a.Kind == IntsAttribute:
			t = intsTensor(a.Ints)
		case name == "value_string" && a.Kind == StringAttribute:
			t = tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{}, Strings: []string{a.Str}}
		case name == "value_strings" && a.Kind == StringsAttribute:
			t = tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{len(a.Strs)}, Strings: a.Strs}
		default:
			return fmt.Errorf("attribute %q holds no value", name)
		}
		n.Attributes = attrs{"value": tensorAttribute(t)}
	}
	return nil
}

// affine: Affine(x) = alpha·x + beta
func affine(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	x := n.Inputs[0]
	alpha, beta := u.number(n, "alpha", 1), u.number(n, "beta", 0)
	n.become("Add", nil, u.add("Mul", nil, x, alpha), beta)
	return nil
}

// number is a float attribute as a scalar of the type of the node's first input.
func (u *upgrader) number(n *Node, attribute string, fallback float32) string {
	return u.like(floatAttribute(n.floatOr(attribute, fallback)), n.Inputs[0])
}

// scale: Scale(x) = scale·x
func scale(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	n.become("Mul", nil, n.Inputs[0], u.number(n, "scale", 1))
	return nil
}

// scaledTanh: ScaledTanh(x) = alpha·tanh(beta·x)
func scaledTanh(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	alpha, beta := u.number(n, "alpha", 1), u.number(n, "beta", 1)
	n.become("Mul", nil, u.add("Tanh", nil, u.add("Mul", nil, n.Inputs[0], beta)), alpha)
	return nil
}

// parametricSoftplus: ParametricSoftplus(x) = alpha·log(1 + exp(beta·x))
func parametricSoftplus(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	alpha, beta := u.number(n, "alpha", 1), u.number(n, "beta", 1)
	n.become("Mul", nil, u.add("Softplus", nil, u.add("Mul", nil, n.Inputs[0], beta)), alpha)
	return nil
}

// imageScaler: ImageScaler(x)[n, c, h, w] = scale·x[n, c, h, w] + bias[c]
func imageScaler(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	bias := n.Attributes["bias"].Floats
	if len(bias) == 0 {
		return errors.New("attribute bias is missing")
	}
	x := n.Inputs[0]
	scaled := u.add("Mul", nil, x, u.number(n, "scale", 1))
	perChannel := u.constant(tensor.From(tensor.Float32, tensor.Shape{len(bias), 1, 1}, bias))
	n.become("Add", nil, scaled, u.add("CastLike", nil, perChannel, x))
	return nil
}

// crop: Crop cuts its border (left, top, right, bottom) off the last two dimensions, or its scale (height, width) out of what is right of and below
// the border.
func crop(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	b, size := n.Attributes["border"].Ints, n.Attributes["scale"].Ints
	if len(b) != 4 || len(size) != 0 && len(size) != 2 {
		return fmt.Errorf("border %v and scale %v, want 4 numbers and none or 2", b, size)
	}
	end := func(border int64) int64 {
		if border == 0 {
			return math.MaxInt64
		}
		return -border
	}
	ends := []int64{end(b[3]), end(b[2])}
	if len(size) == 2 {
		ends = []int64{b[1] + size[0], b[0] + size[1]}
	}
	n.become("Slice", nil, n.Inputs[0], u.ints(b[1], b[0]), u.ints(ends...), u.ints(-2, -1))
	return nil
}

// constantFill: ConstantFill makes a tensor of one value, whose shape is an attribute, an input's content, or an input's shape with dimensions
// behind it.
func constantFill(u *upgrader, n *Node) error {
	shape, err := u.fillShape(n)
	if err != nil {
		return err
	}
	value := tensorAttribute(tensor.From(tensor.Float32, tensor.Shape{1}, []float32{n.floatOr("value", 0)}))
	to := n.intOr("dtype", int64(tensor.Float32))
	n.become("Cast", attrs{"to": intAttribute(to)}, u.add("ConstantOfShape", attrs{"value": value}, shape))
	return nil
}

// givenTensorFill: GivenTensorFill makes a tensor of the attribute values, of a shape as ConstantFill's.
func givenTensorFill(u *upgrader, n *Node) error {
	values := n.Attributes["values"].Floats
	shape, err := u.fillShape(n)
	if err != nil {
		return err
	}
	n.become("Reshape", nil, u.constant(tensor.From(tensor.Float32, tensor.Shape{len(values)}, values)), shape)
	return nil
}

func (u *upgrader) fillShape(n *Node) (string, error) {
	in := n.input(0)
	switch {
	case in == "":
		return u.ints(n.Attributes["shape"].Ints...), nil
	case len(n.Attributes["shape"].Ints) > 0:
		return "", errors.New("it has both a shape and an input")
	case n.intOr("input_as_shape", 0) != 0:
		in = u.add("Cast", attrs{"to": intAttribute(int64(tensor.Int64))}, in)
	default:
		in = u.add("Shape", nil, in)
	}
	if extra := n.Attributes["extra_shape"].Ints; len(extra) > 0 {
		in = u.add("Concat", attrs{"axis": intAttribute(0)}, in, u.ints(extra...))
	}
	return in, nil
}
