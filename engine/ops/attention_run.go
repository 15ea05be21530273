package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// matrices is where many matrices of one shape lie in a buffer: the element at which each begins, and the distance of its rows.
type matrices struct {
	first  []int
	stride int
}

// headsOf lists the matrices of positions×size of each head of each sample; group neighbouring heads share one. Packed heads lie side by side.
func headsOf(batch, heads, group, positions, size, stride int, packed bool) matrices {
	m := matrices{stride: stride}
	for b := range batch {
		for h := range heads {
			at := (b*(heads/group) + h/group) * positions * size
			if packed {
				at = b*positions*stride + h/group*size
			}
			m.first = append(m.first, at)
		}
	}
	return m
}

// oneByOne is count matrices of rows×columns, one after the other.
func oneByOne(count, rows, columns int) matrices {
	m := matrices{stride: columns}
	for i := range count {
		m.first = append(m.first, i*rows*columns)
	}
	return m
}

// multiplier prepares y[i] = a[i]·b[i], with a of m×k and b of k×n, or of n×k where it is transposed. What it returns is called for each session.
type multiplier[T real] func(m, n, k int, a, b, y matrices, transposed bool) func(c *Call) func(a, b, y []T)

// multiplierOf is the fastest for a type.
func multiplierOf[T real](t *Target) multiplier[T] {
	if fast, ok := any(packedMultiplier(t)).(multiplier[T]); ok {
		return fast
	}
	return plainMultiplier[T]
}

// packedMultiplier multiplies float32 by the gemm kernels.
func packedMultiplier(t *Target) multiplier[float32] {
	return func(m, n, k int, a, b, y matrices, transposed bool) func(c *Call) func(a, b, y []float32) {
		p := gemm.Products{M: m, N: n, K: k, A: a.first, B: b.first, C: y.first, Transposed: transposed, Clamp: gemm.Unbounded()}
		if m < 1 || n < 1 || k < 1 || len(a.first) == 0 {
			return plainMultiplier[float32](m, n, k, a, b, y, transposed)
		}
		if n == 1 && (transposed || b.stride == 1) && k >= shortDot {
			return dotMultiplier(t, m, k, a, b, y)
		}
		return func(c *Call) func(x, w, z []float32) {
			batch, err := p.Bind(t.Features, c.Team.Size())
			if err != nil {
				panic("ops: products of attention heads: " + err.Error())
			}
			return func(x, w, z []float32) {
				batch.Run(c.Team, gemm.Matrix{F32: x, Stride: a.stride}, gemm.Matrix{F32: w, Stride: b.stride}, gemm.Matrix{F32: z, Stride: y.stride})
			}
		}
	}
}

// dotMultiplier multiplies matrices of m rows by vectors.
func dotMultiplier(t *Target, m, k int, a, b, y matrices) func(c *Call) func(a, b, y []float32) {
	dot := vector.For(t.Features).Dot
	return func(c *Call) func(x, w, z []float32) {
		var x, w, z []float32
		work := inPieces(c.Team, len(a.first)*m, k, func(from, to int) {
			for at := from; at < to; at++ {
				i, row := at/m, at%m
				z[y.first[i]+row*y.stride] = dot(x[a.first[i]+row*a.stride:][:k], w[b.first[i]:][:k])
			}
		})
		return func(q, r, s []float32) {
			x, w, z = q, r, s
			work.run(c.Team)
		}
	}
}

// plainMultiplier is the loop, one product after the other.
func plainMultiplier[T real](m, n, k int, a, b, y matrices, transposed bool) func(c *Call) func(a, b, y []T) {
	along, across := b.stride, 1
	if transposed {
		along, across = 1, b.stride
	}
	return func(c *Call) func(x, w, z []T) {
		var x, w, z []T
		part := func(_, i int) {
			for row := range m {
				left, to := x[a.first[i]+row*a.stride:], z[y.first[i]+row*y.stride:]
				for col := range n {
					sum := 0.0
					for j := range k {
						sum += float64(left[j]) * float64(w[b.first[i]+j*along+col*across])
					}
					to[col] = T(sum)
				}
			}
		}
		return func(q, r, s []T) {
			x, w, z = q, r, s
			inParts(c.Team, len(a.first), part)
		}
	}
}

