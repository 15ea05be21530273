package sizing

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// Read decodes a report in YAML or in JSON. Fields that a later version added are passed over; another kind, another apiVersion, or a plan that contradicts itself,
// as one of a file that was cut off does, is an error.
func Read(b []byte) (*Report, error) {
	r := &Report{}
	if err := report.Decode(b, r); err != nil {
		return nil, err
	}
	if r.Kind != Kind || r.APIVersion != report.APIVersion {
		return nil, fmt.Errorf("not of kind %s and apiVersion %s, but of kind %q and apiVersion %q", Kind, report.APIVersion, r.Kind, r.APIVersion)
	}
	if err := Sound(&r.Status); err != nil {
		return nil, fmt.Errorf("status.%w", err)
	}
	return r, nil
}

// Sound finds what a plan that was read from a file can't say: a verdict that is none or that its choices contradict, fewer choices counted than listed, and
// choices of no instance or of less than no cost. The error begins with the field.
func Sound(p *planner.Plan) error {
	listed := len(p.Plans) + len(p.AlternativePlans)
	switch p.Verdict {
	case planner.Infeasible, planner.Unknown:
		if p.Best != nil || listed > 0 || p.Feasible > 0 {
			return fmt.Errorf("verdict is %q, but there is a best choice, or plans", p.Verdict)
		}
		return nil
	case planner.Feasible:
	default:
		return fmt.Errorf("verdict %q is none: feasible, infeasible or unknown", p.Verdict)
	}
	switch {
	case p.Best == nil:
		return errors.New("verdict is feasible, but there is no best choice: is the file whole?")
	case len(p.Plans) == 0 || p.Feasible < listed:
		return fmt.Errorf("feasible is %d, plans and alternativePlans are %d: is the file whole?", p.Feasible, listed)
	}
	if err := soundChoice(p.Best); err != nil {
		return fmt.Errorf("best.%w", err)
	}
	for i := range p.Plans {
		if err := soundChoice(&p.Plans[i]); err != nil {
			return fmt.Errorf("plans[%d].%w", i, err)
		}
	}
	for i := range p.AlternativePlans {
		if err := soundChoice(&p.AlternativePlans[i]); err != nil {
			return fmt.Errorf("alternativePlans[%d].%w", i, err)
		}
	}
	return nil
}

func soundChoice(c *planner.Choice) error {
	if c.Replicas < 1 {
		return fmt.Errorf("replicas is %d", c.Replicas)
	}
	for _, x := range []struct {
		name  string
		value float64
	}{
		{"cost.hourlyUsd", c.Cost.HourlyUsd}, {"cost.totalHourlyUsd", c.Cost.TotalHourlyUsd}, {"cost.totalMonthlyUsd", c.Cost.TotalMonthlyUsd},
		{"cost.upfrontUsd", c.Cost.UpfrontUsd}, {"cost.perMillionUsd", c.Cost.PerMillionUsd}, {"latency.slaMs", c.Latency.SlaMs}, {"latency.p50Ms", c.Latency.P50Ms},
	} {
		if x.value < 0 {
			return fmt.Errorf("%s is %g", x.name, x.value)
		}
	}
	return nil
}
