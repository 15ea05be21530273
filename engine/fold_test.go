package engine_test

import (
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestFolding compiles without rewrites: what is known before a run takes no step in it.
func TestFolding(t *testing.T) {
	two := ints(shape{1}, 2)
	for _, c := range []struct {
		reason string
		model  *models.Model
		steps  []string
	}{
		{"operators on constants", model("x float32 2", "y", constants{"c": floats(shape{2}, 1, 2)}, node("Neg c > n"), node("Mul n c > m"), node("Add x m > y")), []string{"Add"}},
		{"the shape of an input, and what is made of it", model("x float32 2,3", "y", constants{"i": ints(shape{1}, 1)},
			node("Shape x > s"), node("Gather s i > g"), node("ConstantOfShape g > z"), node("Add x z > y")), []string{"Add"}},
		{"the shape of what only a run tells", model("x float32 2", "y", nil, node("NonZero x > n"), node("Shape n > y")), []string{"NonZero", "Shape"}},
		{"a random number is made in each run", model("", "y z", constants{"half": floats(shape{2}, 0.5, 0.5)}, node("RandomNormal > y", "shape", []int64{2}), node("Bernoulli half > z")), []string{"RandomNormal", "Bernoulli"}},
		{"a constant larger than memory ought to hold", model("x float32 1", "y", constants{"c": tensor.New(tensor.Float32, shape{1 << 19}), "n": ints(shape{2}, 1<<10, 1<<19)},
			node("Expand c n > z"), node("Add x z > y")), []string{"Expand", "Add"}},
		{"a branch that is known, within one that is known", model("x float32 2", "y", constants{"no": truth(false)}, node("Not no > yes"), node("If yes > y",
			"then_branch", body("", "r", nil, node("If no > r", "then_branch", body("", "q", nil, node("Neg x > q")), "else_branch", body("", "q", nil, node("Abs x > q")))),
			"else_branch", body("", "r", nil, node("Exp x > r")))), []string{"Abs"}},
		{"a branch known by the shape of an input", model("x float32 n", "y", constants{"two": two}, node("Shape x > s"), node("Equal s two > c"), node("If c > y",
			"then_branch", body("", "r", nil, node("Neg x > r")), "else_branch", body("", "r", nil, node("Exp x > r")))), []string{"Neg"}},
		{"a branch not taken may be impossible", model("x float32 n", "y", constants{"two": two, "seven": ints(shape{1}, 7)}, node("Shape x > s"), node("Equal s two > c"), node("If c > y",
			"then_branch", body("", "r", nil, node("Neg x > r")), "else_branch", body("", "r", nil, node("Reshape x seven > r")))), []string{"Neg"}},
		{"constants in a body", model("c bool; x float32 2", "y", constants{"k": floats(shape{2}, 1, 2)}, node("If c > y",
			"then_branch", body("", "r", nil, node("Neg k > r")), "else_branch", body("", "r", nil, node("Exp x > r")))), []string{"If"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			p := compile(t, c.model, engine.Options{NoPasses: true, Dims: dims(c.model)})
			var steps []string
			for _, s := range p.Placements() {
				steps = append(steps, s.Op)
			}
			if !slices.Equal(steps, c.steps) {
				t.Errorf("steps %v, want %v", steps, c.steps)
			}
		})
	}
}

// dims binds n to 2 where a model has it.
func dims(m *models.Model) map[string]int {
	for _, in := range m.Graph.Inputs {
		for _, d := range in.Type.Dims {
			if d.Param == "n" {
				return map[string]int{"n": 2}
			}
		}
	}
	return nil
}
