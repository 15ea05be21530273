package move

import (
	"math/bits"
	"unsafe"
)

// Transpose does dst[c·dstPitch+r] = src[r·srcPitch+c] for r < rows, c < cols.
// Pitches are in elements.
func Transpose[T Element](f *Funcs, dst, src []T, rows, cols, dstPitch, srcPitch int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	checkPitch(rows, cols, dstPitch, srcPitch)
	_ = dst[(cols-1)*dstPitch+rows-1]
	_ = src[(rows-1)*srcPitch+cols-1]
	if rows == 1 && dstPitch == 1 {
		copy(dst[:cols], src[:cols])
		return
	}
	if cols == 1 && srcPitch == 1 {
		copy(dst[:rows], src[:rows])
		return
	}
	transposeBy(blocksFor[T](f), dst, src, rows, cols, dstPitch, srcPitch)
}

// blocksFor returns f's blocks for elements of T's size.
func blocksFor[T Element](f *Funcs) []block {
	var zero T
	return f.blocks[bits.TrailingZeros(uint(unsafe.Sizeof(zero)))]
}

// TransposeBatch transposes each of batch matrices of rows × cols, all of them
// contiguous.
func TransposeBatch[T Element](f *Funcs, dst, src []T, batch, rows, cols int) {
	n := rows * cols
	for b := range batch {
		Transpose(f, dst[b*n:(b+1)*n], src[b*n:(b+1)*n], rows, cols, rows, cols)
	}
}

// transposeBy transposes whole blocks of the largest kind that fit, from the
// upper left, and what is left right and below by the next kind.
func transposeBy[T Element](blocks []block, dst, src []T, rows, cols, dstPitch, srcPitch int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if len(blocks) == 0 {
		transposePlain(dst, src, rows, cols, dstPitch, srcPitch)
		return
	}
	b := blocks[0]
	across, down := cols/b.side, rows/b.side
	if across == 0 || down == 0 {
		transposeBy(blocks[1:], dst, src, rows, cols, dstPitch, srcPitch)
		return
	}
	size := int(unsafe.Sizeof(src[0]))
	for i := range down {
		r := i * b.side
		b.transpose(first(dst[r:]), first(src[r*srcPitch:]), dstPitch*size, srcPitch*size, across, b.side*dstPitch*size, b.side*size)
	}
	r, c := down*b.side, across*b.side
	if c < cols {
		transposeBy(blocks[1:], dst[c*dstPitch:], src[c:], r, cols-c, dstPitch, srcPitch)
	}
	if r < rows {
		transposeBy(blocks[1:], dst[r:], src[r*srcPitch:], rows-r, cols, dstPitch, srcPitch)
	}
}

// first is the address of x's first byte.
func first[T any](x []T) *byte { return (*byte)(unsafe.Pointer(&x[0])) }

// tile is the side, in elements, of the squares that transposePlain works in, so
// that the lines it writes stay in the first-level cache.
const tile = 32

func transposePlain[T Element](dst, src []T, rows, cols, dstPitch, srcPitch int) {
	for rt := 0; rt < rows; rt += tile {
		for ct := 0; ct < cols; ct += tile {
			for r := rt; r < min(rt+tile, rows); r++ {
				line := src[r*srcPitch+ct : r*srcPitch+min(ct+tile, cols)]
				d := ct*dstPitch + r
				for _, v := range line {
					dst[d] = v
					d += dstPitch
				}
			}
		}
	}
}

func checkPitch(rows, cols, dstPitch, srcPitch int) {
	if rows > 1 && srcPitch < cols || cols > 1 && dstPitch < rows {
		panic("move: pitch is less than the row it spaces")
	}
}
