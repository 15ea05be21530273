package move

import (
	"encoding/binary"
	"unsafe"
)

// bytesSide is the side of the squares that transposeBytes takes.
const bytesSide = 8

// transposeBytes transposes squares of bytes as a block does: in words of eight bytes, which exchange ever larger parts.
func transposeBytes(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep int) {
	const every2, every4, every8 = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff
	for ; count > 0; count-- {
		r0, r1, r2, r3 := word(src, 0), word(src, srcPitch), word(src, 2*srcPitch), word(src, 3*srcPitch)
		r4, r5, r6, r7 := word(src, 4*srcPitch), word(src, 5*srcPitch), word(src, 6*srcPitch), word(src, 7*srcPitch)
		r0, r1 = exchange(r0, r1, 8, every2)
		r2, r3 = exchange(r2, r3, 8, every2)
		r4, r5 = exchange(r4, r5, 8, every2)
		r6, r7 = exchange(r6, r7, 8, every2)
		r0, r2 = exchange(r0, r2, 16, every4)
		r1, r3 = exchange(r1, r3, 16, every4)
		r4, r6 = exchange(r4, r6, 16, every4)
		r5, r7 = exchange(r5, r7, 16, every4)
		r0, r4 = exchange(r0, r4, 32, every8)
		r1, r5 = exchange(r1, r5, 32, every8)
		r2, r6 = exchange(r2, r6, 32, every8)
		r3, r7 = exchange(r3, r7, 32, every8)
		putWord(dst, 0, r0)
		putWord(dst, dstPitch, r1)
		putWord(dst, 2*dstPitch, r2)
		putWord(dst, 3*dstPitch, r3)
		putWord(dst, 4*dstPitch, r4)
		putWord(dst, 5*dstPitch, r5)
		putWord(dst, 6*dstPitch, r6)
		putWord(dst, 7*dstPitch, r7)
		if count > 1 {
			dst, src = (*byte)(unsafe.Add(unsafe.Pointer(dst), dstStep)), (*byte)(unsafe.Add(unsafe.Pointer(src), srcStep))
		}
	}
}

// exchange swaps the parts of a that lie shift bits above the mask with those of b under it.
func exchange(a, b uint64, shift uint, mask uint64) (uint64, uint64) {
	t := (a>>shift ^ b) & mask
	return a ^ t<<shift, b ^ t
}

// word is the eight bytes at an offset from p, the first one lowest.
func word(p *byte, offset int) uint64 { return binary.LittleEndian.Uint64(eight(p, offset)) }

func putWord(p *byte, offset int, v uint64) { binary.LittleEndian.PutUint64(eight(p, offset), v) }

func eight(p *byte, offset int) []byte {
	return (*[8]byte)(unsafe.Add(unsafe.Pointer(p), offset))[:]
}
