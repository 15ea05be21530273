package move

import (
	"fmt"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// eachVariant runs test for the reference and every assembled variant that this
// machine can run, and names those that it can't.
func eachVariant(t *testing.T, test func(t *testing.T, f *Funcs)) {
	t.Run("generic", func(t *testing.T) { test(t, Reference()) })
	for _, v := range Variants() {
		t.Run(v.Name, func(t *testing.T) {
			f := assembled(v.Name)
			if f == nil {
				t.Skipf("NOT TESTED: %s is not in this build", v.Name)
			}
			if !cpu.Detect().Has(v.Needs) {
				t.Skipf("NOT TESTED: %s needs %v", v.Name, v.Needs)
			}
			test(t, f)
		})
	}
}

// numbered returns n fenced elements that differ from their neighbours.
func numbered[T uint8 | uint16 | uint32 | uint64 | float32](t testing.TB, n int) []T {
	x := fence.Slice[T](t, n)
	for i := range x {
		x[i] = T(i*7 + i>>8 + 1)
	}
	return x
}

var extents = []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 65}

func TestTranspose(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, rows := range extents {
			for _, cols := range extents {
				for _, gap := range []int{0, 3} {
					checkTranspose[uint8](t, f, rows, cols, gap)
					checkTranspose[uint16](t, f, rows, cols, gap)
					checkTranspose[uint32](t, f, rows, cols, gap)
					checkTranspose[uint64](t, f, rows, cols, gap)
				}
			}
		}
	})
}

// checkTranspose transposes with gap elements between rows, which must survive.
func checkTranspose[T uint8 | uint16 | uint32 | uint64](t *testing.T, f *Funcs, rows, cols, gap int) {
	t.Helper()
	srcPitch, dstPitch := cols+gap, rows+gap
	src := numbered[T](t, (rows-1)*srcPitch+cols)
	dst := fence.Slice[T](t, (cols-1)*dstPitch+rows)
	want := make([]T, len(dst))
	for r := range rows {
		for c := range cols {
			want[c*dstPitch+r] = src[r*srcPitch+c]
		}
	}
	Transpose(f, dst, src, rows, cols, dstPitch, srcPitch)
	if !slices.Equal(dst, want) {
		t.Fatalf("Transpose of %d × %d %T, gap %d: got %v, want %v", rows, cols, src[0], gap, dst, want)
	}
}

func TestTransposeBatch(t *testing.T) {
	const batch, rows, cols = 3, 17, 33
	eachVariant(t, func(t *testing.T, f *Funcs) {
		src, dst := numbered[float32](t, batch*rows*cols), fence.Slice[float32](t, batch*rows*cols)
		TransposeBatch(f, dst, src, batch, rows, cols)
		for b := range batch {
			for r := range rows {
				for c := range cols {
					if got, want := dst[b*rows*cols+c*rows+r], src[b*rows*cols+r*cols+c]; got != want {
						t.Fatalf("batch %d, (%d, %d): got %g, want %g", b, c, r, got, want)
					}
				}
			}
		}
	})
}

func TestImages(t *testing.T) {
	const sentinel = 9
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, channels := range []int{1, 3, 15, 16, 17, 32, 40} {
			for _, side := range []int{1, 5, 16, 19} {
				img, n := NewImage(side, side+1, channels, 16, 1, 2, 3, 0)
				dst := fence.Slice[float32](t, n)
				Fill(dst, sentinel)
				ClearAround(dst, img)
				planes := numbered[float32](t, channels*img.Height*img.Width)
				FromNCHW(f, dst, img, planes)
				checkImage(t, dst, img, planes)
				back := fence.Slice[float32](t, len(planes))
				ToNCHW(f, back, dst, img)
				if !slices.Equal(back, planes) {
					t.Fatalf("%d channels of %d²: ToNCHW(FromNCHW(x)) is not x", channels, side)
				}
			}
		}
	})
}

// checkImage fails unless dst holds planes, and zero elsewhere.
func checkImage(t *testing.T, dst []float32, img Image, planes []float32) {
	t.Helper()
	want := make([]float32, len(dst))
	for c := range img.Channels {
		for y := range img.Height {
			for x := range img.Width {
				want[img.Origin+y*img.RowPitch+x*img.PixelPitch+c] = planes[(c*img.Height+y)*img.Width+x]
			}
		}
	}
	if !slices.Equal(dst, want) {
		t.Fatalf("%d × %d × %d: image differs from its planes, or halo and padding are not zero", img.Height, img.Width, img.Channels)
	}
}

// contiguous returns the strides of a dense array.
func contiguous(shape []int) []int {
	stride := make([]int, len(shape))
	n := 1
	for k := len(shape) - 1; k >= 0; k-- {
		stride[k], n = n, n*shape[k]
	}
	return stride
}

