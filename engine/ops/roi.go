package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// roiAlign pools regions of images N×C×H×W to one size each: a cell of the output is the mean (mode avg) of samples spread over its part of the
// region, each interpolated between four pixels. In mode max it is the largest of the pixels' shares in all samples, as ONNX's reference has it (see
// onnx issue 4764), not the largest sample. Inputs: X, rois (R×4: x0, y0, x1, y1), and which image each region is of.
func roiAlign() Op {
	return Op{Infer: inferRoiAlign, Cost: costRoi, Prepare: byFloat(prepareRoiAlign[float32], prepareRoiAlign[float64])}
}

// maxRoiPool pools regions to the size pooled_shape by the largest element of each cell. A row of the second input is a region: the image, x0, y0, x1
// and y1, rounded to pixels.
func maxRoiPool() Op {
	return Op{Infer: inferMaxRoiPool, Cost: costRoi, Prepare: byFloat(prepareMaxRoiPool[float32], prepareMaxRoiPool[float64])}
}

// costRoi counts four samples of four pixels for each output.
func costRoi(n *graph.Node) Cost {
	c := moved(n)
	c.Kind, c.FLOPs = Pool, 32*c.Writes
	return c
}

func inferRoiAlign(n *graph.Node) error {
	if err := arity(n, 3, 3); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1); err != nil {
		return err
	}
	if err := takes(n, 2, 1<<tensor.Int64); err != nil {
		return err
	}
	height, width := n.Int("output_height", 1), n.Int("output_width", 1)
	if height < 1 || width < 1 || n.Int("sampling_ratio", 0) < 0 || n.Int("sampling_ratio", 0) > mostSampling {
		return fmt.Errorf("output of %dx%d with sampling_ratio %d", height, width, n.Int("sampling_ratio", 0))
	}
	if m := n.Str("mode", "avg"); m != "avg" && m != "max" {
		return fmt.Errorf("unknown mode %q", m)
	}
	if m := n.Str("coordinate_transformation_mode", "half_pixel"); m != "half_pixel" && m != "output_half_pixel" {
		return fmt.Errorf("unknown coordinate_transformation_mode %q", m)
	}
	if b := n.Inputs[2]; b.Static() && n.Inputs[1].Static() && (len(b.Shape) != 1 || len(n.Inputs[1].Shape) > 0 && b.Shape[0] != n.Inputs[1].Shape[0]) {
		return fmt.Errorf("batch indices %s for regions %s", b.Shape, n.Inputs[1].Shape)
	}
	return yieldsRegions(n, 4, height, width)
}

func inferMaxRoiPool(n *graph.Node) error {
	if err := arity(n, 2, 2); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1); err != nil {
		return err
	}
	size := n.Ints("pooled_shape")
	if len(size) != 2 || size[0] < 1 || size[1] < 1 {
		return fmt.Errorf("pooled_shape %v; a height and a width are wanted", size)
	}
	return yieldsRegions(n, 5, size[0], size[1])
}

// yieldsRegions sets the output for regions that columns numbers describe.
func yieldsRegions(n *graph.Node, columns, height, width int) error {
	x, rois := n.Inputs[0].Shape, n.Inputs[1].Shape
	out := tensor.Shape{tensor.Unknown, tensor.Unknown, height, width}
	if x != nil {
		if len(x) != 4 {
			return fmt.Errorf("input %s is not N×C×H×W", x)
		}
		out[1] = x[1]
	}
	if rois != nil {
		if len(rois) != 2 || rois[1] != columns && rois[1] != tensor.Unknown {
			return fmt.Errorf("regions %s; %d columns are wanted", rois, columns)
		}
		out[0] = rois[0]
	}
	yields(n, 0, n.Inputs[0].DType, out)
	return nil
}

// aligner samples regions.
type aligner struct {
	height, width, rows, columns int // of an image and of the output
	samples                      int // along each side of a cell; 0: one for each pixel
	scale, shift                 float64
	whole                        bool // a region is at least one pixel wide and high
	largest                      bool
}

