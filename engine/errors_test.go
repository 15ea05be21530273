package engine_test

import (
	"math"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestCompileErrors compiles what cannot run: each error names the node or input, and what is wrong with it.
func TestCompileErrors(t *testing.T) {
	relu := func(inputs string) *models.Model { return model(inputs, "y", nil, node("Relu x > y")) }
	branch := func(outputs string) *models.Graph {
		return body("", outputs, nil, node("Neg x > r"), node("Abs x > s"))
	}
	for _, c := range []struct {
		reason string
		model  *models.Model
		o      engine.Options
		want   string
	}{
		{"a dimension nobody has", relu("x float32 batch,2"), engine.Options{Dims: map[string]int{"bach": 1}}, `no dimension "bach" to bind; the model names batch`},
		{"no named dimensions at all", relu("x float32 1,2"), engine.Options{Dims: map[string]int{"batch": 1}}, `no dimension "batch" to bind; the model names none`},
		{"an input nobody has", relu("x float32 1,2"), engine.Options{Shapes: map[string]shape{"z": {1}}}, `no input "z" to shape; the inputs are x`},
		{"a shape of another rank", relu("x float32 1,2"), engine.Options{Shapes: map[string]shape{"x": {2}}}, `input "x": shape 2 has 1 dimensions`},
		{"a fixed dimension", relu("x float32 1,2"), engine.Options{Shapes: map[string]shape{"x": {1, 3}}}, `input "x": shape 1x3: dimension 1 is fixed at 2`},
		{"one name, two sizes", relu("x float32 n,n"), engine.Options{Shapes: map[string]shape{"x": {2, 3}}}, `input "x": shape 2x3: dimension "n" is 2 elsewhere`},
		{"a shape against a dimension", relu("x float32 n"), engine.Options{Shapes: map[string]shape{"x": {2}}, Dims: map[string]int{"n": 3}}, `dimension "n" is 3 elsewhere`},
		{"a negative dimension", relu("x float32 n"), engine.Options{Dims: map[string]int{"n": -2}}, `dimension "n" is -2`},
		{"a negative shape", relu("x float32 n"), engine.Options{Shapes: map[string]shape{"x": {-1}}}, `input "x": shape [-1] has a dimension below 0`},
		{"memory beyond any machine", relu("x float32 n,n,n"), engine.Options{Dims: map[string]int{"n": 1 << 20}}, `input x:float32[1048576x1048576x1048576] is larger than memory can be`},
		{"a value beyond any machine", model("x float32 n,1", "y", nil, node("Transpose x > t"), node("MatMul x t > y")), engine.Options{Dims: map[string]int{"n": 1 << 22}}, `output y:float32[4194304x4194304] is larger`},
		{"a size beyond an int", relu("x float32 n,n"), engine.Options{Dims: map[string]int{"n": math.MaxInt32}}, `x:float32[2147483647x2147483647] is larger`},
		{"an operator without a kernel", model("x float32 1", "y", nil, node("Reluu x > y"), node("Foo x > z"), node("Foo x > w")), engine.Options{}, `Foo (2 nodes, the first "z"), Reluu (1 nodes, the first "y")`},
		{"an operator without a kernel, in a body", model("c bool", "y", nil, node("If c > y", "then_branch", body("", "r", nil, node("Foo > r")), "else_branch", body("", "r", nil, node("Foo > r")))),
			engine.Options{}, `Foo (2 nodes`},
		{"a known condition of another type", model("x float32 1", "y", constants{"c": ints(shape{}, 1)}, node("If c > y", "then_branch", branch("r"), "else_branch", branch("r"))),
			engine.Options{}, `node "y": If: input 0 is int64; it may be bool`},
		{"a known condition, and a branch that makes too little", model("x float32 1", "y z", constants{"c": truth(true)}, node("If c > y z", "then_branch", branch("r"), "else_branch", branch("r s"))),
			engine.Options{}, `node "y": If: then_branch has 1 outputs; 2 are wanted`},
		{"a branch with an input of its own", model("x float32 1", "y", constants{"c": truth(true)}, node("If c > y", "then_branch", body("a float32 1", "r", nil, node("Neg a > r")), "else_branch", branch("r"))),
			engine.Options{}, `node "y": If: then_branch takes 2 inputs and is given 1`},
		{"a known condition without elements", model("x float32 1", "y", constants{"c": tensor.New(tensor.Bool, shape{0})}, node("If c > y", "then_branch", branch("r"), "else_branch", branch("r"))),
			engine.Options{}, `node "y": If: the condition has 0 elements; it must have one`},
		{"a condition of two elements", model("x float32 1; c bool 2", "y", nil, node("If c > y", "then_branch", branch("r"), "else_branch", branch("r"))),
			engine.Options{}, `node "y": If: the condition has 2 elements`},
		{"a loop's condition that is a number", model("n int64; x float32 1", "y", nil, node("Loop n _ x > y", "body", body("i int64; c bool; a float32 1", "i a", nil))), engine.Options{}, `node "y": Loop: the body's condition is int64`},
		{"a trip count without elements", model("n int64 0; x float32 1", "y", nil, node("Loop n _ x > y", "body", body("i int64; c bool; a float32 1", "c a", nil))), engine.Options{}, `node "y": Loop: the trip count has 0 elements`},
		{"no branch", model("x float32 1", "y", constants{"c": truth(true)}, node("If c > y", "else_branch", branch("r"))), engine.Options{}, `node "y": If: no then_branch`},
		{"a body that is no Loop's", model("n int64; x float32 1", "y", nil, node("Loop n _ x > y", "body", body("i int64; c bool; a float32 1", "c", nil))), engine.Options{}, `node "y": Loop: body has 1 outputs; 2 are wanted`},
		{"an error in the depth", model("c bool; x float32 2; n int64", "y", nil, node("Loop n _ x > y", "body", body("i int64; k bool; a float32 2", "k b", nil,
			node("If k > b", "then_branch", body("", "r", nil, node("MatMul a m > r"), node("Identity a > m")), "else_branch", body("", "r", nil, node("Neg a > r")))))), engine.Options{}, `input "m" is not defined`},
		{"a constant that does not fit", model("x float32 1", "y", constants{"s": ints(shape{2}, 2, 2), "c": floats(shape{3}, 1, 2, 3)}, node("Reshape c s > r"), node("Add x r > y")), engine.Options{}, `node "r": Reshape: input 3 has 3 elements`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			for _, raw := range []bool{true, false} {
				c.o.NoPasses = raw
				p, err := engine.Compile(c.model, c.o)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, error %v; want one with %q", p, err, c.want)
				}
			}
		})
	}
}

