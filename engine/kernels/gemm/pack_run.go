package gemm

import "unsafe"

// operandB is a B that is known only at run time: depth×N with rows stride
// elements apart or, transposed, N×depth.
type operandB struct {
	at         unsafe.Pointer
	stride     int
	depth      int
	transposed bool
}

// packFrom packs b's columns of panel i at dst, and zeros where the panel has
// more columns or more of k than b.
func (p *Panels) packFrom(dst Block, i int, b operandB) {
	first, cols, width := p.First(i), p.columns(i), p.width(i)
	if p.kernel.Format == BF16 {
		if b.transposed {
			packPairsTransposed(p.kernel.family, dst, b, first, cols, width)
		} else {
			from := unsafe.Slice((*uint16)(b.at), (b.depth-1)*b.stride+first+cols)[first:]
			packInterleaved(p.kernel.family, dst.Words(), from, b.depth, b.stride, cols, width)
		}
		steps := (b.depth + 1) / 2
		clear(dst.Words()[2*steps*width : 2*p.steps()*width])
		return
	}
	if b.transposed {
		transposePanel(p.kernel.family, dst.Pointer(), unsafe.Add(b.at, first*b.stride*4), b.depth, b.stride*4, cols, width)
	} else {
		rows := dst.Floats()
		for k := range b.depth {
			copy(rows, unsafe.Slice((*float32)(unsafe.Add(b.at, (k*b.stride+first)*4)), cols))
			clear(rows[cols:width])
			rows = rows[width:]
		}
	}
	clear(dst.Floats()[b.depth*width : p.k*width])
}

// packPairsTransposed moves pairs of k as units of 32 bits, and a last odd k.
func packPairsTransposed(f family, dst Block, b operandB, first, cols, width int) {
	from := unsafe.Add(b.at, first*b.stride*2)
	whole := b.depth / 2
	transposePanel(f, dst.Pointer(), from, whole, b.stride*2, cols, width)
	if b.depth%2 == 0 {
		return
	}
	last := dst.Words()[whole*width*2:][:width*2]
	clear(last)
	for j := range cols {
		last[2*j] = *(*uint16)(unsafe.Add(from, (j*b.stride+b.depth-1)*2))
	}
}

// packInterleaved writes dst[k/2][column][k%2] of rows ldb apart.
func packInterleaved(f family, dst, src []uint16, k, ldb, cols, width int) {
	i := 0
	if n := interleaveColumns(f); n > 0 && cols == n && k > 1 {
		i = k &^ 1
		interleaveVector(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 2*ldb, k/2)
	}
	for ; i < k; i += 2 {
		row := dst[i*width:][:2*width]
		even := src[i*ldb:][:cols]
		if i+1 == k {
			clear(row)
			for j, x := range even {
				row[2*j] = x
			}
			return
		}
		odd := src[(i+1)*ldb:][:cols]
		for j, x := range even {
			row[2*j], row[2*j+1] = x, odd[j]
		}
		clear(row[2*cols:])
	}
}

// transposePanel writes dst[k][j] = src[j][k] for j below cols and zero up to
// width, all of 32 bits; src's rows are stride bytes apart.
func transposePanel(f family, dst, src unsafe.Pointer, k, stride, cols, width int) {
	lanes := transposeLanes(f)
	j := 0
	if lanes > 0 && k >= lanes {
		for ; j+lanes <= cols; j += lanes {
			to, from := unsafe.Add(dst, j*4), unsafe.Add(src, j*stride)
			transposeVector(f, to, width*4, from, stride, k/lanes)
			if done := k / lanes * lanes; done < k {
				transposeReference(unsafe.Add(to, done*width*4), width*4, unsafe.Add(from, done*4), stride, lanes, k-done)
			}
		}
	}
	if j < cols { // else src may end before the row that would follow
		transposeReference(unsafe.Add(dst, j*4), width*4, unsafe.Add(src, j*stride), stride, cols-j, k)
	}
	if cols < width {
		rows := unsafe.Slice((*uint32)(dst), k*width)
		for i := range k {
			clear(rows[i*width+cols : (i+1)*width])
		}
	}
}

// transposeReference writes dst[k][j] = src[j][k] for n rows j; strides in bytes.
func transposeReference(dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, n, k int) {
	for j := range n {
		for i, x := range unsafe.Slice((*uint32)(unsafe.Add(src, j*srcStride)), k) {
			*(*uint32)(unsafe.Add(dst, i*dstStride+j*4)) = x
		}
	}
}
