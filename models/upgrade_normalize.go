package models

import (
	"errors"

	"github.com/eiplan/eiplan/models/tensor"
)

// testMode: before version 7, is_test told inference from training, which was the default; a model is brought here to be run.
func testMode(u *upgrader, n *Node) error {
	if n.intOr("is_test", 0) == 0 {
		u.note("%s nodes in training mode were read as for inference", n.Op)
	}
	delete(n.Attributes, "is_test")
	return nil
}

// spatial: before version 9, a BatchNormalization with spatial=0 had scale, bias, mean and variance for each place, not for each channel.
//
//	(x − mean) / √(var + ε) · scale + bias
func spatial(u *upgrader, n *Node) error {
	perPlace := n.intOr("spatial", 1) == 0
	delete(n.Attributes, "spatial")
	if !perPlace {
		return nil
	}
	if err := n.need(5); err != nil {
		return err
	}
	x, scale, bias, mean, variance := n.Inputs[0], n.Inputs[1], n.Inputs[2], n.Inputs[3], n.Inputs[4]
	epsilon := u.like(floatAttribute(n.floatOr("epsilon", 1e-5)), variance)
	deviation := u.add("Sqrt", nil, u.add("Add", nil, variance, epsilon))
	normal := u.add("Div", nil, u.add("Sub", nil, x, mean), deviation)
	n.become("Add", nil, u.add("Mul", nil, normal, scale), bias)
	n.Outputs = n.Outputs[:1]
	return nil
}

// inferenceOnly: before version 14, a BatchNormalization was in training mode when it had more than one output.
func inferenceOnly(u *upgrader, n *Node) error {
	switch {
	case u.isUsed(n.output(3)) || u.isUsed(n.output(4)):
		return errors.New("the outputs saved_mean and saved_var of training mode are not supported")
	case u.isUsed(n.output(1)) || u.isUsed(n.output(2)):
		n.Attributes["training_mode"] = intAttribute(1)
		n.Outputs = n.Outputs[:min(3, len(n.Outputs))]
	default:
		n.Outputs = n.Outputs[:min(1, len(n.Outputs))]
	}
	return nil
}

// dropoutMask: before version 10, the mask of a Dropout was of the data's type.
func dropoutMask(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	if !u.isUsed(n.output(1)) {
		n.Outputs = n.Outputs[:1]
		return nil
	}
	mask, old := u.divert(1)
	u.then("CastLike", nil, old, mask, n.Inputs[0])
	return nil
}

// flattened: before version 13, Softmax, LogSoftmax and Hardmax worked along all dimensions from axis on, which was 1 by default.
//
//	Softmax(x, axis)  →  Reshape(Softmax(Flatten(x, axis), −1), Shape(x))
func flattened(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	axis := n.intOr("axis", 1)
	n.Attributes["axis"] = intAttribute(-1)
	if axis == -1 {
		return nil
	}
	x := n.Inputs[0]
	n.Inputs = []string{u.add("Flatten", attrs{"axis": intAttribute(axis)}, x)}
	flat, old := u.divert(0)
	u.then("Reshape", attrs{"allowzero": intAttribute(1)}, old, flat, u.add("Shape", nil, x))
	return nil
}

// acrossChannels: while it was experimental, MeanVarianceNormalization worked on each image or on each channel of one, as its attributes said.
func acrossChannels(u *upgrader, n *Node) error {
	_, across := n.Attributes["across_channels"]
	if _, variance := n.Attributes["normalize_variance"]; !across && !variance {
		return nil
	}
	if err := n.need(1); err != nil {
		return err
	}
	axes := []int64{2, 3}
	if n.intOr("across_channels", 0) != 0 {
		axes = []int64{1, 2, 3}
	}
	x := n.Inputs[0]
	if n.intOr("normalize_variance", 1) != 0 {
		n.become("MeanVarianceNormalization", attrs{"axes": intsAttribute(axes...)}, x)
		return nil
	}
	n.become("Sub", nil, x, u.add("ReduceMean", nil, x, u.ints(axes...)))
	return nil
}

// scalePerChannel: before version 21, GroupNormalization had a scale and a bias for each group, not for each channel.
//
//	scale  →  Reshape(Expand(Reshape(scale, [groups, 1]), [1, C / groups]), [C])
func scalePerChannel(u *upgrader, n *Node) error {
	if err := n.need(3); err != nil {
		return err
	}
	channels := u.add("Shape", attrs{"start": intAttribute(1), "end": intAttribute(2)}, n.Inputs[0])
	groups, ok := n.Attributes["num_groups"]
	if !ok || groups.Kind != IntAttribute || groups.Int < 1 {
		return errors.New("attribute num_groups is missing")
	}
	each := u.add("Div", nil, channels, u.ints(groups.Int))
	shape := u.add("Concat", attrs{"axis": intAttribute(0)}, u.ints(1), each)
	for i := 1; i <= 2; i++ {
		column := u.add("Reshape", nil, n.Inputs[i], u.ints(-1, 1))
		n.setInput(i, u.add("Reshape", nil, u.add("Expand", nil, column, shape), u.ints(-1)))
	}
	return nil
}

// labelClasses: before version 2 of ai.onnx.ml, LabelEncoder mapped the strings of a list to their places, or places to strings.
func labelClasses(u *upgrader, n *Node) error {
	classes, ok := n.Attributes["classes_strings"]
	if !ok {
		return nil
	}
	if err := n.need(1); err != nil {
		return err
	}
	places := make([]int64, len(classes.Strs))
	for i := range places {
		places[i] = int64(i)
	}
	text := Attribute{Kind: StringsAttribute, Strs: classes.Strs}
	switch u.dtype(n.Inputs[0]) {
	case tensor.String:
		n.Attributes = attrs{"keys_strings": text, "values_int64s": intsAttribute(places...), "default_int64": intAttribute(n.intOr("default_int64", -1))}
	case tensor.Int64:
		unknown, ok := n.Attributes["default_string"]
		if !ok {
			unknown = stringAttribute("_Unused")
		}
		n.Attributes = attrs{"keys_int64s": intsAttribute(places...), "values_strings": text, "default_string": unknown}
	default:
		return errors.New("the type of the input is not known, which version 1 needs")
	}
	return nil
}
