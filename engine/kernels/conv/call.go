package conv

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Call is a Plan bound to one session. It is not safe for concurrent use.
type Call struct {
	plan    *Plan
	workers int
	runner  runner
}

// runner is an algorithm's work on given memory. It allocates nothing.
type runner interface {
	run(team *parallel.Team, m memory)
}

// memory is where a run's images start: element 0 of each buffer.
type memory struct {
	in, out, residual unsafe.Pointer // residual may be nil
	inBytes, outBytes int            // of one element; a residual's is the output's
	function          Function       // as in Plan
	keepsZero         bool
}

// Bind prepares runs of a session whose team has at most workers threads, on
// Scratch bytes of memory that begin at a cache line and hold nothing between
// runs: all of a session's calls may share them. With nil the call has its own.
func (p *Plan) Bind(workers int, scratch []byte) *Call {
	if workers < 1 {
		panic("conv: Bind for no thread")
	}
	if scratch == nil {
		block := (*gemm.Arena)(nil).Allocate(p.scratch)
		scratch = unsafe.Slice((*byte)(block.Pointer()), p.scratch)
	}
	if len(scratch) < p.scratch {
		panic(fmt.Sprintf("conv: %d bytes of scratch memory, %d needed", len(scratch), p.scratch))
	}
	return &Call{p, workers, p.bind(workers, scratch)}
}

// Run convolves. Buffers hold the images as the plan's Geometry lays them out;
// one that is too small, or of a type that the plan's format does not take,
// panics. A residual is given if and only if the Geometry has one.
func (c *Call) Run(team *parallel.Team, in, out, residual Buffer) {
	if team.Size() > c.workers {
		panic("conv: team is larger than the call was bound for")
	}
	g := &c.plan.geometry
	mixed := c.plan.format == gemm.BF16
	m := memory{function: c.plan.function, keepsZero: c.plan.keepsZero}
	m.in, m.inBytes = address("input", in, mixed, g.In.Size(g.N))
	m.out, m.outBytes = address("output", out, mixed && out.BF16 != nil, g.Out.Size(g.N))
	given := residual.F32 != nil || residual.BF16 != nil
	if given != g.hasResidual() {
		panic("conv: residual given where the geometry has none, or the reverse")
	}
	if given {
		m.residual, _ = address("residual", residual, m.outBytes == 2, g.Residual.Size(g.N))
	}
	c.runner.run(team, m)
}

// address is where a buffer starts and the size of its elements.
func address(what string, b Buffer, bf16 bool, need int) (unsafe.Pointer, int) {
	p, have, size := unsafe.Pointer(unsafe.SliceData(b.F32)), len(b.F32), 4
	if bf16 {
		p, have, size = unsafe.Pointer(unsafe.SliceData(b.BF16)), len(b.BF16), 2
	}
	if have < need {
		panic(fmt.Sprintf("conv: %s of %d elements of %d bytes, %d needed", what, have, size, need))
	}
	return p, size
}
