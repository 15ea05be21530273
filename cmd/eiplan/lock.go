package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
)

// lockFile is what eiplan lock writes where --out names no other.
const lockFile = "eiplan.lock"

// lockSpec is the spec of kind Lock: everything that a plan depends on beside its model, its measurement and its flags.
type lockSpec struct {
	Tool         pin   `json:"tool" yaml:"tool"`
	Catalog      pin   `json:"catalog" yaml:"catalog"`
	Coefficients pin   `json:"coefficients" yaml:"coefficients"`
	Calibration  *pin  `json:"calibration" yaml:"calibration"` // null: none
	Overlays     []pin `json:"overlays" yaml:"overlays"`       // in the order of application
	Commitments  []pin `json:"commitments" yaml:"commitments"`
}

// pin identifies one input by its content; the rest says which it was.
type pin struct {
	Source string `json:"source,omitempty" yaml:"source"`
	AsOf   string `json:"asOf,omitempty" yaml:"asOf"`
	SHA256 string `json:"sha256" yaml:"sha256"`
}

func (p pin) String() string {
	text := fmt.Sprintf("%.12s", p.SHA256)
	if p.AsOf != "" {
		text += " of " + p.AsOf
	}
	return strings.TrimSpace(p.Source + " " + text)
}

func newLock(a *app) *cobra.Command {
	var s sourceFlags
	c := &cobra.Command{
		Use:   "lock",
		Short: "Pin what plans depend on, by hash, so that runs elsewhere give the same plan or refuse",
		Long: `lock writes ` + lockFile + `, or --out: the catalogue, the coefficients, the calibration, the overlays, the commitments and this program by hash.
With -o json or yaml and without --out it prints them.
size and plan under --lock FILE refuse to run where any of them differs.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			in, err := s.read()
			if err != nil {
				return err
			}
			if a.format == "table" {
				a.format = "yaml"
				a.out = cmp.Or(a.out, lockFile)
			}
			env := a.envelope("Lock", in.pins, nil)
			return a.emit(report.Document{Value: env, Answer: a.out})
		},
	}
	s.add(c.Flags())
	s.addOwned(c.Flags())
	s.addCalibration(c.Flags())
	return c
}

// honour refuses where the file pins other inputs than these.
func (l *lockSpec) honour(file string) error {
	var locked lockSpec
	if _, err := readSpec(file, "Lock", &locked); err != nil {
		return err
	}
	differences := locked.differences(l)
	if len(differences) == 0 {
		return nil
	}
	e := usageError("%s pins other inputs: %s", file, strings.Join(differences, "; "))
	e.hint = "run with what it pins, or accept what there is now with eiplan lock --out " + file + " and the same --catalog, --overlay, --commitments and --calibration"
	return e
}

// differences names what two sets of inputs do not share.
func (l *lockSpec) differences(now *lockSpec) []string {
	var list []string
	differ := func(what string, locked, now *pin) {
		if locked == nil {
			locked = &pin{}
		}
		if now == nil {
			now = &pin{}
		}
		if locked.SHA256 != now.SHA256 {
			list = append(list, fmt.Sprintf("the %s is %s, locked is %s", what, cmp.Or(now.describe(), "none"), cmp.Or(locked.describe(), "none")))
		}
	}
	differ("tool", &l.Tool, &now.Tool)
	differ("catalogue", &l.Catalog, &now.Catalog)
	differ("set of coefficients", &l.Coefficients, &now.Coefficients)
	differ("calibration", l.Calibration, now.Calibration)
	for _, lists := range []struct {
		what        string
		locked, now []pin
	}{{"overlay", l.Overlays, now.Overlays}, {"file of commitments", l.Commitments, now.Commitments}} {
		for i := range max(len(lists.locked), len(lists.now)) {
			what := lists.what
			if i > 0 {
				what = fmt.Sprintf("%s %d", what, i+1)
			}
			differ(what, at(lists.locked, i), at(lists.now, i))
		}
	}
	return list
}

// at is an element, or nil beyond the end.
func at(pins []pin, i int) *pin {
	if i >= len(pins) {
		return nil
	}
	return &pins[i]
}

// describe is empty for no pin.
func (p *pin) describe() string {
	if p.SHA256 == "" {
		return ""
	}
	return p.String()
}

// pinnedTool identifies this program: by the revision that it was built from, on whatever platform; by its bytes, where the build does not say or
// the tree had changes.
func pinnedTool() pin {
	t := toolVersion()
	hash := sha256.New()
	fmt.Fprintln(hash, t.Version, t.Commit)
	if t.Commit == "" && t.Version == "devel" || modified() {
		file, err := os.Executable()
		if err == nil {
			if f, open := os.Open(file); open == nil {
				_, err = io.Copy(hash, f)
				f.Close()
			}
		}
		if err != nil {
			panic("eiplan: reading this program: " + err.Error())
		}
	}
	return pin{Source: strings.TrimSpace("eiplan " + t.Version + " " + t.Commit), SHA256: hex.EncodeToString(hash.Sum(nil))}
}

// modified reports whether the tree that this program was built from had changes that no revision has.
func modified() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "vcs.modified", Value: "true"})
}