// TestRunErrors gives a session what its program was not compiled for.
func TestRunErrors(t *testing.T) {
	s := session(t, compile(t, model("x float32 2; s string 1", "y", nil, node("Neg x > y"), node("Identity s > z")), engine.Options{}))
	good := list(floats(shape{2}, 1, 2), texts(shape{1}, "a"))
	for _, c := range []struct {
		reason string
		in     []tensor.Tensor
		out    int
		want   string
	}{
		{"an input too few", good[:1], 1, "1 inputs and 1 outputs for a program with 2 and 1"},
		{"an output too many", good, 2, "2 inputs and 2 outputs for a program with 2 and 1"},
		{"another type", list(ints(shape{2}, 1, 2), good[1]), 1, `input "x" is int64 2; the program was compiled for float32 2`},
		{"another shape", list(floats(shape{2, 1}, 1, 2), good[1]), 1, `input "x" is float32 2x1`},
		{"too few bytes", list(tensor.Tensor{DType: tensor.Float32, Shape: shape{2}, Bytes: make([]byte, 4)}, good[1]), 1, `input "x" is float32 2 with 4 bytes`},
		{"no strings", list(good[0], tensor.Tensor{DType: tensor.String, Shape: shape{1}}), 1, `input "s" is string 1 with 0 bytes and 0 strings`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if err := s.Run(c.in, make([]tensor.Tensor, c.out)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	want(t, s, good, floats(shape{2}, -1, -2))
}
