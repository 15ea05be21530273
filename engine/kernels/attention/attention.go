// Package attention computes softmax(scale·Q·Kᵀ + mask)·V for many heads, without
// holding the scores of more than a block of queries and keys: the softmax of a
// row goes on from block to block (Milakov and Gimelshein, "Online normalizer
// calculation for softmax", 2018; Dao et al., "FlashAttention", 2022). It knows
// neither tensors nor graphs: heads are matrices that begin anywhere in buffers,
// with rows any distance apart.
package attention

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Heads describes attention heads of one shape. Each is a product of its own: a
// Q of Queries×Size, a K of Keys×Size, a V of Keys×ValueSize, and a Y like Q with
// rows of ValueSize. Heads may share K and V.
type Heads struct {
	Format          gemm.Format // of Q, K, V and the products: FP32 or BF16; sums and softmax are in binary32
	Queries, Keys   int
	Size, ValueSize int

	Q, K, V, Y []int // elements at which the heads' matrices begin
	Mask       []int // elements at which the heads' masks begin: Keys of them added to the scores of a query; nil for none
	MaskRow    int   // elements from the mask of one query to the next's: 0 where they share one

	Scale  float32
	Causal bool // query i sees the first Past+i+1 keys
	Past   int
	Zeros  bool // what a query without any key to see yields: zeros, or else NaN
}

// The sizes of blocks: of queries, so that their scores stay in a near cache;
// of keys, whose panels are made once for a group of queries.
const (
	queryBlock = 64
	queryGroup = 256
	keyBlock   = 512
)

// fewQueries is how many are not worth the packing of K and V.
const fewQueries = 3

// Call is Heads bound to one session. It is not safe for concurrent use.
type Call struct {
	Heads
	groups     int // of queries
	f          *normalize.Funcs
	v          *vector.Funcs
	work       []worker
	q, k, o, y gemm.Matrix // o is V
	mask       []float32
}

// Bind prepares runs on a session whose team has at most workers threads.
func (h Heads) Bind(features cpu.Features, workers int) (*Call, error) {
	if h.Queries < 1 || h.Keys < 1 || h.Size < 1 || h.ValueSize < 1 || workers < 1 {
		return nil, fmt.Errorf("attention: heads of %d queries and %d keys of %d and %d elements for %d threads", h.Queries, h.Keys, h.Size, h.ValueSize, workers)
	}
	n := len(h.Q)
	if n == 0 || len(h.K) != n || len(h.V) != n || len(h.Y) != n || h.Mask != nil && len(h.Mask) != n {
		return nil, fmt.Errorf("attention: %d Q, %d K, %d V, %d Y, %d masks", n, len(h.K), len(h.V), len(h.Y), len(h.Mask))
	}
	if h.Format == gemm.FP16 || h.Format == gemm.BF16 && !gemm.Choose(features, gemm.BF16, 1, 1, 1).Vector() {
		return nil, fmt.Errorf("attention: no %v products on this machine", h.Format)
	}
	c := &Call{Heads: h, f: normalize.For(features), v: vector.For(features), work: make([]worker, workers)}
	c.groups = (h.Queries + queryGroup - 1) / queryGroup
	if few := 2 * workers; workers > 1 && n*c.groups < few {
		c.groups = min((few+n-1)/n, (h.Queries+queryBlock-1)/queryBlock)
	}
	for i := range c.work {
		c.work[i] = c.newWorker(features)
	}
	return c, nil
}

// Kernel is the tile that multiplies.
func (c *Call) Kernel() gemm.Kernel { return c.work[0].scores.Kernel() }

// Run computes all heads. The matrices' strides are between rows of one head;
// Q, K and V are of the heads' format, Y is binary32, or for BF16 either, the mask
// is binary32. The team has at most as many threads as the call was bound for. Matrices that do not fit panic; Run
// allocates nothing.
func (c *Call) Run(team *parallel.Team, q, k, v, y gemm.Matrix, mask []float32) {
	if team.Size() > len(c.work) {
		panic("attention: team is larger than the call was bound for")
	}
	if (c.Mask == nil) != (mask == nil) {
		panic("attention: a mask that the call was not bound for, or none")
	}
	c.q, c.k, c.o, c.y, c.mask = q, k, v, y, mask
	team.Run(len(c.Q)*c.groups, c)
}

// Do computes one group of queries of one head.
func (c *Call) Do(id, i int) {
	w := &c.work[id]
	head, group := i/c.groups, i%c.groups
	first, end := group*c.Queries/c.groups, (group+1)*c.Queries/c.groups
	q := rows(c.q, c.Q[head], first)
	k, v := rows(c.k, c.K[head], 0), rows(c.o, c.V[head], 0)
	y := rows(c.y, c.Y[head], first)
	if c.Queries <= fewQueries && c.Format == gemm.FP32 {
		for r := range c.Queries {
			c.single(w, head, r, q, k, v, y)
		}
		return
	}
	w.begin(end - first)
	for at := 0; at < c.seen(end-1); at += keyBlock {
		n := min(keyBlock, c.Keys-at)
		w.scores.SetB(rows(k, 0, at), n, c.Size, true)
		w.values.SetB(rows(v, 0, at), c.ValueSize, n, false)
		for r := 0; r < end-first; r += w.block {
			c.attend(w, head, first, r, min(w.block, end-first-r), at, n, q)
		}
	}
	c.finish(w, end-first, y)
}

// seen is how many keys a query sees, the mask aside.
func (c *Call) seen(query int) int {
	if c.Causal {
		return min(c.Keys, c.Past+query+1)
	}
	return c.Keys
}

// rows is a matrix from an element and a number of rows after it on.
func rows(m gemm.Matrix, at, count int) gemm.Matrix {
	at += count * m.Stride
	if m.BF16 != nil {
		m.BF16 = m.BF16[at:]
	} else {
		m.F32 = m.F32[at:]
	}
	return m
}

// single attends with one query by sums of products and of rows, which need no packing.
func (c *Call) single(w *worker, head, query int, q, k, v, y gemm.Matrix) {
	n := c.seen(query)
	out := rows(y, 0, query).F32[:c.ValueSize]
	clear(out)
	if n <= 0 {
		if !c.Zeros {
			c.v.Scalar[vector.AddScalar](out, out, float32(math.NaN()))
		}
		return
	}
	x, s := rows(q, 0, query).F32[:c.Size], w.s.F32[:n]
	for j := range s {
		s[j] = c.v.Dot(x, rows(k, 0, j).F32[:c.Size])
	}
	w.limits(1)
	c.f.Exponentiate(w.exponents(c, head, query, 0, 1, 0, n), false)
	for j, p := range s {
		c.v.Axpy(out, rows(v, 0, j).F32[:c.ValueSize], p)
	}
	w.invert(1, c.Zeros)
	c.v.Scalar[vector.MulScalar](out, out, w.sum[0])
}
