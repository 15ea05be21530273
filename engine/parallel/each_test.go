package parallel_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/eiplan/eiplan/engine/parallel"
)

func TestEachCallsEveryPartOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		counts := make([]atomic.Int32, n)
		parallel.Each(n, func(i int) { counts[i].Add(1) })
		for i := range counts {
			if got := counts[i].Load(); got != 1 {
				t.Errorf("part %d of %d was done %d times", i, n, got)
			}
		}
	}
}

func TestRangesCoverEveryIndexOnce(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 1000} {
		counts := make([]atomic.Int32, n)
		parallel.Ranges(n, 8, func(first, last int) {
			if first%8 != 0 || last-first > 8 || last-first < 8 && last != n {
				t.Errorf("range %d to %d of %d", first, last, n)
			}
			for i := first; i < last; i++ {
				counts[i].Add(1)
			}
		})
		for i := range counts {
			if got := counts[i].Load(); got != 1 {
				t.Errorf("index %d of %d was covered %d times", i, n, got)
			}
		}
	}
}

// TestEachPanicsInItsCaller has a part on another goroutine panic, with an error that the caller must be able to find.
func TestEachPanicsInItsCaller(t *testing.T) {
	cause := errors.New("cause")
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, cause) {
			t.Errorf("recovered %v, want an error that wraps the part's", err)
		}
	}()
	parallel.Each(100, func(i int) {
		if i == 50 {
			panic(cause)
		}
	})
	t.Error("Each returned")
}
