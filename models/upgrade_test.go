package models

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

// printed shows nodes one a line, constants in place of their names, so that a test can say what a step makes.
func printed(nodes []*Node) string {
	constants := map[string]string{}
	var b strings.Builder
	for _, n := range nodes {
		if n.Op == "Constant" && n.Attributes["value"].Kind == TensorAttribute {
			constants[n.Outputs[0]] = printedTensor(n.Attributes["value"].Tensor)
			if strings.Contains(n.Outputs[0], "/") {
				continue
			}
		}
		var in []string
		for _, name := range n.Inputs {
			if c, ok := constants[name]; ok && strings.Contains(name, "/") {
				name = c
			}
			in = append(in, name)
		}
		fmt.Fprintf(&b, "%s = %s(%s)%s\n", strings.Join(n.Outputs, ", "), n.Op, strings.Join(in, ", "), printedAttributes(n))
	}
	return b.String()
}

func printedAttributes(n *Node) string {
	var list []string
	for _, name := range sortedKeys(n.Attributes) {
		a := n.Attributes[name]
		v := ""
		switch a.Kind {
		case IntAttribute:
			v = fmt.Sprint(a.Int)
		case IntsAttribute:
			v = fmt.Sprint(a.Ints)
		case FloatAttribute:
			v = fmt.Sprint(a.Float)
		case StringAttribute:
			v = a.Str
		case StringsAttribute:
			v = fmt.Sprint(a.Strs)
		case TensorAttribute:
			v = printedTensor(a.Tensor)
		case ReferenceAttribute:
			v = "@" + a.Str
		case GraphAttribute:
			v = "\n  " + strings.ReplaceAll(strings.TrimSuffix(printed(a.Graph.Nodes), "\n"), "\n", "\n  ")
		}
		list = append(list, name+"="+v)
	}
	if list == nil {
		return ""
	}
	return " {" + strings.Join(list, " ") + "}"
}

func printedTensor(t tensor.Tensor) string {
	var v any
	t = tensor.Aligned(t)
	switch t.DType {
	case tensor.Float32:
		v = tensor.Data[float32](t)
	case tensor.Float64:
		v = tensor.Data[float64](t)
	case tensor.Float16:
		v = tensor.Data[uint16](t)
	case tensor.Int64:
		v = tensor.Data[int64](t)
	case tensor.String:
		v = t.Strings
	default:
		v = t.Bytes
	}
	return fmt.Sprintf("%v:%v%v", t.Shape, t.DType, v)
}

type upgradeCase struct {
	name   string // the operator's, then the reason for the case
	opset  int
	domain string
	input  tensor.DType // of x; float32 when Undefined
	consts map[string]tensor.Tensor
	op     string
	in     []string // x, a and b are inputs of the graph
	out    []string // y when nil
	attrs  attrs
	want   string // what is printed, or the error after "error: "
}

func floats(v ...float32) tensor.Tensor { return tensor.From(tensor.Float32, tensor.Shape{len(v)}, v) }

func (c upgradeCase) model() *Model {
	x := c.input
	if x == tensor.Undefined {
		x = tensor.Float32
	}
	value := func(name string, d tensor.DType) *Value { return &Value{Name: name, Type: Type{DType: d}} }
	g := &Graph{Name: "g", Inputs: []*Value{value("x", x), value("a", x), value("b", x)}, Initializers: map[string]tensor.Tensor{}, Values: map[string]*Value{}}
	for name, t := range c.consts {
		g.Initializers[name] = t
	}
	n := &Node{Name: "n", Op: c.op, Domain: c.domain, Inputs: c.in, Outputs: c.out, Attributes: attrs{}}
	for k, v := range c.attrs {
		n.Attributes[k] = v
	}
	if n.Outputs == nil {
		n.Outputs = []string{"y"}
	}
	for _, out := range n.Outputs {
		g.Outputs = append(g.Outputs, &Value{Name: out})
	}
	g.Nodes = []*Node{n}
	return &Model{Graph: g, Opsets: map[string]int{c.domain: c.opset, "": c.opset}}
}

