package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// resize is ONNX Resize: X, and optionally roi, scales or sizes.
func resize() Op { return Op{Infer: inferResize, Cost: costResize, Prepare: prepareResize} }

// resized is the shape that a Resize makes and the scale of each axis.
type resized struct {
	shape  tensor.Shape
	scales []float64
	roi    []float64 // the starts of all axes, then their ends
}

// resizedBy works out a Resize from the contents of its inputs: content gives nil for what is absent or not known. A nil result means that the output's
// shape can't be known yet.
func resizedBy(n *graph.Node, content func(int) *tensor.Tensor) (*resized, error) {
	x := n.In(0).Shape
	axes := n.Ints("axes")
	if axes == nil {
		axes = make([]int, len(x))
		for i := range axes {
			axes[i] = i
		}
	}
	axes, err := axesOf(axes, len(x))
	if err != nil {
		return nil, err
	}
	r := &resized{shape: x.Clone(), scales: make([]float64, len(x)), roi: make([]float64, 2*len(x))}
	for i := range x {
		r.scales[i], r.roi[len(x)+i] = 1, 1
	}
	if roi := content(1); roi != nil && roi.Len() == 2*len(axes) {
		list, err := floatsOf(roi)
		if err != nil {
			return nil, fmt.Errorf("roi: %w", err)
		}
		for i, a := range axes {
			r.roi[a], r.roi[len(x)+a] = list[i], list[len(axes)+i]
		}
	}
	switch scales, sizes := content(2), content(3); {
	case sizes != nil && sizes.Len() > 0:
		return r, r.bySizes(n, axes, sizes)
	case scales != nil && scales.Len() > 0:
		return r, r.byScales(n, axes, scales)
	case n.In(2) == nil && n.In(3) == nil:
		return nil, fmt.Errorf("neither scales nor sizes")
	}
	return nil, nil
}

// bySizes takes the wanted lengths of the given axes, which keep_aspect_ratio_policy may change.
func (r *resized) bySizes(n *graph.Node, axes []int, sizes *tensor.Tensor) error {
	list, err := integersOf(sizes)
	if err != nil {
		return fmt.Errorf("sizes: %w", err)
	}
	if len(list) != len(axes) {
		return fmt.Errorf("%d sizes for %d axes", len(list), len(axes))
	}
	x := n.In(0).Shape
	common := math.NaN()
	for i, a := range axes {
		if list[i] < 0 {
			return fmt.Errorf("sizes %v", list)
		}
		r.shape[a], r.scales[a] = list[i], float64(list[i])/float64(x[a])
		switch n.Str("keep_aspect_ratio_policy", "stretch") {
		case "not_larger":
			if !(r.scales[a] >= common) {
				common = r.scales[a]
			}
		case "not_smaller":
			if !(r.scales[a] <= common) {
				common = r.scales[a]
			}
		}
	}
	if math.IsNaN(common) {
		return nil
	}
	for _, a := range axes {
		r.scales[a] = common
		if x[a] != tensor.Unknown {
			r.shape[a] = int(math.Floor(common*float64(x[a]) + 0.5))
		}
	}
	return nil
}

// byScales multiplies the lengths, and rounds down.
func (r *resized) byScales(n *graph.Node, axes []int, scales *tensor.Tensor) error {
	list, err := floatsOf(scales)
	if err != nil {
		return fmt.Errorf("scales: %w", err)
	}
	if len(list) != len(axes) {
		return fmt.Errorf("%d scales for %d axes", len(list), len(axes))
	}
	for i, a := range axes {
		if !(list[i] > 0) {
			return fmt.Errorf("scales %v", list)
		}
		r.scales[a] = list[i]
		if d := r.shape[a]; d != tensor.Unknown {
			r.shape[a] = int(math.Floor(float64(float32(d) * float32(list[i]))))
		}
	}
	return nil
}

