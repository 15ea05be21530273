package gemm

import (
	"fmt"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
)

// TestAhead lets tiles fetch a panel: together all of it, in order, and none of
// it twice; where the tiles are many, not all in the first.
func TestAhead(t *testing.T) {
	for _, k := range Kernels() {
		if !k.Runnable(cpu.Detect()) || k.StepsOverGaps() || k.NR != k.widest().NR {
			continue
		}
		for _, tiles := range []int{1, 2, 5, 16} {
			t.Run(fmt.Sprintf("%v/%d tiles", k, tiles), func(t *testing.T) {
				const depth = 4096
				p := &Panels{kernel: k.widest(), taps: 3, k: depth, n: 3 * k.NR}
				p.block = (*Arena)(nil).Allocate(p.offset(3))
				ahead := p.Ahead(0, tiles)
				next, end := uintptr(p.panel(1)), uintptr(p.panel(2))
				first := 0
				for i := range tiles {
					x := Tile{Rows: k.MR, Width: k.NR}
					ahead.Take(&x)
					if next < end && x.Prefetch != next {
						t.Fatalf("tile %d fetches from %d bytes before the place where the one before it ended", i, next-x.Prefetch)
					}
					if next >= end && x.Sparse != sparsest {
						t.Fatalf("tile %d has nothing to fetch, and does", i)
					}
					n := p.fetched(&x, x.Sparse)
					if i == 0 {
						first = n
					}
					next += uintptr(n)
				}
				if short := end - next; next < end && tiles > 1 && k.MR > 4 {
					t.Errorf("%d bytes are not fetched", short)
				}
				if all := p.offset(1); tiles == 16 && first > all/4 {
					t.Errorf("the first of %d tiles fetches %d of %d bytes", tiles, first, all)
				}
			})
		}
	}
}

// TestAheadTogether lets tiles fetch the next panel of a small B if it is one of
// many that are used in turn and do not stay in the cache together.
func TestAheadTogether(t *testing.T) {
	const k, n = 256, 64
	for _, kernel := range Kernels() {
		if !kernel.Runnable(cpu.Detect()) || kernel.Format != FP32 || kernel.Splits() || kernel != kernel.widest() {
			continue
		}
		many := (cachedTogether + 1) / (4 * k * n)
		for count, fetches := range map[int]bool{many: true, many - 1: false} {
			p := Blank(nil, kernel, count, k, n)[1]
			ahead := p.Ahead(0, 1)
			x := Tile{Rows: kernel.MR, Width: kernel.NR}
			ahead.Take(&x)
			if got := x.Prefetch == uintptr(p.panel(1)); got != fetches {
				t.Errorf("%v: of %d packings, each of %d bytes, the next panel is fetched: %v, not %v", kernel, count, p.Bytes(), got, fetches)
			}
		}
	}
}
