package main

import (
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// sourceFlags name the files that a run rests on beside its model.
type sourceFlags struct {
	catalog               string
	overlays, commitments []string
	calibration, lock     string
}

func (s *sourceFlags) add(f *pflag.FlagSet) {
	addCatalogFlag(f, &s.catalog)
	f.StringArrayVar(&s.overlays, "overlay", nil, "prices of your own over the catalogue's, a file of kind PriceOverlay; repeatable, each over those before")
}

func (s *sourceFlags) addOwned(f *pflag.FlagSet) {
	f.StringArrayVar(&s.commitments, "commitments", nil, "what you own: Reserved Instances and Savings Plans, a file of kind Commitments; repeatable")
}

func (s *sourceFlags) addCalibration(f *pflag.FlagSet) {
	f.StringVar(&s.calibration, "calibration", "", "measurements on the hardware itself, by eiplan calibrate")
}

func (s *sourceFlags) addLock(f *pflag.FlagSet) {
	f.StringVar(&s.lock, "lock", "", "refuse to run on other inputs than this file pins, which eiplan lock wrote")
}

// sources are what the flags name, read.
type sources struct {
	catalog     *pricing.Catalog // under the overlays
	owned       pricing.Commitments
	calibration *latency.Calibration // nil: none
	warnings    []string
	pins        lockSpec
}

// read opens and checks everything, the lock last.
func (s *sourceFlags) read() (*sources, error) {
	catalog, err := openCatalog(s.catalog)
	if err != nil {
		return nil, err
	}
	out := &sources{pins: lockSpec{
		Tool: pinnedTool(), Catalog: pin{Source: catalog.Source(), AsOf: catalog.AsOf().String(), SHA256: catalog.SHA256()},
		Coefficients: pin{SHA256: latency.Default().SHA256()}, Overlays: []pin{}, Commitments: []pin{},
	}}
	var overlays []*pricing.Overlay
	for _, file := range s.overlays {
		o := &pricing.Overlay{Name: filepath.Base(file)}
		hash, err := readSpec(file, "PriceOverlay", o)
		if err != nil {
			return nil, err
		}
		overlays = append(overlays, o)
		out.pins.Overlays = append(out.pins.Overlays, pin{Source: o.Name, SHA256: hash})
	}
	if out.catalog, out.warnings, err = catalog.With(overlays...); err != nil {
		return nil, inFile("--overlay", err)
	}
	for _, file := range s.commitments {
		var more pricing.Commitments
		hash, err := readSpec(file, "Commitments", &more)
		if err == nil {
			if err = more.Check(out.catalog); err != nil {
				err = inFile(file, err)
			}
		}
		if err != nil {
			return nil, err
		}
		out.owned.Reserved = append(out.owned.Reserved, more.Reserved...)
		out.owned.SavingsPlans = append(out.owned.SavingsPlans, more.SavingsPlans...)
		out.pins.Commitments = append(out.pins.Commitments, pin{Source: filepath.Base(file), SHA256: hash})
	}
	if err := out.owned.Check(out.catalog); err != nil { // ids that two files share
		return nil, inFile("--commitments", err)
	}
	if s.calibration != "" {
		var origin *report.Origin
		if out.calibration, origin, err = readCalibration(s.calibration); err != nil {
			return nil, err
		}
		out.pins.Calibration = &pin{Source: origin.Source, AsOf: origin.AsOf, SHA256: origin.SHA256}
	}
	if s.lock == "" {
		return out, nil
	}
	return out, out.pins.honour(s.lock)
}

// sign says in a report's metadata what it rests on.
func (s *sources) sign(m *report.Metadata) {
	m.Catalog = catalogOrigin(s.catalog)
	m.Overlays, m.Commitments = origins(s.pins.Overlays), origins(s.pins.Commitments)
	m.Coefficients = &report.Origin{SHA256: latency.Default().SHA256()}
	if c := s.pins.Calibration; c != nil {
		m.Calibration = &origins([]pin{*c})[0]
	}
}

// origins are pins as a report's metadata holds them.
func origins(pins []pin) []report.Origin {
	var list []report.Origin
	for _, p := range pins {
		list = append(list, report.Origin{AsOf: p.AsOf, Source: p.Source, SHA256: p.SHA256})
	}
	return list
}