var upgradeCases = []upgradeCase{
	{name: "Affine", opset: 8, op: "Affine", in: []string{"x"}, attrs: attrs{"alpha": floatAttribute(2)},
		want: "n/Mul = Mul(x, scalar:float32[2])\ny = Add(n/Mul, scalar:float32[0])\n"},
	{name: "ConstantFill of an attribute's shape", opset: 8, op: "ConstantFill", attrs: attrs{"shape": intsAttribute(2, 3), "value": floatAttribute(4), "dtype": intAttribute(7)},
		want: "n/ConstantOfShape = ConstantOfShape(2:int64[2 3]) {value=1:float32[4]}\ny = Cast(n/ConstantOfShape) {to=7}\n"},
	{name: "ConstantFill of an input's shape and more", opset: 8, op: "ConstantFill", in: []string{"x"}, attrs: attrs{"extra_shape": intsAttribute(5)},
		want: "n/Shape = Shape(x)\nn/Concat = Concat(n/Shape, 1:int64[5]) {axis=0}\nn/ConstantOfShape = ConstantOfShape(n/Concat) {value=1:float32[0]}\ny = Cast(n/ConstantOfShape) {to=1}\n"},
	{name: "ConstantFill of an input as shape", opset: 8, op: "ConstantFill", in: []string{"x"}, attrs: attrs{"input_as_shape": intAttribute(1)},
		want: "n/Cast = Cast(x) {to=7}\nn/ConstantOfShape = ConstantOfShape(n/Cast) {value=1:float32[0]}\ny = Cast(n/ConstantOfShape) {to=1}\n"},
	{name: "ConstantFill of two shapes", opset: 8, op: "ConstantFill", in: []string{"x"}, attrs: attrs{"shape": intsAttribute(1)},
		want: `error: node "n": ConstantFill: it has both a shape and an input`},
	{name: "Crop by a border", opset: 8, op: "Crop", in: []string{"x"}, attrs: attrs{"border": intsAttribute(1, 2, 0, 4)},
		want: "y = Slice(x, 2:int64[2 1], 2:int64[-4 9223372036854775807], 2:int64[-2 -1])\n"},
	{name: "Crop to a size", opset: 8, op: "Crop", in: []string{"x"}, attrs: attrs{"border": intsAttribute(1, 2, 0, 0), "scale": intsAttribute(10, 20)},
		want: "y = Slice(x, 2:int64[2 1], 2:int64[12 21], 2:int64[-2 -1])\n"},
	{name: "DynamicSlice", opset: 8, op: "DynamicSlice", in: []string{"x", "a", "b"}, want: "y = Slice(x, a, b)\n"},
	{name: "GivenTensorFill", opset: 8, op: "GivenTensorFill", attrs: attrs{"shape": intsAttribute(1, 2), "values": {Kind: FloatsAttribute, Floats: []float32{3, 4}}},
		want: "y = Reshape(2:float32[3 4], 2:int64[1 2])\n"},
	{name: "ImageScaler", opset: 8, op: "ImageScaler", in: []string{"x"}, attrs: attrs{"scale": floatAttribute(2), "bias": {Kind: FloatsAttribute, Floats: []float32{3, 4}}},
		want: "n/Mul = Mul(x, scalar:float32[2])\nn/CastLike = CastLike(2x1x1:float32[3 4], x)\ny = Add(n/Mul, n/CastLike)\n"},
	{name: "ParametricSoftplus", opset: 8, op: "ParametricSoftplus", in: []string{"x"}, attrs: attrs{"alpha": floatAttribute(2), "beta": floatAttribute(3)},
		want: "n/Mul = Mul(x, scalar:float32[3])\nn/Softplus = Softplus(n/Mul)\ny = Mul(n/Softplus, scalar:float32[2])\n"},
	{name: "Scale", opset: 8, op: "Scale", in: []string{"x"}, attrs: attrs{"scale": floatAttribute(2)}, want: "y = Mul(x, scalar:float32[2])\n"},
	{name: "ScaledTanh", opset: 8, op: "ScaledTanh", in: []string{"x"}, attrs: attrs{"alpha": floatAttribute(2), "beta": floatAttribute(3)},
		want: "n/Mul = Mul(x, scalar:float32[3])\nn/Tanh = Tanh(n/Mul)\ny = Mul(n/Tanh, scalar:float32[2])\n"},

	{name: "Add at the last dimensions", opset: 6, op: "Add", in: []string{"x", "a"}, attrs: attrs{"broadcast": intAttribute(1), "consumed_inputs": intsAttribute(0, 0)},
		want: "y = Add(x, a) {consumed_inputs=[0 0]}\n"},
	{name: "Add drops consumed_inputs", opset: 5, op: "Add", in: []string{"x", "a"}, attrs: attrs{"consumed_inputs": intsAttribute(0, 0)}, want: "y = Add(x, a)\n"},
	{name: "Add from an axis on", opset: 6, op: "Add", in: []string{"x", "a"}, attrs: attrs{"broadcast": intAttribute(1), "axis": intAttribute(1)}, want: aligned("Add", "1")},
	{name: "Sub from an axis counted from the end", opset: 6, op: "Sub", in: []string{"x", "a"}, attrs: attrs{"broadcast": intAttribute(1), "axis": intAttribute(-3)},
		want: "n/Shape = Shape(a)\nn/Shape_1 = Shape(n/Shape)\nn/Sub = Sub(1:int64[3], n/Shape_1)\nn/ConstantOfShape = ConstantOfShape(n/Sub) {value=1:int64[1]}\n" +
			"n/Shape_2 = Shape(a)\nn/Concat = Concat(n/Shape_2, n/ConstantOfShape) {axis=0}\nn/Reshape = Reshape(a, n/Concat) {allowzero=1}\ny = Sub(x, n/Reshape)\n"},
	{name: "Mul with an axis but without broadcast", opset: 6, op: "Mul", in: []string{"x", "a"}, attrs: attrs{"axis": intAttribute(1)}, want: "y = Mul(x, a)\n"},
	{name: "Gemm", opset: 6, op: "Gemm", in: []string{"x", "a", "b"}, attrs: attrs{"broadcast": intAttribute(1), "alpha": floatAttribute(2)}, want: "y = Gemm(x, a, b) {alpha=2}\n"},
	{name: "PRelu with one slope", opset: 6, op: "PRelu", in: []string{"x", "c"}, consts: map[string]tensor.Tensor{"c": floats(2)}, want: "y = PRelu(x, c)\n"},
	{name: "PRelu with a slope per channel", opset: 6, op: "PRelu", in: []string{"x", "a"}, want: aligned("PRelu", "1")},

	{name: "Cast by name", opset: 5, op: "Cast", in: []string{"x"}, attrs: attrs{"to": stringAttribute("DOUBLE")}, want: "y = Cast(x) {to=11}\n"},
	{name: "Cast to no type", opset: 5, op: "Cast", in: []string{"x"}, attrs: attrs{"to": stringAttribute("BIG")}, want: `error: node "n": Cast: attribute to is "BIG", which is no type`},
	{name: "Clip between", opset: 6, op: "Clip", in: []string{"x"}, attrs: attrs{"min": floatAttribute(0), "max": floatAttribute(6)},
		want: "y = Clip(x, scalar:float32[0], scalar:float32[6])\n"},
	{name: "Clip from above only", opset: 10, op: "Clip", in: []string{"x"}, attrs: attrs{"max": floatAttribute(6)}, want: "y = Clip(x, , scalar:float32[6])\n"},
	{name: "Clip in halves", opset: 10, op: "Clip", in: []string{"x"}, input: tensor.Float16, attrs: attrs{"min": floatAttribute(1)}, want: "y = Clip(x, scalar:float16[15360])\n"},
	{name: "Clip of version 11 stays", opset: 11, op: "Clip", in: []string{"x", "a"}, want: "y = Clip(x, a)\n"},
	{name: "Constant of a number", opset: 12, op: "Constant", attrs: attrs{"value_int": intAttribute(3)}, want: "y = Constant() {value=scalar:int64[3]}\n"},
	{name: "Constant of numbers", opset: 12, op: "Constant", attrs: attrs{"value_floats": {Kind: FloatsAttribute, Floats: []float32{1, 2}}}, want: "y = Constant() {value=2:float32[1 2]}\n"},
	{name: "Constant of text", opset: 12, op: "Constant", attrs: attrs{"value_strings": {Kind: StringsAttribute, Strs: []string{"a"}}}, want: "y = Constant() {value=1:string[a]}\n"},
	{name: "Constant of the newest version", opset: Dialect, op: "Constant", attrs: attrs{"value_ints": intsAttribute(3)}, want: "y = Constant() {value=1:int64[3]}\n"},
	{name: "Constant of nothing", opset: 12, op: "Constant", want: `error: node "n": Constant: 0 attributes, want one that holds the value`},
	{name: "Selu's old defaults", opset: 5, op: "Selu", in: []string{"x"}, want: "y = Selu(x) {alpha=1.6732 gamma=1.0507}\n"},

	{name: "BatchNormalization for inference", opset: 6, op: "BatchNormalization", in: []string{"x", "a", "b", "a", "b"}, attrs: attrs{"is_test": intAttribute(1), "spatial": intAttribute(1)},
		want: "y = BatchNormalization(x, a, b, a, b)\n"},
	{name: "BatchNormalization for each place", opset: 8, op: "BatchNormalization", in: []string{"x", "a", "b", "c", "d"}, consts: map[string]tensor.Tensor{"c": floats(1), "d": floats(2)},
		attrs: attrs{"spatial": intAttribute(0), "epsilon": floatAttribute(0.5)},
		want:  "n/Add = Add(d, scalar:float32[0.5])\nn/Sqrt = Sqrt(n/Add)\nn/Sub = Sub(x, c)\nn/Div = Div(n/Sub, n/Sqrt)\nn/Mul = Mul(n/Div, a)\ny = Add(n/Mul, b)\n"},
	{name: "BatchNormalization in training", opset: 9, op: "BatchNormalization", in: []string{"x", "a", "b", "a", "b"}, out: []string{"y", "m", "v"},
		want: "y, m, v = BatchNormalization(x, a, b, a, b) {training_mode=1}\n"},
	{name: "BatchNormalization with saved statistics", opset: 9, op: "BatchNormalization", in: []string{"x", "a", "b", "a", "b"}, out: []string{"y", "m", "v", "sm"},
		want: `error: node "n": BatchNormalization: the outputs saved_mean and saved_var of training mode are not supported`},
	{name: "Dropout", opset: 11, op: "Dropout", in: []string{"x"}, attrs: attrs{"ratio": floatAttribute(0.5)}, want: "y = Dropout(x)\n"},
	{name: "Dropout with a mask of numbers", opset: 6, op: "Dropout", in: []string{"x"}, out: []string{"y", "m"}, attrs: attrs{"is_test": intAttribute(1)},
		want: "y, m/Dropout = Dropout(x)\nm = CastLike(m/Dropout, x)\n"},
	{name: "GroupNormalization", opset: 18, op: "GroupNormalization", in: []string{"x", "a", "b"}, attrs: attrs{"num_groups": intAttribute(2)},
		want: "n/Shape = Shape(x) {end=2 start=1}\nn/Div = Div(n/Shape, 1:int64[2])\nn/Concat = Concat(1:int64[1], n/Div) {axis=0}\n" +
			"n/Reshape = Reshape(a, 2:int64[-1 1])\nn/Expand = Expand(n/Reshape, n/Concat)\nn/Reshape_1 = Reshape(n/Expand, 1:int64[-1])\n" +
			"n/Reshape_2 = Reshape(b, 2:int64[-1 1])\nn/Expand_1 = Expand(n/Reshape_2, n/Concat)\nn/Reshape_3 = Reshape(n/Expand_1, 1:int64[-1])\n" +
			"y = GroupNormalization(x, n/Reshape_1, n/Reshape_3) {num_groups=2}\n"},
	{name: "Softmax's old default axis", opset: 12, op: "Softmax", in: []string{"x"}, want: flattenedBy("Softmax", 1)},
	{name: "LogSoftmax", opset: 1, op: "LogSoftmax", in: []string{"x"}, attrs: attrs{"axis": intAttribute(2)}, want: flattenedBy("LogSoftmax", 2)},
	{name: "Hardmax", opset: 11, op: "Hardmax", in: []string{"x"}, attrs: attrs{"axis": intAttribute(-2)}, want: flattenedBy("Hardmax", -2)},
	{name: "Softmax along the last dimension", opset: 11, op: "Softmax", in: []string{"x"}, attrs: attrs{"axis": intAttribute(-1)}, want: "y = Softmax(x) {axis=-1}\n"},
	{name: "MeanVarianceNormalization as a function", opset: 8, op: "MeanVarianceNormalization", in: []string{"x"}, want: "y = MeanVarianceNormalization(x)\n"},
	{name: "MeanVarianceNormalization across channels", opset: 5, op: "MeanVarianceNormalization", in: []string{"x"}, attrs: attrs{"across_channels": intAttribute(1)},
		want: "y = MeanVarianceNormalization(x) {axes=[1 2 3]}\n"},
	{name: "MeanVarianceNormalization of the mean only", opset: 5, op: "MeanVarianceNormalization", in: []string{"x"}, attrs: attrs{"normalize_variance": intAttribute(0)},
		want: "n/ReduceMean = ReduceMean(x, 2:int64[2 3])\ny = Sub(x, n/ReduceMean)\n"},

	{name: "Concat's old default axis", opset: 3, op: "Concat", in: []string{"x", "a"}, want: "y = Concat(x, a) {axis=1}\n"},
	{name: "Pad of version 1", opset: 1, op: "Pad", in: []string{"x"}, attrs: attrs{"paddings": intsAttribute(0, 1), "value": floatAttribute(2), "mode": stringAttribute("constant")},
		want: "y = Pad(x, 2:int64[0 1], scalar:float32[2]) {mode=constant}\n"},
	{name: "Pad of version 2", opset: 2, op: "Pad", in: []string{"x"}, attrs: attrs{"pads": intsAttribute(0, 1)}, want: "y = Pad(x, 2:int64[0 1])\n"},
	{name: "Reshape", opset: 4, op: "Reshape", in: []string{"x"}, attrs: attrs{"shape": intsAttribute(0, -1)}, want: "y = Reshape(x, 2:int64[0 -1])\n"},
	{name: "Scatter", opset: 9, op: "Scatter", in: []string{"x", "a", "b"}, attrs: attrs{"axis": intAttribute(1)}, want: "y = ScatterElements(x, a, b) {axis=1}\n"},
	{name: "Slice with axes", opset: 9, op: "Slice", in: []string{"x"}, attrs: attrs{"starts": intsAttribute(1), "ends": intsAttribute(2), "axes": intsAttribute(3)},
		want: "y = Slice(x, 1:int64[1], 1:int64[2], 1:int64[3])\n"},
	{name: "Slice without ends", opset: 9, op: "Slice", in: []string{"x"}, attrs: attrs{"starts": intsAttribute(1)}, want: `error: node "n": Slice: attribute ends is missing`},
	{name: "Split into sizes", opset: 2, op: "Split", in: []string{"x"}, out: []string{"y", "z"}, attrs: attrs{"split": intsAttribute(1, 2)}, want: "y, z = Split(x, 2:int64[1 2])\n"},
	{name: "Split into equal parts", opset: 13, op: "Split", in: []string{"x"}, out: []string{"y", "z"}, want: "y, z = Split(x) {num_outputs=2}\n"},
	{name: "Split into sizes given as numbers of the data's type", opset: 1, op: "Split", in: []string{"x", "a"}, want: "n/Cast = Cast(a) {to=7}\ny = Split(x, n/Cast)\n"},
	{name: "Squeeze", opset: 12, op: "Squeeze", in: []string{"x"}, attrs: attrs{"axes": intsAttribute(0)}, want: "y = Squeeze(x, 1:int64[0])\n"},
	{name: "Squeeze of all", opset: 12, op: "Squeeze", in: []string{"x"}, want: "y = Squeeze(x)\n"},
	{name: "Tile along an axis", opset: 5, op: "Tile", in: []string{"x", "a", "b"},
		want: "n/Shape = Shape(x)\nn/Shape_1 = Shape(n/Shape)\nn/ConstantOfShape = ConstantOfShape(n/Shape_1) {value=1:int64[1]}\nn/Cast = Cast(a) {to=7}\n" +
			"n/Reshape = Reshape(n/Cast, 1:int64[1])\nn/Cast_1 = Cast(b) {to=7}\nn/Reshape_1 = Reshape(n/Cast_1, 1:int64[1])\n" +
			"n/ScatterElements = ScatterElements(n/ConstantOfShape, n/Reshape_1, n/Reshape) {axis=0}\ny = Tile(x, n/ScatterElements)\n"},
	{name: "TopK", opset: 9, op: "TopK", in: []string{"x"}, out: []string{"y", "i"}, attrs: attrs{"k": intAttribute(3)}, want: "y, i = TopK(x, 1:int64[3])\n"},
	{name: "Unsqueeze", opset: 12, op: "Unsqueeze", in: []string{"x"}, attrs: attrs{"axes": intsAttribute(0, 2)}, want: "y = Unsqueeze(x, 2:int64[0 2])\n"},
	{name: "ReduceSum until 13", opset: 12, op: "ReduceSum", in: []string{"x"}, attrs: attrs{"axes": intsAttribute(1)}, want: "y = ReduceSum(x, 1:int64[1])\n"},
	{name: "ReduceMean until 18", opset: 17, op: "ReduceMean", in: []string{"x"}, attrs: attrs{"axes": intsAttribute(1), "keepdims": intAttribute(0)}, want: "y = ReduceMean(x, 1:int64[1]) {keepdims=0}\n"},
	{name: "ReduceMax of all", opset: 17, op: "ReduceMax", in: []string{"x"}, want: "y = ReduceMax(x)\n"},

	{name: "DFT's old default axis", opset: 17, op: "DFT", in: []string{"x"}, attrs: attrs{"onesided": intAttribute(1)}, want: "y = DFT(x, , scalar:int64[1]) {onesided=1}\n"},
	{name: "GlobalLpPool", opset: 1, op: "GlobalLpPool", in: []string{"x"}, attrs: attrs{"p": floatAttribute(3)}, want: "y = GlobalLpPool(x) {p=3}\n"},
	{name: "LpPool's default", opset: 1, op: "LpPool", in: []string{"x"}, want: "y = LpPool(x) {p=2}\n"},
	{name: "LpPool of half a power", opset: 1, op: "LpPool", in: []string{"x"}, attrs: attrs{"p": floatAttribute(0.5)}, want: `error: node "n": LpPool: attribute p is 0.5: only whole numbers are supported`},
	{name: "GridSample", opset: 16, op: "GridSample", in: []string{"x", "a"}, attrs: attrs{"mode": stringAttribute("bicubic")}, want: "y = GridSample(x, a) {mode=cubic}\n"},
	{name: "QuantizeLinear", opset: 10, op: "QuantizeLinear", in: []string{"x", "a", "b"}, attrs: attrs{"output_dtype": intAttribute(3)}, want: "y = QuantizeLinear(x, a, b)\n"},
	{name: "RoiAlign's old default", opset: 10, op: "RoiAlign", in: []string{"x", "a", "b"}, want: "y = RoiAlign(x, a, b) {coordinate_transformation_mode=output_half_pixel}\n"},
	{name: "Resize that enlarges", opset: 10, op: "Resize", in: []string{"x", "c"}, consts: map[string]tensor.Tensor{"c": floats(1, 1, 2, 2)}, want: resized("c", "nearest", "floor")},
	{name: "Resize that reduces", opset: 10, op: "Resize", in: []string{"x", "c"}, consts: map[string]tensor.Tensor{"c": floats(1, 1, 0.5, 0.5)}, want: resized("c", "nearest", "ceil")},
	{name: "Resize that does both", opset: 10, op: "Resize", in: []string{"x", "c"}, consts: map[string]tensor.Tensor{"c": floats(1, 1, 0.5, 2)},
		want: `error: node "n": Resize: it enlarges along one dimension and reduces along another, which versions before 11 round differently`},
	{name: "Resize by computed scales", opset: 10, op: "Resize", in: []string{"x", "a"},
		want: "n/ReduceMin = ReduceMin(a) {keepdims=0}\nn/Less = Less(n/ReduceMin, scalar:float32[1])\ny = If(n/Less) {" +
			"else_branch=\n  y/floor = Resize(x, , a) {coordinate_transformation_mode=asymmetric mode=nearest nearest_mode=floor} " +
			"then_branch=\n  y/ceil = Resize(x, , a) {coordinate_transformation_mode=asymmetric mode=nearest nearest_mode=ceil}}\n"},
	{name: "Resize to sizes with empty roi and scales", opset: 11, op: "Resize", in: []string{"x", "e", "e", "a"}, consts: map[string]tensor.Tensor{"e": floats()}, want: "y = Resize(x, , , a)\n"},
	{name: "Resize with the coordinates that 13 dropped", opset: 11, op: "Resize", in: []string{"x", "", "a"},
		attrs: attrs{"coordinate_transformation_mode": stringAttribute("tf_half_pixel_for_nn"), "nearest_mode": stringAttribute("floor")},
		want:  "y = Resize(x, , a) {coordinate_transformation_mode=half_pixel nearest_mode=round_prefer_ceil}\n"},
	{name: "Upsample by sides", opset: 6, op: "Upsample", in: []string{"x"}, attrs: attrs{"height_scale": floatAttribute(2), "width_scale": floatAttribute(3), "mode": stringAttribute("bilinear")},
		want: resized("4:float32[1 1 2 3]", "linear", "floor")},
	{name: "Upsample by an attribute", opset: 7, op: "Upsample", in: []string{"x"}, attrs: attrs{"scales": {Kind: FloatsAttribute, Floats: []float32{1, 2}}}, want: resized("2:float32[1 2]", "nearest", "floor")},
	{name: "Upsample by an input", opset: 9, op: "Upsample", in: []string{"x", "c"}, consts: map[string]tensor.Tensor{"c": floats(1, 2)}, attrs: attrs{"mode": stringAttribute("linear")},
		want: resized("c", "linear", "floor")},

	{name: "GRU", opset: 6, op: "GRU", in: []string{"x", "a", "b"}, attrs: attrs{"output_sequence": intAttribute(1)}, want: "y = GRU(x, a, b)\n"},
	{name: "LSTM", opset: 6, op: "LSTM", in: []string{"x", "a", "b"}, attrs: attrs{"output_sequence": intAttribute(1)}, want: "y = LSTM(x, a, b)\n"},
	{name: "RNN", opset: 6, op: "RNN", in: []string{"x", "a", "b"}, attrs: attrs{"output_sequence": intAttribute(1)}, want: "y = RNN(x, a, b)\n"},
	{name: "Scan over a batch", opset: 8, op: "Scan", in: []string{"", "a", "x"}, out: []string{"y", "z"},
		attrs: attrs{"num_scan_inputs": intAttribute(1), "directions": intsAttribute(1), "body": {Kind: GraphAttribute, Graph: scanBody()}},
		want: "y, z = Scan(a, x) {body=\n  n/out, n/out_1 = Scan(n/in, n/in_1) {body=\n    s2 = Add(s, e)\n    o = Identity(s2) num_scan_inputs=1 scan_input_directions=[1]}" +
			" num_scan_inputs=2}\n"},
	{name: "Scan over sequences of different lengths", opset: 8, op: "Scan", in: []string{"b", "a", "x"}, attrs: attrs{"num_scan_inputs": intAttribute(1), "body": {Kind: GraphAttribute, Graph: scanBody()}},
		want: `error: node "n": Scan: sequences of different lengths (input sequence_lens) are not supported`},

	{name: "LabelEncoder of strings", domain: "ai.onnx.ml", opset: 1, input: tensor.String, op: "LabelEncoder", in: []string{"x"}, attrs: attrs{"classes_strings": {Kind: StringsAttribute, Strs: []string{"p", "q"}}},
		want: "y = LabelEncoder(x) {default_int64=-1 keys_strings=[p q] values_int64s=[0 1]}\n"},
	{name: "LabelEncoder of places", domain: "ai.onnx.ml", opset: 1, input: tensor.Int64, op: "LabelEncoder", in: []string{"x"}, attrs: attrs{"classes_strings": {Kind: StringsAttribute, Strs: []string{"p"}}},
		want: "y = LabelEncoder(x) {default_string=_Unused keys_int64s=[0] values_strings=[p]}\n"},
}

