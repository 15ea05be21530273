package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/planner/report"
)

func (m *modelFlags) addTune(f *pflag.FlagSet) {
	f.BoolVar(&m.tune, "tune", false, "measure which algorithms, tiles and threads are fastest here before anything else, and remember it in the user's cache")
}

// tuner is what Compile is to choose with, and keep writes what it learned: nil and nothing without --tune. What stands in the way of a cache is a note.
func (m *modelFlags) tuner(l *loaded, features cpu.Features) (tuner *engine.Tuner, keep func()) {
	if !m.tune {
		return nil, func() {}
	}
	of := engine.TunedFor{Model: l.SHA256, CPU: cpu.Describe(features).Model, Features: features.String()}
	warn := func(format string, err error) {
		l.notes = append(l.notes, report.Sentence(fmt.Sprintf("Warning: "+format+": %v", err)))
	}
	file, err := tunedFile(of)
	if err != nil {
		warn("what was tuned is not kept", err)
		return engine.NewTuner(of), func() {}
	}
	tuner = engine.NewTuner(of)
	b, err := os.ReadFile(file)
	if err == nil {
		var read *engine.Tuner
		if read, err = engine.ReadTuner(b, of); err == nil {
			tuner = read
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		warn(file+" is ignored and tuned anew", err)
	}
	return tuner, func() {
		if tuner.Measured() == 0 {
			return
		}
		if err := keepTuned(file, tuner); err != nil {
			warn("what was tuned is not kept", err)
		}
	}
}

// tunedFile is where the choices for a model and a processor are kept.
func tunedFile(of engine.TunedFor) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256([]byte(of.Model + "\n" + of.CPU + "\n" + of.Features))
	return filepath.Join(dir, "eiplan", "tuned", fmt.Sprintf("%x.json", key[:12])), nil
}

// keepTuned replaces the file, in one go.
func keepTuned(file string, t *engine.Tuner) error {
	b, err := t.Write()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return writeFile(file, b)
}
