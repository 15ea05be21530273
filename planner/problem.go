package planner

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
)

// problem is a request with its defaults filled in and its names checked.
type problem struct {
	Request
	budget      float64 // milliseconds for inference
	regions     []string
	predictor   *latency.Predictor
	common      *common
	terms       *terms
	predictions map[*aim]*predicted
	answers     map[*aim]*answered
	cheapest    bool // only the cheapest entry is wanted, no account of the rest
}

const (
	defaultRegion = "us-east-1"
	defaultTop    = 50
	allRegions    = "all"
)

func prepare(r Request, c *common) (*problem, error) {
	if r.Catalog == nil {
		return nil, fmt.Errorf("planner: no catalogue")
	}
	if len(r.Workload.Steps) == 0 && len(r.Workload.Unknown) == 0 {
		return nil, fmt.Errorf("planner: the workload is empty: nothing to predict")
	}
	if !(r.Rate >= 0) || math.IsInf(r.Rate, 0) {
		return nil, fmt.Errorf("rate %g per second: must not be negative", r.Rate)
	}
	p := &problem{Request: r, common: c, predictions: make(map[*aim]*predicted, len(c.aims)), answers: make(map[*aim]*answered, len(c.aims))}
	if p.Hardware == nil {
		p.Hardware = c.hardware
	}
	if p.Coefficients == nil {
		p.Coefficients = c.coefficients
	}
	if p.AsOf == 0 {
		p.AsOf = p.Catalog.AsOf()
	}
	p.Batch = max(p.Batch, 1)
	if p.Top <= 0 {
		p.Top = defaultTop
	}
	if p.Objective == "" {
		p.Objective = Hourly
	}
	if p.Scaling == "" {
		p.Scaling = latency.Roofline
	}
	if p.Constraints.Lifecycle == "" {
		p.Constraints.Lifecycle = OnlyCurrent
	}
	var err error
	if p.SLA, err = p.SLA.withDefaults(); err != nil {
		return nil, err
	}
	p.budget = p.SLA.InferenceMs()
	if err := p.checkNames(); err != nil {
		return nil, err
	}
	if err := p.Measured.check(); err != nil {
		return nil, fmt.Errorf("measured: %w", err)
	}
	p.predictor = &latency.Predictor{
		Coefficients: p.Coefficients, FP32: &p.Workload, Mixed: p.workload(engine.Mixed), Batch: p.Batch, Scaling: p.Scaling, Local: p.local(),
		Calibration: p.Calibration, Subject: p.Model, RuntimeStated: p.Runtime != "",
	}
	p.predictor.Anchored = p.anchored()
	p.terms = c.termsOf(p)
	return p, nil
}

// owns reports whether the buyer owns any commitment.
func (p *problem) owns() bool {
	return p.Owned != nil && len(p.Owned.Reserved)+len(p.Owned.SavingsPlans) > 0
}

// checkNames reads regions and globs, which must name something that the catalogue has.
func (p *problem) checkNames() error {
	c := &p.Constraints
	asked := c.Regions
	switch {
	case len(asked) == 0:
		asked = []string{defaultRegion}
	case slices.Contains(asked, allRegions):
		asked = p.Catalog.Regions()
	}
	for _, name := range asked {
		if _, err := p.Catalog.Region(name); err != nil {
			return err
		}
		if !slices.Contains(p.regions, name) {
			p.regions = append(p.regions, name)
		}
	}
	if c.MinInstances > mostReplicas {
		return fmt.Errorf("at least %d instances: no more than %d are planned", c.MinInstances, mostReplicas)
	}
	for _, arch := range c.Arch {
		if arch != "amd64" && arch != "arm64" {
			return fmt.Errorf("architecture %q is neither amd64 nor arm64", arch)
		}
	}
	switch {
	case p.Objective != Hourly && p.Objective != PerMillion:
		return fmt.Errorf("objective %q is neither %s nor %s", p.Objective, Hourly, PerMillion)
	case c.Lifecycle != OnlyCurrent && c.Lifecycle != AnyTime:
		return fmt.Errorf("lifecycle %q is neither %s nor %s", c.Lifecycle, OnlyCurrent, AnyTime)
	}
	if err := p.checkBaseline(); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	for _, glob := range c.Instances {
		if err := p.checkInstance(glob); err != nil {
			return err
		}
	}
	for _, glob := range c.Accelerators {
		if err := p.checkAccelerator(glob); err != nil {
			return err
		}
	}
	return nil
}

func (p *problem) checkInstance(glob string) error {
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("instance pattern %q: %w", glob, err)
	}
	if !strings.ContainsAny(glob, `*?[\`) {
		_, err := p.Catalog.Instance(glob)
		return err
	}
	for _, in := range p.Catalog.Instances() {
		if matchesAny([]string{glob}, in.Name) {
			return nil
		}
	}
	return fmt.Errorf("instance pattern %q matches no instance type", glob)
}

func (p *problem) checkAccelerator(glob string) error {
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("accelerator pattern %q: %w", glob, err)
	}
	known := []string{"none", string(hardware.GPU), string(hardware.Neuron), string(hardware.EI)}
	known = append(known, p.Catalog.Devices()...)
	for _, a := range p.Catalog.Accelerators() {
		known = append(known, a.Name)
	}
	for _, name := range known {
		if matchesAny([]string{glob}, name) {
			return nil
		}
	}
	return fmt.Errorf("accelerator %q is none of %s", glob, strings.Join(known, ", "))
}
