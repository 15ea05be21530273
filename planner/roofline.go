package planner

// Roofline is how near the best choice's operators come to what its hardware can do.
type Roofline struct {
	Target       string     `json:"target" yaml:"target"` // the processor or device, as the latency model names it
	Format       string     `json:"format" yaml:"format"`
	PeakGflops   float64    `json:"peakGflops" yaml:"peakGflops"` // of the part that serves one request
	BandwidthGBs float64    `json:"bandwidthGBs" yaml:"bandwidthGBs"`
	Operators    []Operator `json:"operators" yaml:"operators"` // those with arithmetic that take longest, in order
	Percent      float64    `json:"percent" yaml:"percent"`     // of the predicted time of all operators that these take
}

// Operator is one of the model's, with those that are fused into it, as predicted. A multiply-add is two FLOPs.
type Operator struct {
	Name    string  `json:"name" yaml:"name"`
	Op      string  `json:"op" yaml:"op"`
	Kind    string  `json:"kind" yaml:"kind"`
	Flops   float64 `json:"flops" yaml:"flops"`
	Bytes   float64 `json:"bytes" yaml:"bytes"` // read and written, weights and activations
	Ms      float64 `json:"ms" yaml:"ms"`
	Percent float64 `json:"percent" yaml:"percent"` // of all operators' time
}

// mostOperators bounds Roofline.Operators.
const mostOperators = 60

// roofline is that of a choice; nil where there is none, or where the prediction did not go by operators.
func (a *analyst) roofline(best *Choice) *Roofline {
	m := a.machineOf(best)
	if m == nil || m.service.prediction.Scale == 0 {
		return nil
	}
	r := &Roofline{Target: m.target.Name, Format: m.target.Format.String(), PeakGflops: round6(1e3 * m.target.TFLOPS), BandwidthGBs: round6(m.target.GBs), Operators: []Operator{}}
	scale := m.service.prediction.Scale
	for _, t := range a.predictor.Terms(&m.target, m.precision, len(a.workload(m.precision).Steps)) {
		if t.FLOPs == 0 || t.Bytes == 0 || t.Ms == 0 || len(r.Operators) == mostOperators {
			continue
		}
		r.Percent += 100 * t.Share
		r.Operators = append(r.Operators, Operator{
			Name: t.Name, Op: t.Op, Kind: t.Kind, Flops: t.FLOPs, Bytes: t.Bytes, Ms: round6(t.Ms * scale), Percent: round6(100 * t.Share),
		})
	}
	r.Percent = round6(r.Percent)
	return r
}
