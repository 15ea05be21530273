// Package ops is the meaning of operators: for each its output types and shapes, its cost, and the choice of its kernel.
// It knows nothing about the order in which nodes run or about where buffers lie.
package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// Op is what one operator means. Each function gets a node of that operator whose inputs have their types.
type Op struct {
	// Infer sets the Kind, DType and Shape of the node's outputs from its attributes and its inputs' types, shapes and known contents, and
	// reports what is wrong with them. Where an output's dimension depends on content that is not known, it stays tensor.Unknown (or the
	// shape nil): the kernel then makes the output itself, with Call.Alloc.
	Infer func(n *graph.Node) error

	// Cost counts the node's work; its shapes are static. A nil Cost means one that only moves its elements.
	Cost func(n *graph.Node) Cost

	// Prepare decides how the node runs: everything that depends on types, shapes, attributes and known contents is settled here.
	// Weights are packed here, once. Input shapes are static; contents are known where Value.Const is set.
	Prepare func(n *graph.Node, t *Target) (Kernel, error)

	// View marks operators whose first output is their first input's elements under another shape: they cost nothing where the buffers are shared.
	View bool

	// Random marks operators whose outputs may not be computed before the run.
	Random bool
}

// Target is the machine and the program that nodes are prepared for.
type Target struct {
	Features cpu.Features
	Threads  int
	// Iterations is how often a Loop may run its body; 0 is MostIterations.
	Iterations int
	// Body compiles a subgraph of a control-flow node for the target that the node is prepared for.
	Body func(*graph.Graph, *Target) (Body, error)
	// Tune compares ways to do what key describes, which are all right, and returns the name of the fastest. try makes a way ready and returns its work. Nil
	// stands for the first.
	Tune func(key string, ways []string, try Try) (string, error)

	weights   *gemm.Arena // where packed weights lie; see Weights
	transient bool        // for nodes prepared during a run
}

// Weights is where a program's packed weights lie, or nil where they are for one run of a node and lie on Go's heap. It is made at first use; one
// goroutine prepares a program.
func (t *Target) Weights() *gemm.Arena {
	if t.weights == nil && !t.transient {
		t.weights = gemm.NewArena()
	}
	return t.weights
}

// Try makes one of several ways ready for a trial on the team, of its own memory and not the program's, and returns what to time.
type Try func(way string, team *parallel.Team) (work func(), err error)

// choose is the way to take: the first, which static rules prefer, where nothing is compared.
func (t *Target) choose(key string, ways []string, try Try) (string, error) {
	if t.Tune == nil || t.transient || len(ways) == 1 {
		return ways[0], nil
	}
	return t.Tune(key, ways, try)
}

// duringRun is the target for nodes that are prepared in a run, by any number of sessions at once, as often as their shapes change.
func (t *Target) duringRun() *Target {
	local := *t
	local.weights, local.transient = nil, true
	return &local
}

// Kernel is a prepared node: immutable, shared by all sessions of a program.
type Kernel struct {
	Class   string // what does the work, as reports print it: "gemm avx512_8x32 bf16", "copy"
	Mixed   bool   // its multiplications were of 16-bit numbers
	Scratch int    // bytes of scratch memory that a call wants, aligned to 64
	Over    []int  // inputs in whose memory the first output may lie, in the same layout: of each, the work reads no element after it writes there
	Packed  []int  // constant inputs whose content the kernel holds in a form of its own: the work reads neither their slots nor their memory
	// Bind fixes a session's memory and returns the work itself, which is run many times and allocates nothing (but for Call.Alloc).
	Bind func(c *Call) func() error
}

// Call is one node's view of a session's memory. The Slots stay the same for the session's life; what lies in a Slot of a graph's input, or of a value
// whose shape is not static, may differ from run to run, so the work reads Slots anew each time it runs.
type Call struct {
	In, Out []*Slot // nil where absent
	Scratch []byte
	Team    *parallel.Team // nil: one thread
}

// Slot holds a value during a run: a tensor, or a sequence's Items; Absent is an optional without a value.
type Slot struct {
	tensor.Tensor
	Items  []tensor.Tensor
	Absent bool
}

// Alloc gives a slot new memory for a shape that was not known before the run.
func (s *Slot) Alloc(d tensor.DType, shape tensor.Shape) { s.Tensor = tensor.New(d, shape) }

