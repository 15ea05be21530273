package latency

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"
)

// fitOrder is the classes of runtimes as they are fitted: each believes of hardware what those before it found.
var fitOrder = []string{"tensorrt", "graph", "eager", "neuron", "cpu"}

// Fits tells whether the coefficients of an observation's class are fitted; those of others are set by judgement.
func Fits(o *Observation) bool { return slices.Contains(fitOrder, o.Class) }

// Fit finds the coefficients of every class of runtimes that has observations: the most probable ones, given what is believed of coefficients before any
// row is seen.
func Fit(observations []*Observation) map[string]Parameter {
	c := newChain(observations)
	c.fit(enough)
	found := map[string]Parameter{}
	for class, f := range c {
		found[class] = f.parameters()
	}
	return found
}

// Predicted is an observation with what a model says of it that was fitted without it.
type Predicted struct {
	*Observation
	PredictedMs float64
}

// CrossValidate predicts every observation by coefficients that were fitted without the rows of its fold, in any class. fold names an observation's.
func CrossValidate(observations []*Observation, fold func(*Observation) string) []Predicted {
	whole := newChain(observations)
	whole.fit(enough)
	folds := map[string]bool{}
	for _, o := range observations {
		folds[fold(o)] = true
	}
	var predicted []Predicted
	for _, name := range slices.Sorted(maps.Keys(folds)) {
		c := whole.clone()
		for _, f := range c {
			for i := range f.rows {
				f.rows[i].out = fold(f.rows[i].Observation) == name
			}
		}
		c.fit(more)
		for _, class := range fitOrder {
			f := c[class]
			for i := 0; f != nil && i < len(f.rows); i++ {
				if row := &f.rows[i]; row.out {
					predicted = append(predicted, Predicted{row.Observation, f.time(row, none)})
				}
			}
		}
	}
	return predicted
}

// ByModel are twenty folds of models, fixed by their names: no row of a model is seen when it is predicted.
func ByModel(o *Observation) string { return foldOf("model " + o.Model) }

// ByRow are twenty folds of rows: other rows of the same model are seen.
func ByRow(o *Observation) string { return foldOf("row " + o.ID) }

// ByDevice leaves one device out at a time.
func ByDevice(o *Observation) string { return o.Device }

func foldOf(name string) string {
	h := sha256.Sum256([]byte(name))
	return strconv.Itoa(int(binary.BigEndian.Uint32(h[:]) % 20))
}

// enough and more are the steps from the priors, and from a fit of almost the same rows.
const enough, more = 60, 12

// chain is the fitters of all classes.
type chain map[string]*fitter

func newChain(observations []*Observation) chain {
	by := map[string][]*Observation{}
	for _, o := range observations {
		by[o.Class] = append(by[o.Class], o)
	}
	c := chain{}
	for class, rows := range by {
		c[class] = newFitter(rows)
	}
	return c
}

func (c chain) fit(steps int) {
	found := map[string]float64{}
	for _, class := range fitOrder {
		f := c[class]
		if f == nil {
			continue
		}
		f.believe(found)
		f.fit(steps)
		for k, key := range f.keys {
			if _, ok := found[key]; !ok {
				found[key] = f.theta[k]
			}
		}
	}
}

// clone shares what a fit does not change.
func (c chain) clone() chain {
	d := chain{}
	for class, f := range c {
		g := *f
		g.theta, g.mean, g.spread, g.rows = slices.Clone(f.theta), slices.Clone(f.mean), slices.Clone(f.spread), slices.Clone(f.rows)
		d[class] = &g
	}
	return d
}

// spread is the p10 and p90 of observed over predicted.
func spread(rows []Predicted) Bounds {
	ratios := make([]float64, len(rows))
	for i, r := range rows {
		ratios[i] = r.Ms / r.PredictedMs
	}
	slices.Sort(ratios)
	return Bounds{Low: stat.Quantile(0.1, stat.Empirical, ratios, nil), High: stat.Quantile(0.9, stat.Empirical, ratios, nil)}
}

// Score is how far predictions lie from what was observed.
type Score struct {
	Rows      int
	MAPE      float64 // mean of |predicted ÷ observed − 1|, percent
	Median    float64 // of the same
	GeoFactor float64 // exp(mean |ln(predicted ÷ observed)|), which judges too little and too much alike
	Spearman  float64 // correlation of ranks; 0 with fewer than three rows, or where all predictions or all observations are alike
}

// ScoreOf judges pairs of predicted and observed times.
func ScoreOf(predicted, observed []float64) Score {
	s := Score{Rows: len(observed)}
	if s.Rows == 0 {
		return s
	}
	relative := make([]float64, s.Rows)
	for i, p := range predicted {
		relative[i] = math.Abs(p/observed[i]-1) * 100
		s.MAPE += relative[i] / float64(s.Rows)
		s.GeoFactor += math.Abs(math.Log(p/observed[i])) / float64(s.Rows)
	}
	slices.Sort(relative)
	s.Median, s.GeoFactor = stat.Quantile(0.5, stat.Empirical, relative, nil), math.Exp(s.GeoFactor)
	if s.Rows >= 3 {
		if s.Spearman = stat.Correlation(ranks(predicted), ranks(observed), nil); math.IsNaN(s.Spearman) {
			s.Spearman = 0
		}
	}
	return s
}

// ranks gives equal values the mean of their ranks.
func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(v[a], v[b]) })
	r := make([]float64, len(v))
	for i := 0; i < len(order); {
		k := i
		for k < len(order) && v[order[k]] == v[order[i]] {
			k++
		}
		for _, at := range order[i:k] {
			r[at] = float64(i+k-1) / 2
		}
		i = k
	}
	return r
}
