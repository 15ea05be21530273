package ops_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

func strsAttribute(list ...string) models.Attribute {
	return models.Attribute{Kind: models.StringsAttribute, Strs: list}
}

func intsAttribute(list ...int64) models.Attribute {
	return models.Attribute{Kind: models.IntsAttribute, Ints: list}
}

func floatsAttribute(list ...float32) models.Attribute {
	return models.Attribute{Kind: models.FloatsAttribute, Floats: list}
}

// TestMaps zips scores to maps, and makes a row of one of them by a vocabulary that has a word more and one fewer.
func TestMaps(t *testing.T) {
	zip := &graph.Node{Op: "ZipMap", Domain: "ai.onnx.ml", Inputs: []*graph.Value{{}}, Outputs: []*graph.Value{{}},
		Attributes: map[string]models.Attribute{"classlabels_strings": strsAttribute("a", "b", "c")}}
	scores := tensor.From(tensor.Float32, tensor.Shape{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	made, err := ops.Eval(zip, []*ops.Slot{{Tensor: scores}}, target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	items := made[0].Items
	if len(items) != 4 || !slices.Equal(items[2].Strings, []string{"a", "b", "c"}) || !slices.Equal(tensor.Data[float32](items[3]), []float32{4, 5, 6}) {
		t.Fatalf("the second map is %v", items)
	}
	row := &graph.Node{Op: "DictVectorizer", Domain: "ai.onnx.ml", Inputs: []*graph.Value{{Kind: models.MapKind, DType: tensor.Float32}}, Outputs: []*graph.Value{{}},
		Attributes: map[string]models.Attribute{"string_vocabulary": strsAttribute("c", "z", "a")}}
	out, err := ops.Eval(row, []*ops.Slot{{Items: items[2:4]}}, target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := tensor.Data[float32](out[0].Tensor); !slices.Equal(got, []float32{6, 0, 4}) {
		t.Errorf("got %v", got)
	}
}

// TestForestsRefuse lists trees that are none.
func TestForestsRefuse(t *testing.T) {
	tree := func(modes []string, yes, no []int64) map[string]models.Attribute {
		count := len(modes)
		ids, zeros := make([]int64, count), make([]int64, count)
		for i := range ids {
			ids[i] = int64(i)
		}
		return map[string]models.Attribute{
			"nodes_modes": strsAttribute(modes...), "nodes_treeids": intsAttribute(zeros...), "nodes_nodeids": intsAttribute(ids...), "nodes_featureids": intsAttribute(zeros...),
			"nodes_truenodeids": intsAttribute(yes...), "nodes_falsenodeids": intsAttribute(no...), "nodes_values": floatsAttribute(make([]float32, count)...),
			"target_treeids": intsAttribute(0), "target_nodeids": intsAttribute(int64(count - 1)), "target_ids": intsAttribute(0), "target_weights": floatsAttribute(1),
		}
	}
	with := func(a map[string]models.Attribute, name string, v models.Attribute) map[string]models.Attribute {
		a[name] = v
		return a
	}
	branch := []string{"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"}
	stump := []string{"BRANCH_LEQ", "LEAF", "LEAF"}
	for _, c := range []struct {
		reason     string
		attributes map[string]models.Attribute
		want       string
	}{
		{"two branches lead to each other below the root", tree([]string{"BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LEQ", "LEAF"}, []int64{1, 2, 1, 0}, []int64{3, 3, 3, 0}), "a branch leads back to itself"},
		{"no node is above all others", tree(branch, []int64{1, 0, 0}, []int64{2, 2, 0}), "a tree has no root"},
		{"a child that is not there", tree(stump, []int64{1, 0, 0}, []int64{7, 0, 0}), "names a node that is not there: 1 or 7"},
		{"a node twice", with(tree(stump, []int64{1, 0, 0}, []int64{2, 0, 0}), "nodes_nodeids", intsAttribute(0, 1, 1)), "tree 0 has two nodes 1"},
		{"a vote for no target", with(tree(stump, []int64{1, 0, 0}, []int64{2, 0, 0}), "target_ids", intsAttribute(3)), "a vote for target 3 of 1"},
		{"an unknown comparison", tree([]string{"BRANCH_ODD", "LEAF", "LEAF"}, []int64{1, 0, 0}, []int64{2, 0, 0}), `mode "BRANCH_ODD" of node 0`},
		{"fewer features than the trees look at", with(tree(stump, []int64{1, 0, 0}, []int64{2, 0, 0}), "nodes_featureids", intsAttribute(5, 0, 0)), "2 features; the trees look at 6"},
		{"lists of two lengths", with(tree(stump, []int64{1, 0, 0}, []int64{2, 0, 0}), "nodes_values", floatsAttribute(1)), "1 nodes_values"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			n := &graph.Node{Op: "TreeEnsembleRegressor", Domain: "ai.onnx.ml", Inputs: []*graph.Value{{}}, Outputs: []*graph.Value{{}}, Attributes: c.attributes}
			x := tensor.From(tensor.Float32, tensor.Shape{1, 2}, []float32{1, 2})
			_, err := ops.Eval(n, []*ops.Slot{{Tensor: x}}, target(), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestExpandUnsettled leaves a node whole while the shapes that its nodes depend on are open, with what is known of its outputs.
func TestExpandUnsettled(t *testing.T) {
	x := func(s tensor.Shape) *graph.Value { return &graph.Value{DType: tensor.Float32, Shape: s} }
	n := &graph.Node{Op: "MultiHeadAttention", Domain: "com.microsoft", Attributes: intAttribute("num_heads", 2), Outputs: []*graph.Value{{}},
		Inputs: []*graph.Value{x(tensor.Shape{tensor.Unknown, 3, 8}), x(tensor.Shape{1, 3, 8}), x(tensor.Shape{1, 3, 8})}}
	nodes, err := ops.Expand(n)
	if err != nil || nodes != nil {
		t.Fatalf("expands to %d nodes, %v", len(nodes), err)
	}
	if err := ops.Of(n).Infer(n); err != nil {
		t.Fatal(err)
	}
	if y := n.Outputs[0]; y.DType != tensor.Float32 || y.Shape != nil {
		t.Errorf("output %s %v", y.DType, y.Shape)
	}
	n.Inputs[0].Shape[0] = 1
	if nodes, err = ops.Expand(n); err != nil || len(nodes) == 0 {
		t.Fatalf("expands to %d nodes, %v", len(nodes), err)
	}
	if last := nodes[len(nodes)-1]; last.Outputs[0] != n.Outputs[0] || n.Outputs[0].Producer != last {
		t.Error("the last node does not make the output")
	}
}