func aligned(op, axis string) string {
	return "n/Shape = Shape(x)\nn/Shape_1 = Shape(n/Shape)\nn/Sub = Sub(n/Shape_1, 1:int64[" + axis + "])\nn/Shape_2 = Shape(a)\nn/Shape_3 = Shape(n/Shape_2)\n" +
		"n/Sub_1 = Sub(n/Sub, n/Shape_3)\nn/ConstantOfShape = ConstantOfShape(n/Sub_1) {value=1:int64[1]}\nn/Shape_4 = Shape(a)\n" +
		"n/Concat = Concat(n/Shape_4, n/ConstantOfShape) {axis=0}\nn/Reshape = Reshape(a, n/Concat) {allowzero=1}\ny = " + op + "(x, n/Reshape)\n"
}

func flattenedBy(op string, axis int) string {
	return fmt.Sprintf("n/Flatten = Flatten(x) {axis=%d}\nn/Shape = Shape(x)\ny/%s = %s(n/Flatten) {axis=-1}\ny = Reshape(y/%s, n/Shape) {allowzero=1}\n", axis, op, op, op)
}

func resized(scales, mode, rounding string) string {
	return fmt.Sprintf("y = Resize(x, , %s) {coordinate_transformation_mode=asymmetric mode=%s nearest_mode=%s}\n", scales, mode, rounding)
}

