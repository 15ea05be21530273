package gemm

import "unsafe"

// ScaleRows writes panel i of p with each row k of B multiplied by s[k] into a
// copy of the panels at block, which has room for Bytes. p is of one tap, in FP32
// and does not split. Scale does dst[i] = x[i]·s.
func (p *Panels) ScaleRows(block unsafe.Pointer, i int, s []float32, scale func(dst, x []float32, s float32)) {
	if p.taps != 1 || p.kernel.Format != FP32 || p.kernel.Splits() {
		panic("gemm: rows to scale are not binary32")
	}
	width := p.width(i)
	from := unsafe.Slice((*float32)(p.panel(i)), p.k*width)
	to := unsafe.Slice((*float32)(unsafe.Add(block, p.offset(i))), p.k*width)
	for k, x := range s[:p.k] {
		scale(to[k*width:(k+1)*width], from[k*width:(k+1)*width], x)
	}
}

// LoadScaled lets t, which has loaded panel i, read it from a copy at block.
func (p *Panels) LoadScaled(t *Tile, i int, block unsafe.Pointer) {
	t.B = unsafe.Add(block, p.offset(i))
}
