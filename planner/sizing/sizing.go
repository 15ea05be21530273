// Package sizing owns the report of kind SizingReport: what a plan answers, as it is written, read back, told and judged. Everything that is made of a
// plan later is made of this report alone. It plans nothing, and knows no flag, no file and no catalogue.
package sizing

import (
	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// Kind is the kind of the report.
const Kind = "SizingReport"

// Report is a plan with what was asked and what it rests on.
type Report struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   report.Metadata `json:"metadata"`
	Spec       Spec            `json:"spec"`
	Status     planner.Plan    `json:"status"`
}

// Spec is what was asked.
type Spec struct {
	Model       Model       `json:"model"`
	Budget      Budget      `json:"budget"`
	Rate        float64     `json:"rate"` // requests per second; 0: one request at a time
	Batch       int         `json:"batch"`
	Objective   string      `json:"objective"` // hourly or per-million
	Runtime     string      `json:"runtime"`   // empty: each target's default
	Scaling     string      `json:"scaling"`
	Baseline    string      `json:"baseline"` // what runs today; empty: nothing to compare with
	Constraints Constraints `json:"constraints"`
	Show        Show        `json:"show"` // what the report was made to show
}

// Model is what was planned for, identified by the SHA-256 of its file.
type Model struct {
	Path        string         `json:"path"`
	Sha256      string         `json:"sha256"`
	Name        string         `json:"name"`
	Format      string         `json:"format"`
	Opset       map[string]int `json:"opset"`
	Parameters  int            `json:"parameters"`
	Flops       float64        `json:"flops"` // of one run; a multiply-add is two
	Macs        float64        `json:"macs"`
	WeightBytes int            `json:"weightBytes"`
	Inputs      []Port         `json:"inputs"`
	Outputs     []Port         `json:"outputs"`
	Dims        map[string]int `json:"dims"`
	Notes       []string       `json:"notes"`
}

// Port is an input or an output of a model.
type Port struct {
	Name  string `json:"name"`
	Dtype string `json:"dtype"`
	Shape []int  `json:"shape"` // -1 where only a run tells
}

// Budget is the time that one request may take.
type Budget struct {
	TotalMs     float64               `json:"totalMs"`
	Reserved    []planner.Reservation `json:"reserved"`
	InferenceMs float64               `json:"inferenceMs"` // TotalMs less what is reserved
	Percentile  float64               `json:"percentile"`  // 0 to 100
	Confidence  float64               `json:"confidence"`  // 0.5 to 1
}

// Constraints are what candidates had to be.
type Constraints struct {
	Regions                []string `json:"regions"`
	Instances              []string `json:"instances"`
	Accelerators           []string `json:"accelerators"` // none is the CPU alone
	Arch                   []string `json:"arch"`
	Purchase               []string `json:"purchase"`
	MaxCommit              string   `json:"maxCommit"`
	Precisions             []string `json:"precisions"`
	MaxInterruptionPercent float64  `json:"maxInterruptionPercent"` // 0: any
	Lifecycle              string   `json:"lifecycle"`
	AsOf                   string   `json:"asOf"`      // the day of buying
	AsOfGiven              bool     `json:"asOfGiven"` // it was asked for, and is not the day of planning
	MinInstances           int      `json:"minInstances"`
	Burstable              bool     `json:"burstable"`
	BareMetal              bool     `json:"bareMetal"`
	PreviousGeneration     bool     `json:"previousGeneration"`
	MaxPriceAgeDays        int      `json:"maxPriceAgeDays"` // 0: any
	PriceQuality           string   `json:"priceQuality"`
}
