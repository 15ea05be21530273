package latency

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/eiplan/eiplan/planner/hardware"
)

// Measurement is what a user measured on hardware that they plan for: one request of the whole batch, from where the caller stands.
type Measurement struct {
	Device      string  `json:"device" yaml:"device"` // T4, g4dn.xlarge, c5.xlarge+eia2.medium
	Model       string  `json:"model" yaml:"model"`
	Sha256      string  `json:"sha256" yaml:"sha256"` // of the model; empty where only its name is known
	Runtime     Runtime `json:"runtime" yaml:"runtime"`
	Precision   string  `json:"precision" yaml:"precision"` // a format of hardware: fp32, fp16, bf16
	Batch       int     `json:"batch" yaml:"batch"`
	Ms          float64 `json:"ms" yaml:"ms"`
	Percentile  float64 `json:"percentile" yaml:"percentile"`   // of requests that Ms covers; 0: not said
	PredictedMs float64 `json:"predictedMs" yaml:"predictedMs"` // what the model said of it, uncalibrated; 0 where it says nothing
	Place       string  `json:"place" yaml:"place"`             // which predictions its residual speaks for, as Target.place names them
	Spread      float64 `json:"spread" yaml:"spread"`           // standard deviation of ln(observed ÷ predicted) there, before any measurement
}

// Factor corrects predictions: observed over predicted, shrunk towards 1 for want of measurements.
type Factor struct {
	Of        string  `json:"of" yaml:"of"` // a place, or a model by its hash or name
	Value     float64 `json:"value" yaml:"value"`
	Deviation float64 `json:"deviation" yaml:"deviation"` // standard deviation of its logarithm
	Rows      int     `json:"rows" yaml:"rows"`
}

// Calibration is what measurements on the hardware itself say beyond the model: the measurements, and what they make of the predictions that they are
// near to. It is immutable.
type Calibration struct {
	AsOf         string        `json:"asOf" yaml:"asOf"`
	Measurements []Measurement `json:"measurements" yaml:"measurements"`
	Places       []Factor      `json:"places" yaml:"places"`
	Models       []Factor      `json:"models" yaml:"models"`
}

// Shares of the variance of a prediction's error that belong to the model, to the place, and to the pair of them: the first by the correlation of the
// residuals of T4 rows with those of the same models on other devices (slope 0.79 of 1,015 pairs of public rows), the second by how much leaving a device out
// of the fit adds.
const modelShare, placeShare, pairShare = 0.5, 0.25, 0.25

// Calibrate finds the factors of places and of models: the mean of their posterior, where ln(observed ÷ predicted) is the sum of a place's, a model's
// and noise, each normal about 0 with its share of Spread². Measurements without a prediction stand for themselves alone.
func Calibrate(asOf string, measurements []Measurement) *Calibration {
	c := &Calibration{AsOf: asOf, Measurements: measurements}
	var names []string // places, then models
	spread := map[string]float64{}
	column := func(name string, share, s float64) int {
		spread[name] = math.Sqrt(share) * s
		if i := slices.Index(names, name); i >= 0 {
			return i
		}
		names = append(names, name)
		return len(names) - 1
	}
	type row struct {
		place, model int
		y, weight    float64
	}
	var rows []row
	counts := map[int]int{}
	for i := range measurements {
		m := &measurements[i]
		if m.PredictedMs <= 0 {
			continue
		}
		r := row{column("place "+m.Place, placeShare, m.Spread), column("model "+m.modelKey(), modelShare, m.Spread), math.Log(m.Ms / m.PredictedMs), 1 / (pairShare * m.Spread * m.Spread)}
		rows = append(rows, r)
		counts[r.place]++
		counts[r.model]++
	}
	if len(rows) == 0 {
		return c
	}
	precision, gradient := mat.NewSymDense(len(names), nil), mat.NewVecDense(len(names), nil)
	for i, name := range names {
		precision.SetSym(i, i, 1/(spread[name]*spread[name]))
	}
	for _, r := range rows {
		for _, k := range []int{r.place, r.model} {
			precision.SetSym(k, k, precision.At(k, k)+r.weight)
			gradient.SetVec(k, gradient.AtVec(k)+r.weight*r.y)
		}
		precision.SetSym(r.place, r.model, precision.At(r.place, r.model)+r.weight)
	}
	var chol mat.Cholesky
	var mean mat.VecDense
	var covariance mat.SymDense
	if !chol.Factorize(precision) || chol.SolveVecTo(&mean, gradient) != nil || chol.InverseTo(&covariance) != nil {
		panic("latency: a calibration with priors is singular")
	}
	for i, name := range names {
		f := Factor{Of: name[len("place "):], Value: digits(math.Exp(mean.AtVec(i))), Deviation: digits(math.Sqrt(covariance.At(i, i))), Rows: counts[i]}
		if name[:len("place ")] == "place " {
			c.Places = append(c.Places, f)
		} else {
			c.Models = append(c.Models, f)
		}
	}
	return c
}

