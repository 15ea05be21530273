package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
)

// distances is the distance of each row of A from each row of B: euclidean, or with metric sqeuclidean its square.
func distances(c *composition) error {
	metric := c.Str("metric", "sqeuclidean")
	if metric != "sqeuclidean" && metric != "euclidean" {
		return fmt.Errorf("metric %q", metric)
	}
	apart := c.add("Sub", nil, c.add("Unsqueeze", nil, c.Inputs[0], c.ints(1)), c.add("Unsqueeze", nil, c.Inputs[1], c.ints(0)))
	y := c.add("ReduceSumSquare", settings{"keepdims": intSetting(0)}, apart, c.ints(-1))
	if metric == "euclidean" {
		y = c.add("Sqrt", nil, y)
	}
	c.yield(0, y)
	return nil
}

// gridSampleByOldNames is GridSample, whose modes ai.onnx calls otherwise since version 20.
func gridSampleByOldNames(c *composition) error {
	mode := c.Str("mode", "bilinear")
	name, ok := map[string]string{"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}[mode]
	if !ok {
		return fmt.Errorf("mode %q", mode)
	}
	s := c.own("GridSample")
	s["mode"] = textSetting(name)
	c.yield(0, c.add("GridSample", s, c.Inputs...))
	return nil
}

// padByRow is Pad whose pads may be a matrix of one row, and whose value a list of one.
func padByRow(c *composition) error {
	inputs := []*graph.Value{c.Inputs[0], c.add("Reshape", nil, c.Inputs[1], c.ints(-1)), nil}
	if v := c.In(2); v != nil {
		inputs[2] = c.add("Reshape", nil, v, c.ints())
	}
	c.yield(0, c.add("Pad", settings{"mode": textSetting(c.Str("mode", "constant"))}, inputs...))
	return nil
}

// rangeByDefault is Range whose bounds may be lists of one, with a step of 1 where none is given.
func rangeByDefault(c *composition) error {
	var inputs []*graph.Value
	for _, v := range c.Inputs {
		if v != nil {
			inputs = append(inputs, c.add("Reshape", nil, v, c.ints()))
		}
	}
	if len(inputs) == 2 {
		inputs = append(inputs, c.number(c.Inputs[0].DType, 1))
	}
	c.yield(0, c.add("Range", nil, inputs...))
	return nil
}

// uniqueUnsorted is Unique in the order of first occurrence. Outputs: the elements, for each of the input's its place among them, and how often each comes.
func uniqueUnsorted(c *composition) error {
	made := c.addMany("Unique", settings{"sorted": intSetting(0)}, 4, c.Inputs[0])
	c.yield(0, made[0])
	c.yield(1, made[2])
	c.yield(2, made[3])
	return nil
}
