// Package portfolio plans several models for one buyer: what each needs, what all of it costs, and what it commits the buyer to. It owns the kinds Portfolio,
// which users write, and PortfolioReport, which it makes, decodes and tells: as tables, or as a review of all models. It opens no file and measures nothing.
package portfolio

import (
	"errors"
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// The kinds of this package.
const (
	Kind       = "Portfolio"
	ReportKind = "PortfolioReport"
)

// Spec is the spec of kind Portfolio.
type Spec struct {
	Defaults Ask     `json:"defaults,omitzero" yaml:"defaults"` // what holds of each model that does not say otherwise
	Models   []Entry `json:"models" yaml:"models"`
}

// Entry is one model of a Portfolio. Paths are relative to the file.
type Entry struct {
	Name     string            `json:"name,omitempty" yaml:"name"`         // in the report; default the model's
	Model    string            `json:"model,omitempty" yaml:"model"`       // a file, or zoo:NAME[@INPUT]; may be left out where Measured is given
	Measured string            `json:"measured,omitempty" yaml:"measured"` // a file of kind Benchmark; without one the plan rests on counted work
	Dims     map[string]int    `json:"dims,omitempty" yaml:"dims"`         // sizes of named dimensions, of a model that was not measured
	Shapes   map[string]string `json:"shapes,omitempty" yaml:"shapes"`     // of its inputs: 1x3x224x224
	Tags     map[string]string `json:"tags,omitempty" yaml:"tags"`         // what costs are summed by: {team: search}
	Ask      `yaml:",inline"`  // over the defaults
}

// Ask is what may be asked of a plan, in the words of the flags of eiplan plan. What is left out is left to the defaults.
type Ask struct {
	Latency     string      `json:"latency,omitempty" yaml:"latency"`       // 100ms; takes the place of Total and Reserve
	Total       string      `json:"total,omitempty" yaml:"total"`           // 300ms, of which Reserve is not inference
	Reserve     []string    `json:"reserve,omitempty" yaml:"reserve"`       // preprocess=200ms
	Percentile  string      `json:"percentile,omitempty" yaml:"percentile"` // p99
	Confidence  float64     `json:"confidence,omitempty" yaml:"confidence"` // 0.5 to 0.99
	Rate        string      `json:"rate,omitempty" yaml:"rate"`             // 40/s
	Batch       int         `json:"batch,omitempty" yaml:"batch"`
	Objective   string      `json:"objective,omitempty" yaml:"objective"` // hourly or per-million
	Regions     []string    `json:"regions,omitempty" yaml:"regions"`
	Runtime     string      `json:"runtime,omitempty" yaml:"runtime"`
	Scaling     string      `json:"scaling,omitempty" yaml:"scaling"`
	Baseline    string      `json:"baseline,omitempty" yaml:"baseline"` // what runs today
	Constraints Constraints `json:"constraints,omitzero" yaml:"constraints"`
}

// Constraints are those of a SizingReport.
type Constraints struct {
	Instances              []string `json:"instances,omitempty" yaml:"instances"`
	Accelerators           []string `json:"accelerators,omitempty" yaml:"accelerators"`
	Arch                   []string `json:"arch,omitempty" yaml:"arch"`
	Purchase               []string `json:"purchase,omitempty" yaml:"purchase"`
	MaxCommit              string   `json:"maxCommit,omitempty" yaml:"maxCommit"`
	Precisions             []string `json:"precisions,omitempty" yaml:"precisions"`
	MaxInterruptionPercent *float64 `json:"maxInterruptionPercent,omitempty" yaml:"maxInterruptionPercent"`
	Lifecycle              string   `json:"lifecycle,omitempty" yaml:"lifecycle"`
	AsOf                   string   `json:"asOf,omitempty" yaml:"asOf"`
	MinInstances           int      `json:"minInstances,omitempty" yaml:"minInstances"`
	Burstable              *bool    `json:"burstable,omitempty" yaml:"burstable"`
	BareMetal              *bool    `json:"bareMetal,omitempty" yaml:"bareMetal"`
	PreviousGeneration     *bool    `json:"previousGeneration,omitempty" yaml:"previousGeneration"`
	MaxPriceAgeDays        *int     `json:"maxPriceAgeDays,omitempty" yaml:"maxPriceAgeDays"`
	PriceQuality           string   `json:"priceQuality,omitempty" yaml:"priceQuality"`
}

// Report is what is planned for a portfolio.
type Report struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   report.Metadata `json:"metadata"`
	Spec       ReportSpec      `json:"spec"`
	Status     Status          `json:"status"`
}

// ReportSpec is what was asked. Models stand in the order of the files, and as those of Status do.
type ReportSpec struct {
	Files  []report.Origin `json:"files"` // in the order given
	Models []Asked         `json:"models"`
}

