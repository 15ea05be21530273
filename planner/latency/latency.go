// Package latency predicts how long a model takes on hardware that is not here, with an interval and its reasons, and how many servers a rate of
// requests needs. It knows neither prices nor what is sold.
//
// A prediction sums a roofline over the steps of the model's workload, each with the cost of a launch, the occupancy of the device and factors for
// the kinds of work; its coefficients are data, fitted on published measurements. A processor's prediction is scaled from what was measured on the
// local host.
package latency

import (
	"fmt"
	"slices"
	"strings"
)

// Runtime is the software that runs the model. It moves the answer more than most hardware does.
type Runtime string

const (
	TensorRT    Runtime = "tensorrt"
	ONNXRuntime Runtime = "onnxruntime"
	PyTorch     Runtime = "pytorch"
	Neuron      Runtime = "neuron"
	EI          Runtime = "ei"
	EIPlan      Runtime = "eiplan"
)

// Runtimes lists every runtime.
func Runtimes() []Runtime { return []Runtime{TensorRT, ONNXRuntime, PyTorch, Neuron, EI, EIPlan} }

// ParseRuntime reads a runtime's name; the empty name is each target's default.
func ParseRuntime(s string) (Runtime, error) { return parse("runtime", Runtime(s), Runtimes()) }

// Scaling is the rule by which time is carried from one machine to another.
type Scaling string

const (
	Roofline   Scaling = "roofline"   // the model of this package
	TFLOPS     Scaling = "tflops"     // a local measurement times local peak over the target's peak
	Efficiency Scaling = "efficiency" // FLOPs over the target's peak times the share of it that published rows achieve
)

// Scalings lists every rule; the first is the default.
func Scalings() []Scaling { return []Scaling{Roofline, TFLOPS, Efficiency} }

// ParseScaling reads a rule's name; the empty name is the default rule.
func ParseScaling(s string) (Scaling, error) {
	if s == "" {
		return Roofline, nil
	}
	return parse("scaling", Scaling(s), Scalings())
}

func parse[T ~string](what string, v T, known []T) (T, error) {
	if v == "" || slices.Contains(known, v) {
		return v, nil
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return "", fmt.Errorf("%s %q is none of %s", what, v, strings.Join(names, ", "))
}