func prepareRoiAlign[T real](n *graph.Node, _ *Target) (Kernel, error) {
	x, out := n.Inputs[0].Shape, n.Outputs[0].Shape
	a := aligner{height: x[2], width: x[3], rows: out[2], columns: out[3], samples: n.Int("sampling_ratio", 0),
		scale: float64(n.Float("spatial_scale", 1)), shift: 0.5, largest: n.Str("mode", "avg") == "max"}
	if n.Str("coordinate_transformation_mode", "half_pixel") == "output_half_pixel" {
		a.shift, a.whole = 0, true
	}
	if x[2]*x[3] == 0 && out.Elements() > 0 {
		return Kernel{}, fmt.Errorf("input %s has no pixel", x)
	}
	return Kernel{Class: "roi", Bind: func(c *Call) func() error {
		workers := make([]alignment[T], max(c.Team.Size(), 1))
		region := func(worker, i int) { workers[worker].region(&a, c, x[1], i) }
		return func() error {
			for i, image := range elements[int64](&c.In[2].Tensor) {
				if image < 0 || image >= int64(x[0]) {
					return fmt.Errorf("region %d is of image %d of %d", i, image, x[0])
				}
			}
			if out.Elements() > 0 {
				inParts(c.Team, out[0], region)
			}
			return nil
		}
	}}, nil
}

// mostSampling is the largest sampling_ratio.
const mostSampling = 1 << 8

// maxSamples bounds the samples along a side of a cell, whatever a region says of itself.
const maxSamples = 1 << 12

// alignment is where the samples of one region lie, of each row of cells and of each column, the same in all channels.
type alignment[T real] struct {
	rows, columns   []alignedTaps[T] // each cell's after those of the one before
	perRow, perCell int              // samples of a cell down and across
}

// alignedTaps are the two pixels that a sample lies between along an axis, and how near to the second one; first is below zero where the sample is outside.
type alignedTaps[T real] struct {
	first, second int
	part          T
}

// region fills the cells of the i-th region in all channels.
func (s *alignment[T]) region(a *aligner, c *Call, channels, i int) {
	src, dst, roi := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor), elements[T](&c.In[1].Tensor)[i*4:][:4]
	s.rows, s.perRow = alignedSide(a, s.rows[:0], roi[1], roi[3], a.rows, a.height)
	s.columns, s.perCell = alignedSide(a, s.columns[:0], roi[0], roi[2], a.columns, a.width)
	plane, cells := a.height*a.width, a.rows*a.columns
	image := int(elements[int64](&c.In[2].Tensor)[i])
	for channel := range channels {
		from, to := src[(image*channels+channel)*plane:][:plane], dst[(i*channels+channel)*cells:][:cells]
		for cell := range to {
			rows := s.rows[cell/a.columns*s.perRow:][:s.perRow]
			columns := s.columns[cell%a.columns*s.perCell:][:s.perCell]
			switch count := s.perRow * s.perCell; {
			case count == 0:
				to[cell] = 0
			case a.largest:
				to[cell] = largestShare(from, a.width, rows, columns)
			default:
				to[cell] = sumOfSamples(from, a.width, rows, columns) / T(count)
			}
		}
	}
}

// alignedSide appends the taps of a region's samples along an axis of d pixels, and tells how many a cell has.
func alignedSide[T real](a *aligner, taps []alignedTaps[T], low, high T, cells, d int) (all []alignedTaps[T], samples int) {
	begin := float64(low)*a.scale - a.shift
	extent := float64(high)*a.scale - a.shift - begin
	if a.whole {
		extent = max(extent, 1)
	}
	step := extent / float64(cells)
	if samples = a.samples; samples == 0 {
		samples = int(min(max(math.Ceil(step), 0), maxSamples))
	}
	for cell := range cells {
		for i := range samples {
			taps = append(taps, tapsAt[T](begin+(float64(cell)+(float64(i)+0.5)/float64(samples))*step, d))
		}
	}
	return taps, samples
}