// kernel lays out the scratch memory: the scores, and the keys and values where they are joined with earlier ones that are no outputs.
func (p *attending[T]) kernel(n *graph.Node) (Kernel, error) {
	a := &p.attention
	group := a.heads / max(a.kvHeads, 1)
	scores := headsOf(a.batch, a.heads, 1, a.queries, a.keys(), a.keys(), false)
	q := headsOf(a.batch, a.heads, 1, a.queries, a.size, a.qStride, a.packed)
	y := headsOf(a.batch, a.heads, 1, a.queries, a.valueSize, a.valueSize, false)
	if a.packed {
		y = headsOf(a.batch, a.heads, 1, a.queries, a.valueSize, a.heads*a.valueSize, true)
	}
	k := p.joined(n, group, attendPresentKey, a.size, a.kStride)
	v := p.joined(n, group, attendPresentValue, a.valueSize, a.vStride)
	first := p.multiply(a.queries, a.keys(), a.size, q, k.matrices, scores, true)
	second := p.multiply(a.queries, a.valueSize, a.keys(), scores, v.matrices, y, false)
	sizes := []int{a.batch * a.heads * a.queries * a.keys(), k.room, v.room}
	scratch := 0
	for _, s := range sizes {
		scratch += roundUp(8*s, 64)
	}
	return Kernel{Class: "attention", Scratch: scratch, Bind: func(c *Call) func() error {
		s, rest := scratchOf[T](c.Scratch, sizes[0])
		keys, rest := scratchOf[T](rest, sizes[1])
		values, _ := scratchOf[T](rest, sizes[2])
		scoreProduct, valueProduct := first(c), second(c)
		rows := p.rows(c, s)
		return func() error {
			key := present(c, attendKey, attendPastKey, attendPresentKey, k.join, keys, &p.attention, a.size)
			value := present(c, attendValue, attendPastValue, attendPresentValue, v.join, values, &p.attention, a.valueSize)
			scoreProduct(elements[T](&c.In[attendQuery].Tensor), key, s)
			rows()
			valueProduct(s, value, elements[T](&c.Out[0].Tensor))
			return nil
		}
	}}, nil
}

// scratchOf cuts n elements off scratch memory.
func scratchOf[T real](scratch []byte, n int) (list []T, rest []byte) {
	size := roundUp(8*n, 64)
	t := tensor.Tensor{Bytes: scratch[:size]}
	return elements[T](&t)[:n], scratch[size:]
}

// present is the keys or the values of all positions: the input itself, or where joined, the past and then the new of each head, in an output or else
// in scratch memory.
func present[T real](c *Call, input, past, output int, joined bool, scratch []T, a *attention, size int) []T {
	fresh := elements[T](&c.In[input].Tensor)
	if !joined {
		return fresh
	}
	to := scratch
	if output < len(c.Out) && c.Out[output] != nil {
		to = elements[T](&c.Out[output].Tensor)
	}
	var earlier []T
	if past < len(c.In) && c.In[past] != nil {
		earlier = elements[T](&c.In[past].Tensor)
	}
	for i := range a.batch * a.kvHeads {
		head := to[i*a.keys()*size:][:a.keys()*size]
		copy(head, earlier[min(i*a.past*size, len(earlier)):][:a.past*size])
		head = head[a.past*size:]
		if !a.packed {
			copy(head, fresh[i*a.new*size:][:a.new*size])
			continue
		}
		b, h := i/a.kvHeads, i%a.kvHeads
		for pos := range a.new {
			copy(head[pos*size:][:size], fresh[((b*a.new+pos)*a.kvHeads+h)*size:])
		}
	}
	return to
}

