package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/eiplan/eiplan/engine/bench"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Tuner settles, at Compile, what static rules can't be sure of: it measures the ways to do a thing on this machine, takes one other than the rules' where
// that is surely faster, and remembers it. It is for one model on one processor, in any shapes, precision and number of threads, and not safe for use by
// several callers at once.
type Tuner struct {
	of       TunedFor
	choices  map[string]string // the way by what it does
	measured int

	measure func(ways []func()) (fastest int)
}

// TunedFor is what choices hold for.
type TunedFor struct {
	Model    string `json:"model"` // its SHA-256
	CPU      string `json:"cpu"`
	Features string `json:"features"` // as cpu.Features prints them
}

// NewTuner is one that remembers nothing yet.
func NewTuner(of TunedFor) *Tuner {
	return &Tuner{of: of, choices: map[string]string{}, measure: fastest}
}

// tunedFile is what Write writes.
type tunedFile struct {
	Version int `json:"version"`
	TunedFor
	Choices map[string]string `json:"choices"`
}

// tunedVersion changes when ways that had a name become others.
const tunedVersion = 1

// ReadTuner is a Tuner with the choices of a file that Write wrote. A file that is damaged, of another version, model or processor is an error.
func ReadTuner(file []byte, of TunedFor) (*Tuner, error) {
	var f tunedFile
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("tuned choices: %w", err)
	}
	switch {
	case f.Version != tunedVersion:
		return nil, fmt.Errorf("tuned choices of version %d, not %d", f.Version, tunedVersion)
	case f.TunedFor != of:
		return nil, fmt.Errorf("tuned choices for model %.12s on %s with %s", f.Model, f.CPU, f.Features)
	case f.Choices == nil:
		return nil, fmt.Errorf("tuned choices: there are none")
	}
	t := NewTuner(of)
	t.choices = f.Choices
	return t, nil
}

// Write renders the choices for ReadTuner.
func (t *Tuner) Write() ([]byte, error) {
	return json.MarshalIndent(tunedFile{tunedVersion, t.of, t.choices}, "", " ")
}

// Measured is how many choices were measured and not remembered: where it is 0, what was read needs no writing.
func (t *Tuner) Measured() int { return t.measured }

// String lists the choices, one a line.
func (t *Tuner) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(t.choices)) {
		fmt.Fprintf(&b, "%s: %s\n", key, t.choices[key])
	}
	return b.String()
}

// choose returns what was remembered, where that is one of the ways, or else measures them on the team.
func (t *Tuner) choose(team *parallel.Team, key string, ways []string, try ops.Try) (string, error) {
	if way, ok := t.choices[key]; ok && slices.Contains(ways, way) {
		return way, nil
	}
	works := make([]func(), len(ways))
	for i, way := range ways {
		var err error
		if works[i], err = try(way, team); err != nil {
			return "", fmt.Errorf("trying %q: %w", way, err)
		}
	}
	t.choices[key] = ways[t.measure(works)]
	t.measured++
	return t.choices[key], nil
}

const (
	trialTime   = 60 * time.Millisecond // for the rounds of one choice
	trialRounds = 200                   // at most
	fewestTrial = 9                     // rounds, however long they take: the fewest that bound a median at 99%
	evicted     = 4 << 20               // bytes that are read between runs, as other steps would, so that what comes from beyond the nearest caches does so in trials too
)

// fastest times works in turns and is the one that decide takes.
func fastest(works []func()) int {
	others := make([]byte, evicted)
	times := make([][]time.Duration, len(works))
	for _, work := range works {
		work()
	}
	for start, n := time.Now(), 0; n < fewestTrial || n < trialRounds && time.Since(start) < trialTime; n++ {
		for i, work := range works {
			for k := 0; k < len(others); k += 64 {
				others[k]++
			}
			began := time.Now()
			work()
			times[i] = append(times[i], max(time.Since(began), 1))
		}
	}
	return decide(times)
}

// decide is the first, or of those that are surely faster than it the fastest: the median of the ratios of pairs, one of each round, is below 1 at 99%
// confidence.
func decide(times [][]time.Duration) int {
	best, least := 0, math.Inf(1)
	first := bench.NewSample(times[0], nil, 0.99)
	for i := 1; i < len(times); i++ {
		r := bench.Comparison{Samples: []bench.Sample{bench.NewSample(times[i], nil, 0.99), first}}.Ratio(0, 1).Rounds
		if r.High < 1 && r.Value < least {
			best, least = i, r.Value
		}
	}
	return best
}

// tuneThreads lets a program run on one thread where that is faster than on all: steps of few microseconds may be. One that does not run on made-up inputs
// keeps all.
func (p *Program) tuneThreads(t *Tuner, team *parallel.Team, precision Precision) error {
	var shapes []string
	for _, in := range p.Inputs {
		if in.Kind != models.TensorKind {
			return nil
		}
		shapes = append(shapes, in.Shape.String())
	}
	in, out := p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs))
	if p.newSession(nil).Run(in, out) != nil {
		return nil
	}
	all := fmt.Sprintf("%d threads", p.target.Threads)
	way, err := t.choose(team, fmt.Sprintf("program on %s, precision %v, inputs %s", all, precision, strings.Join(shapes, " ")), []string{all, "alone"},
		func(way string, team *parallel.Team) (func(), error) {
			if way == "alone" {
				team = nil
			}
			s := p.newSession(team)
			return func() {
				if err := s.Run(in, out); err != nil {
					panic("engine: a run that went well before: " + err.Error())
				}
			}, nil
		})
	if way == "alone" {
		p.target.Threads = 1
	}
	return err
}

// Threads is how many threads a session works on: those of Options, or one where a Tuner found that to be faster.
func (p *Program) Threads() int { return p.target.Threads }
