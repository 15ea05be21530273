package parallel

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Each calls do(0) to do(n-1), on as many goroutines as there are processors, and returns when all calls have. It is for long work that is done once, and
// needs no Team. If a call panics, or faults under a memory map, calls that have not begun are left out, and Each panics with a *Panic once the others have
// ended.
func Each(n int, do func(i int)) {
	var next atomic.Int64
	var failed atomic.Pointer[Panic]
	var running sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		running.Go(func() {
			debug.SetPanicOnFault(true)
			ended := false
			defer func() {
				if !ended {
					next.Store(int64(n))
					failed.CompareAndSwap(nil, panicOf(recover()))
				}
			}()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
			ended = true
		})
	}
	running.Wait()
	if p := failed.Load(); p != nil {
		panic(p)
	}
}

// Ranges calls do(first, last) for ranges that make up 0 to n, each of size but the last, as Each does.
func Ranges(n, size int, do func(first, last int)) {
	Each((n+size-1)/size, func(i int) { do(i*size, min((i+1)*size, n)) })
}
