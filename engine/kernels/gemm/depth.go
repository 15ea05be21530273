package gemm

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/parallel"
)

const (
	depthLimit = 1024     // longest block of k of a product whose A is too large for the cache
	depthStep  = 32       // blocks of k, but for the last, are multiples of it: an even number of cache lines
	nearGap    = 16       // elements between the rows of a copy: one line, so that rows start in sets of their own
	nearLimit  = 16 << 20 // most bytes of a copy
	pageSets   = 4096     // bytes after which addresses share a set of the first cache: 64 sets of lines, whatever the number of ways
	ways       = 8        // rows of one set that any such cache keeps
	nearWidth  = 256      // fewest columns that make up for a copy
)

// depthOf is how many elements of k a product of m rows takes at a time: all, but
// where the rows would leave the cache before the next panel wants them.
func (p *Panels) depthOf(m int) int {
	if p.kernel.Format == BF16 || p.k <= depthLimit || p.Count() < unitsPerWorker || m*p.lineBytes() <= p.kernel.blockBytes() {
		return p.k
	}
	blocks := (p.k + depthLimit - 1) / depthLimit
	each := (p.k + blocks - 1) / blocks
	return (each + depthStep - 1) / depthStep * depthStep
}

// Scratch is the number of bytes that make Run faster when they are lent to a
// Call of m rows: room for a copy of A, where rows of A that a tile reads at once
// would all lie in one set of the first cache, or for the parts of A. It is 0 where
// nothing is gained.
func (p *Panels) Scratch(m int) int {
	if p.kernel.Splits() {
		return newStages(p, m).bytes()
	}
	if p.kernel.Format == BF16 || p.lineBytes()%pageSets != 0 || height(m, p.kernel.MR) <= ways || p.n < nearWidth {
		return 0
	}
	depth := p.depthOf(m)
	bytes := (p.k + depth - 1) / depth * m * (depth + nearGap) * 4
	if bytes > nearLimit {
		return 0
	}
	return bytes
}

// Lend gives c memory of the size that Scratch asks for, which each Run
// overwrites; it must be aligned to 64 bytes. Less is not used.
func (c *Call) Lend(scratch []byte) {
	if c.split != nil {
		c.split.parts.At = nil
		if len(scratch) >= c.split.bytes() {
			c.split.parts.At = unsafe.Pointer(unsafe.SliceData(scratch))
		}
		return
	}
	c.near = nil
	if n := c.panels.Scratch(c.m); n > 0 && len(scratch) >= n {
		c.near = unsafe.Pointer(unsafe.SliceData(scratch))
	}
}

// bring copies A into the memory that c was lent.
func (c *Call) bring(team *parallel.Team) { team.Run(c.tiles.tiles, (*copies)(c)) }

// copies are the tasks of bring.
type copies Call

// Do copies the rows of a tile.
func (c *copies) Do(_, tile int) {
	k := c.panels.k
	for row := c.tiles.row(tile); row < c.tiles.row(tile+1); row++ {
		from := unsafe.Slice((*float32)(unsafe.Add(c.a, row*c.lda)), k)
		for first := 0; first < k; first += c.depth {
			n := min(c.depth, k-first)
			copy(unsafe.Slice((*float32)((*Call)(c).nearRow(row, first)), n), from[first:])
		}
	}
}

// nearRow is where the copy of a row lies, from element first of k on.
func (c *Call) nearRow(row, first int) unsafe.Pointer {
	return unsafe.Add(c.near, (first/c.depth*c.m+row)*c.nearStride())
}

// nearStride is the number of bytes between the rows of a copy.
func (c *Call) nearStride() int { return (c.depth + nearGap) * 4 }

// cut makes t, which a panel of the group is loaded into, multiply no more than
// the block of k that starts at element k, and fetches the block that comes next.
func (c *Call) cut(t *Tile, panel, k, group int) Ahead {
	t.B = c.at(panel, k)
	t.K = min(c.depth, c.panels.k-k)
	t.Lo, t.Hi = c.clamp.Lo, c.clamp.Hi
	first, end := c.tiles.group(group)
	next, then := panel+1, k
	if next == end && k+t.K < c.panels.k {
		next, then = first, k+t.K
	} else if next == end {
		then = 0
	}
	if k+t.K < c.panels.k {
		t.Lo, t.Hi = Unbounded().Lo, Unbounded().Hi
	}
	if next == c.panels.Count() {
		return Ahead{p: &c.cuts, idle: uintptr(t.B)}
	}
	return Ahead{p: &c.cuts, idle: uintptr(t.B), next: uintptr(c.at(next, then)), left: c.cuts.offset(next+1) - c.cuts.offset(next)}
}

// at is where a block of k of a panel starts.
func (c *Call) at(panel, k int) unsafe.Pointer {
	p := c.panels
	return unsafe.Add(p.panel(panel), k*p.width(panel)*p.kernel.Format.valueBytes())
}
