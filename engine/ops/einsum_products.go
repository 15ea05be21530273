package ops

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// labelledProducts is an Einsum of two operands as products of matrices, a batch of them: each label is one of the batch, of the rows of the first
// operand, of the columns of the second, or summed over.
type labelledProducts struct {
	e                            *equation
	batch, rows, columns, summed []rune
}

// products sorts the labels. It is nil for equations that are no products of matrices: with other than two operands, a label that comes twice in one
// of them, an axis that broadcasts, or a label of one operand alone that is summed over.
func (e *equation) products() *labelledProducts {
	if len(e.operands) != 2 || !e.plain {
		return nil
	}
	p := &labelledProducts{e: e, summed: e.summed}
	a, b := e.operands[0], e.operands[1]
	for _, l := range e.output {
		switch inA, inB := slices.Contains(a, l), slices.Contains(b, l); {
		case inA && inB:
			p.batch = append(p.batch, l)
		case inA:
			p.rows = append(p.rows, l)
		default:
			p.columns = append(p.columns, l)
		}
	}
	for _, l := range e.summed {
		if !slices.Contains(a, l) || !slices.Contains(b, l) {
			return nil
		}
	}
	return p
}

// extent is the number of positions of labels.
func (e *equation) extent(labels []rune) int {
	count := 1
	for _, l := range labels {
		count *= e.size[l]
	}
	return count
}

// reordering copies a dense tensor from one order of its labels to another.
func (e *equation) reordering(from, to []rune) piece {
	sizes := func(labels []rune) tensor.Shape {
		s := make(tensor.Shape, len(labels))
		for i, l := range labels {
			s[i] = e.size[l]
		}
		return s
	}
	strides := sizes(from).Strides()
	p := piece{shape: sizes(to), to: move.View{Stride: sizes(to).Strides()}, from: move.View{Stride: make([]int, len(to))}}
	for i, l := range to {
		p.from.Stride[i] = strides[slices.Index(from, l)]
	}
	return p
}

// kernel multiplies float32 operands, each brought into the order of its matrices where it is in another, and the result into that of the output.
func (p *labelledProducts) kernel(n *graph.Node, t *Target) Kernel {
	e := p.e
	a, b := e.operands[0], e.operands[1]
	left, right, result := slices.Concat(p.batch, p.rows, p.summed), slices.Concat(p.batch, p.summed, p.columns), slices.Concat(p.batch, p.rows, p.columns)
	transposed := !slices.Equal(b, right)
	if transposed {
		right = slices.Concat(p.batch, p.columns, p.summed)
	}
	count, rows, columns, depth := e.extent(p.batch), e.extent(p.rows), e.extent(p.columns), e.extent(p.summed)
	second := oneByOne(count, depth, columns)
	if transposed {
		second = oneByOne(count, columns, depth)
	}
	multiply := packedMultiplier(t)(rows, columns, depth, oneByOne(count, rows, depth), second, oneByOne(count, rows, columns), transposed)
	orders := [3][2][]rune{{a, left}, {b, right}, {result, e.output}}
	sizes, scratch := [3]int{}, 0
	for i, o := range orders {
		if !slices.Equal(o[0], o[1]) {
			sizes[i] = e.extent(o[0])
			scratch += roundUp(8*sizes[i], 64)
		}
	}
	return Kernel{Class: "gemm einsum", Scratch: scratch, Bind: func(c *Call) func() error {
		slots, rest := [3]*Slot{c.In[0], c.In[1], c.Out[0]}, c.Scratch
		var moves [3]func() error
		for i, o := range orders {
			if sizes[i] == 0 {
				continue
			}
			var list []float32
			list, rest = scratchOf[float32](rest, sizes[i])
			own := &Slot{Tensor: tensor.From(tensor.Float32, tensor.Shape{sizes[i]}, list)}
			from, to := slots[i], own
			if i == 2 {
				from, to = own, slots[i]
			}
			moves[i] = copyPieces(&Call{In: []*Slot{from}, Out: []*Slot{to}, Team: c.Team}, t, []piece{e.reordering(o[0], o[1])})
			slots[i] = own
		}
		product := multiply(c)
		return func() error {
			for _, move := range moves[:2] {
				if move != nil {
					if err := move(); err != nil {
						return err
					}
				}
			}
			product(elements[float32](&slots[0].Tensor), elements[float32](&slots[1].Tensor), elements[float32](&slots[2].Tensor))
			if moves[2] != nil {
				return moves[2]()
			}
			return nil
		}
	}}
}