// rows makes the work on the scores between the products: scale, cap, mask and softmax, row by row.
func (p *attending[T]) rows(c *Call, scores []T) func() {
	keys := p.keys()
	var lengths []int64
	work := inPieces(c.Team, p.batch*p.heads*p.queries, softmaxFLOPs*keys, func(from, to int) {
		var mask *Slot
		if attendMask < len(c.In) {
			mask = c.In[attendMask]
		}
		for r := from; r < to; r++ {
			row := scores[r*keys:][:keys]
			seen := p.seen(r, lengths)
			var out *tensor.Tensor
			if attendScores < len(c.Out) && c.Out[attendScores] != nil {
				out = &c.Out[attendScores].Tensor
			}
			if mask == nil && out == nil && p.softcap == 0 && seen > 0 && is[T, float32]() {
				x := any(row).([]float32)
				p.f.Softmax(x[:seen], x[:seen], nil, float32(p.scale))
				clear(x[seen:])
				continue
			}
			p.row(row, r, seen, mask, out)
		}
	})
	return func() {
		if lengths = nil; attendLengths < len(c.In) && c.In[attendLengths] != nil {
			lengths = elements[int64](&c.In[attendLengths].Tensor)
		}
		work.run(c.Team)
	}
}

// seen is how many keys, from the first on, the query of a row may look at, the mask aside. A causal query sees those up to its own position: queries
// come after the past, or where lengths say how many keys there are, are the last of these.
func (p *attending[T]) seen(row int, lengths []int64) int {
	seen := p.keys()
	if p.maskStep == 1 {
		seen = min(seen, p.maskWidth)
	}
	sample, query := row/(p.heads*p.queries), row%p.queries
	before := p.past
	if lengths != nil {
		length := int(max(min(lengths[sample], int64(seen)), 0))
		if p.past == 0 {
			before = int(lengths[sample]) - p.queries
		}
		seen = length
	}
	if p.causal {
		seen = min(seen, before+query+1)
	}
	return max(seen, 0)
}

// row turns the products of one query with all keys into probabilities.
func (p *attending[T]) row(row []T, r, seen int, mask *Slot, out *tensor.Tensor) {
	store := func(mode int) {
		if out != nil && p.mode == mode {
			copy(elements[T](out)[r*len(row):], row)
		}
	}
	for j, v := range row {
		row[j] = T(float64(v) * p.scale)
	}
	store(0)
	if p.softcap > 0 {
		for j, v := range row {
			row[j] = T(math.Tanh(float64(v)/p.softcap) * p.softcap)
		}
	}
	store(1)
	low := T(math.Inf(-1))
	if mask != nil {
		at := p.mask.place(r)
		for j := range row[:seen] {
			i := at + j*p.maskStep
			switch {
			case mask.DType != tensor.Bool:
				row[j] += maskAt[T](&mask.Tensor, i)
			case mask.Bytes[i] == 0:
				row[j] = low
			}
		}
	}
	fill(row[seen:], low)
	store(2)
	top, total := low, 0.0
	for _, v := range row {
		top = max(top, v)
	}
	for j, v := range row {
		if v == low { // also where all are
			row[j] = 0
			continue
		}
		e := math.Exp(float64(v - top))
		row[j] = T(e)
		total += e
	}
	for j := range row {
		if total != 0 {
			row[j] = T(float64(row[j]) / total)
		}
	}
	store(3)
}

// maskAt is an element of a mask that is added to the scores.
func maskAt[T real](t *tensor.Tensor, i int) T {
	switch t.DType {
	case tensor.Float32:
		return T(elements[float32](t)[i])
	case tensor.Float64:
		return T(elements[float64](t)[i])
	}
	return T(realAt(t, i))
}

// place is the first operand's element for the i-th position of a walk, rows' positions included.
func (w *broadcast) place(i int) int {
	c := w.seek(i / max(w.row, 1))
	return c.at[0] + i%max(w.row, 1)*w.inner()
}
