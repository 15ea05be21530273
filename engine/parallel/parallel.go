// Package parallel runs short tasks on a fixed team of threads, quickly enough
// for regions of a few microseconds. It does not know what the tasks compute,
// nor how many cores the machine has.
package parallel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Task is work that is cut into independent parts. Do computes part i as
// worker; no two parts of one Run are computed by the same worker at once, so
// that worker may index scratch memory. Pass a pointer that lives as long as
// its session: a Task is kept in a field, so a new one per Run is an allocation.
type Task interface {
	Do(worker, i int)
}

// MaxTasks is the largest number of parts of one Run.
const MaxTasks = 1<<countBits - 1

// Team is a caller and its helpers, which are threads that wait for work: for
// a while in a loop, then asleep. The caller works too, and never waits for a
// helper that has not taken a part; a helper that the system has put aside
// costs speed only. Each worker begins with its own share of the parts, the
// same from one Run of as many to the next, and so finds in its core's cache
// what it left there; then it takes what is left of the others'. A nil *Team is
// the caller alone. A Team may be used by several goroutines: one that finds it
// busy does its parts alone.
//
// Beside other busy processes the system may put a helper on the caller's own
// processor, where the two only take turns. There neither waits awake for the
// other, and a helper that sleeps is seldom woken: the caller alone is quicker.
type Team struct {
	size int
	spin time.Duration // how long to wait awake; 0 where threads outnumber processors

	shares []share // by worker
	_      pad
	done   atomic.Int64 // parts of this Run that are finished or given up
	_      pad

	// task and total belong to whoever set busy. A helper reads them after it
	// claimed parts and before it adds them to done, and only then can they
	// change.
	task   Task
	total  int
	busy   atomic.Bool
	failed atomic.Pointer[Panic]

	caller  sleeper
	helpers []sleeper

	here func() int // the processor of the calling thread, or unknown
	seen []place    // by worker: where it last began to work or to wait

	stop    atomic.Bool
	closing sync.Once
	running sync.WaitGroup
	threads []int
}

// share is the parts that one worker is to begin with.
type share struct {
	word atomic.Uint64 // what is left of them, see claim
	_    pad
}

type place struct {
	processor atomic.Int64
	_         pad
}

// pad keeps what is written by different threads on different cache lines,
// two of which some processors fetch together.
type pad [128]byte

const (
	spinTime = 300 * time.Microsecond
	// callTime is how long a helper sleeps on, at most, that sleeps on the caller's processor. Another may have become free.
	callTime = 2 * time.Millisecond

	unknown = -1 // the processor, where the system does not tell it
)

func nowhere() int { return unknown }

// New returns a team of n workers: the caller of Run and n-1 threads, which
// last until Close. n below 1 counts as 1.
func New(n int) *Team { return newTeam(n, locator()) }

func newTeam(n int, here func() int) *Team {
	n = max(n, 1)
	t := &Team{size: n, shares: make([]share, n), helpers: make([]sleeper, n-1), here: here, seen: make([]place, n), threads: make([]int, n-1)}
	if n <= runtime.GOMAXPROCS(0) {
		t.spin = spinTime
	}
	t.caller.wake = make(chan struct{}, 1)
	t.running.Add(n - 1)
	var started sync.WaitGroup
	started.Add(n - 1)
	for i := range t.helpers {
		t.helpers[i].wake = make(chan struct{}, 1)
		go t.help(i, &started)
	}
	started.Wait()
	return t
}

// Size is the number of workers, at least 1.
func (t *Team) Size() int {
	if t == nil {
		return 1
	}
	return t.size
}

// Threads returns the operating system's ids of the helpers' threads; none
// where the system is not Linux.
func (t *Team) Threads() []int {
	if t == nil || t.size == 1 || t.threads[0] == 0 {
		return nil
	}
	return append([]int(nil), t.threads...)
}