// Asked is one model and what was asked of its plan.
type Asked struct {
	Name     string            `json:"name"`
	Tags     map[string]string `json:"tags"`
	Measured string            `json:"measured"` // file of kind Benchmark; empty: planned from counted work
	Asked    *sizing.Spec      `json:"asked"`    // nil where it could not be asked
}

// Status is what was answered.
type Status struct {
	Outcome     Outcome      `json:"outcome"` // the gravest of the models'
	Models      []Member     `json:"models"`
	Total       Total        `json:"total"`
	ByTag       []TagShare   `json:"byTag"`    // by key, then value
	ByRegion    []Share      `json:"byRegion"` // the dearest first, as all that follow
	ByPurchase  []Share      `json:"byPurchase"`
	Commitments []Commitment `json:"commitments"` // to buy: what a buyer signs
	Owned       []OwnedUse   `json:"owned"`       // commitments that are owned, in the order of their files
}

// Outcome is how the plan of a model came out.
type Outcome string

// The outcomes, the gravest first.
const (
	Failed     Outcome = "failed" // no plan could be made
	Infeasible Outcome = Outcome(planner.Infeasible)
	Unknown    Outcome = Outcome(planner.Unknown)
	Feasible   Outcome = Outcome(planner.Feasible)
)

// Member is one model's answer.
type Member struct {
	Name    string        `json:"name"`
	Outcome Outcome       `json:"outcome"`
	Failure *Failure      `json:"failure"` // nil unless Failed
	Plan    *planner.Plan `json:"plan"`    // the status of a SizingReport; nil where Failed
}

// Failure is why there is no plan.
type Failure struct {
	Text     string `json:"text"`
	Hint     string `json:"hint"`     // what to do; may be empty
	ExitCode int    `json:"exitCode"` // of eiplan, for this model alone
}

// Total is what the best choices of all feasible models add to the bill.
type Total struct {
	Models                 int                `json:"models"`
	Feasible               int                `json:"feasible"`
	LeftOut                []string           `json:"leftOut"`   // names of the models that no sum holds: those without a best choice
	Instances              int                `json:"instances"` // replicas of all
	HourlyUsd              pricing.USDPerHour `json:"hourlyUsd"` // upfront fees spread over their terms
	MonthlyUsd             pricing.USD        `json:"monthlyUsd"`
	UpfrontUsd             pricing.USD        `json:"upfrontUsd"`             // due at once
	BlendedHourlyUsd       pricing.USDPerHour `json:"blendedHourlyUsd"`       // HourlyUsd with the share of what is owned and paid in any case
	CommittedHourlyUsd     pricing.USDPerHour `json:"committedHourlyUsd"`     // the part of HourlyUsd that is paid whether used or not, once bought
	InterruptibleHourlyUsd pricing.USDPerHour `json:"interruptibleHourlyUsd"` // the part that AWS may take away
	OnDemandEquivalentUsd  pricing.USDPerHour `json:"onDemandEquivalentUsd"`  // an hour of the same instances On-Demand, where that price is known
	NoOnDemandPrice        []string           `json:"noOnDemandPrice"`        // names of the models for which it is not
}

// Share is a part of the total.
type Share struct {
	Key        string             `json:"key"`
	Models     int                `json:"models"`
	Instances  int                `json:"instances"`
	HourlyUsd  pricing.USDPerHour `json:"hourlyUsd"`
	MonthlyUsd pricing.USD        `json:"monthlyUsd"`
	UpfrontUsd pricing.USD        `json:"upfrontUsd"`
}

// TagShare is the part of the models that carry a value of a tag. Its Key is that value; it is empty for those that do not carry the tag.
type TagShare struct {
	Tag   string `json:"tag"`
	Share `json:",inline"`
}

// Commitment is what to buy of one family, in one region, in one way that commits: Reserved Instances, or what of a Savings Plan the family takes.
type Commitment struct {
	Family     string             `json:"family"`
	Region     string             `json:"region"`
	Purchase   string             `json:"purchase"` // as people say it: Reserved 1y no upfront
	Option     string             `json:"option"`
	Term       string             `json:"term"`
	Payment    string             `json:"payment"`
	Class      string             `json:"class"`
	Instances  []Count            `json:"instances"` // by type
	Count      int                `json:"count"`
	HourlyUsd  pricing.USDPerHour `json:"hourlyUsd"` // of the instances alone, upfront fees spread over the term; of a Savings Plan, the commitment to make
	MonthlyUsd pricing.USD        `json:"monthlyUsd"`
	UpfrontUsd pricing.USD        `json:"upfrontUsd"`
	TermUsd    pricing.USD        `json:"termUsd"` // owed over the whole term
	Models     []string           `json:"models"`
}