func TestCopy(t *testing.T) {
	for _, c := range []struct {
		reason     string
		shape      []int
		from       View
		sourceSize int
	}{
		{"a scalar", nil, View{}, 1},
		{"all of it", []int{3, 4, 5}, View{0, []int{20, 5, 1}}, 60},
		{"a slice of the middle", []int{2, 3}, View{6, []int{5, 1}}, 20},
		{"every other element", []int{4, 3}, View{0, []int{6, 2}}, 24},
		{"backwards", []int{5}, View{4, []int{-1}}, 5},
		{"a matrix transposed", []int{17, 33}, View{0, []int{1, 17}}, 17 * 33},
		{"attention's heads: 0213", []int{3, 4, 5, 16}, View{0, []int{4 * 5 * 16, 16, 4 * 16, 1}}, 960},
		{"keys transposed: 0231", []int{2, 4, 16, 7}, View{0, []int{7 * 64, 16, 1, 64}}, 2 * 7 * 64},
		{"NCHW to NHWC", []int{2, 5, 6, 20}, View{0, []int{600, 6, 1, 30}}, 1200},
		{"axes reversed", []int{3, 4, 5}, View{0, []int{1, 3, 12}}, 60},
		{"a row repeated", []int{4, 6}, View{0, []int{0, 1}}, 6},
		{"a column repeated", []int{4, 6}, View{0, []int{1, 0}}, 4},
		{"pairs of a table's columns", []int{300, 2}, View{2, []int{4, 1}}, 1200},
		{"four columns from an odd one on", []int{300, 4}, View{1, []int{6, 1}}, 1800},
		{"few columns, apart, of many rows", []int{300, 3}, View{0, []int{7, 2}}, 2100},
		{"pairs transposed", []int{20, 30, 2}, View{0, []int{2, 40, 1}}, 1200},
		{"an empty axis", []int{4, 0}, View{0, []int{1, 1}}, 4},
		{"axes of one", []int{1, 4, 1, 6, 1}, View{0, []int{7, 6, 9, 1, 3}}, 24},
	} {
		eachVariant(t, func(t *testing.T, f *Funcs) {
			src := numbered[uint32](t, c.sourceSize)
			n := 1
			for _, e := range c.shape {
				n *= e
			}
			dst, want := fence.Slice[uint32](t, n), make([]uint32, n)
			to := View{0, contiguous(c.shape)}
			for i := range want {
				at, rest := c.from.Origin, i
				for k, s := range to.Stride {
					at += rest / s * c.from.Stride[k]
					rest %= s
				}
				want[i] = src[at]
			}
			Copy(f, dst, to, src, c.from, c.shape)
			if !slices.Equal(dst, want) {
				t.Errorf("%s: got %v, want %v", c.reason, dst, want)
			}
			again := make([]uint32, len(src)) // the way back undoes it where nothing repeats
			Copy(f, again, c.from, dst, to, c.shape)
			round := make([]uint32, n)
			Copy(f, round, to, again, c.from, c.shape)
			if !slices.Equal(round, want) {
				t.Errorf("%s: there and back is not the same", c.reason)
			}
		})
	}
}

// TestCopyOfBytes cuts rows of bytes, which may go as larger elements where they are aligned, at every place.
func TestCopyOfBytes(t *testing.T) {
	const pitch, rows = 24, 9
	for width := 1; width <= 16; width++ {
		for origin := range 8 {
			eachVariant(t, func(t *testing.T, f *Funcs) {
				src := numbered[uint8](t, rows*pitch)
				dst := fence.Slice[uint8](t, rows*width)
				Copy(f, dst, View{0, []int{width, 1}}, src, View{origin, []int{pitch, 1}}, []int{rows, width})
				for i, got := range dst {
					if want := src[origin+i/width*pitch+i%width]; got != want {
						t.Fatalf("%d bytes from %d on: element %d is %d, want %d", width, origin, i, got, want)
					}
				}
			})
		}
	}
}

func TestGatherRows(t *testing.T) {
	table := numbered[uint16](t, 5*3)
	dst := fence.Slice[uint16](t, 4*3)
	if err := GatherRows(dst, table, 3, []int64{4, 0, -1, 2}); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(table[12:15], table[0:3], table[12:15], table[6:9])
	if !slices.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	for _, bad := range []int64{5, -6} {
		err := GatherRows(dst, table, 3, []int64{0, bad})
		if want := fmt.Sprintf("index %d at position 1 is outside [-5, 5)", bad); err == nil || err.Error() != want {
			t.Errorf("GatherRows of index %d: got %v, want %s", bad, err, want)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	shape := []int{2, 4, 16, 7}
	from, to := View{0, []int{7 * 64, 16, 1, 64}}, View{0, contiguous(shape)}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		src, dst := numbered[float32](t, 896), fence.Slice[float32](t, 896)
		if n := testing.AllocsPerRun(5, func() { Copy(f, dst, to, src, from, shape) }); n != 0 {
			t.Errorf("Copy allocates %g times", n)
		}
	})
}
