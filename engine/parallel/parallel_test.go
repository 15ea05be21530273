package parallel

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counter counts how often each part was computed, in memory that is not
// atomic: the race detector sees parts that overlap in time without order.
type counter struct {
	parts   []int
	workers []int
	size    int
	each    func(worker, i int)
}

func (c *counter) Do(worker, i int) {
	if worker < 0 || worker >= c.size {
		panic(fmt.Sprintf("worker %d of %d", worker, c.size))
	}
	c.parts[i]++
	c.workers[worker]++ // a race, if two parts of one worker overlap
	if c.each != nil {
		c.each(worker, i)
	}
}

func newCounter(n, size int) *counter {
	return &counter{parts: make([]int, n), workers: make([]int, size), size: size}
}

// check fails unless every part was computed just want times.
func (c *counter) check(t *testing.T, want int) {
	t.Helper()
	for i, got := range c.parts {
		if got != want {
			t.Fatalf("part %d of %d: computed %d times, want %d", i, len(c.parts), got, want)
		}
	}
}

func TestRunComputesEveryPartOnce(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	sizes := map[string]int{"alone": 1, "below one": -3, "pair": 2, "all processors": procs, "oversubscribed": 4*procs + 1}
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			team := New(size)
			defer team.Close()
			if got, want := team.Size(), max(size, 1); got != want {
				t.Errorf("Size() = %d, want %d", got, want)
			}
			// Ever other counts and tasks, so that a helper which comes late
			// would compute a part of the wrong Run, or one too many.
			for n := range 70 {
				for range 8 {
					task := newCounter(n, team.Size())
					team.Run(n, task)
					task.check(t, 1)
				}
			}
		})
	}
}

func TestManyTinyRuns(t *testing.T) {
	team := New(2)
	defer team.Close()
	const runs = 70_000 // more than the word has epochs
	small, large := newCounter(2, 2), newCounter(5, 2)
	for range runs {
		team.Run(2, small)
		team.Run(5, large)
	}
	small.check(t, runs)
	large.check(t, runs)
}

func TestRunAfterHelpersSlept(t *testing.T) {
	team := New(2)
	defer team.Close()
	task := newCounter(9, 2)
	for range 5 {
		eventually(t, "an idle helper sleeps", team.helpers[0].asleep.Load)
		team.Run(9, task)
	}
	task.check(t, 5)
}

// TestCallerDoesNotWaitForHelpers has the only helper held in a part while
// later parts are there: the caller must take them all.
func TestCallerDoesNotWaitForHelpers(t *testing.T) {
	team := New(2)
	defer team.Close()
	var left atomic.Int64
	left.Store(20)
	task := newCounter(20, 2)
	task.each = func(worker, i int) {
		left.Add(-1)
		// The helper keeps its first part until the caller has done all else.
		for worker == 1 && left.Load() > 5 {
			runtime.Gosched()
		}
	}
	team.Run(20, task)
	task.check(t, 1)
}

// TestHelperOnTheCallersProcessor has workers whose processors are made up, and a helper that was woken there a moment ago for an hour to come.
func TestHelperOnTheCallersProcessor(t *testing.T) {
	for _, c := range []struct {
		name  string
		here  func() int
		woken bool
	}{
		{"the same one", func() int { return 3 }, false},
		{"another", threadID, true},
		{"unknown", nowhere, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "another" && threadID() == 0 {
				t.Skip("threads have no ids here")
			}
			team := newTeam(2, c.here)
			defer team.Close()
			sleeps := func() bool { return team.helpers[0].asleep.Load() }
			eventually(t, "the idle helper sleeps", sleeps)
			team.helpers[0].called = time.Now().Add(time.Hour)
			task := newCounter(9, 2)
			team.Run(9, task)
			if !c.woken {
				for range 99 {
					team.Run(9, task)
				}
				if !sleeps() || task.workers[1] != 0 {
					t.Errorf("the helper woke, and computed %d parts", task.workers[1])
				}
				task.check(t, 100)
				team.helpers[0].called = time.Time{}
			}
			var helped atomic.Bool
			task.each = func(worker, _ int) {
				if worker == 1 {
					helped.Store(true)
				} else {
					eventually(t, "the helper takes a part", helped.Load)
				}
			}
			team.Run(9, task)
		})
	}
}

// eventually fails unless so becomes true.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); time.Sleep(10 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Error("not so:", what)
			return
		}
	}
}

