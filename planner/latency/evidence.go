package latency

import "math"

// Evidence is a figure that was not counted: its centre, the p10 and p90 of what it may turn out to be, and why it is believed.
type Evidence struct {
	Value  float64 `json:"value" yaml:"value"`
	Low    float64 `json:"low" yaml:"low"`
	High   float64 `json:"high" yaml:"high"`
	Basis  string  `json:"basis" yaml:"basis"` // anchored, modelled, tflops or efficiency
	Source string  `json:"source" yaml:"source"`
	AsOf   string  `json:"asOf" yaml:"asOf"`
}

// z90 is the 90th percentile of the standard normal distribution.
const z90 = 1.2815515655446004

// Quantile is the p-quantile, 0 < p < 1, of a distribution that is lognormal on either side of the centre, with Low and High at 10% and 90%.
func (e Evidence) Quantile(p float64) float64 {
	side := e.High
	if p < 0.5 {
		side = e.Low
	}
	if e.Value <= 0 || side <= 0 {
		return e.Value
	}
	return e.Value * math.Exp(math.Abs(math.Log(side/e.Value))*normalQuantile(p)/z90)
}

// Spread is the standard deviation of the logarithm that Low and High imply.
func (e Evidence) Spread() float64 { return math.Log(e.High/e.Low) / (2 * z90) }

// Bounds are the factors around a centre that reach p10 and p90.
type Bounds struct{ Low, High float64 }

// And combines independent doubts: their logarithms add as squares, on either side of the centre.
func (b Bounds) And(c Bounds) Bounds {
	return Bounds{
		Low:  math.Exp(-math.Hypot(math.Log(b.Low), math.Log(c.Low))),
		High: math.Exp(math.Hypot(math.Log(b.High), math.Log(c.High))),
	}
}

// power widens bounds where p is above 1 and narrows them below.
func (b Bounds) power(p float64) Bounds { return Bounds{math.Pow(b.Low, p), math.Pow(b.High, p)} }

// exact is no doubt at all.
var exact = Bounds{1, 1}

// normalQuantile is the inverse of the standard normal distribution function.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// Tail is how the percentiles of repeated runs lie above their centre.
type Tail struct {
	P99    float64 // over the centre
	High   float64 // p90 of P99 over rows
	Source string
}

// At is the factor of a percentile, 0 < percentile < 100, with its doubt: percentiles above the median follow the lognormal curve through P99, and
// those below it are the centre.
func (t Tail) At(percentile float64) (factor float64, doubt Bounds) {
	if percentile <= 50 {
		return 1, exact
	}
	share := normalQuantile(percentile/100) / normalQuantile(0.99)
	factor = math.Pow(t.P99, share)
	high := math.Pow(t.High, share) / factor
	return factor, Bounds{Low: max(1/high, 1/factor), High: high} // no percentile lies below the centre
}
