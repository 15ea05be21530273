package quant

import "unsafe"

// tiles is the argument of a call of an AMX kernel: the configuration, the shape
// of the sums, and the jobs to do, each of rows of A that are Lda bytes apart. It
// writes the sums of job j, bias included, to sums + j·sumsOfJob, rows one after
// the other. The generator in _asm/quant knows the layout. gemm's amxState says
// why a call does several jobs.
type tiles struct {
	config     [64]byte // palette 1: bytes in a row at 16, rows at 48, of each tile
	count      int      // jobs; the call leaves 0
	chunks     int      // in a tap
	chunkBytes int      // of k in a chunk
	stepB      int      // bytes of B in a chunk
	taps       int
	tap        *int64
	lda        int
	b          unsafe.Pointer
	lower      int // bytes from the first row of A to the first of the lower tile
	lowerSums  int // and of the sums
	bias       unsafe.Pointer
	sums       unsafe.Pointer
	a          [tileJobs]unsafe.Pointer
}

const (
	tileRows  = 16
	tileBytes = 64 // of k in a tile
	tileJobs  = 8
	sumsOfJob = 32 * 32 // elements
)

// chunksOf cuts steps of four k into as few chunks as fit tiles, of equal size;
// the last may reach past the end, where B is zero.
func chunksOf(steps int) (chunks, stepsOfChunk int) {
	const most = tileBytes / stepBytes
	chunks = (steps + most - 1) / most
	return chunks, (steps + chunks - 1) / chunks
}

// configure makes s fit so many rows.
func (s *tiles) configure(rows, width int) {
	upper, low := rows, rows
	if rows > tileRows {
		upper = (rows + 1) / 2
		low = rows - upper
	}
	s.lower, s.lowerSums = upper*s.lda, upper*width*4
	s.stepB = s.chunkBytes * width
	s.config = [64]byte{0: 1}
	for tile, x := range [8]struct{ rows, bytes int }{
		{upper, 64}, {upper, 64}, {low, 64}, {low, 64},
		{upper, s.chunkBytes}, {low, s.chunkBytes}, {s.chunkBytes / stepBytes, 64}, {s.chunkBytes / stepBytes, 64},
	} {
		s.config[16+2*tile] = byte(x.bytes)
		s.config[48+tile] = byte(x.rows)
	}
}
