package latency

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/eiplan/eiplan/engine"
)

// Observation is a measured latency with all that a prediction of it needs.
type Observation struct {
	Published
	Class  string // of runtimes, as Coefficients.Classes names them
	Group  string // the class by which errors are told: served models and ONNX Runtime apart from TensorRT
	Stack  string // the software, by the key of its coefficients
	Target Target
	Work   *engine.Workload // of the model at batch 1
}

// fitter finds the coefficients of one class of runtimes: the maximum of their posterior, given log-normal priors and rows whose log errors count
// squared up to rowSpread and by their size beyond, so that no single row decides.
type fitter struct {
	rows   []fitRow
	keys   []string
	roles  []role
	theta  []float64 // logarithms of the coefficients
	mean   []float64
	spread []float64
	index  map[string]int
}

const rowSpread = 0.2 // of a row's log error

// fitRow is an observation ready for a fit.
type fitRow struct {
	*Observation
	steps []repeated
	param [roles]int // none: not part of this row
	out   bool       // left out of the fit
}

const none = -1

// repeated is a step with how often the workload has it.
type repeated struct {
	engine.Work
	times float64
}

func newFitter(rows []*Observation) *fitter {
	f := &fitter{index: map[string]int{}}
	packed := map[workKey][]repeated{}
	for _, o := range rows {
		key := workKey{o.Work, o.Batch}
		if packed[key] == nil {
			packed[key] = pack(o.Work, o.Batch)
		}
		row := fitRow{Observation: o, steps: packed[key]}
		for r := range roles {
			row.param[r] = none
			if r.takes(o) {
				row.param[r] = f.parameter(r, r.key(o))
			}
		}
		f.rows = append(f.rows, row)
	}
	return f
}

type workKey struct {
	work  *engine.Workload
	batch int
}

func (f *fitter) parameter(r role, key string) int {
	k, ok := f.index[key]
	if !ok {
		k = len(f.keys)
		f.index[key] = k
		mean, spread := r.prior()
		f.keys, f.roles = append(f.keys, key), append(f.roles, r)
		f.theta, f.mean, f.spread = append(f.theta, mean), append(f.mean, mean), append(f.spread, spread)
	}
	return k
}

// kin is how much narrower a belief is that rests on another class's fit. Chosen by cross-validation.
const kin = 0.3

// believe takes what other classes found of the hardware, as logarithms by key, for the centre of priors.
func (f *fitter) believe(found map[string]float64) {
	for k, key := range f.keys {
		if v, ok := found[key]; ok && parameters[f.roles[k]].scope != ofStack {
			_, spread := f.roles[k].prior()
			f.mean[k], f.spread[k] = v, spread*kin
		}
	}
}

// pack gathers equal steps of a workload at a batch.
func pack(w *engine.Workload, batch int) []repeated {
	at := map[engine.Cost]int{}
	var list []repeated
	for i := range w.Steps {
		cost := w.Steps[i].Cost.Times(batch)
		if cost.Kind == engine.View {
			continue
		}
		k, ok := at[cost]
		if !ok {
			k = len(list)
			at[cost] = k
			list = append(list, repeated{Work: engine.Work{Cost: cost}})
		}
		list[k].times++
	}
	return list
}

// time is the row's in milliseconds, with one logarithm moved by nudge.
func (f *fitter) time(row *fitRow, moved int) float64 {
	v := neutral
	for r, k := range row.param {
		switch k {
		case none:
		case moved:
			v[r] = math.Exp(f.theta[k] + nudge)
		default:
			v[r] = math.Exp(f.theta[k])
		}
	}
	return v.time(row.Observation, row.steps)
}

const nudge = 1e-4 // of a logarithm, for derivatives

func (v *values) time(o *Observation, steps []repeated) float64 {
	r := v.rates(&o.Target)
	total := r.start
	for i := range steps {
		s := r.step(&steps[i].Work)
		total += steps[i].times * (s.roof + s.launch)
	}
	if r.host > 0 {
		total = smoothMax6(total, r.host*float64(o.Work.Unfused))
	}
	return total*r.scale + v[roleWire]*float64(o.Batch)*(o.Work.InBytes+o.Work.OutBytes)/1e6
}

