package models

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// upsampleSides: before version 7, Upsample had a scale for the height and one for the width.
func upsampleSides(_ *upgrader, n *Node) error {
	h, w := n.floatOr("height_scale", 0), n.floatOr("width_scale", 0)
	if _, stated := n.Attributes["scales"]; stated || h <= 0 || w <= 0 {
		return nil
	}
	n.Attributes["scales"] = Attribute{Kind: FloatsAttribute, Floats: []float32{1, 1, h, w}}
	delete(n.Attributes, "height_scale")
	delete(n.Attributes, "width_scale")
	return nil
}

// upsampleToResize: Upsample is Resize of version 10, with the scales as an attribute before version 9.
func upsampleToResize(u *upgrader, n *Node) error {
	if scales, ok := n.Attributes["scales"]; ok {
		n.setInput(1, u.constant(tensor.From(tensor.Float32, tensor.Shape{len(scales.Floats)}, scales.Floats)))
		delete(n.Attributes, "scales")
	}
	n.Op = "Resize"
	return resizeAsymmetric(u, n)
}

// resizeAsymmetric: before version 11, Resize had the scales as its second input and took an output's place times 1/scale, which it rounded
// down when it enlarged and up when it reduced. Where the scales are not known here, a condition chooses between the two.
//
//	Resize(x, scales)  →  Resize(x, , scales, asymmetric)
func resizeAsymmetric(u *upgrader, n *Node) error {
	if err := n.need(2); err != nil {
		return err
	}
	x, scales := n.Inputs[0], n.Inputs[1]
	resize := func(mode, rounding string) attrs {
		return attrs{
			"mode": stringAttribute(mode), "coordinate_transformation_mode": stringAttribute("asymmetric"), "nearest_mode": stringAttribute(rounding),
		}
	}
	switch mode := n.Attributes["mode"].Str; mode {
	case "", "nearest":
	case "bilinear", "trilinear":
		mode = "linear"
		fallthrough
	default:
		n.become("Resize", resize(mode, "floor"), x, "", scales)
		return nil
	}
	if t, ok := u.known(scales); ok {
		rounding, err := nearestBefore11(t)
		n.become("Resize", resize("nearest", rounding), x, "", scales)
		return err
	}
	branch := func(rounding string) Attribute {
		out := u.names.unique(n.Outputs[0] + "/" + rounding)
		one := &Node{Name: n.Name + "/" + rounding, Op: "Resize", Inputs: []string{x, "", scales}, Outputs: []string{out}, Attributes: resize("nearest", rounding)}
		return Attribute{Kind: GraphAttribute, Graph: &Graph{
			Name: one.Name, Nodes: []*Node{one}, Outputs: []*Value{{Name: out}}, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{},
		}}
	}
	smallest := u.add("ReduceMin", attrs{"keepdims": intAttribute(0)}, scales)
	reduces := u.add("Less", nil, smallest, u.constant(tensor.Scalar(tensor.Float32, float32(1))))
	n.become("If", attrs{"then_branch": branch("ceil"), "else_branch": branch("floor")}, reduces)
	return nil
}

// nearestBefore11 is how Resize rounded before version 11.
func nearestBefore11(scales tensor.Tensor) (string, error) {
	if scales.DType != tensor.Float32 {
		return "", fmt.Errorf("the scales are of %v, want float32", scales.DType)
	}
	var up, down bool
	for _, s := range tensor.Data[float32](tensor.Aligned(scales)) {
		up, down = up || s > 1, down || s < 1
	}
	if up && down {
		return "", errors.New("it enlarges along one dimension and reduces along another, which versions before 11 round differently")
	}
	if down {
		return "ceil", nil
	}
	return "floor", nil
}

// resizeTFHalfPixel: version 13 dropped the coordinates tf_half_pixel_for_nn, u = (x + ½) / scale. Those of half_pixel are u − ½, so that rounding u
// down is rounding them to the nearest, halves up, and rounding u to the nearest, halves down, is rounding them up.
func resizeTFHalfPixel(_ *upgrader, n *Node) error {
	if n.Attributes["coordinate_transformation_mode"].Str != "tf_half_pixel_for_nn" {
		return nil
	}
	rounding := n.Attributes["nearest_mode"].Str
	same, ok := map[string]string{"floor": "round_prefer_ceil", "": "ceil", "round_prefer_floor": "ceil"}[rounding]
	if !ok || n.Attributes["mode"].Str == "linear" || n.Attributes["mode"].Str == "cubic" {
		return fmt.Errorf("tf_half_pixel_for_nn with mode %q and nearest_mode %q is not supported", n.Attributes["mode"].Str, rounding)
	}
	n.Attributes["coordinate_transformation_mode"] = stringAttribute("half_pixel")
	n.Attributes["nearest_mode"] = stringAttribute(same)
	return nil
}

// resizeAbsent: exporters write an empty tensor for roi or scales where they mean none; with sizes, scales must be none.
func resizeAbsent(u *upgrader, n *Node) error {
	for i := 1; i < len(n.Inputs); i++ {
		if t, ok := u.known(n.Inputs[i]); ok && t.Len() == 0 {
			n.setInput(i, "")
		}
	}
	if n.input(3) != "" {
		n.setInput(2, "")
	}
	return nil
}

// gridModes: version 20 renamed the modes of GridSample.
func gridModes(_ *upgrader, n *Node) error {
	renamed := map[string]string{"bilinear": "linear", "bicubic": "cubic"}
	if to, ok := renamed[n.Attributes["mode"].Str]; ok {
		n.Attributes["mode"] = stringAttribute(to)
	}
	return nil
}