// Close ends the threads and returns when they are gone. It waits for a Run in
// another goroutine; a task must not call it. Runs after it are done by the
// caller alone. Closing twice, or a nil Team, does nothing.
func (t *Team) Close() {
	if t == nil {
		return
	}
	t.closing.Do(func() {
		// busy stays set, so that every later Run goes alone.
		for !t.busy.CompareAndSwap(false, true) {
			time.Sleep(spinTime)
		}
		t.stop.Store(true)
		t.publish(0)
		for i := range t.helpers {
			t.helpers[i].rouse()
		}
		t.running.Wait()
	})
}

// Panic is what Run and Each panic with when a part panicked that ran on a team or
// a goroutine of theirs.
type Panic struct {
	Value any    // what the part panicked with
	Stack []byte // where
}

func (p *Panic) Error() string {
	return fmt.Sprintf("panic in a parallel task: %v\n%s", p.Value, p.Stack)
}

// Unwrap returns the value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Run computes the parts 0 to n-1 of task and returns when all are done. Parts
// may be computed in any order and at once; each worker's are below Size. It
// allocates nothing. A task must not call Run of its own team.
//
// If a part panics, parts that nobody has taken are left out, and Run panics
// in the caller once the others have ended: with a *Panic if the team ran, with
// the value itself if the caller was alone. More than MaxTasks parts panic.
func (t *Team) Run(n int, task Task) {
	if n > MaxTasks {
		panic(fmt.Sprintf("parallel: Run of %d parts, more than %d", n, MaxTasks))
	}
	if t == nil || t.size == 1 || n <= 1 || !t.busy.CompareAndSwap(false, true) {
		for i := range n {
			task.Do(0, i)
		}
		return
	}
	if failed := t.runTogether(n, task); failed != nil {
		panic(failed)
	}
}

// runTogether runs as the owner of busy and gives it up. It leaves only when
// no helper holds a part, even if the caller's own part calls runtime.Goexit.
func (t *Team) runTogether(n int, task Task) (failed *Panic) {
	t.task, t.total = task, n
	t.done.Store(0)
	t.see(0)
	t.publish(n)
	t.call()
	defer func() { failed = t.join(int64(n)) }()
	t.work(0)
	return nil
}

// publish opens a Run of n parts, which helpers see that are awake.
func (t *Team) publish(n int) {
	for w := range t.shares {
		word := &t.shares[w].word
		word.Store(uint64(claim(word.Load()).next(w*n/t.size, (w+1)*n/t.size)))
	}
}

// call wakes helpers that sleep, but those on the caller's processor only now and then.
func (t *Team) call() {
	for i := range t.helpers {
		h := &t.helpers[i]
		if !h.asleep.Load() {
			continue
		}
		if t.together(i) {
			now := time.Now()
			if now.Sub(h.called) < callTime {
				continue
			}
			h.called = now
		}
		h.rouse()
	}
}

// see notes where worker is, which is the calling thread.
func (t *Team) see(worker int) {
	at := &t.seen[worker].processor
	if now := int64(t.here()); now != at.Load() { // a store is dear
		at.Store(now)
	}
}

// together reports whether the caller and helper i were last seen on one processor.
func (t *Team) together(i int) bool {
	at := t.seen[0].processor.Load()
	return at != unknown && at == t.seen[i+1].processor.Load()
}

// callerPatience is how long the caller is to wait awake: no time where it keeps a helper that is at work from its processor.
func (t *Team) callerPatience() time.Duration {
	t.see(0)
	for i := range t.helpers {
		if !t.helpers[i].asleep.Load() && t.together(i) {
			return 0
		}
	}
	return t.spin
}

// helperPatience is how long helper i is to wait awake: no time where it keeps the caller from its processor.
func (t *Team) helperPatience(i int) time.Duration {
	t.see(i + 1)
	if t.together(i) {
		return 0
	}
	return t.spin
}

// join waits until all n parts are done, leaves the team to the next Run, and
// returns how this one failed, if it did.
func (t *Team) join(n int64) *Panic {
	finished := func() bool { return t.done.Load() >= n }
	for !finished() {
		t.caller.await(t.callerPatience(), finished)
	}
	t.task = nil
	failed := t.failed.Swap(nil)
	t.busy.Store(false)
	return failed
}