// floatsOf reads a tensor of floating-point elements.
func floatsOf(t *tensor.Tensor) ([]float64, error) {
	out := make([]float64, t.Len())
	switch t.DType {
	case tensor.Float32:
		for i, v := range tensor.Data[float32](*t) {
			out[i] = float64(v)
		}
	case tensor.Float64:
		copy(out, tensor.Data[float64](*t))
	case tensor.Float16, tensor.BFloat16:
		wide := make([]float32, len(out))
		widen(wide, *t)
		for i, v := range wide {
			out[i] = float64(v)
		}
	default:
		return nil, badType(t.DType)
	}
	return out, nil
}

func inferResize(n *graph.Node) error {
	if err := arity(n, 1, 4); err != nil {
		return err
	}
	x := n.In(0)
	yields(n, 0, x.DType, nil)
	if x.Shape == nil {
		return nil
	}
	r, err := resizedBy(n, func(i int) *tensor.Tensor {
		if !n.In(i).Known() {
			return nil
		}
		t := tensor.Aligned(*n.In(i).Const)
		return &t
	})
	if err != nil {
		return err
	}
	if r == nil {
		yields(n, 0, x.DType, unknowns(len(x.Shape)))
		return nil
	}
	yields(n, 0, x.DType, r.shape)
	return nil
}

func costResize(n *graph.Node) Cost {
	c := moved(n)
	if n.Str("mode", "nearest") != "nearest" {
		c.Kind = Elementwise
		c.FLOPs = 8 * c.Writes
	}
	return c
}

// samplingOf reads a Resize's attributes.
func samplingOf(n *graph.Node) (*sampling, error) {
	s := &sampling{
		mode:       n.Str("mode", "nearest"),
		coordinate: n.Str("coordinate_transformation_mode", "half_pixel"),
		nearest:    n.Str("nearest_mode", "round_prefer_floor"),
		cubicA:     float64(n.Float("cubic_coeff_a", -0.75)),
		exclude:    n.Int("exclude_outside", 0) != 0,
		antialias:  n.Int("antialias", 0) != 0,
		extra:      n.Float("extrapolation_value", 0),
	}
	switch s.mode {
	case "nearest", "linear", "cubic":
		return s, nil
	}
	return nil, fmt.Errorf("unknown mode %q", s.mode)
}

