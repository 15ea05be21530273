package ops

import "github.com/eiplan/eiplan/engine/kernels/move"

// columns makes some results of a row, of the columns from first on, where the innermost axis stays: rows of terms are joined into one.
func (r *float32Reduction) columns(c *Call, p *reduction, own *ownFloats, row, first, width int) {
	x, out := elements[float32](&c.In[0].Tensor), elements[float32](&c.Out[0].Tensor)
	kept := p.kept.seek(row)
	base := kept.at[0] + first
	dst := out[row*p.kept.row+first:][:width]
	if r.join == nil {
		multiplyColumns(dst, x[base:], p, own.wide[:width])
		return
	}
	if r.shift == nil {
		r.joinColumns(dst, x[base:], p, own, nil)
		r.finish(x, dst, p, row*p.kept.row+first)
		return
	}
	by := own.shift[:width]
	r.shift.joinColumns(by, x[base:], p, own, nil)
	for i, v := range by {
		by[i] = finiteShift(v)
	}
	r.joinColumns(dst, x[base:], p, own, by)
	r.end(dst)
	for i, v := range by {
		dst[i] += v
	}
}

// short reports whether rows that lie one after another are so short that they are better joined as columns.
func (r *float32Reduction) short(p *reduction) bool {
	return r.join != nil && p.reduced.inner() == 1 && p.reduced.rows == 1 && p.kept.rows == 1 && p.count < foldedColumn &&
		p.kept.inner() == p.count && p.kept.row >= shortRow
}

// shortRows makes some results of short rows, a tile of them at a time.
func (r *float32Reduction) shortRows(c *Call, p *reduction, own *ownFloats, m *move.Funcs, from, to int) {
	x, out := elements[float32](&c.In[0].Tensor), elements[float32](&c.Out[0].Tensor)
	for at := from; at < to; at += len(own.shift) {
		width := min(len(own.shift), to-at)
		dst, tile := out[at:at+width], own.tile[:width*p.count]
		move.Transpose(m, tile, x[at*p.count:(at+width)*p.count], width, p.count, width, p.count)
		if r.shift == nil {
			copy(dst, r.fold(own.terms, r.terms(own.terms, tile, nil), p.count, width))
			r.finish(x, dst, p, at)
			continue
		}
		by := own.shift[:width]
		copy(by, r.shift.fold(own.terms, tile, p.count, width))
		for i, v := range by {
			by[i] = finiteShift(v)
		}
		copy(dst, r.fold(own.terms, r.terms(own.terms, tile, by), p.count, width))
		r.end(dst)
		for i, v := range by {
			dst[i] += v
		}
	}
}

// joinColumns joins the terms of columns, less by where it is not nil. Rows that lie one after another and are short are joined half to half.
func (r *float32Reduction) joinColumns(dst, x []float32, p *reduction, own *ownFloats, by []float32) {
	width, step := len(dst), p.reduced.inner()
	together := 1
	if step == width && width <= foldedRow {
		together = ownTerms / width
	}
	joined, count, begun := own.joined[:width], 0, false
	flush := func() {
		if begun {
			r.join(dst, dst, joined)
		} else {
			copy(dst, joined)
		}
		begun, count = true, 0
	}
	at := p.reduced.seek(0)
	for range p.reduced.rows {
		for j := 0; j < p.reduced.row; j += together {
			rows := min(together, p.reduced.row-j)
			terms := r.fold(own.terms, r.terms(own.terms, x[at.at[0]+j*step:][:rows*width], by), rows, width)
			if count == 0 {
				copy(joined, terms)
			} else {
				r.join(joined, joined, terms)
			}
			if count++; count == joinedRows {
				flush()
			}
		}
		at.next()
	}
	if count > 0 {
		flush()
	}
}

// terms makes the terms of whole rows.
func (r *float32Reduction) terms(own, x, by []float32) []float32 {
	if r.term == nil {
		return x
	}
	own = own[:len(x)]
	if by == nil {
		r.term(own, x)
		return own
	}
	for i := 0; i < len(x); i += len(by) {
		r.sub(own[i:i+len(by)], x[i:i+len(by)], by)
	}
	r.term(own, own)
	return own
}

// fold joins rows of terms: the last half of them to the first, until one is left. It works in own, which may be where the terms are.
func (r *float32Reduction) fold(own, terms []float32, rows, width int) []float32 {
	for rows > 1 {
		half := rows / 2
		rest := rows - half
		r.join(own[:half*width], terms[:half*width], terms[rest*width:rows*width])
		if rest > half {
			copy(own[half*width:rest*width], terms[half*width:rest*width])
		}
		terms, rows = own, rest
	}
	return terms[:width]
}

// multiplyColumns multiplies rows in float64.
func multiplyColumns(dst, x []float32, p *reduction, wide []float64) {
	for i := range wide {
		wide[i] = 1
	}
	at := p.reduced.seek(0)
	for range p.reduced.rows {
		for j := range p.reduced.row {
			row := x[at.at[0]+j*p.reduced.inner():][:len(wide)]
			for i, v := range row {
				wide[i] *= float64(v)
			}
		}
		at.next()
	}
	for i, v := range wide {
		dst[i] = float32(v)
	}
}
