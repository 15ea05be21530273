package planner

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/eiplan/eiplan/planner/commit"
	"github.com/eiplan/eiplan/pricing"
)

// Answer is what Solve returns for one of several requests.
type Answer struct {
	Plan *Plan
	Err  error
}

// SolveAll solves requests as Solve would, for one buyer who makes them all. Their own Owned is not read: what the best choice of one uses up of the
// commitments owned is gone for those after it. It returns too what nothing uses up. owned may be nil.
func SolveAll(requests []Request, owned *pricing.Commitments) ([]Answer, *pricing.Commitments) {
	if owned == nil {
		owned = &pricing.Commitments{}
	}
	s := &sequence{requests: requests, answers: make([]Answer, len(requests)), owned: owned, turns: make([]chan struct{}, len(requests)+1)}
	s.ordered = len(owned.Reserved)+len(owned.SavingsPlans) > 0
	for i := range s.turns {
		s.turns[i] = make(chan struct{})
	}
	close(s.turns[0])
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(requests)) {
		workers.Go(s.work)
	}
	workers.Wait()
	if fault := s.fault.Load(); fault != nil {
		panic(*fault)
	}
	return s.answers, s.owned
}

// sequence is requests that several workers take one after the other. Where something is owned they predict side by side, and buy in the order of requests.
type sequence struct {
	requests []Request
	answers  []Answer
	ordered  bool
	owned    *pricing.Commitments // what is left at the turn at hand
	turns    []chan struct{}      // closed when a request may buy, if ordered
	next     atomic.Int64
	fault    atomic.Pointer[string] // of a worker that panicked
}

func (s *sequence) work() {
	shared := newCommon()
	for {
		i := int(s.next.Add(1)) - 1
		if i >= len(s.requests) {
			return
		}
		s.solve(i, shared)
	}
}

// solve answers a request. A turn that it waits for is that of a request which some worker has begun.
func (s *sequence) solve(i int, shared *common) {
	defer func() {
		if fault := recover(); fault != nil {
			text := fmt.Sprintf("%v\n%s", fault, debug.Stack())
			s.fault.CompareAndSwap(nil, &text)
		}
		s.await(i)
		close(s.turns[i+1])
	}()
	a := &s.answers[i]
	r := s.requests[i]
	r.Owned = nil
	p, err := prepare(r, shared)
	if err != nil {
		a.Err = err
		return
	}
	machines := p.machines()
	s.await(i)
	p.Owned = s.owned
	var used *commit.Cover
	if a.Plan, used = p.solve(machines); used != nil {
		s.owned = commit.Left(s.owned, used)
	}
}

func (s *sequence) await(i int) {
	if s.ordered {
		<-s.turns[i]
	}
}