// Body is a compiled subgraph; NewRun makes the memory for one caller of it.
type Body interface {
	NewRun(*parallel.Team) BodyRun
}

// BodyRun runs a subgraph. The outputs belong to the body and hold until its next run.
type BodyRun interface {
	Run(in []*Slot) (out []*Slot, err error)
}

// Kind is the class of work that an operator is, for predicting it on machines that are not here.
type Kind uint8

const (
	Copy        Kind = iota // moves elements: concat, slice, transpose, gather
	View                    // moves nothing
	Elementwise             // one result from one position of each input
	Reduction               // sums, means, maxima over axes
	Pool                    // windows
	Normalize               // softmax and the normalisations
	GEMM                    // a matrix times constant weights
	BatchMatMul             // matrices made during the run
	Conv                    // dense convolution
	GroupedConv
	DepthwiseConv
	Recurrent // steps that wait for each other
	Control   // If, Loop, Scan
	Host      // what an accelerator's runtime leaves to the CPU: strings, trees, non-maximum suppression
)

// Cost is the work of one node at the shapes it was compiled for, in elements so that any storage type can be laid on it. One fused
// multiply-add is two FLOPs.
type Cost struct {
	Kind    Kind    `json:"kind"`
	FLOPs   float64 `json:"flops"`
	Weights float64 `json:"weights"` // elements of constant operands
	Reads   float64 `json:"reads"`   // elements of activations read
	Writes  float64 `json:"writes"`  // elements of activations written

	// The matrix product that a GEMM, BatchMatMul or convolution amounts to, per group: M output positions (batch included) by N output
	// channels over K products; Groups is how many there are, and Steps how often a recurrent one repeats in sequence.
	M      int    `json:"m,omitempty"`
	N      int    `json:"n,omitempty"`
	K      int    `json:"k,omitempty"`
	Groups int    `json:"groups,omitempty"`
	Steps  int    `json:"steps,omitempty"`
	Window [2]int `json:"window,omitzero"`  // a convolution's kernel, height and width; 1×N for one dimension
	Stride int    `json:"stride,omitempty"` // the larger of a convolution's strides
}

// Times is the cost of a batch that is n times as large: the weights stay.
func (c Cost) Times(n int) Cost {
	b := float64(n)
	c.FLOPs, c.Reads, c.Writes = c.FLOPs*b, c.Reads*b, c.Writes*b
	if c.Kind == BatchMatMul {
		c.Groups *= n
	} else {
		c.M *= n
	}
	return c
}

// Key names an operator in the registry: its name, with its domain before a slash where that is not ai.onnx.
func Key(domain, op string) string {
	if domain == "" {
		return op
	}
	return domain + "/" + op
}

// Lookup finds an operator.
func Lookup(domain, op string) (Op, bool) {
	key := Key(domain, op)
	if o, ok := registry[key]; ok {
		return o, true
	}
	if k, ok := composites[key]; ok {
		return k.op(), true
	}
	return bodied(key)
}

// Of is the operator of a node that lowering has let through; it panics for any other. The operator of a node whose values lie in a Channels layout
// prepares it for that.
func Of(n *graph.Node) Op {
	o, ok := Lookup(n.Domain, n.Op)
	if !ok {
		panic("ops: no operator " + Key(n.Domain, n.Op))
	}
	o.Infer = within(o.Infer)
	if inChannels(n) {
		o.Prepare = prepareChannels
	}
	return o
}

// CostOf counts a node's work.
func CostOf(n *graph.Node) Cost {
	if o := Of(n); o.Cost != nil {
		return o.Cost(n)
	}
	c := moved(n)
	if Of(n).View {
		c = Cost{Kind: View}
	}
	return c
}

// moved counts the elements that cross a node, as a Copy.
func moved(n *graph.Node) Cost {
	var c Cost
	for _, v := range n.Inputs {
		switch {
		case v == nil || !v.Static():
		case v.Const != nil:
			c.Weights += float64(v.Shape.Elements())
		default:
			c.Reads += float64(v.Shape.Elements())
		}
	}
	for _, v := range n.Outputs {
		if v != nil && v.Static() {
			c.Writes += float64(v.Shape.Elements())
		}
	}
	return c
}

// wrongInputs is the error for a node with too few or too many inputs.
func wrongInputs(n *graph.Node, want string) error {
	return fmt.Errorf("%d inputs; %s takes %s", len(n.Inputs), n.Op, want)
}
