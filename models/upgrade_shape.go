package models

import (
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// padInputs: before version 11, pads and value were attributes.
func padInputs(u *upgrader, n *Node) error {
	if err := n.need(1); err != nil {
		return err
	}
	pads, ok := n.Attributes["pads"]
	if !ok {
		return fmt.Errorf("attribute pads is missing")
	}
	n.setInput(1, u.constantOf(pads))
	if v, ok := n.Attributes["value"]; ok && v.Float != 0 {
		n.setInput(2, u.like(v, n.Inputs[0]))
	}
	delete(n.Attributes, "pads")
	delete(n.Attributes, "value")
	return nil
}

// sliceInputs: before version 10, starts, ends and axes were attributes.
func sliceInputs(u *upgrader, n *Node) error {
	for i, name := range []string{"starts", "ends", "axes"} {
		a, ok := n.Attributes[name]
		if !ok && name != "axes" {
			return fmt.Errorf("attribute %s is missing", name)
		}
		if ok {
			n.setInput(i+1, u.constantOf(a))
			delete(n.Attributes, name)
		}
	}
	return nil
}

// splitInputs: before version 2, Split took the sizes as an input too, of the data's type.
func splitInputs(u *upgrader, n *Node) error {
	if n.input(1) != "" {
		n.setInput(1, u.add("Cast", attrs{"to": intAttribute(int64(tensor.Int64))}, n.Inputs[1]))
	}
	return nil
}

// splitCount: before version 18, a Split without sizes made as many equal parts as it has outputs.
func splitCount(_ *upgrader, n *Node) error {
	if n.input(1) == "" {
		n.Attributes["num_outputs"] = intAttribute(int64(len(n.Outputs)))
	}
	return nil
}

// tileAxis: before version 6, Tile repeated along one axis, inputs 1 and 2 being the count and the axis.
//
//	Tile(x, count, axis)  →  Tile(x, ScatterElements(ones(rank(x)), axis, count))
func tileAxis(u *upgrader, n *Node) error {
	if err := n.need(3); err != nil {
		return err
	}
	number := func(v string) string {
		return u.add("Reshape", nil, u.add("Cast", attrs{"to": intAttribute(int64(tensor.Int64))}, v), u.ints(1))
	}
	rank := u.add("Shape", nil, u.add("Shape", nil, n.Inputs[0]))
	ones := u.add("ConstantOfShape", attrs{"value": tensorAttribute(intsTensor([]int64{1}))}, rank)
	count, axis := number(n.Inputs[1]), number(n.Inputs[2])
	n.Inputs = []string{n.Inputs[0], u.add("ScatterElements", attrs{"axis": intAttribute(0)}, ones, axis, count)}
	return nil
}

// topKInput: before version 10, k was an attribute.
func topKInput(u *upgrader, n *Node) error {
	k, ok := n.Attributes["k"]
	if !ok || k.Kind != IntAttribute {
		return fmt.Errorf("attribute k is missing")
	}
	delete(n.Attributes, "k")
	n.setInput(1, u.ints(k.Int))
	return nil
}

// dftAxis: before version 20, the axis was an attribute, by default 1.
func dftAxis(u *upgrader, n *Node) error {
	axis, ok := n.Attributes["axis"]
	if !ok {
		axis = intAttribute(1)
	}
	delete(n.Attributes, "axis")
	n.setInput(2, u.constantOf(axis))
	return nil
}

// integralP: before version 2, the p of an LpPool was a float.
func integralP(_ *upgrader, n *Node) error {
	p := n.floatOr("p", 2)
	if p != float32(int64(p)) {
		return fmt.Errorf("attribute p is %v: only whole numbers are supported", p)
	}
	n.Attributes["p"] = intAttribute(int64(p))
	return nil
}