func TestConcurrentCallers(t *testing.T) {
	team := New(2)
	defer team.Close()
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 300 {
				task := newCounter(6, 2)
				team.Run(6, task)
				task.check(t, 1)
			}
		})
	}
	callers.Wait()
}

func TestNilTeam(t *testing.T) {
	var team *Team
	task := newCounter(3, team.Size())
	team.Run(3, task)
	task.check(t, 1)
	if threads := team.Threads(); threads != nil {
		t.Errorf("Threads() = %v, want none", threads)
	}
	team.Close()
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	team := New(5)
	team.Run(10, newCounter(10, 5))
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(team.Close)
	}
	closers.Wait()
	// A helper's goroutine is still counted for a moment after its last act.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines after Close, %d before New", runtime.NumGoroutine(), before)
		}
	}
	task := newCounter(4, 1)
	team.Run(4, task) // alone, as worker 0
	task.check(t, 1)
}

func TestPanicReachesTheCaller(t *testing.T) {
	team := New(3)
	defer team.Close()
	for victim := range 12 {
		task := newCounter(12, 3)
		task.each = func(_, i int) {
			if i == victim {
				panic(io.ErrUnexpectedEOF)
			}
		}
		func() {
			defer func() {
				failed, ok := recover().(*Panic)
				switch {
				case !ok:
					t.Errorf("part %d: Run did not panic with a *Panic", victim)
				case !errors.Is(failed, io.ErrUnexpectedEOF):
					t.Errorf("part %d: panic holds %v", victim, failed.Value)
				case !strings.Contains(string(failed.Stack), "TestPanicReachesTheCaller"):
					t.Errorf("part %d: the stack does not show the task:\n%s", victim, failed.Stack)
				}
			}()
			team.Run(12, task)
		}()
		for i, count := range task.parts {
			if count > 1 {
				t.Errorf("part %d computed %d times", i, count)
			}
		}
		next := newCounter(12, 3)
		team.Run(12, next)
		next.check(t, 1)
	}
}

// TestGoexit holds that a part which ends its goroutine, as t.FailNow does,
// leaves no caller waiting.
func TestGoexit(t *testing.T) {
	team := New(2)
	defer team.Close()
	var ended sync.WaitGroup
	ended.Go(func() {
		defer func() { _ = recover() }() // a *Panic, if a helper ended
		task := newCounter(8, 2)
		task.each = func(int, int) { runtime.Goexit() }
		team.Run(8, task)
	})
	ended.Wait()
	task := newCounter(8, 2)
	team.Run(8, task)
	task.check(t, 1)
}

func TestTooManyParts(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Run of more than MaxTasks parts did not panic")
		}
	}()
	var team *Team
	team.Run(MaxTasks+1, newCounter(0, 1))
}

func TestRunAllocatesNothing(t *testing.T) {
	team := New(2)
	defer team.Close()
	task := newCounter(8, 2)
	if allocs := testing.AllocsPerRun(200, func() { team.Run(8, task) }); allocs != 0 {
		t.Errorf("a Run allocates %v times", allocs)
	}
}

func TestThreads(t *testing.T) {
	team := New(3)
	defer team.Close()
	threads := team.Threads()
	if runtime.GOOS != "linux" {
		if threads != nil {
			t.Errorf("Threads() = %v, want none on %s", threads, runtime.GOOS)
		}
		return
	}
	if len(threads) != 2 || threads[0] == threads[1] || threads[0] <= 0 || threads[1] <= 0 {
		t.Errorf("Threads() = %v, want two ids", threads)
	}
}

// spinner computes for a fixed time per part.
type spinner struct{ each time.Duration }

func (s *spinner) Do(int, int) {
	for start := time.Now(); time.Since(start) < s.each; {
	}
}

// BenchmarkTwoTasks shows what handing work over costs: two parts of 10 µs
// each would take 10 µs on two free processors, and 20 µs on one.
func BenchmarkTwoTasks(b *testing.B) {
	for _, size := range []int{1, 2} {
		b.Run(fmt.Sprintf("team=%d", size), func(b *testing.B) {
			team := New(size)
			defer team.Close()
			task := &spinner{each: 10 * time.Microsecond}
			b.ReportAllocs()
			for b.Loop() {
				team.Run(2, task)
			}
		})
	}
}

func BenchmarkEmptyRun(b *testing.B) {
	team := New(2)
	defer team.Close()
	task := &spinner{}
	for b.Loop() {
		team.Run(2, task)
	}
}
