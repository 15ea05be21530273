package latency

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/eiplan/eiplan/planner/hardware"
)

// Judged is an observation with what the model says of it.
type Judged struct {
	Predicted
	LowMs, HighMs float64 // p10 and p90
	PlainMs       float64 // FLOPs ÷ TFLOPS
}

// Inside tells whether the observation lies within p10 and p90.
func (j *Judged) Inside() bool { return j.LowMs <= j.Ms && j.Ms <= j.HighMs }

// Judge predicts a published row with the coefficients of its own software, or of what is usual where they have none.
func (c *Coefficients) Judge(o *Observation) Judged {
	v := neutral
	seen := true
	for r := range roles {
		if !r.takes(o) {
			continue
		}
		f, ok := c.fitted(o.Class, r.key(o))
		switch {
		case ok:
			v[r] = f.Value
		case r == roleDevice:
			v[r], seen = c.deviceFactor(&o.Target, o.Class)
		case r == roleDense:
			v[r] = c.denseOf(o.Class, o.Target.Format)
		case parameters[r].scope == ofUnits:
			v[r] = c.unitOf(o.Class, parameters[r].name, o.Target.Tensor)
		default:
			v[r] = parameters[r].usual
		}
	}
	at := v.time(o, pack(o.Work, o.Batch))
	i := c.interval(o.Group, o.Batch, !seen, slices.Contains(c.Training.Models, o.Model))
	return judge(Predicted{o, at}, Bounds{i.Low, i.High})
}

func judge(p Predicted, b Bounds) Judged {
	plain := p.Work.FLOPs * float64(p.Batch) * 1e-9 / p.Target.TFLOPS
	return Judged{Predicted: p, LowMs: p.PredictedMs * b.Low, HighMs: p.PredictedMs * b.High, PlainMs: plain}
}

// fewRows is how many rows an interval needs of its own; with fewer, a group's batch sizes share one.
const fewRows = 40

// ranged is the rows of a group from a batch size on.
type ranged struct {
	from int
	rows []Predicted
}

// ranges tells batch 1 and larger batches apart where there are rows enough of both.
func ranges(rows []Predicted) []ranged {
	single := slices.DeleteFunc(slices.Clone(rows), func(p Predicted) bool { return p.Batch != 1 })
	several := slices.DeleteFunc(slices.Clone(rows), func(p Predicted) bool { return p.Batch == 1 })
	switch {
	case len(rows) == 0:
		return nil
	case len(single) < fewRows || len(several) < fewRows:
		return []ranged{{1, rows}}
	}
	return []ranged{{1, single}, {2, several}}
}

// intervalOf is the spread of rows, widened so that four fifths of the rows lie within what the other folds say of them: errors of one model go together, so
// that those of a model without a part in setting an interval lie further out. rest holds the others' spread for every fold; a fold that has all rows is judged
// by them.
func intervalOf(rows []Predicted, fold func(*Observation) string) (all Bounds, rest map[string]Bounds) {
	all, rest = spread(rows), map[string]Bounds{}
	reach := make([]float64, len(rows)) // the power of the interval that just reaches the row
	for i, p := range rows {
		name := fold(p.Observation)
		b, ok := rest[name]
		if !ok {
			b = all
			if others := slices.DeleteFunc(slices.Clone(rows), func(q Predicted) bool { return fold(q.Observation) == name }); len(others) >= fewRows/4 {
				b = spread(others)
			}
			rest[name] = b
		}
		side := math.Log(b.High)
		off := math.Log(p.Ms / p.PredictedMs)
		if off < 0 {
			side = math.Log(b.Low)
		}
		reach[i] = off / side
		if side*off <= 0 { // the interval has its centre on the other side: any power is too little
			reach[i] = math.Inf(1)
		}
	}
	slices.Sort(reach)
	power := max(1, min(stat.Quantile(0.8, stat.Empirical, reach, nil), 2))
	for name, b := range rest {
		rest[name] = b.power(power)
	}
	return all.power(power), rest
}

// crossed are the intervals of cross-validated predictions.
func crossed(rows []Predicted, fold func(*Observation) string, seen, unseen bool, source string) []Interval {
	var list []Interval
	for _, group := range Groups() {
		for _, part := range ranges(ofGroup(rows, group)) {
			b, _ := intervalOf(part.rows, fold)
			list = append(list, Interval{
				Class: group, MinBatch: part.from, Seen: seen, Unseen: unseen, Low: digits(b.Low), High: digits(b.High),
				Source: fmt.Sprintf("observed over predicted, p10 and p90 of %d rows, %s", len(part.rows), source),
			})
		}
	}
	return list
}

func ofGroup(rows []Predicted, group string) []Predicted {
	return slices.DeleteFunc(slices.Clone(rows), func(p Predicted) bool { return p.Group != group })
}

// Groups are the classes by which errors are told: kinds of device first, then what runs on GPUs.
func Groups() []string {
	return []string{"cpu", "neuron", "ei", "tensorrt", "served", "ort", "graph", "eager"}
}

// Refit fits everything anew: coefficients, and the intervals by cross-validation. hash is that of the file of measurements.
func Refit(observations []*Observation, hash string) *Fitting {
	f := &Fitting{Classes: Fit(observations), Training: Training{SHA256: hash, Rows: len(observations)}}
	for _, o := range observations {
		f.Training.Models = append(f.Training.Models, o.Model)
	}
	slices.Sort(f.Training.Models)
	f.Training.Models = slices.Compact(f.Training.Models)
	f.Intervals = slices.Concat(
		crossed(CrossValidate(observations, ByModel), ByModel, false, false, "no row of the model in the fit"),
		crossed(CrossValidate(observations, ByRow), ByRow, true, false, "other rows of the model in the fit"),
		slices.DeleteFunc(crossed(CrossValidate(observations, ByDevice), ByDevice, false, true, "no row of the device in the fit"), func(i Interval) bool {
			return i.Class == string(hardware.CPU) || i.Class == string(hardware.Neuron) // too few devices to say what another would do
		}),
	)
	return f
}

// JudgeUnseen predicts every observation by a fit without its model, with intervals that rest on the errors of the other folds.
func JudgeUnseen(observations []*Observation) []Judged {
	rows := CrossValidate(observations, ByModel)
	var list []Judged
	for _, group := range Groups() {
		for _, part := range ranges(ofGroup(rows, group)) {
			_, rest := intervalOf(part.rows, ByModel)
			for _, p := range part.rows {
				list = append(list, judge(p, rest[ByModel(p.Observation)]))
			}
		}
	}
	return list
}

// Write renders what a fit found as the file that Read takes, a coefficient a line.
func Write(f *Fitting) ([]byte, error) {
	wide, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	// The innermost objects, which hold no other, go on one line.
	return append(innermost.ReplaceAllFunc(wide, func(object []byte) []byte {
		return bytes.Join(bytes.Fields(object), []byte(" "))
	}), '\n'), nil
}

var innermost = regexp.MustCompile(`[{\[][^{}\[\]]*[}\]]`)
