package engine_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

type shape = tensor.Shape

// run is one run of a session: what goes in and what must come out, or a part of the error.
type run struct {
	in, out []tensor.Tensor
	err     string
}

// sessionCases run one after another on one session each, every way that a model can be compiled.
var sessionCases = []struct {
	reason string
	model  *models.Model
	runs   []run
}{
	{
		"an output is an input, twice, and a view of it",
		model("x float32 2,3", "x y x z", constants{"flat": ints(shape{1}, -1)},
			node("Neg x > y"), node("Reshape x flat > z")),
		[]run{{
			in:  list(floats(shape{2, 3}, 1, 2, 3, 4, 5, 6)),
			out: list(floats(shape{2, 3}, 1, 2, 3, 4, 5, 6), floats(shape{2, 3}, -1, -2, -3, -4, -5, -6), floats(shape{2, 3}, 1, 2, 3, 4, 5, 6), floats(shape{6}, 1, 2, 3, 4, 5, 6)),
		}, {
			in:  list(floats(shape{2, 3}, 6, 5, 4, 3, 2, 1)),
			out: list(floats(shape{2, 3}, 6, 5, 4, 3, 2, 1), floats(shape{2, 3}, -6, -5, -4, -3, -2, -1), floats(shape{2, 3}, 6, 5, 4, 3, 2, 1), floats(shape{6}, 6, 5, 4, 3, 2, 1)),
		}},
	},
	{
		"an output is a constant, and a view and a sum of constants",
		model("x float32 1", "c v s x", constants{"c": floats(shape{2}, 1, 2), "two": ints(shape{2}, 2, 1)},
			node("Reshape c two > v"), node("Add c c > s")),
		[]run{{in: list(floats(shape{1}, 7)), out: list(floats(shape{2}, 1, 2), floats(shape{2, 1}, 1, 2), floats(shape{2}, 2, 4), floats(shape{1}, 7))}},
	},
	{
		"an output is read again, and a view of it outlives everything else",
		model("x float32 4", "a b v", constants{"square": ints(shape{2}, 2, 2)},
			node("Neg x > a"), node("Reshape a square > v"), node("Exp a > e"), node("Log e > l"), node("Mul a a > b"), node("Add l b > unread")),
		[]run{{
			in:  list(floats(shape{4}, 1, 2, 3, 4)),
			out: list(floats(shape{4}, -1, -2, -3, -4), floats(shape{4}, 1, 4, 9, 16), floats(shape{2, 2}, -1, -2, -3, -4)),
		}},
	},
	{
		"a long chain of views keeps its memory",
		model("x float32 4", "y z", constants{"a": ints(shape{2}, 2, 2), "b": ints(shape{1}, 4), "first": ints(shape{1}, 0)},
			node("Neg x > n"), node("Reshape n a > n1"), node("Flatten n1 > n2"), node("Unsqueeze n2 first > n3"), node("Identity n3 > n4"), node("Reshape n4 b > n5"),
			node("Abs x > p"), node("Sqrt p > q"), node("Mul q q > r"), node("Add n5 r > y"), node("Add n n5 > z")),
		[]run{{in: list(floats(shape{4}, 1, 4, 9, 16)), out: list(floats(shape{4}, 0, 0, 0, 0), floats(shape{4}, -2, -8, -18, -32))}},
	},
	{
		"an empty tensor through elementwise, reduction, join and product",
		model("x float32 0,3; y float32 2,3", "c n s r", constants{"one": ints(shape{1}, 1), "zero": ints(shape{1}, 0), "w": floats(shape{3, 1}, 1, 2, 3)},
			node("Concat x y > c", "axis", 0), node("Neg x > n"), node("ReduceSum x zero > s", "keepdims", 0), node("MatMul x w > r")),
		[]run{{
			in:  list(floats(shape{0, 3}), floats(shape{2, 3}, 1, 2, 3, 4, 5, 6)),
			out: list(floats(shape{2, 3}, 1, 2, 3, 4, 5, 6), floats(shape{0, 3}), floats(shape{3}, 0, 0, 0), floats(shape{0, 1})),
		}},
	},
	{
		"scalars, and a scalar's views",
		model("x float32; y float32 1", "a b c", constants{"none": ints(shape{0}), "first": ints(shape{1}, 0)},
			node("Add x y > a"), node("Reshape y none > b"), node("Unsqueeze x first > c")),
		[]run{{in: list(floats(shape{}, 2), floats(shape{1}, 3)), out: list(floats(shape{1}, 5), floats(shape{}, 3), floats(shape{1}, 2))}},
	},
	{
		"strings: as input and output, viewed, joined and compared",
		model("x string 2", "x v j e", constants{"column": ints(shape{2}, 2, 1), "more": texts(shape{1}, "c")},
			node("Reshape x column > v"), node("Concat x more > j", "axis", 0), node("Equal x more > e")),
		[]run{{
			in:  list(texts(shape{2}, "a", "c")),
			out: list(texts(shape{2}, "a", "c"), texts(shape{2, 1}, "a", "c"), texts(shape{3}, "a", "c", "c"), tensor.From(tensor.Bool, shape{2}, []bool{false, true})),
		}, {
			in:  list(texts(shape{2}, "c", "")),
			out: list(texts(shape{2}, "c", ""), texts(shape{2, 1}, "c", ""), texts(shape{3}, "c", "", "c"), tensor.From(tensor.Bool, shape{2}, []bool{true, false})),
		}},
	},
	{
		"a shape that content tells, growing, shrinking, empty and as before; then its views and sums",
		model("x float32 4", "i s", constants{"row": ints(shape{2}, 1, -1), "one": ints(shape{1}, 1)},
			node("NonZero x > n"), node("Reshape n row > i"), node("ReduceSum i one > s")),
		[]run{
			{in: list(floats(shape{4}, 0, 1, 0, 1)), out: list(ints(shape{1, 2}, 1, 3), ints(shape{1, 1}, 4))},
			{in: list(floats(shape{4}, 1, 1, 1, 1)), out: list(ints(shape{1, 4}, 0, 1, 2, 3), ints(shape{1, 1}, 6))},
			{in: list(floats(shape{4}, 0, 0, 0, 0)), out: list(ints(shape{1, 0}), ints(shape{1, 1}, 0))},
			{in: list(floats(shape{4}, 0, 0, 0, 5)), out: list(ints(shape{1, 1}, 3), ints(shape{1, 1}, 3))},
			{in: list(floats(shape{4}, 0, 0, 7, 0)), out: list(ints(shape{1, 1}, 2), ints(shape{1, 1}, 2))},
		},
	},
	{
		"a known shape behind one that content tells: its readers are bound before it has its memory",
		model("x float32 4; to int64 2", "y z", constants{"flat": ints(shape{1}, 4), "w": floats(shape{4, 1}, 1, 10, 100, 1000)},
			node("Reshape x to > a"), node("Reshape a flat > b"), node("Neg b > y"), node("MatMul b w > z")),
		[]run{
			{in: list(floats(shape{4}, 1, 2, 3, 4), ints(shape{2}, 2, 2)), out: list(floats(shape{4}, -1, -2, -3, -4), floats(shape{1}, 4321))},
			{in: list(floats(shape{4}, 5, 6, 7, 8), ints(shape{2}, 1, 4)), out: list(floats(shape{4}, -5, -6, -7, -8), floats(shape{1}, 8765))},
			{in: list(floats(shape{4}, 1, 1, 1, 1), ints(shape{2}, 3, 4)), err: "4 elements"},
			{in: list(floats(shape{4}, 5, 6, 7, 8), ints(shape{2}, 1, -1)), out: list(floats(shape{4}, -5, -6, -7, -8), floats(shape{1}, 8765))},
		},
	},
	{
		"an error in a run leaves the session as good as new",
		model("x float32 3; i int64 1", "y", nil, node("Gather x i > g"), node("Neg g > y")),
		[]run{
			{in: list(floats(shape{3}, 1, 2, 3), ints(shape{1}, 3)), err: `node "g": Gather: `},
			{in: list(floats(shape{3}, 1, 2, 3), ints(shape{1}, 2)), out: list(floats(shape{1}, -3))},
			{in: list(floats(shape{2}, 1, 2), ints(shape{1}, 2)), err: `input "x" is float32 2; the program was compiled for float32 3`},
			{in: list(floats(shape{3}, 1, 2, 3), ints(shape{1}, -1)), out: list(floats(shape{1}, -3))},
		},
	},
	{
		"a loop that swaps its two states, directly",
		model("n int64; a float32 1; b float32 1", "x y", nil,
			node("Loop n _ a b > x y", "body", body("i int64; c bool; p float32 1; q float32 1", "c q p", nil))),
		[]run{
			{in: list(ints(shape{}, 3), floats(shape{1}, 1), floats(shape{1}, 2)), out: list(floats(shape{1}, 2), floats(shape{1}, 1))},
			{in: list(ints(shape{}, 0), floats(shape{1}, 1), floats(shape{1}, 2)), out: list(floats(shape{1}, 1), floats(shape{1}, 2))},
			{in: list(ints(shape{}, 4), floats(shape{1}, 1), floats(shape{1}, 2)), out: list(floats(shape{1}, 1), floats(shape{1}, 2))},
		},
	},
	{
		"a loop whose condition is its state, and that stacks the state it had",
		model("n int64; a bool; b bool", "x y s", nil,
			node("Loop n _ a b > x y s", "body", body("i int64; c bool; p bool; q bool", "p1 q1 p2 p3", nil,
				node("Identity p > p1"), node("Identity q > q1"), node("And p q > p2"), node("Identity p > p3")))),
		[]run{{
			in:  list(ints(shape{}, 5), truth(true), truth(false)),
			out: list(truth(false), truth(false), tensor.From(tensor.Bool, shape{2}, []bool{true, false})),
		}},
	},
	{
		"a loop that grows what it carries, with a capture and a branch inside",
		model("n int64; x float32 1,2; k float32 1,2", "y", constants{"zero": ints(shape{}, 0), "two": ints(shape{}, 2)},
			node("Loop n _ x > y", "body", body("i int64; c bool; s float32 rows,2", "c1 s1", nil,
				node("Identity c > c1"), node("Mod i two > m"), node("Equal m zero > even"),
				node("If even > row",
					"then_branch", body("", "r", nil, node("Neg k > r")),
					"else_branch", body("", "r", nil, node("Add k k > r"))),
				node("Concat s row > s1", "axis", 0)))),
		[]run{
			{in: list(ints(shape{}, 2), floats(shape{1, 2}, 1, 2), floats(shape{1, 2}, 3, 4)), out: list(floats(shape{3, 2}, 1, 2, -3, -4, 6, 8))},
			{in: list(ints(shape{}, 0), floats(shape{1, 2}, 1, 2), floats(shape{1, 2}, 3, 4)), out: list(floats(shape{1, 2}, 1, 2))},
			{in: list(ints(shape{}, 3), floats(shape{1, 2}, 0, 0), floats(shape{1, 2}, 1, 1)), out: list(floats(shape{4, 2}, 0, 0, -1, -1, 2, 2, -1, -1))},
		},
	},
	{
		"a scan that stacks the state it was given, backwards",
		model("s float32 1; x float32 3,1", "last all", nil,
			node("Scan s x > last all", "num_scan_inputs", 1, "scan_output_directions", []int64{1},
				"body", body("a float32 1; b float32 1", "sum before", nil, node("Add a b > sum"), node("Identity a > before")))),
		[]run{
			{in: list(floats(shape{1}, 10), floats(shape{3, 1}, 1, 2, 3)), out: list(floats(shape{1}, 16), floats(shape{3, 1}, 13, 11, 10))},
			{in: list(floats(shape{1}, 0), floats(shape{3, 1}, 1, 1, 1)), out: list(floats(shape{1}, 3), floats(shape{3, 1}, 2, 1, 0))},
		},
	},
	{
		"branches of other shapes, then of one: what follows is settled anew",
		model("c bool; x float32 2", "y", constants{"one": ints(shape{1}, 1)},
			node("If c > b",
				"then_branch", body("", "r", nil, node("Concat x x > r", "axis", 0)),
				"else_branch", body("", "r", nil, node("Identity x > r"))),
			node("Neg b > y")),
		[]run{
			{in: list(truth(true), floats(shape{2}, 1, 2)), out: list(floats(shape{4}, -1, -2, -1, -2))},
			{in: list(truth(false), floats(shape{2}, 3, 4)), out: list(floats(shape{2}, -3, -4))},
			{in: list(truth(false), floats(shape{2}, 5, 6)), out: list(floats(shape{2}, -5, -6))},
			{in: list(truth(true), floats(shape{2}, 1, 2)), out: list(floats(shape{4}, -1, -2, -1, -2))},
		},
	},
	{
		"an If whose branches are captures and constants",
		model("c bool; x float32 1; y float32 1", "a b", nil,
			node("If c > a b",
				"then_branch", body("", "x k", constants{"k": floats(shape{1}, 7)}),
				"else_branch", body("", "y x", nil))),
		[]run{
			{in: list(truth(true), floats(shape{1}, 1), floats(shape{1}, 2)), out: list(floats(shape{1}, 1), floats(shape{1}, 7))},
			{in: list(truth(false), floats(shape{1}, 1), floats(shape{1}, 2)), out: list(floats(shape{1}, 2), floats(shape{1}, 1))},
		},
	},
	{
		"a known condition: the branch is spliced in, its outputs an input, a constant and one value twice",
		model("x float32 1", "a b d e", constants{"yes": truth(true)},
			node("If yes > a b d e",
				"then_branch", body("", "x k n n", constants{"k": floats(shape{1}, 7)}, node("Neg x > n")),
				"else_branch", body("", "x x x x", nil))),
		[]run{{in: list(floats(shape{1}, 3)), out: list(floats(shape{1}, 3), floats(shape{1}, 7), floats(shape{1}, -3), floats(shape{1}, -3))}},
	},
	{
		"a float16 that only an attribute holds, in a shape that only a run tells",
		model("s int64 1; x float16 2", "y", nil, node("ConstantOfShape s > c", "value", halves(shape{1}, 0x4200)), node("Add x c > y")),
		[]run{{in: list(ints(shape{1}, 2), halves(shape{2}, 0x3c00, 0x4000)), out: list(halves(shape{2}, 0x4400, 0x4500))}}, // 1 and 2, and 3 more
	},
	{
		"a branch that cannot run at these shapes is an error only when it is taken",
		model("c bool; x float32 4", "y", constants{"three": ints(shape{1}, 3)},
			node("If c > y",
				"then_branch", body("", "r", nil, node("Neg x > r")),
				"else_branch", body("", "r", nil, node("Reshape x three > r")))),
		[]run{
			{in: list(truth(true), floats(shape{4}, 1, 2, 3, 4)), out: list(floats(shape{4}, -1, -2, -3, -4))},
			{in: list(truth(false), floats(shape{4}, 1, 2, 3, 4)), err: "input 4 has 4 elements, shape 3 has 3"},
			{in: list(truth(true), floats(shape{4}, 4, 3, 2, 1)), out: list(floats(shape{4}, -4, -3, -2, -1))},
		},
	},
}

