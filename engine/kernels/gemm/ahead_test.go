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
				ahead := p.Ahead(0, tiles, false)
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

// TestAheadFetches tells by what the first tile of a panel asks for whether the next
// one is fetched.
func TestAheadFetches(t *testing.T) {
	const k, n = 256, 64
	for _, kernel := range Kernels() {
		if !kernel.Runnable(cpu.Detect()) || kernel != kernel.widest() {
			continue
		}
		p, err := Pack(nil, kernel, make([]float32, k*n), k, n, n, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			why     string
			ahead   Ahead
			fetches bool
		}{
			{"a small B stays in the cache", p.Ahead(0, 1, false), false},
			{"a small B is fetched for its first use where that costs nothing", p.Ahead(0, 1, true), kernel.StepsOverGaps()},
			{"one that is asked for is fetched", p.AheadTo(0, p, 1, 1), true},
			{"nothing is, where that is asked for", p.Idle(0), false},
		} {
			x := Tile{Rows: kernel.MR, Width: kernel.NR}
			c.ahead.Take(&x)
			if got := x.Prefetch == uintptr(p.panel(1)); got != c.fetches {
				t.Errorf("%v: %s: the next panel is fetched: %v", kernel, c.why, got)
			}
		}
	}
}
