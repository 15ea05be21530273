package ops

import (
	"fmt"
	"math"
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// The inputs that LSTM, GRU and RNN share, by their place. X is steps×batch×input, or batch×steps×input with layout 1; W is directions×(gates·hidden)×input.
const (
	inputX = iota
	inputW
	inputR
	inputB // directions×(2·gates·hidden): the biases of W, then those of R
	inputLengths
	inputState // directions×batch×hidden, or batch×directions×hidden with layout 1
	inputCell  // LSTM's
	inputPeepholes
)

// recurrence is what a recurrent node is, read from its attributes and its shapes.
type recurrence struct {
	gates, steps, batch, input, hidden int
	backward                           []bool // for each direction
	activations                        []activation
	batchFirst                         bool
	clip                               float64 // 0: none
}

// recurrenceOf reads a node of the given number of gates and of activations a direction; its X, W and R have known ranks.
func recurrenceOf(n *graph.Node, gates int, defaults ...string) (*recurrence, error) {
	x, w, rec := n.In(inputX).Shape, n.In(inputW).Shape, n.In(inputR).Shape
	if len(x) != 3 || len(w) != 3 || len(rec) != 3 {
		return nil, fmt.Errorf("inputs X %s, W %s and R %s must have three dimensions each", x, w, rec)
	}
	r := &recurrence{gates: gates, steps: x[0], batch: x[1], input: x[2], hidden: n.Int("hidden_size", rec[2]), clip: float64(n.Float("clip", 0))}
	if r.batchFirst = n.Int("layout", 0) == 1; r.batchFirst {
		r.steps, r.batch = r.batch, r.steps
	}
	switch d := n.Str("direction", "forward"); d {
	case "forward":
		r.backward = []bool{false}
	case "reverse":
		r.backward = []bool{true}
	case "bidirectional":
		r.backward = []bool{false, true}
	default:
		return nil, fmt.Errorf("unknown direction %q", d)
	}
	for i, d := range []int{len(r.backward), gates * r.hidden, r.input} {
		if w[i] != d && w[i] != tensor.Unknown && d != tensor.Unknown {
			return nil, fmt.Errorf("weights W %s for %d directions, hidden size %d and input %s", w, len(r.backward), r.hidden, x)
		}
	}
	for i, d := range []int{len(r.backward), gates * r.hidden, r.hidden} {
		if rec[i] != d && rec[i] != tensor.Unknown {
			return nil, fmt.Errorf("weights R %s for %d directions and hidden size %d", rec, len(r.backward), r.hidden)
		}
	}
	var err error
	r.activations, err = activationsOf(n, len(r.backward), defaults)
	return r, err
}

// activation is a function of the recurrent operators, with its constants.
type activation struct {
	name string // in lower case
	f    func(x float64) float64
}

// activationsOf lists the functions of all directions, one direction after the other.
func activationsOf(n *graph.Node, directions int, defaults []string) ([]activation, error) {
	var names []string
	if a, ok := n.Attributes["activations"]; ok && a.Kind == models.StringsAttribute && len(a.Strs) > 0 {
		names = a.Strs
	} else {
		for range directions {
			names = append(names, defaults...)
		}
	}
	if len(names) != directions*len(defaults) {
		return nil, fmt.Errorf("activations %q: want %d for each of %d directions", names, len(defaults), directions)
	}
	alphas, betas := n.Attributes["activation_alpha"].Floats, n.Attributes["activation_beta"].Floats
	take := func(list *[]float32, fallback float64) float64 {
		if len(*list) == 0 {
			return fallback
		}
		v := float64((*list)[0])
		*list = (*list)[1:]
		return v
	}
	var all []activation
	for _, name := range names {
		a := activation{name: strings.ToLower(name)}
		switch a.name {
		case "affine":
			alpha, beta := take(&alphas, 1), take(&betas, 0)
			a.f = func(x float64) float64 { return alpha*x + beta }
		case "relu":
			a.f = func(x float64) float64 { return max(x, 0) }
		case "leakyrelu":
			alpha := take(&alphas, 0.01)
			a.f = func(x float64) float64 { return max(x, 0) + alpha*min(x, 0) }
		case "thresholdedrelu":
			alpha := take(&alphas, 1)
			a.f = func(x float64) float64 { return thresholded(x, alpha) }
		case "tanh":
			a.f = math.Tanh
		case "scaledtanh":
			alpha, beta := take(&alphas, 1), take(&betas, 1)
			a.f = func(x float64) float64 { return alpha * math.Tanh(beta*x) }
		case "sigmoid":
			a.f = func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
		case "hardsigmoid":
			alpha, beta := take(&alphas, 0.2), take(&betas, 0.5)
			a.f = func(x float64) float64 { return min(max(alpha*x+beta, 0), 1) }
		case "elu":
			alpha := take(&alphas, 1)
			a.f = func(x float64) float64 { return max(x, 0) + alpha*math.Expm1(min(x, 0)) }
		case "softsign":
			a.f = func(x float64) float64 { return x / (1 + math.Abs(x)) }
		case "softplus":
			a.f = func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
		default:
			return nil, fmt.Errorf("unknown activation %q", name)
		}
		all = append(all, a)
	}
	return all, nil
}

func thresholded(x, alpha float64) float64 {
	if x > alpha {
		return x
	}
	return 0
}

// inferRecurrent sets Y, Y_h and, where there is a cell state, Y_c.
func inferRecurrent(n *graph.Node, gates, inputs int, defaults ...string) error {
	if err := arity(n, 3, inputs); err != nil {
		return err
	}
	if err := sameTypes(n, floats, inputX, inputW, inputR, inputB, inputState, inputCell, inputPeepholes); err != nil {
		return err
	}
	if err := takes(n, inputLengths, 1<<tensor.Int32); err != nil {
		return err
	}
	d := n.In(inputX).DType
	for i := range 3 {
		yields(n, i, d, nil)
	}
	for _, v := range n.Inputs[:3] {
		if v.Shape == nil {
			return nil
		}
	}
	r, err := recurrenceOf(n, gates, defaults...)
	if err != nil {
		return err
	}
	for i, want := range map[int]tensor.Shape{
		inputB:         {len(r.backward), 2 * gates * r.hidden},
		inputLengths:   {r.batch},
		inputState:     r.stateShape(),
		inputCell:      r.stateShape(),
		inputPeepholes: {len(r.backward), 3 * r.hidden},
	} {
		if v := n.In(i); v != nil && v.Static() && want.Static() && !v.Shape.Equal(want) {
			return fmt.Errorf("input %d is %s; it must be %s", i, v.Shape, want)
		}
	}
	y := tensor.Shape{r.steps, len(r.backward), r.batch, r.hidden}
	if r.batchFirst {
		y = tensor.Shape{r.batch, r.steps, len(r.backward), r.hidden}
	}
	yields(n, 0, d, y)
	yields(n, 1, d, r.stateShape())
	yields(n, 2, d, r.stateShape())
	return nil
}

func (r *recurrence) stateShape() tensor.Shape {
	if r.batchFirst {
		return tensor.Shape{r.batch, len(r.backward), r.hidden}
	}
	return tensor.Shape{len(r.backward), r.batch, r.hidden}
}

// costRecurrent counts the products of each step; they wait for each other.
func costRecurrent(n *graph.Node, gates int, defaults ...string) Cost {
	r, err := recurrenceOf(n, gates, defaults...)
	if err != nil {
		panic("ops: cost of a recurrent node that was not inferred: " + err.Error())
	}
	c := moved(n)
	c.Kind, c.M, c.N, c.K, c.Groups, c.Steps = Recurrent, r.batch, gates*r.hidden, r.input+r.hidden, len(r.backward), r.steps
	c.FLOPs = 2 * float64(c.M) * float64(c.N) * float64(c.K) * float64(c.Groups) * float64(c.Steps)
	return c
}

// state is one sequence's place in a recurrence, and the memory to go on from there.
type state[T real] struct {
	h, c []T // hidden each
	x, r []T // gates·hidden each: what the input and what the last state give to the gates
	tmp  []T // hidden
}

func newState[T real](r *recurrence) *state[T] {
	wide := r.gates * r.hidden
	return &state[T]{h: make([]T, r.hidden), c: make([]T, r.hidden), x: make([]T, wide), r: make([]T, wide), tmp: make([]T, r.hidden)}
}

// stepper computes a direction's next h (and c) from what the input gives, s.x with both biases but where it says otherwise, and from the last h.
type stepper[T real] func(c *Call, direction int, s *state[T])

// plainRecurrent runs the sequences of a batch and the directions in parallel, and each step by step.
func plainRecurrent[T real](r *recurrence, splitBias bool, step stepper[T]) Kernel {
	bind := func(c *Call) func() error {
		states := make([]*state[T], c.Team.Size())
		for i := range states {
			states[i] = newState[T](r)
		}
		sequence := func(worker, i int) { runSequence(r, c, states[worker], i/r.batch, i%r.batch, splitBias, step) }
		return func() error {
			inParts(c.Team, len(r.backward)*r.batch, sequence)
			return nil
		}
	}
	return Kernel{Class: "plain recurrent", Bind: bind}
}

// runSequence runs one sequence of the batch in one direction. With splitBias the biases of R are left to the step.
func runSequence[T real](r *recurrence, c *Call, s *state[T], direction, b int, splitBias bool, step stepper[T]) {
	place := r.statePlace(direction, b)
	loadState(c, inputState, place, s.h)
	loadState(c, inputCell, place, s.c)
	wide := r.gates * r.hidden
	length := r.length(c, b)
	x, w := tensor.Data[T](c.In[inputX].Tensor), tensor.Data[T](c.In[inputW].Tensor)[direction*wide*r.input:]
	for i := range r.steps {
		if i >= length {
			fill(outputRow[T](r, c, i, direction, b), 0)
			continue
		}
		at := i
		if r.backward[direction] {
			at = length - 1 - i
		}
		row := x[r.position(at, b)*r.input:][:r.input]
		for j := range s.x {
			s.x[j] = dot(row, 1, w[j*r.input:][:r.input])
		}
		if bias := optional[T](c, inputB); bias != nil {
			bias = bias[direction*2*wide:]
			for j := range s.x {
				s.x[j] += bias[j]
				if !splitBias {
					s.x[j] += bias[wide+j]
				}
			}
		}
		step(c, direction, s)
		copy(outputRow[T](r, c, at, direction, b), s.h)
	}
	storeState(c, 1, place, s.h)
	storeState(c, 2, place, s.c)
}

// length is how many steps a sequence of the batch has.
func (r *recurrence) length(c *Call, b int) int {
	if inputLengths < len(c.In) && c.In[inputLengths] != nil {
		return min(max(int(tensor.Data[int32](c.In[inputLengths].Tensor)[b]), 0), r.steps)
	}
	return r.steps
}

// position is the row of X of a step of a sequence.
func (r *recurrence) position(step, b int) int {
	if r.batchFirst {
		return b*r.steps + step
	}
	return step*r.batch + b
}

// statePlace is the row of a direction and a sequence in the initial and last states.
func (r *recurrence) statePlace(direction, b int) int {
	if r.batchFirst {
		return b*len(r.backward) + direction
	}
	return direction*r.batch + b
}

// outputRow is where Y holds the state after a step; nil where nobody wants Y.
func outputRow[T real](r *recurrence, c *Call, step, direction, b int) []T {
	if c.Out[0] == nil {
		return nil
	}
	at := (step*len(r.backward)+direction)*r.batch + b
	if r.batchFirst {
		at = (b*r.steps+step)*len(r.backward) + direction
	}
	return tensor.Data[T](c.Out[0].Tensor)[at*r.hidden:][:r.hidden]
}

// optional is the content of an input, or nil where it is absent.
func optional[T real](c *Call, input int) []T {
	if input >= len(c.In) || c.In[input] == nil {
		return nil
	}
	return tensor.Data[T](c.In[input].Tensor)
}

// loadState copies a row of an initial state, or zeros where there is none.
func loadState[T real](c *Call, input, row int, dst []T) {
	if all := optional[T](c, input); all != nil {
		copy(dst, all[row*len(dst):])
		return
	}
	fill(dst, 0)
}

// storeState copies a last state to its row, where anybody wants it.
func storeState[T real](c *Call, output, row int, src []T) {
	if output < len(c.Out) && c.Out[output] != nil {
		copy(tensor.Data[T](c.Out[output].Tensor)[row*len(src):], src)
	}
}

// recur computes dst[j] = Σ h·R[from+j], of the direction's R, for len(dst) rows from the given one on.
func recur[T real](r *recurrence, c *Call, direction, from int, dst, h []T) {
	weights := tensor.Data[T](c.In[inputR].Tensor)[(direction*r.gates*r.hidden+from)*r.hidden:]
	for j := range dst {
		dst[j] = dot(h, 1, weights[j*r.hidden:][:r.hidden])
	}
}

// apply is an activation of a sum, which is clipped first where the node asks for it.
func apply[T real](r *recurrence, a activation, x T) T {
	v := float64(x)
	if r.clip > 0 {
		v = min(max(v, -r.clip), r.clip)
	}
	return T(a.f(v))
}