// Count is instances of one type.
type Count struct {
	Instance string `json:"instance"`
	Count    int    `json:"count"`
}

// OwnedUse is how far the portfolio uses a commitment up that is owned.
type OwnedUse struct {
	ID      string          `json:"id"`
	Option  string          `json:"option"`
	Unit    string          `json:"unit"` // of the figures: instances of Reserved Instances, USD/h of a Savings Plan
	Owned   pricing.Decimal `json:"owned"`
	Before  pricing.Decimal `json:"inUseBefore"`
	After   pricing.Decimal `json:"inUseAfter"`
	Idle    pricing.Decimal `json:"idle"` // what is still free
	UsedBy  []UsedBy        `json:"usedBy"`
	Expires string          `json:"expires"`
}

// UsedBy is how many instances of a model a commitment covers.
type UsedBy struct {
	Model     string  `json:"model"`
	Instances float64 `json:"instances"`
}

// Member is a model's own report: of kind SizingReport, with the portfolio's metadata. It is nil where no plan could be made.
func (r *Report) Member(i int) *sizing.Report {
	asked, plan := r.Spec.Models[i].Asked, r.Status.Models[i].Plan
	if asked == nil || plan == nil {
		return nil
	}
	return &sizing.Report{APIVersion: r.APIVersion, Kind: sizing.Kind, Metadata: r.Metadata, Spec: *asked, Status: *plan}
}

// Index finds a model by its name; -1 where there is none.
func (r *Report) Index(name string) int {
	return slices.IndexFunc(r.Status.Models, func(m Member) bool { return m.Name == name })
}

// Read decodes a report in YAML or in JSON. Fields that a later version added are passed over; another kind, models that spec and status do not have in common, two
// of one name, an outcome that contradicts its plan or the models', and a total that is not the models' are errors.
func Read(b []byte) (*Report, error) {
	r := &Report{}
	if err := report.Decode(b, r); err != nil {
		return nil, err
	}
	if r.Kind != ReportKind || r.APIVersion != report.APIVersion {
		return nil, fmt.Errorf("not of kind %s and apiVersion %s, but of kind %q and apiVersion %q", ReportKind, report.APIVersion, r.Kind, r.APIVersion)
	}
	switch {
	case len(r.Spec.Models) != len(r.Status.Models):
		return nil, fmt.Errorf("spec has %d models, status %d: is the file whole?", len(r.Spec.Models), len(r.Status.Models))
	case len(r.Status.Models) == 0:
		return nil, errors.New("status.models is empty")
	}
	seen := map[string]bool{}
	for i := range r.Status.Models {
		name := r.Status.Models[i].Name
		if asked := r.Spec.Models[i].Name; asked != name {
			return nil, fmt.Errorf("models[%d] is %q in spec, %q in status", i, asked, name)
		}
		if seen[name] {
			return nil, fmt.Errorf("status.models[%d]: there is a %q already", i, name)
		}
		seen[name] = true
		if err := r.sound(i); err != nil {
			return nil, fmt.Errorf("status.models[%d] %s: %w", i, name, err)
		}
	}
	if o := gravest(r.Status.Models); r.Status.Outcome != o {
		return nil, fmt.Errorf("status.outcome is %q, that of its models %q", r.Status.Outcome, o)
	}
	var sum Share
	for i := range r.Status.Models {
		if c := r.Status.Models[i].Best(); c != nil {
			sum.add(c)
		}
	}
	if t := &r.Status.Total; t.HourlyUsd != sum.HourlyUsd || t.MonthlyUsd != sum.MonthlyUsd || t.UpfrontUsd != sum.UpfrontUsd {
		return nil, fmt.Errorf("status.total is %s USD/h, %s USD/month and %s USD at once, its models are %s, %s and %s",
			t.HourlyUsd, t.MonthlyUsd, t.UpfrontUsd, sum.HourlyUsd, sum.MonthlyUsd, sum.UpfrontUsd)
	}
	return r, nil
}

// sound finds what a member that was read from a file can't say.
func (r *Report) sound(i int) error {
	m := &r.Status.Models[i]
	switch {
	case m.Outcome == Failed && (m.Failure == nil || m.Plan != nil):
		return errors.New("outcome is failed, but there is no failure, or a plan")
	case m.Outcome == Failed:
		return nil
	case m.Failure != nil || m.Plan == nil || r.Spec.Models[i].Asked == nil:
		return fmt.Errorf("outcome is %q, but there is a failure, no plan, or nothing asked", m.Outcome)
	case m.Outcome != Outcome(m.Plan.Verdict):
		return fmt.Errorf("outcome is %q, plan.verdict %q", m.Outcome, m.Plan.Verdict)
	}
	if err := sizing.Sound(m.Plan); err != nil {
		return fmt.Errorf("plan.%w", err)
	}
	return nil
}
