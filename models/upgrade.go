package models

import (
	"fmt"
	"maps"
)

// Dialect is the version of ai.onnx in which Upgrade leaves a model.
const Dialect = 28

// Upgrade brings the graph, its subgraphs and the functions of m from the versions that m.Opsets states to the newest dialect: ai.onnx as of
// Dialect, ai.onnx.ml as of version 5. m.Opsets stays what the file states. The upgrade needs no shapes: where one matters, it inserts
// Shape, Reshape and the like, which become constants once shapes are known. Other domains are left alone. The
// model must have passed Check. A second Upgrade does nothing.
//
// In the newest dialect a Constant holds its value as the tensor attribute "value"; only in a function may it have one of the other
// attributes, when that refers to an attribute of the function.
func Upgrade(m *Model) error {
	if m.upgraded {
		return nil
	}
	switch v, ok := m.Opsets[""]; {
	case ok && v < Dialect:
		m.Notes = append(m.Notes, fmt.Sprintf("operator set %d was brought to %d", v, Dialect))
	case v > Dialect:
		m.Notes = append(m.Notes, fmt.Sprintf("operator set %d was read as %d, the newest that is known", v, Dialect))
	}
	u := newUpgrader(m.Opsets, nil)
	u.defaults = map[string]bool{}
	for _, v := range m.Graph.Defaults {
		u.defaults[v.Name] = true
	}
	u.reserveGraph(m.Graph)
	if err := u.graph(m.Graph); err != nil {
		return err
	}
	for _, f := range m.Functions {
		uf := newUpgrader(f.Opsets, m.Opsets)
		uf.notes = u.notes
		if err := uf.function(f); err != nil {
			return fmt.Errorf("function %q: %w", f.Name, err)
		}
	}
	m.Notes = append(m.Notes, sortedKeys(u.notes)...)
	m.upgraded = true
	return nil
}

// dialectOpsets is versions with those of the domains that Upgrade knows replaced by the newest.
func dialectOpsets(versions map[string]int) map[string]int {
	versions = maps.Clone(versions)
	for d, v := range newest {
		if _, ok := versions[d]; ok {
			versions[d] = v
		}
	}
	return versions
}

// newest gives the dialect's version of each domain that has steps.
var newest = map[string]int{"": Dialect, "ai.onnx.ml": 5}

// step rewrites a node of a version before before to the form of that version. The rewritten node, whatever its operator then is, and the nodes
// that the step adds have a form that holds up to the newest version, or up to the operator's next step.
type step struct {
	before  int
	rewrite func(*upgrader, *Node) error
}

