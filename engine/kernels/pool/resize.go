package pool

// Tap is where one output index of a resize reads along one axis: between
// source indices Low and High, with Weight on High and 1-Weight on Low. For a
// nearest resize only Low counts.
type Tap struct {
	Low, High int
	Weight    float32
}

// Nearest copies, for output (y, x), pixel (rows[y].Low, cols[x].Low). T is the
// element, float32 or bfloat16's uint16.
func Nearest[T float32 | uint16](dst []T, to Image, src []T, from Image, channels int, rows, cols []Tap) {
	for y, row := range rows {
		for x, col := range cols {
			d, s := to.at(y, x), from.at(row.Low, col.Low)
			copy(dst[d:d+channels], src[s:s+channels])
		}
	}
}

// Bilinear writes, for output (y, x) and c < channels, the blend of four source
// pixels by the weights of rows[y] and cols[x]: first across, then down, each
// as low + weight·(high-low).
func (f *Funcs) Bilinear(dst []float32, to Image, src []float32, from Image, channels int, rows, cols []Tap) {
	bilinear(f.runs.blend, dst, to, src, from, channels, rows, cols)
}

// BilinearBF16 is Bilinear on bfloat16, rounded once.
func (f *Funcs) BilinearBF16(dst []uint16, to Image, src []uint16, from Image, channels int, rows, cols []Tap) {
	bilinear(f.runs.blendBF16, dst, to, src, from, channels, rows, cols)
}

func bilinear[T any](blend func(dst, topLeft, topRight, bottomLeft, bottomRight []T, across, down float32),
	dst []T, to Image, src []T, from Image, channels int, rows, cols []Tap) {
	if channels <= 0 {
		return
	}
	for y, row := range rows {
		for x, col := range cols {
			pixel := func(r, c int) []T {
				at := from.at(r, c)
				return src[at : at+channels]
			}
			d := to.at(y, x)
			blend(dst[d:d+channels],
				pixel(row.Low, col.Low), pixel(row.Low, col.High), pixel(row.High, col.Low), pixel(row.High, col.High),
				col.Weight, row.Weight)
		}
	}
}