// help is a helper's life.
func (t *Team) help(id int, started *sync.WaitGroup) {
	runtime.LockOSThread()
	defer t.running.Done()
	// A fault under a memory map becomes a panic, which reaches Run's caller.
	debug.SetPanicOnFault(true)
	t.threads[id] = threadID()
	own := &t.shares[id+1].word
	last := claim(own.Load()).epoch()
	called := func() bool { return claim(own.Load()).epoch() != last }
	started.Done()
	for {
		for !called() {
			t.helpers[id].await(t.helperPatience(id), called)
		}
		last = claim(own.Load()).epoch()
		if t.stop.Load() {
			return
		}
		t.see(id + 1)
		t.work(id + 1)
	}
}

// work claims and computes parts until none is left. It does not panic.
func (t *Team) work(worker int) {
	var held int
	ended := false
	defer func() {
		if !ended {
			t.fail(recover(), held)
		}
	}()
	for i := range t.shares {
		word := &t.shares[(worker+i)%t.size].word
		for {
			now := word.Load()
			c := claim(now)
			first, left := c.first(), c.end()-c.first()
			if left <= 0 {
				break
			}
			count := max(1, left/2)
			if !word.CompareAndSwap(now, now+uint64(count)) {
				continue
			}
			held = count
			for part := first; part < first+count; part++ {
				t.task.Do(worker, part)
			}
			held = 0
			t.settle(count)
		}
	}
	ended = true
}

// settle adds count parts to those done, and wakes the caller after the last.
func (t *Team) settle(count int) {
	total := int64(t.total) // after the last parts, it may be the next Run's
	if t.done.Add(int64(count)) == total {
		t.caller.rouse()
	}
}

// fail records the first panic of a Run, claims all parts that are left
// without computing them, and settles them with the held ones. held is not 0:
// nothing else in work can panic.
func (t *Team) fail(value any, held int) {
	t.failed.CompareAndSwap(nil, panicOf(value))
	for i := range t.shares {
		word := &t.shares[i].word
		for {
			now := word.Load()
			left := claim(now).end() - claim(now).first()
			if word.CompareAndSwap(now, now+uint64(left)) {
				held += left
				break
			}
		}
	}
	t.settle(held)
}

// panicOf is what was recovered from a part that did not return; nil stands for a part that called runtime.Goexit.
func panicOf(value any) *Panic {
	if value == nil {
		value = "the task called runtime.Goexit"
	}
	return &Panic{Value: value, Stack: debug.Stack()}
}

// claim is what the team agrees on of one share in one atomic word: which Run
// it is (epoch), the first part that nobody has taken (first), and the one after
// the last (end). All that a claim rests on is in the word, so that a helper
// which comes late with an old word, even one that has come round to the same
// value, either fails to swap it or takes parts that are there to take.
type claim uint64

const countBits = 24

func (c claim) first() int    { return int(c & MaxTasks) }
func (c claim) end() int      { return int(c >> countBits & MaxTasks) }
func (c claim) epoch() uint64 { return uint64(c >> (2 * countBits)) }

// next is the word of the following Run.
func (c claim) next(first, end int) claim {
	return claim((c.epoch()+1)<<(2*countBits) | uint64(end)<<countBits | uint64(first))
}

// sleeper is a thread's place to wait. Whoever turns asleep back to false owes
// or is spared the wake: a rouse that does so sends, a waiter that fails to do
// so receives.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	called time.Time // of a helper: when it was last woken on the caller's processor
	_      pad
}

// await returns when ready has become true, or sooner: the caller asks again.
func (s *sleeper) await(spin time.Duration, ready func() bool) {
	if spin > 0 {
		for start := time.Now(); time.Since(start) < spin; {
			for range 64 {
				if ready() {
					return
				}
				pause()
			}
		}
	}
	s.asleep.Store(true)
	if ready() && s.asleep.CompareAndSwap(true, false) {
		return
	}
	<-s.wake
}

func (s *sleeper) rouse() {
	if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}