// steps lists by operator, in the order of versions, where its form or its defaults changed; the versions are those of
// https://github.com/onnx/onnx/blob/main/docs/Changelog.md. Operators of which only the types grew are not here.
var steps = map[string][]step{
	// experimental, until version 9 or 10
	"Affine":             {{10, affine}},
	"ConstantFill":       {{10, constantFill}},
	"Crop":               {{10, crop}},
	"DynamicSlice":       {{10, rename("Slice")}},
	"GivenTensorFill":    {{10, givenTensorFill}},
	"ImageScaler":        {{10, imageScaler}},
	"ParametricSoftplus": {{10, parametricSoftplus}},
	"Scale":              {{10, scale}},
	"ScaledTanh":         {{10, scaledTanh}},

	"Add":     {{7, legacyBroadcast}},
	"And":     {{7, legacyBroadcast}},
	"Div":     {{7, legacyBroadcast}},
	"Equal":   {{7, legacyBroadcast}},
	"Gemm":    {{7, drop("broadcast")}},
	"Greater": {{7, legacyBroadcast}},
	"Less":    {{7, legacyBroadcast}},
	"Mul":     {{7, legacyBroadcast}},
	"Or":      {{7, legacyBroadcast}},
	"PRelu":   {{7, slopePerChannel}},
	"Pow":     {{7, legacyBroadcast}},
	"Sub":     {{7, legacyBroadcast}},
	"Xor":     {{7, legacyBroadcast}},

	"Cast":     {{6, castByName}},
	"Clip":     {{11, clipLimits}},
	"Constant": {{Dialect + 1, constantValue}},
	"Selu":     {{6, defaults(map[string]Attribute{"alpha": floatAttribute(1.6732), "gamma": floatAttribute(1.0507)})}},

	"BatchNormalization":        {{7, testMode}, {9, spatial}, {14, inferenceOnly}},
	"Dropout":                   {{7, testMode}, {10, dropoutMask}, {12, drop("ratio")}},
	"GroupNormalization":        {{21, scalePerChannel}},
	"Hardmax":                   {{13, flattened}},
	"LogSoftmax":                {{13, flattened}},
	"MeanVarianceNormalization": {{9, acrossChannels}},
	"Softmax":                   {{13, flattened}},

	"Concat":    {{4, defaults(map[string]Attribute{"axis": intAttribute(1)})}},
	"Pad":       {{2, renameAttribute("paddings", "pads")}, {11, padInputs}},
	"Reshape":   {{5, intsToInput("shape", 1)}},
	"Scatter":   {{11, rename("ScatterElements")}},
	"Slice":     {{10, sliceInputs}},
	"Split":     {{2, splitInputs}, {13, intsToInput("split", 1)}, {18, splitCount}},
	"Squeeze":   {{13, intsToInput("axes", 1)}},
	"Tile":      {{6, tileAxis}},
	"TopK":      {{10, topKInput}},
	"Unsqueeze": {{13, intsToInput("axes", 1)}},

	"ReduceL1":        {{18, intsToInput("axes", 1)}},
	"ReduceL2":        {{18, intsToInput("axes", 1)}},
	"ReduceLogSum":    {{18, intsToInput("axes", 1)}},
	"ReduceLogSumExp": {{18, intsToInput("axes", 1)}},
	"ReduceMax":       {{18, intsToInput("axes", 1)}},
	"ReduceMean":      {{18, intsToInput("axes", 1)}},
	"ReduceMin":       {{18, intsToInput("axes", 1)}},
	"ReduceProd":      {{18, intsToInput("axes", 1)}},
	"ReduceSum":       {{13, intsToInput("axes", 1)}},
	"ReduceSumSquare": {{18, intsToInput("axes", 1)}},

	"DFT":            {{20, dftAxis}},
	"GlobalLpPool":   {{2, integralP}},
	"GridSample":     {{20, gridModes}},
	"LpPool":         {{2, integralP}},
	"QuantizeLinear": {{21, drop("output_dtype")}}, // which some exporters wrote before it meant anything
	"Resize":         {{11, resizeAsymmetric}, {13, resizeTFHalfPixel}, {Dialect + 1, resizeAbsent}},
	"RoiAlign":       {{16, defaults(map[string]Attribute{"coordinate_transformation_mode": stringAttribute("output_half_pixel")})}},
	"Upsample":       {{7, upsampleSides}, {Dialect + 1, upsampleToResize}},

	"GRU":  {{7, drop("output_sequence")}},
	"LSTM": {{7, drop("output_sequence")}},
	"RNN":  {{7, drop("output_sequence")}},
	"Scan": {{9, scanBatch}},
}

// mlSteps is steps for the domain ai.onnx.ml; its versions are those of docs/Changelog-ml.md.
var mlSteps = map[string][]step{
	"LabelEncoder": {{2, labelClasses}},
}

// node upgrades one node, which must not yet be in the upgrader's list, and appends what it becomes.
func (u *upgrader) node(n *Node) error {
	u.current = n
	if version := u.version(n.Domain); version > 0 {
		table := steps
		if n.Domain == "ai.onnx.ml" {
			table = mlSteps
		}
		if n.Domain == "" && version < 6 {
			delete(n.Attributes, "consumed_inputs")
		}
		op := n.Op
		for _, s := range table[op] {
			if version < s.before && n.Op == op {
				if err := s.rewrite(u, n); err != nil {
					return err
				}
			}
		}
	}
	u.append(n)
	for _, after := range u.after {
		u.append(after)
	}
	u.after = nil
	return nil
}

// drop makes a step that removes an attribute which says nothing any more.
func drop(attribute string) func(*upgrader, *Node) error {
	return func(_ *upgrader, n *Node) error {
		delete(n.Attributes, attribute)
		return nil
	}
}

// rename makes a step for an operator that only changed its name.
func rename(op string) func(*upgrader, *Node) error {
	return func(_ *upgrader, n *Node) error {
		n.Op = op
		return nil
	}
}

// renameAttribute makes a step for an attribute that only changed its name.
func renameAttribute(from, to string) func(*upgrader, *Node) error {
	return func(_ *upgrader, n *Node) error {
		if a, ok := n.Attributes[from]; ok {
			n.Attributes[to] = a
			delete(n.Attributes, from)
		}
		return nil
	}
}

// defaults makes a step that states the defaults which a later version changed or took away.
func defaults(old map[string]Attribute) func(*upgrader, *Node) error {
	return func(_ *upgrader, n *Node) error {
		for name, a := range old {
			if _, stated := n.Attributes[name]; !stated {
				n.Attributes[name] = a
			}
		}
		return nil
	}
}

// intsToInput makes a step for an attribute of integers that became an input, of int64 and rank 1.
func intsToInput(attribute string, input int) func(*upgrader, *Node) error {
	return func(u *upgrader, n *Node) error {
		if a, ok := n.Attributes[attribute]; ok {
			n.setInput(input, u.constantOf(a))
			delete(n.Attributes, attribute)
		}
		return nil
	}
}
