package normalize

import (
	"math"
	"unsafe"
)

// Block is rows of scores on their way to a softmax, of which they may hold a
// part: what is said of a row's max holds for the parts before it too. Strides
// are in bytes. Rows of P may lie where those of X do.
type Block struct {
	X        unsafe.Pointer // scores, binary32
	StrideX  int
	P        unsafe.Pointer // results, binary32 or bfloat16
	StrideP  int
	Mask     unsafe.Pointer // binary32, or nil for zeros
	StrideM  int            // 0 where rows share a mask
	Max, Sum *float32       // one for each row
	Rows     int            // at least 1
	Seen     int            // elements of the first row that count, below 0 for none
	Step     int            // how many more count in each next row
	Most     int            // at most
	Width    int            // elements of a row of P, a multiple of 16 of at least Most
	Scale    float32
	_        uint32
	_        [7]uintptr // where kernels keep count
}

// Exponentiate does, with t[i] = X[i]·Scale + Mask[i] for the elements of a row
// that count: Max = max(Max, t); P[i] = exp(t[i] - Max), and zero for what does
// not count; Sum = Σ P. Where all that is known of a row is -Inf, P is zero.
// Errors are those of Softmax. P of bfloat16 is rounded after it was summed.
func (f *Funcs) Exponentiate(b *Block, bfloat16 bool) {
	if b.Rows < 1 || b.Width%16 != 0 || b.Most > b.Width {
		panic("normalize: a block without rows, or too narrow")
	}
	if bfloat16 {
		f.rows.exponentiateBF16(b)
		return
	}
	f.rows.exponentiate(b)
}

// ScaleRows does P[i] = X[i]·Sum for the first Most elements of each row, with the
// Sum of its row: other fields count for nothing.
func (f *Funcs) ScaleRows(b *Block, bfloat16 bool) {
	if b.Rows < 1 {
		panic("normalize: a block without rows")
	}
	if bfloat16 {
		f.rows.scaleBF16(b)
		return
	}
	f.rows.scale(b)
}

// scaleRows is ScaleRows by the loop over one row, of float32.
func scaleRows(multiply func(dst, x []float32, s float32)) func(b *Block) {
	return func(b *Block) {
		for r := range b.Rows {
			x := unsafe.Slice((*float32)(unsafe.Add(b.X, r*b.StrideX)), b.Most)
			multiply(unsafe.Slice((*float32)(unsafe.Add(b.P, r*b.StrideP)), b.Most), x, *(*float32)(unsafe.Add(unsafe.Pointer(b.Sum), 4*r)))
		}
	}
}

// exponentiateRows is Exponentiate by the passes over single rows, of float32.
func (l *loops) exponentiateRows(b *Block) {
	for r := range b.Rows {
		seen := max(0, min(b.Seen+r*b.Step, b.Most))
		x := unsafe.Slice((*float32)(unsafe.Add(b.X, r*b.StrideX)), seen)
		p := unsafe.Slice((*float32)(unsafe.Add(b.P, r*b.StrideP)), b.Width)
		var mask []float32
		if b.Mask != nil {
			mask = unsafe.Slice((*float32)(unsafe.Add(b.Mask, r*b.StrideM)), seen)
		}
		top := (*float32)(unsafe.Add(unsafe.Pointer(b.Max), 4*r))
		sum := (*float32)(unsafe.Add(unsafe.Pointer(b.Sum), 4*r))
		*sum = 0
		if seen > 0 {
			if m := l.maxScaled(x, mask, b.Scale); m > *top || m != m {
				*top = m
			}
			shift := *top
			if math.IsInf(float64(shift), -1) {
				shift = 0
			}
			*sum = l.expScaled(p[:seen], x, mask, b.Scale, shift)
		}
		clear(p[seen:])
	}
}

// noBFloat16 stands for a kernel that only machines with products of bfloat16 have.
func noBFloat16(*Block) { panic("normalize: no bfloat16 softmax on this machine") }