func scanBody() *Graph {
	return &Graph{
		Inputs: []*Value{{Name: "s"}, {Name: "e"}}, Outputs: []*Value{{Name: "s2"}, {Name: "o"}}, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{},
		Nodes: []*Node{{Name: "add", Op: "Add", Inputs: []string{"s", "e"}, Outputs: []string{"s2"}}, {Name: "id", Op: "Identity", Inputs: []string{"s2"}, Outputs: []string{"o"}}},
	}
}

func TestUpgrade(t *testing.T) {
	for _, c := range upgradeCases {
		t.Run(c.name, func(t *testing.T) {
			m := c.model()
			if err := Check(m); err != nil {
				t.Fatalf("the case itself: %v", err)
			}
			err := Upgrade(m)
			if want, bad := strings.CutPrefix(c.want, "error: "); bad {
				if err == nil || err.Error() != want {
					t.Fatalf("error %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := printed(m.Graph.Nodes); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if err := Check(m); err != nil {
				t.Errorf("after the upgrade: %v", err)
			}
			before := printed(m.Graph.Nodes)
			if err := Upgrade(m); err != nil || printed(m.Graph.Nodes) != before {
				t.Errorf("a second upgrade changed the model: %v", err)
			}
		})
	}
}

func TestEveryStepHasACase(t *testing.T) {
	// Operators that share a step with one that has a case.
	shared := map[string]string{
		"And": "Add", "Div": "Add", "Equal": "Add", "Greater": "Add", "Less": "Add", "Or": "Add", "Pow": "Add", "Xor": "Add",
		"ReduceL1": "ReduceMean", "ReduceL2": "ReduceMean", "ReduceLogSum": "ReduceMean", "ReduceLogSumExp": "ReduceMean", "ReduceMin": "ReduceMean",
		"ReduceProd": "ReduceMean", "ReduceSumSquare": "ReduceMean",
	}
	for _, table := range []map[string][]step{steps, mlSteps} {
		for _, op := range sortedKeys(table) {
			has := func(c upgradeCase) bool { return c.op == op || c.op == shared[op] }
			if !slices.ContainsFunc(upgradeCases, has) {
				t.Errorf("no case for %s", op)
			}
			for i, s := range table[op] {
				if i > 0 && s.before <= table[op][i-1].before {
					t.Errorf("%s: the steps are not in the order of versions", op)
				}
			}
		}
	}
}

func TestUpgradeLeavesOthersAlone(t *testing.T) {
	c := upgradeCase{domain: "com.example", opset: 1, op: "Clip", in: []string{"x"}, attrs: attrs{"max": floatAttribute(6)}}
	m := c.model()
	m.Opsets[""] = Dialect
	if err := Upgrade(m); err != nil {
		t.Fatal(err)
	}
	if got, want := printed(m.Graph.Nodes), "y = Clip(x) {max=6}\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestUpgradeInFunctionsAndBodies(t *testing.T) {
	m := upgradeCase{opset: 12, op: "If", in: []string{"x"}, attrs: attrs{
		"then_branch": {Kind: GraphAttribute, Graph: &Graph{
			Outputs: []*Value{{Name: "o"}}, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{},
			Nodes: []*Node{{Name: "s", Op: "Squeeze", Inputs: []string{"a"}, Outputs: []string{"o"}, Attributes: attrs{"axes": intsAttribute(0)}}},
		}},
	}}.model()
	m.Functions = []*Function{{
		Name: "F", Domain: "d", Inputs: []string{"p"}, Outputs: []string{"q"}, Attributes: []string{"where"}, Opsets: map[string]int{"": 10},
		Nodes: []*Node{
			{Name: "s", Op: "Squeeze", Inputs: []string{"p"}, Outputs: []string{"r"}, Attributes: attrs{"axes": {Kind: ReferenceAttribute, Str: "where", Int: 7}}},
			{Name: "c", Op: "Clip", Inputs: []string{"r"}, Outputs: []string{"q"}, Attributes: attrs{"max": floatAttribute(1)}},
		},
	}}
	if err := Check(m); err != nil {
		t.Fatal(err)
	}
	if err := Upgrade(m); err != nil {
		t.Fatal(err)
	}
	if got, want := printed(m.Graph.Nodes), "y = If(x) {then_branch=\n  o = Squeeze(a, 1:int64[0])}\n"; got != want {
		t.Errorf("body: got %swant %s", got, want)
	}
	want := "s/Constant = Constant() {value_ints=@where}\nr = Squeeze(p, s/Constant)\nc/CastLike = CastLike(scalar:float32[1], r)\nq = Clip(r, , c/CastLike)\n"
	if got := printed(m.Functions[0].Nodes); got != want {
		t.Errorf("function: got\n%swant\n%s", got, want)
	}
	if err := Check(m); err != nil {
		t.Errorf("after the upgrade: %v", err)
	}
}