// plans lists the axes to resize, outermost first; those that keep every element are left out.
func (s *sampling) plans(x tensor.Shape, r *resized) ([]axisPlan, error) {
	var all []axisPlan
	for a := range x {
		if r.shape[a] == x[a] && r.scales[a] == 1 && s.coordinate != "tf_crop_and_resize" {
			continue
		}
		p, err := s.plan(a, x[a], r.shape[a], r.scales[a], r.roi[a], r.roi[len(x)+a])
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// prepareResize settles which elements each output is made of, here or, where roi, scales or sizes are only known then, at each run.
func prepareResize(n *graph.Node, t *Target) (Kernel, error) {
	d := n.In(0).DType
	s, err := samplingOf(n)
	if err != nil {
		return Kernel{}, err
	}
	if packed.has(d) {
		return Kernel{}, badType(d)
	}
	bind := resizeNearest(d)
	switch {
	case s.mode == "nearest" && s.coordinate != "tf_crop_and_resize":
	case d == tensor.Float32:
		bind = resizeFloats(vector.For(t.Features))
	case d == tensor.Float64:
		bind = resizeLinear[float64]
	case d == tensor.Uint8:
		bind = resizeLinear[uint8]
	case d == tensor.Int8:
		bind = resizeLinear[int8]
	case d == tensor.Int32:
		bind = resizeLinear[int32]
	case narrow(d) && !n.Outputs[0].Static():
		return Kernel{}, fmt.Errorf("empty scales and sizes")
	case narrow(d):
		return widened(n, t, prepareResize)
	default:
		return Kernel{}, badType(d)
	}
	x := n.In(0).Shape
	plan := func(content func(int) *tensor.Tensor) ([]axisPlan, error) {
		r, err := resizedBy(n, content)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, fmt.Errorf("empty scales and sizes")
		}
		return s.plans(x, r)
	}
	return settled(n, "resize "+s.mode, []int{1, 2, 3}, plan, func(c *Call, axes []axisPlan) func() error {
		shape := x.Clone()
		for _, a := range axes {
			shape[a.axis] = a.out
		}
		run := bind(c, s, x, shape, axes)
		return func() error {
			place(c.Out[0], d, shape)
			run()
			return nil
		}
	})
}

// resizing binds the work of a Resize from shape x to shape y.
type resizing func(c *Call, s *sampling, x, y tensor.Shape, axes []axisPlan) func()

// resizeNearest picks the copying Resize for the size of the elements.
func resizeNearest(d tensor.DType) resizing {
	return bySize[resizing](d, gatherAxes[uint8], gatherAxes[uint16], gatherAxes[uint32], gatherAxes[uint64], gatherAxes[complex128], gatherAxes[string])
}

// gatherAxes copies for each output the one input that its axes name.
func gatherAxes[T any](c *Call, _ *sampling, x, y tensor.Shape, axes []axisPlan) func() {
	maps := make([][]int, len(x))
	strides := x.Strides()
	for i := range maps {
		maps[i] = make([]int, y[i])
		for o := range maps[i] {
			maps[i][o] = o * strides[i]
		}
	}
	for _, a := range axes {
		for o, at := range a.at {
			maps[a.axis][o] = at * strides[a.axis]
		}
	}
	return func() {
		if dst := elements[T](&c.Out[0].Tensor); len(dst) > 0 {
			gatherFrom(dst, elements[T](&c.In[0].Tensor), maps, 0)
		}
	}
}

// gatherFrom fills dst with what the maps of one axis after the other lead to, from an offset on.
func gatherFrom[T any](dst, src []T, maps [][]int, from int) {
	switch len(maps) {
	case 0:
		dst[0] = src[from]
	case 1:
		for i, at := range maps[0] {
			dst[i] = src[from+at]
		}
	default:
		part := len(dst) / len(maps[0])
		for i, at := range maps[0] {
			gatherFrom(dst[i*part:(i+1)*part], src, maps[1:], from+at)
		}
	}
}

// resizeLinear sums up weighted inputs in float64, one axis after the other, and rounds to integers at the end.
func resizeLinear[T number](c *Call, s *sampling, x, y tensor.Shape, axes []axisPlan) func() {
	stages := [][]float64{make([]float64, x.Elements())}
	shapes := []tensor.Shape{x}
	for _, a := range axes {
		next := shapes[len(shapes)-1].Clone()
		next[a.axis] = a.out
		shapes, stages = append(shapes, next), append(stages, make([]float64, next.Elements()))
	}
	return func() {
		for i, v := range elements[T](&c.In[0].Tensor) {
			stages[0][i] = float64(v)
		}
		for i, a := range axes {
			a.resize(stages[i+1], stages[i], shapes[i])
		}
		last := stages[len(axes)]
		for _, a := range axes {
			a.extrapolate(last, y, float64(s.extra))
		}
		dst := elements[T](&c.Out[0].Tensor)
		for i, v := range last {
			if !c.Out[0].DType.Float() {
				v = math.RoundToEven(v)
			}
			dst[i] = T(v)
		}
	}
}

// resize makes dst of src, whose shape differs only in the plan's axis.
func (a *axisPlan) resize(dst, src []float64, shape tensor.Shape) {
	outer, inner := span(shape, 0, a.axis), span(shape, a.axis+1, len(shape))
	for i := range outer {
		a.weigh(dst[i*a.out*inner:][:a.out*inner], src[i*a.in*inner:][:a.in*inner], inner)
	}
}

// weigh resizes one stretch of lines: dst is out×inner, src in×inner.
func (a *axisPlan) weigh(dst, src []float64, inner int) {
	for o := range a.out {
		to := dst[o*inner:][:inner]
		fill(to, 0)
		for j := range a.width {
			w := 1.0
			if a.weight != nil {
				w = float64(a.weight[o*a.width+j])
			}
			addRow(to, src[a.at[o*a.width+j]*inner:][:inner], 1, w)
		}
	}
}

// extrapolate overwrites what lies outside the region of interest.
func (a *axisPlan) extrapolate(all []float64, shape tensor.Shape, value float64) {
	inner := span(shape, a.axis+1, len(shape))
	for i := 0; a.outside != nil && i < len(all); i += inner {
		if a.outside[i/inner%a.out] {
			fill(all[i:i+inner], value)
		}
	}
}
