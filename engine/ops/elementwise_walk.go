package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
)

// lattice is how a fused node walks its output and, in step with it, its operands: outer axes, and within them mid rows of row elements. Axes that all
// walk as one are merged. A block is either rows whole rows, which follow one another in the output, or up to piece elements of one row.
type lattice struct {
	outer        []int
	mid, row     int
	out          spread
	operands     []spread
	rows, piece  int
	perOuter     int // blocks
	blocks, most int // blocks in all, and elements of the largest
}

// spread is where an operand's elements lie, in elements: 0 along axes where it repeats.
type spread struct {
	origin   int
	outer    []int
	mid, row int
}

// fusedBlock is the number of elements that a step computes at a time: a few blocks fit the nearest cache.
const fusedBlock = 2048

// latticeOf plans the walk of values that broadcast to y, all in y's kind of layout but for constants.
func latticeOf(y *graph.Value, operands []*graph.Value) lattice {
	dims, unit := y.Shape, 1
	all := make([]spread, 1+len(operands))
	if y.Layout.Channels {
		img := imageOf(y)
		dims, unit = []int{y.Shape[0], img.Height, img.Width, img.PixelPitch}, img.PixelPitch
		for i, v := range append([]*graph.Value{y}, operands...) {
			all[i] = spreadOverChannels(v, y)
		}
	} else {
		for i, v := range append([]*graph.Value{y}, operands...) {
			strides := make([]int, len(dims))
			own, skip := v.Shape.Strides(), len(dims)-len(v.Shape)
			for k, d := range v.Shape {
				if d != 1 {
					strides[skip+k] = own[k]
				}
			}
			all[i] = spread{outer: strides}
		}
	}
	l := lattice{mid: 1, row: 1}
	l.merge(dims, all)
	l.cut(unit)
	return l
}

// spreadOverChannels is where v lies on the axes image, row, column and channel of y. A constant has an element for each channel of y's stride, or one.
func spreadOverChannels(v, y *graph.Value) spread {
	if v.Const != nil {
		if v.Const.Len() == 1 {
			return spread{outer: make([]int, 4)}
		}
		return spread{outer: []int{0, 0, 0, 1}}
	}
	img := imageOf(v)
	s := spread{origin: img.Origin, outer: []int{img.ImagePitch, img.RowPitch, img.PixelPitch, 1}}
	if onePixel(v.Shape) && !onePixel(y.Shape) {
		s.outer[1], s.outer[2] = 0, 0
	}
	return s
}

// merge joins axes and sets the lattice's own: the last is the row, the one before it mid. all holds the output and then the operands, with a stride for
// each axis in outer.
func (l *lattice) merge(dims []int, all []spread) {
	var merged []int
	strides := make([][]int, len(all))
	for i, d := range dims {
		if d == 1 {
			continue
		}
		last := len(merged) - 1
		joins := last >= 0
		for k := range all {
			joins = joins && strides[k][last] == all[k].outer[i]*d
		}
		if joins {
			merged[last] *= d
		} else {
			merged = append(merged, d)
		}
		for k := range all {
			if joins {
				strides[k][last] = all[k].outer[i]
			} else {
				strides[k] = append(strides[k], all[k].outer[i])
			}
		}
	}
	n := len(merged)
	for k := range all {
		s := &all[k]
		s.outer = nil
		if n > 0 {
			s.row = strides[k][n-1]
		}
		if n > 1 {
			s.mid, s.outer = strides[k][n-2], strides[k][:n-2]
		}
	}
	if n > 0 {
		l.row = merged[n-1]
	}
	if n > 1 {
		l.mid, l.outer = merged[n-2], merged[:n-2]
	}
	l.out, l.operands = all[0], all[1:]
}

// cut chooses the blocks. Where pixels of unit elements must not be cut, they are not.
func (l *lattice) cut(unit int) {
	block := max(fusedBlock, unit)
	l.rows, l.piece = 1, min(l.row, block/unit*unit)
	if l.row <= block/4 && l.mid > 1 && l.out.mid == l.row {
		l.rows = min(l.mid, block/l.row)
	}
	l.perOuter = ceilDiv(l.mid, l.rows) * ceilDiv(l.row, l.piece)
	l.blocks = l.perOuter
	for _, d := range l.outer {
		l.blocks *= d
	}
	l.most = l.rows * l.piece
}

// block is one block of a lattice: rows [mid, mid+rows) from column col on, n elements in all.
type block struct {
	index        int // of the outer axes
	mid, col     int
	rows, pieces int // rows, and elements of each
}

func (l *lattice) block(i int) block {
	perRow := ceilDiv(l.row, l.piece)
	b := block{index: i / l.perOuter}
	rest := i % l.perOuter
	b.mid, b.col = rest/perRow*l.rows, rest%perRow*l.piece
	b.rows, b.pieces = min(l.rows, l.mid-b.mid), min(l.piece, l.row-b.col)
	return b
}

// at is the place of a block's first element.
func (l *lattice) at(s *spread, b block) int {
	at := s.origin + b.mid*s.mid + b.col*s.row
	for i, rest := len(l.outer)-1, b.index; rest > 0; i-- {
		at += rest % l.outer[i] * s.outer[i]
		rest /= l.outer[i]
	}
	return at
}

// reach is how a block finds an operand.
type reach uint8

const (
	direct  reach = iota // its elements follow one another
	one                  // one element stands for all of the block
	tiled                // one row stands for all rows of the block
	rowwise              // each row has its own elements, or its own one
)

func (l *lattice) reach(s *spread) reach {
	switch {
	case s.row == 0 && (l.rows == 1 || s.mid == 0):
		return one
	case l.rows == 1, s.mid == l.row && s.row == 1:
		return direct
	case s.mid == 0:
		return tiled
	}
	return rowwise
}