// fit improves the coefficients by at most the given number of Levenberg–Marquardt steps.
func (f *fitter) fit(steps int) {
	n := len(f.theta)
	normal, damped, gradient := mat.NewSymDense(n, nil), mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	lambda, cost := 1e-3, f.cost()
	for range steps {
		f.derive(normal, gradient)
		before, at := slices.Clone(f.theta), cost
		for range 8 {
			damped.CopySym(normal)
			for i := range n {
				damped.SetSym(i, i, normal.At(i, i)*(1+lambda))
			}
			var chol mat.Cholesky
			var step mat.VecDense
			if chol.Factorize(damped) && chol.SolveVecTo(&step, gradient) == nil {
				for i := range n {
					f.theta[i] = before[i] - step.AtVec(i)
				}
				if cost = f.cost(); cost < at {
					lambda = max(lambda/5, 1e-9)
					break
				}
			}
			lambda *= 5
			copy(f.theta, before)
			cost = at
		}
		if at-cost <= 1e-6*at {
			return
		}
	}
}

// cost is minus twice the logarithm of the posterior, up to a constant.
func (f *fitter) cost() float64 {
	var sum float64
	for i := range f.rows {
		if row := &f.rows[i]; !row.out {
			r, _ := soften(math.Log(f.time(row, none)/row.Ms) / rowSpread)
			sum += r * r
		}
	}
	for k, x := range f.theta {
		d := (x - f.mean[k]) / f.spread[k]
		sum += d * d
	}
	return sum
}

// soften turns a residual into one whose square grows like its size beyond 1, and gives the derivative.
func soften(r float64) (soft, slope float64) {
	root := math.Sqrt(1 + r*r)
	soft = math.Copysign(math.Sqrt(2*(root-1)), r)
	if math.Abs(r) < 1e-6 {
		return r, 1
	}
	return soft, r / (root * soft)
}

// derive sets the normal matrix JᵀJ and the gradient Jᵀr of the residuals of rows and priors.
func (f *fitter) derive(m *mat.SymDense, g *mat.VecDense) {
	m.Zero()
	g.Zero()
	var jac [roles]float64
	for i := range f.rows {
		row := &f.rows[i]
		if row.out {
			continue
		}
		at := math.Log(f.time(row, none))
		r, slope := soften((at - math.Log(row.Ms)) / rowSpread)
		for a, k := range row.param {
			if k != none {
				jac[a] = (math.Log(f.time(row, k)) - at) / nudge / rowSpread * slope
			}
		}
		for a, k := range row.param {
			if k == none {
				continue
			}
			g.SetVec(k, g.AtVec(k)+jac[a]*r)
			for b, l := range row.param {
				if l != none && l <= k {
					m.SetSym(k, l, m.At(k, l)+jac[a]*jac[b])
				}
			}
		}
	}
	for k, x := range f.theta {
		v := 1 / (f.spread[k] * f.spread[k])
		m.SetSym(k, k, m.At(k, k)+v)
		g.SetVec(k, g.AtVec(k)+(x-f.mean[k])*v)
	}
}

// parameters are the fitted coefficients. P10 and P90 follow from the curvature of the posterior at its maximum.
func (f *fitter) parameters() Parameter {
	n := len(f.theta)
	normal, gradient := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	f.derive(normal, gradient)
	var chol mat.Cholesky
	var covariance mat.SymDense
	if !chol.Factorize(normal) || chol.InverseTo(&covariance) != nil {
		panic("latency: the curvature of a fit with priors is not positive")
	}
	rows := make([]int, n)
	for i := range f.rows {
		for _, k := range f.rows[i].param {
			if k != none {
				rows[k]++
			}
		}
	}
	p := Parameter{}
	for k, key := range f.keys {
		wide := z90 * math.Sqrt(covariance.At(k, k))
		p[key] = Fitted{
			Value: digits(math.Exp(f.theta[k])), P10: digits(math.Exp(f.theta[k] - wide)), P90: digits(math.Exp(f.theta[k] + wide)), Rows: rows[k],
		}
	}
	return p
}

// digits keeps four significant digits.
func digits(v float64) float64 {
	scale := math.Pow(10, 3-math.Floor(math.Log10(v)))
	return math.Round(v*scale) / scale
}
