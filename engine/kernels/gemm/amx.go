package gemm

import "unsafe"

// amxState is what a worker's Tile needs for AMX tiles: the configuration, the
// way k is cut into chunks, the tiles of C that wait for a call, and room for
// the sums of one. The generator in _asm/gemm knows the layout.
//
// Tiles live in a thread, and loading a configuration clears them. Go moves a
// goroutine between threads only where it can be stopped, which is nowhere in
// assembly; a signal that comes meanwhile has the kernel save and restore them.
// So each call loads the configuration, and drops it again, as context switches
// are dearer while tiles are in use. Loading takes about as long as a small
// tile's products: a call computes several tiles of C of one height.
type amxState struct {
	config  [64]byte // palette 1: bytes in a row at 16, rows at 48, of each tile
	chunks  int      // in a tap
	pairs   int      // of k in a chunk: at most amxPairs
	below   int      // the first row of the lower tiles of A and of the sums: with odd rows it is in the upper ones, too
	stepB   int      // bytes of B in a chunk
	count   int      // jobs that wait
	next    *amxJob  // the call's cursor
	rows    int      // what the configuration is for
	direct  int      // 1 if sums that start from the bias are C
	plane   int      // by parts: bytes between those of A
	parts   bool
	slabs   bool
	tallest int // rows of tiles by slabs: those with fewer go with them
	_       [192 - 152]byte
	bias    [32]float32
	scratch [32 * 32]float32
	jobs    [16]amxJob
	k       int // behind jobs, so that next points into the state past the last, too
	width   int
}

// amxJob is what distinguishes the tiles of one call.
type amxJob struct {
	a, c, residual unsafe.Pointer
	prefetch       uintptr
	left           int
	special        int // by parts: 1 if sums are not finite; nothing has been stored then
	rows           int
}

const (
	amxRows    = 16 // of a tile
	amxPairs   = 16 // of k in a tile
	amxMinimum = 4  // pairs in a chunk that make tiles worth their while
)

// amxChunk is the largest number of pairs that fits a tile and divides k evenly,
// k being the elements of a tap; 0 if that is not worth while. So no tile ever
// reads past a row of A, where a NaN might lie that no zero of B cancels.
func amxChunk(k int) int {
	if k%2 != 0 {
		return 0
	}
	for pairs := min(amxPairs, k/2); pairs >= amxMinimum; pairs-- {
		if k/2%pairs == 0 {
			return pairs
		}
	}
	return 0
}

// add lets t wait for others to be computed with, those before it first if they
// cannot be.
func (s *amxState) add(t *Tile, routines []func(*Tile)) {
	if s.count == len(s.jobs) || s.count > 0 && !s.takes(t) {
		s.flush(t, routines)
	}
	if s.count == 0 {
		s.prepare(t)
	}
	s.jobs[s.count] = amxJob{t.A, t.C, t.Residual, t.Prefetch, t.Left, 0, t.Rows}
	s.count++
}

// takes reports whether t can be computed with what the state is made for.
func (s *amxState) takes(t *Tile) bool { return s.rows == t.Rows || s.slabs && s.rows > t.Rows }

// flush computes the tiles that wait.
func (s *amxState) flush(t *Tile, routines []func(*Tile)) {
	if s.count == 0 {
		return
	}
	jobs := s.jobs[:s.count]
	s.next = &s.jobs[0]
	routines[s.rows](t)
	s.next = nil
	for i := range jobs {
		if jobs[i].special != 0 {
			again := *t
			again.Rows, again.state = jobs[i].rows, nil
			again.A, again.C, again.Residual, again.Left = jobs[i].a, jobs[i].c, jobs[i].residual, jobs[i].left
			tileParts(&again, s.plane, s.slabs)
		}
	}
}

// prepare makes the state fit t and those that will wait with it.
func (s *amxState) prepare(t *Tile) {
	s.direct = 0
	if t.Residual == nil && t.Line == 0 && t.Cols == t.Width && (Clamp{t.Lo, t.Hi}) == Unbounded() {
		s.direct = 1
	}
	rows := t.Rows
	if s.slabs {
		rows = max(rows, s.tallest)
	}
	if s.rows == rows && s.k == t.K && s.width == t.Width {
		return
	}
	s.rows, s.k, s.width = rows, t.K, t.Width
	if s.parts {
		s.pairs = amxPairs
	} else {
		s.pairs = amxChunk(2 * t.K)
		s.chunks = t.K / s.pairs
		s.stepB = s.pairs * t.Width * 4
	}
	if s.rows > amxRows {
		rows = (s.rows + 1) / 2
	}
	s.below = s.rows - rows
	s.config = [64]byte{0: 1}
	for tile, x := range [8]struct{ rows, bytes int }{
		{rows, 64}, {rows, 64}, {rows, 64}, {rows, 64},
		{rows, 4 * s.pairs}, {rows, 4 * s.pairs}, {s.pairs, 64}, {s.pairs, 64},
	} {
		s.config[16+2*tile] = byte(x.bytes)
		s.config[48+tile] = byte(x.rows)
	}
}