// tapsAt is where a sample falls; those more than a pixel outside are 0.
func tapsAt[T real](v float64, d int) alignedTaps[T] {
	if !(v >= -1 && v <= float64(d)) {
		return alignedTaps[T]{first: -1}
	}
	v = max(v, 0)
	first := int(v)
	if first >= d-1 {
		return alignedTaps[T]{first: d - 1, second: d - 1}
	}
	return alignedTaps[T]{first, first + 1, T(v - float64(first))}
}

// sumOfSamples adds up the samples of a cell.
func sumOfSamples[T real](plane []T, width int, rows, columns []alignedTaps[T]) T {
	var sum T
	for _, y := range rows {
		if y.first < 0 {
			continue
		}
		top, bottom := plane[y.first*width:][:width], plane[y.second*width:][:width]
		for _, x := range columns {
			if x.first < 0 {
				continue
			}
			above := (1-x.part)*top[x.first] + x.part*top[x.second]
			below := (1-x.part)*bottom[x.first] + x.part*bottom[x.second]
			sum += (1-y.part)*above + y.part*below
		}
	}
	return sum
}

// largestShare is the largest of what the pixels add to a cell's samples; those outside add 0.
func largestShare[T real](plane []T, width int, rows, columns []alignedTaps[T]) T {
	most := T(math.Inf(-1))
	for _, y := range rows {
		for _, x := range columns {
			if y.first < 0 || x.first < 0 {
				most = max(most, 0)
				continue
			}
			top, bottom := plane[y.first*width:][:width], plane[y.second*width:][:width]
			most = max(most, (1-y.part)*(1-x.part)*top[x.first], (1-y.part)*x.part*top[x.second],
				y.part*(1-x.part)*bottom[x.first], y.part*x.part*bottom[x.second])
		}
	}
	return most
}

func prepareMaxRoiPool[T real](n *graph.Node, _ *Target) (Kernel, error) {
	x, out := n.Inputs[0].Shape, n.Outputs[0].Shape
	scale := float64(n.Float("spatial_scale", 1))
	plane, cells := x[2]*x[3], out[2]*out[3]
	return Kernel{Class: "roi", Bind: func(c *Call) func() error {
		return func() error {
			src, dst := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for r := range out[0] {
				roi := elements[T](&c.In[1].Tensor)[r*5:][:5]
				image := float64(roi[0])
				if !(image >= 0 && image < float64(x[0])) {
					return fmt.Errorf("region %d is of image %v of %d", r, image, x[0])
				}
				for ch := range x[1] {
					from, to := src[(int(image)*x[1]+ch)*plane:][:plane], dst[(r*x[1]+ch)*cells:][:cells]
					for i := range to {
						y0, y1 := roiCell(roi[2], roi[4], scale, i/out[3], out[2], x[2])
						x0, x1 := roiCell(roi[1], roi[3], scale, i%out[3], out[3], x[3])
						if to[i] = 0; y0 < y1 && x0 < x1 {
							to[i] = T(math.Inf(-1))
						}
						for y := y0; y < y1 && x0 < x1; y++ {
							to[i] = max(to[i], slices.Max(from[y*x[3]+x0:y*x[3]+x1]))
						}
					}
				}
			}
			return nil
		}
	}}, nil
}

// roiCell is the range of pixels along an axis of d that a cell covers, one of count between two ends of a region.
func roiCell[T real](low, high T, scale float64, cell, count, d int) (from, to int) {
	begin := math.Round(float64(low) * scale)
	size := max(math.Round(float64(high)*scale)-begin+1, 1) / float64(count)
	inside := func(v float64) int { return int(min(max(v, 0), float64(d))) }
	return inside(begin + math.Floor(float64(cell)*size)), inside(begin + math.Ceil(float64(cell+1)*size))
}
