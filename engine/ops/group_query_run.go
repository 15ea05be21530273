package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// grouped is a GroupQueryAttention that is bound to a session.
type grouped struct {
	*grouping
	v             *vector.Funcs
	call          *Call
	keyed, valued []float32 // the present keys and values: the outputs' memory, or its own
	turned        []float32 // Q by heads, after the rotary embedding
	scores        []float32 // a row for each worker
	prompt        bool      // whether no sample has earlier positions
	starts        []int     // for each sample the positions before the first new one
	store, attend parts
}

func newGrouped(g *grouping, v *vector.Funcs, c *Call) *grouped {
	r := &grouped{grouping: g, v: v, call: c, starts: make([]int, g.batch)}
	r.turned = make([]float32, g.batch*g.heads*g.queries*g.size)
	r.scores = make([]float32, c.Team.Size()*g.keys)
	cache := g.batch * g.kvHeads * g.keys * g.size
	for i, to := range []*[]float32{&r.keyed, &r.valued} {
		if i+1 >= len(c.Out) || c.Out[i+1] == nil {
			*to = make([]float32, cache)
		}
	}
	r.store, r.attend = r.storeHead, r.attendHead
	return r
}

// run puts the new keys and values behind the earlier ones, and then attends, head by head.
func (r *grouped) run() error {
	if err := r.begin(); err != nil {
		return err
	}
	inParts(r.call.Team, r.batch*(r.heads+2*r.kvHeads), r.store)
	inParts(r.call.Team, r.batch*r.heads, r.attend)
	return nil
}

// begin finds where each sample's new positions begin: at 0 where the longest sample has no others, else before its last.
func (r *grouped) begin() error {
	total, last := int(realAt(&r.call.In[groupTotal].Tensor, 0)), &r.call.In[groupLast].Tensor
	r.prompt = total <= r.queries
	if in := r.call.In; groupBias < len(in) && in[groupBias] != nil && in[groupBias].Shape[3] < total {
		return fmt.Errorf("bias %s for %d positions", in[groupBias].Shape, total)
	}
	for b := range r.starts {
		r.starts[b] = 0
		if !r.prompt {
			r.starts[b] = int(realAt(last, b)) + 1 - r.queries
		}
		if r.starts[b] < 0 || r.starts[b] > r.cached || r.starts[b]+r.queries > r.keys {
			return fmt.Errorf("sample %d ends at position %v; %d new ones and a cache of %d are given", b, realAt(last, b), r.queries, r.cached)
		}
	}
	if !r.rotary {
		return nil
	}
	rows := r.call.In[groupCos].Shape[0]
	for b := range r.batch {
		for s := range r.queries {
			if at := r.position(b, s); at < 0 || at >= rows {
				return fmt.Errorf("position %d; the tables end at %d", at, rows)
			}
		}
	}
	return nil
}

// position is that of a new query, key or value, as the rotary embedding counts it.
func (r *grouped) position(sample, s int) int {
	if in := r.call.In; groupPositions < len(in) && in[groupPositions] != nil {
		if r.prompt {
			return indexesOf(&in[groupPositions].Tensor).at(0) + s
		}
		return indexesOf(&in[groupPositions].Tensor).at(sample*r.queries + s)
	}
	return r.starts[sample] + s
}

// present is the memory of the present keys (1) or values (2).
func (r *grouped) present(output int) []float32 {
	if output < len(r.call.Out) && r.call.Out[output] != nil {
		return elements[float32](&r.call.Out[output].Tensor)
	}
	if output == 1 {
		return r.keyed
	}
	return r.valued
}

// fresh is where a head's new elements lie in an input: those of position s at first + s·stride.
func (r *grouped) fresh(input, sample, head int) (data []float32, first, stride int) {
	stride = r.kvStride
	if r.packed || input == groupQuery {
		stride = r.qStride
	}
	from := groupQuery
	switch {
	case !r.packed:
		from = input
	case input == groupKey:
		head += r.heads
	case input == groupValue:
		head += r.heads + r.kvHeads
	}
	return elements[float32](&r.call.In[from].Tensor), sample*r.queries*stride + head*r.size, stride
}