func list(t ...tensor.Tensor) []tensor.Tensor { return t }

func TestSession(t *testing.T) {
	for _, c := range sessionCases {
		for way, o := range ways() {
			t.Run(c.reason+"/"+way, func(t *testing.T) {
				s := session(t, compile(t, c.model, o))
				for _, r := range c.runs {
					if r.err == "" {
						want(t, s, r.in, r.out...)
						continue
					}
					err := s.Run(r.in, make([]tensor.Tensor, len(c.model.Graph.Outputs)))
					if err == nil || !strings.Contains(err.Error(), r.err) {
						t.Errorf("error %v, want one with %q", err, r.err)
					}
				}
			})
		}
	}
}

// TestSessionsAtOnce runs several sessions of one program at once, each through all its runs again and again: they share nothing that changes.
func TestSessionsAtOnce(t *testing.T) {
	for _, c := range sessionCases {
		t.Run(c.reason, func(t *testing.T) {
			p := compile(t, c.model, engine.Options{Threads: 1})
			var all sync.WaitGroup
			for first := range 3 {
				s := session(t, p)
				all.Go(func() {
					for i := range 30 {
						r := c.runs[(first+i)%len(c.runs)]
						if r.err == "" {
							want(t, s, r.in, r.out...)
						} else if s.Run(r.in, make([]tensor.Tensor, len(c.model.Graph.Outputs))) == nil {
							t.Errorf("no error, want %q", r.err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// TestInputsOfAnyAlignment gives inputs that begin anywhere, as in a buffer off the network: the outputs are the same, bit for bit.
func TestInputsOfAnyAlignment(t *testing.T) {
	for _, name := range []string{"squeezenet@64", "minilm@8"} {
		m, err := zoo.Build(name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for way, o := range ways() {
			t.Run(name+"/"+way, func(t *testing.T) {
				p := compile(t, m, o)
				s := session(t, p)
				in, out := p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs))
				if err := s.Run(in, out); err != nil {
					t.Fatal(err)
				}
				for i := range out {
					out[i] = out[i].Clone()
				}
				for _, skip := range []int{1, 4, 8, 24} {
					moved := make([]tensor.Tensor, len(in))
					for i, x := range in {
						moved[i] = x
						moved[i].Bytes = append(make([]byte, skip, skip+len(x.Bytes)), x.Bytes...)[skip:]
					}
					want(t, s, moved, out...)
				}
			})
		}
	}
}