func (m *Measurement) modelKey() string {
	if m.Sha256 != "" {
		return m.Sha256
	}
	return m.Model
}

// Subject is the model that is planned for.
type Subject struct{ Name, SHA256 string }

// Is tells whether a measurement of a model of that name and hash is of this one; where either hash is unknown, names decide.
func (s Subject) Is(name, sha256 string) bool {
	if sha256 != "" && s.SHA256 != "" {
		return sha256 == s.SHA256
	}
	return name == s.Name
}

// place names the predictions that a measurement speaks for: those of a device, or of a microarchitecture, by one runtime in one format.
func (t *Target) place() string { return t.Name + " " + string(t.Runtime) + " " + t.Format.String() }

// Place is that of a target, and the spread of its predictions before any measurement.
func (c *Coefficients) Place(t *Target, batch int) (name string, spread float64) {
	stack, ok := c.Stack(t.Runtime, t.Kind, t.Name)
	if !ok {
		return t.place(), 0
	}
	_, seen := c.deviceFactor(t, stack.Class)
	i := c.interval(stack.Class, batch, !seen, false)
	return t.place(), math.Log(i.High/i.Low) / (2 * z90)
}

// Measured is the median of the measurements of a model on a device of one of the names, the most particular first; ok is false where there are none.
func (c *Calibration) Measured(devices []string, s Subject, r Runtime, f hardware.Format, batch int) (m Measurement, ok bool) {
	for _, device := range devices {
		found := c.of(s, r, batch, func(m *Measurement) bool { return m.Device == device && m.Precision == f.String() })
		if len(found) > 0 {
			slices.SortStableFunc(found, func(a, b Measurement) int { return cmp.Compare(a.Ms, b.Ms) })
			return found[(len(found)-1)/2], true
		}
	}
	return m, false
}

// Formats are those in which a model was measured on a device of one of the names, or on one of them behind any host, in order.
func (c *Calibration) Formats(devices []string, s Subject, r Runtime, batch int) []string {
	var formats []string
	for _, device := range devices {
		for _, m := range c.of(s, r, batch, func(m *Measurement) bool { return m.Device == device || strings.HasSuffix(m.Device, "+"+device) }) {
			formats = append(formats, m.Precision)
		}
	}
	slices.Sort(formats)
	return slices.Compact(formats)
}

// of are the measurements of a model by a runtime that also meet a condition; one that states no runtime is of any.
func (c *Calibration) of(s Subject, r Runtime, batch int, also func(*Measurement) bool) []Measurement {
	if c == nil {
		return nil
	}
	var found []Measurement
	for _, m := range c.Measurements {
		if s.Is(m.Model, m.Sha256) && (m.Runtime == "" || m.Runtime == r) && m.Batch == batch && also(&m) {
			found = append(found, m)
		}
	}
	return found
}

// correct is what the calibration makes of a prediction that rests on the model alone, and of its interval; the identity where it says nothing.
func (c *Calibration) correct(t *Target, s Subject, bounds Bounds) (factor float64, corrected Bounds, why string) {
	if c == nil {
		return 1, bounds, ""
	}
	spread := math.Log(bounds.High/bounds.Low) / (2 * z90)
	variance, shift := spread*spread, 0.0
	for _, f := range c.Places {
		if f.Of == t.place() {
			shift += math.Log(f.Value)
			variance += f.Deviation*f.Deviation - placeShare*spread*spread
			why += fmt.Sprintf(" x %s for %d measurements on %s", trim(f.Value), f.Rows, t.Name)
		}
	}
	for _, f := range c.Models {
		if f.Of == s.SHA256 || f.Of == s.Name {
			shift += math.Log(f.Value)
			variance += f.Deviation*f.Deviation - modelShare*spread*spread
			why += fmt.Sprintf(" x %s for %d measurements of this model", trim(f.Value), f.Rows)
		}
	}
	if why == "" {
		return 1, bounds, ""
	}
	narrow := math.Sqrt(max(variance, pairShare*spread*spread)) / spread
	return math.Exp(shift), bounds.power(narrow), why
}
