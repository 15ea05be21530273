package gemm

import (
	"slices"
	"unsafe"

	"github.com/x448/float16"
)

const (
	panelsAtOnce = 4  // that one processor packs, as each reads only 128 bytes of a row of B
	rowsAtOnce   = 64 // of each of them, a multiple of partsChunk
)

// pack packs the panels from first to last. Of a B whose columns do not follow each
// other it transposes all that a panel reads, and packs that.
func (p *Panels) pack(first, last int, s Source) {
	if s.Column == 1 {
		for k := 0; k < p.k; k += rowsAtOnce {
			for i := first; i < last; i++ {
				p.packRows(i, k, min(k+rowsAtOnce, p.k), func(t, k int) []float32 { return s.Data[s.Taps[t]+s.K[k]+p.First(i):] })
			}
		}
		return
	}
	start := slices.Min(s.Taps) + slices.Min(s.K)
	span := slices.Max(s.Taps) + slices.Max(s.K) + 1 - start
	rows := make([]float32, span*p.kernel.NR)
	for i := first; i < last; i++ {
		width, columns := p.width(i), p.columns(i)
		from := s.Data[start+p.First(i)*s.Column:][:(columns-1)*s.Column+span]
		transposePanel(p.kernel.family, unsafe.Pointer(&rows[0]), unsafe.Pointer(&from[0]), span, s.Column*4, columns, width)
		p.packRows(i, 0, p.k, func(t, k int) []float32 { return rows[(s.Taps[t]+s.K[k]-start)*width:] })
	}
}

// packRows packs the rows from first to last of each tap in panel i, which row
// finds.
func (p *Panels) packRows(i, first, last int, row func(tap, k int) []float32) {
	width, columns := p.width(i), p.columns(i)
	for t := range p.taps {
		to := unsafe.Add(p.panel(i), (t*p.tapRows()+first)*p.valueBytes()*width)
		of := func(k int) []float32 { return row(t, first+k)[:columns] }
		switch n := last - first; {
		case p.kernel.family == amxParts:
			packParts(p.kernel.family, to, n, width, of)
		case p.kernel.Format == FP32:
			for k := range n {
				copy(unsafe.Slice((*float32)(to), columns), of(k))
				to = unsafe.Add(to, width*4)
			}
		case p.kernel.Format == FP16:
			for k := range n {
				halves := unsafe.Slice((*uint16)(to), columns)
				for j, x := range of(k) {
					halves[j] = float16.Fromfloat32(x).Bits()
				}
				to = unsafe.Add(to, width*2)
			}
		default:
			packPairs(unsafe.Slice((*uint16)(to), (n+1)/2*2*width), n, width, of)
		}
	}
}

// packPairs writes [k/2][width][2] of n rows in bfloat16. What an odd one's pairs
// lack stays zero.
func packPairs(dst []uint16, n, width int, row func(k int) []float32) {
	for k := 0; k < n; k += 2 {
		pairs := dst[k*width:]
		for j, x := range row(k) {
			pairs[2*j] = narrow(x)
		}
		if k+1 == n {
			return
		}
		for j, x := range row(k + 1) {
			pairs[2*j+1] = narrow(x)
		}
	}
}

// packParts writes n rows for kernels by parts: for each chunk of k, three parts of
// [16 pairs of k][width][2].
func packParts(f family, to unsafe.Pointer, n, width int, row func(k int) []float32) {
	var block [partsChunk * 32]float32
	var split [partsOf * partsChunk * 32]uint16
	size := partsChunk * width
	dst := unsafe.Slice((*uint16)(to), PartsWidth(n)*partsOf*width)
	for k := 0; k < n; k += partsChunk {
		rows := min(n-k, partsChunk)
		for i := range rows {
			copy(block[i*width:], row(k+i))
		}
		clear(block[rows*width:])
		Parts{unsafe.Pointer(&split), 2 * size}.Put(0, unsafe.Pointer(&block), size, size)
		for part := range partsOf {
			packInterleaved(f, dst[:size], split[part*size:][:size], partsChunk, width, width, width)
			dst = dst[size:]
		}
	}
}
