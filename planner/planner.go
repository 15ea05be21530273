// Package planner finds what to buy so that a model answers in time: it enumerates what is sold, predicts how fast each would run the model, sizes,
// prices and ranks it, and says why everything else lost. It is pure: no clock, no network, no files, no measuring. The same Request gives the same
// Plan, byte for byte.
package planner

import (
	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/pricing"
)

// Request is everything that a plan depends on.
type Request struct {
	Workload engine.Workload  // of one run at Batch, compiled in FP32
	Mixed    *engine.Workload // of the mixed-precision program; nil: the same as Workload
	Model    latency.Subject  // for warnings about it, and to find measurements of it
	Measured *Benchmark       // on the local host; nil: nothing was measured here

	Calibration *latency.Calibration // measured on the hardware itself; nil: nothing was

	Catalog      *pricing.Catalog
	Hardware     *hardware.Table       // nil: hardware.Default()
	Coefficients *latency.Coefficients // nil: latency.Default()
	Owned        *pricing.Commitments  // nil: none
	AsOf         pricing.Date          // the day of buying: what is sold, and at which of its known prices; zero: the catalogue's own date

	SLA         SLA
	Rate        float64 // requests per second; 0: one request at a time
	Batch       int     // inputs that one request carries, as the workload was compiled; 0 is 1
	Objective   Objective
	Constraints Constraints

	Runtime  latency.Runtime // leaves out what it does not run on; empty: each target's default
	Scaling  latency.Scaling
	Baseline string // an instance, or instance+accelerator, that the user runs today; empty: none
	Top      int    // length of Plan.Plans; 0 is 50
	Analysis bool   // adds Plan.Analysis
	Explain  bool   // adds every rejected candidate and how each prediction was made
}

// SLA is the time that one request may take.
type SLA struct {
	TotalMs    float64
	Reserved   []Reservation // shares of the total that are not inference
	Percentile float64       // 0 < p < 100; 0 is 99
	Confidence float64       // in the prediction, 0.5 ≤ c < 1; 0 is 0.9
}

// Reservation is time that something else needs within the total.
type Reservation struct {
	Name string  `json:"name" yaml:"name"`
	Ms   float64 `json:"ms" yaml:"ms"`
}

// Objective is the figure that the answer has least of.
type Objective string

const (
	Hourly     Objective = "hourly"      // dollars an hour for all replicas
	PerMillion Objective = "per-million" // dollars for a million requests
)

// Availability says which lifecycles may be the answer.
type Availability string

const (
	OnlyCurrent Availability = "current" // what anyone can buy at Request.AsOf
	AnyTime     Availability = "any"     // also what is no longer sold
)

// Constraints leave candidates out. Empty lists leave nothing out but what the defaults below name.
type Constraints struct {
	Regions      []string         // empty: us-east-1 alone; "all": every region of the catalogue
	Instances    []string         // globs, as path.Match reads them
	Accelerators []string         // globs over accelerators' keys; "none" is the CPU alone
	Arch         []string         // amd64, arm64
	Purchase     []pricing.Option // empty: all that go on until the buyer ends them
	MaxCommit    pricing.Term     // the longest commitment; 0: any
	Precisions   []engine.Precision

	MaxInterruptionPercent float64      // of the Spot Advisor's band, its upper bound; 0: any. A Spot pool whose band is unknown fails any limit
	Lifecycle              Availability // empty: OnlyCurrent
	MinInstances           int          // 0 is 1
	Burstable              bool         // also burstable and flex types
	BareMetal              bool
	PreviousGeneration     bool            // also previous-generation types without a GPU
	MaxPriceAgeDays        int             // of any price used, at AsOf; 0: any
	PriceQuality           pricing.Quality // the worst that counts; 0: any
}

// Solve finds the plan. An error means that the request is malformed (an unknown region, no workload); that nothing meets it is a Plan.
func Solve(r Request) (*Plan, error) {
	p, err := prepare(r, newCommon())
	if err != nil {
		return nil, err
	}
	plan, _ := p.solve(p.machines())
	return plan, nil
}