// storeHead copies one head of a sample's queries, keys or values, turned where that is wanted.
func (r *grouped) storeHead(_, i int) {
	every := r.heads + 2*r.kvHeads
	sample, head := i/every, i%every
	input, past, present := groupQuery, -1, []float32(nil)
	switch {
	case head >= r.heads+r.kvHeads:
		input, past, head, present = groupValue, groupPastValue, head-r.heads-r.kvHeads, r.present(2)
	case head >= r.heads:
		input, past, head, present = groupKey, groupPastKey, head-r.heads, r.present(1)
	}
	var to []float32
	if past < 0 {
		to = r.turned[(sample*r.heads+head)*r.queries*r.size:]
	} else {
		cache := present[(sample*r.kvHeads+head)*r.keys*r.size:][:r.keys*r.size]
		earlier := 0
		if in := r.call.In; past < len(in) && in[past] != nil {
			old := elements[float32](&in[past].Tensor)[(sample*r.kvHeads+head)*r.cached*r.size:][:r.cached*r.size]
			earlier = copy(cache, old[:r.starts[sample]*r.size])
		}
		to = cache[earlier:]
		clear(to[r.queries*r.size:])
	}
	data, first, stride := r.fresh(input, sample, head)
	for s := range r.queries {
		from, row := data[first+s*stride:][:r.size], to[s*r.size:][:r.size]
		if !r.rotary || input == groupValue {
			copy(row, from)
			continue
		}
		at := r.position(sample, s) * r.half
		cos, sin := elements[float32](&r.call.In[groupCos].Tensor)[at:][:r.half], elements[float32](&r.call.In[groupSin].Tensor)[at:][:r.half]
		turn(row, from, cos, sin, r.interleaved)
	}
}

// attendHead attends with one head of one sample.
func (r *grouped) attendHead(worker, i int) {
	sample, head := i/r.heads, i%r.heads
	kv := (sample*r.kvHeads + head*r.kvHeads/r.heads) * r.keys * r.size
	keys, values := r.present(1)[kv:][:r.keys*r.size], r.present(2)[kv:][:r.keys*r.size]
	out := elements[float32](&r.call.Out[0].Tensor)
	for s := range r.queries {
		q, seen := r.turned[(i*r.queries+s)*r.size:][:r.size], r.starts[sample]+s+1
		from := 0
		if r.window > 0 {
			from = max(seen-r.window, 0)
		}
		row := r.scores[worker*r.keys:][:seen]
		for k := from; k < seen; k++ {
			row[k] = r.score(r.v.Dot(q, keys[k*r.size:][:r.size]), sample, head, s, k)
		}
		r.normalize(row[from:], head)
		y := out[(sample*r.queries+s)*r.heads*r.size+head*r.size:][:r.size]
		clear(y)
		for k := from; k < seen; k++ {
			r.v.Axpy(y, values[k*r.size:][:r.size], row[k])
		}
	}
}

// score scales a product, caps it and adds the bias.
func (r *grouped) score(x float32, sample, head, s, k int) float32 {
	x *= r.scale
	if r.softcap > 0 {
		x = r.softcap * float32(math.Tanh(float64(x/r.softcap)))
	}
	if in := r.call.In; groupBias < len(in) && in[groupBias] != nil {
		d := in[groupBias].Shape
		at := ((sample%d[0]*d[1]+head%d[1])*d[2]+s)*d[3] + k
		x += elements[float32](&in[groupBias].Tensor)[at]
	}
	return x
}

// normalize makes probabilities of the scores of one query, beside which there may be a score of no key: that of the head's sink, or 0 with a smooth softmax.
func (r *grouped) normalize(row []float32, head int) {
	sink := math.Inf(-1)
	if in := r.call.In; groupSink < len(in) && in[groupSink] != nil {
		sink = float64(elements[float32](&in[groupSink].Tensor)[head])
	} else if r.smooth {
		sink = 0
	}
	top := max(float64(largest(row)), sink)
	total := math.Exp(sink - top)
	for k, x := range row {
		e := math.Exp(float64(x) - top)
		row[k] = float32(e)
		total += e
	}
	for k := range row {
		row[k] = float32(float64(row[k]) / total)
	}
}
