package planner

// Plan is the answer to a Request: the `status` of a SizingReport, with its names and units. Figures are rounded to six significant digits.
type Plan struct {
	Verdict              Verdict      `json:"verdict" yaml:"verdict"`
	Benchmark            *Benchmark   `json:"benchmark" yaml:"benchmark"`
	Best                 *Choice      `json:"best" yaml:"best"` // the first of Plans; nil unless feasible
	Alternatives         Alternatives `json:"alternatives" yaml:"alternatives"`
	BestRetired          *Choice      `json:"bestRetired" yaml:"bestRetired"`                   // the cheapest choice that needs what is no longer sold; its Rank is 0 where it is not ranked
	BestElasticInference *Choice      `json:"bestElasticInference" yaml:"bestElasticInference"` // the cheapest choice with Elastic Inference, whether it can be bought or not
	Baseline             *Baseline    `json:"baseline" yaml:"baseline"`
	Plans                []Choice     `json:"plans" yaml:"plans"`                                           // the first Request.Top
	AlternativePlans     []Choice     `json:"alternativePlans,omitempty" yaml:"alternativePlans,omitempty"` // choices that Alternatives names or that cost at most NearTiePercent more than Best, and that Plans does not hold
	Explained            *Choice      `json:"explained,omitempty" yaml:"explained,omitempty"`               // the choice that was asked about, where it is ranked too low to be listed; its Rank is 0
	Feasible             int          `json:"feasible" yaml:"feasible"`                                     // how many choices meet everything, with a known price
	Considered           int          `json:"considered" yaml:"considered"`                                 // candidates: a region, an instance, an accelerator and a precision each
	Rejected             Rejected     `json:"rejected" yaml:"rejected"`
	PriceDates           []PriceDate  `json:"priceDates" yaml:"priceDates"`
	Unpriced             []Unpriced   `json:"unpriced" yaml:"unpriced"` // choices that meet everything but have no known price
	Warnings             []Warning    `json:"warnings" yaml:"warnings"`
	Analysis             *Analysis    `json:"analysis,omitempty" yaml:"analysis,omitempty"` // nil unless Request.Analysis
}

// Ranked finds the choice of a rank, or nil where the plan does not hold it.
func (p *Plan) Ranked(rank int) *Choice {
	for _, list := range [][]Choice{p.Plans, p.AlternativePlans} {
		for i := range list {
			if list[i].Rank == rank {
				return &list[i]
			}
		}
	}
	return nil
}

// Verdict says whether anything meets the request.
type Verdict string

const (
	Feasible   Verdict = "feasible"
	Infeasible Verdict = "infeasible"
	Unknown    Verdict = "unknown" // only choices whose price is not known would do
)

// Choice is one thing to buy, and what it would do and cost.
type Choice struct {
	Rank        int          `json:"rank" yaml:"rank"`
	Region      string       `json:"region" yaml:"region"`
	Instance    string       `json:"instance" yaml:"instance"`
	Arch        string       `json:"arch" yaml:"arch"`
	Accelerator *string      `json:"accelerator" yaml:"accelerator"` // nil: the CPU does the work
	Count       int          `json:"count" yaml:"count"`             // accelerators in one instance
	Precision   string       `json:"precision" yaml:"precision"`     // fp32 or mixed
	Format      string       `json:"format" yaml:"format"`           // of the numbers multiplied: fp32, fp16 or bf16
	Runtime     string       `json:"runtime" yaml:"runtime"`
	Batch       int          `json:"batch" yaml:"batch"`
	Replicas    int          `json:"replicas" yaml:"replicas"` // instances to buy
	Servers     int          `json:"servers" yaml:"servers"`   // requests that all of them work on at once
	Lifecycle   Lifecycle    `json:"lifecycle" yaml:"lifecycle"`
	Purchase    Purchase     `json:"purchase" yaml:"purchase"`
	Latency     Latency      `json:"latency" yaml:"latency"`
	Cost        Cost         `json:"cost" yaml:"cost"`
	Memory      Memory       `json:"memory" yaml:"memory"`
	Utilisation Utilisation  `json:"utilisation" yaml:"utilisation"`
	Owned       *Owned       `json:"owned,omitempty" yaml:"owned,omitempty"` // nil: nothing that is owned pays for it
	Notes       []string     `json:"notes,omitempty" yaml:"notes,omitempty"` // what the choice asks of its buyer: "arm64 image", "compile for Neuron"
	Explanation *Explanation `json:"explanation,omitempty" yaml:"explanation,omitempty"`
}

// Owned is what commitments that are owned already pay of a choice. Cost is then what the choice adds to the bill.
type Owned struct {
	Commitments       []Covered `json:"commitments" yaml:"commitments"`             // in the order in which AWS applies them
	OnDemandInstances float64   `json:"onDemandInstances" yaml:"onDemandInstances"` // what they leave of the replicas
	BlendedHourlyUsd  float64   `json:"blendedHourlyUsd" yaml:"blendedHourlyUsd"`   // Cost.TotalHourlyUsd, with the share of what is paid in any case
}

// Covered is what one commitment pays for.
type Covered struct {
	ID            string  `json:"id" yaml:"id"`
	Option        string  `json:"option" yaml:"option"` // reserved or savings-plan
	Instances     float64 `json:"instances" yaml:"instances"`
	PaidHourlyUsd float64 `json:"paidHourlyUsd" yaml:"paidHourlyUsd"` // its share of what is paid in any case
	Expires       string  `json:"expires" yaml:"expires"`             // last day
}

// Lifecycle says what can be bought on the day of buying: current, closed (to new customers) or retired. Accelerator is nil where there is none.
type Lifecycle struct {
	Instance           string  `json:"instance" yaml:"instance"`
	Accelerator        *string `json:"accelerator" yaml:"accelerator"`
	AcceleratorRetired string  `json:"acceleratorRetired,omitempty" yaml:"acceleratorRetired,omitempty"` // since when it is retired; empty where it is not, or nobody knows
}

// PriceDate is the day that most prices of one way to buy are of, in the region of the answer or the first one asked for.
type PriceDate struct {
	Region string `json:"region" yaml:"region"`
	Option string `json:"option" yaml:"option"`
	AsOf   string `json:"asOf" yaml:"asOf"`
}

// Purchase is the way to buy the instance. Term, Payment and Class are nil where the option has none.
type Purchase struct {
	Option           string   `json:"option" yaml:"option"` // on-demand, reserved, savings-plan, spot or spot-block
	Term             *string  `json:"term" yaml:"term"`
	Payment          *string  `json:"payment" yaml:"payment"`
	Class            *string  `json:"class" yaml:"class"`
	InterruptionBand *string  `json:"interruptionBand" yaml:"interruptionBand"` // share of instances interrupted in a month, as the Spot Advisor words it
	BreakEvenHours   *float64 `json:"breakEvenHours" yaml:"breakEvenHours"`     // hours of use a month from which a commitment costs less than On-Demand
}

// Latency is the time of one request, in milliseconds. ComputeMs, NetworkMs and OverheadMs sum to the centre of the service time, which is P50Ms
// where requests rarely wait.
type Latency struct {
	ComputeMs  float64  `json:"computeMs" yaml:"computeMs"`
	NetworkMs  float64  `json:"networkMs" yaml:"networkMs"`
	OverheadMs float64  `json:"overheadMs" yaml:"overheadMs"` // launches, and whatever else does not shrink with the hardware
	QueueMs    float64  `json:"queueMs" yaml:"queueMs"`       // the wait that SlaMs includes, at the SLA's percentile
	P50Ms      float64  `json:"p50Ms" yaml:"p50Ms"`
	P99Ms      float64  `json:"p99Ms" yaml:"p99Ms"`
	SlaMs      float64  `json:"slaMs" yaml:"slaMs"` // the SLA's percentile, as bounded at Confidence: what is held against the budget
	LowMs      float64  `json:"lowMs" yaml:"lowMs"` // p10 and p90 of the prediction of the SLA's percentile
	HighMs     float64  `json:"highMs" yaml:"highMs"`
	Confidence float64  `json:"confidence" yaml:"confidence"`
	HeadroomMs float64  `json:"headroomMs" yaml:"headroomMs"` // the budget less SlaMs
	Basis      string   `json:"basis" yaml:"basis"`           // anchored, modelled, tflops or efficiency
	Source     string   `json:"source" yaml:"source"`
	AsOf       string   `json:"asOf" yaml:"asOf"` // of the coefficients or the measurement
	TailFactor float64  `json:"tailFactor" yaml:"tailFactor"`
	TflopsMs   *float64 `json:"tflopsMs,omitempty" yaml:"tflopsMs,omitempty"` // what scaling by TFLOPS would say, with Explain
}

// Cost is in US dollars. HourlyUsd is one instance with its accelerator, upfront fees spread over the term.
type Cost struct {
	HourlyUsd             float64  `json:"hourlyUsd" yaml:"hourlyUsd"`
	InstanceHourlyUsd     float64  `json:"instanceHourlyUsd" yaml:"instanceHourlyUsd"`
	AcceleratorHourlyUsd  float64  `json:"acceleratorHourlyUsd" yaml:"acceleratorHourlyUsd"` // billed apart, as Elastic Inference is; 0 where the instance's price holds it
	MonthlyUsd            float64  `json:"monthlyUsd" yaml:"monthlyUsd"`                     // HourlyUsd for 730 hours
	UpfrontUsd            float64  `json:"upfrontUsd" yaml:"upfrontUsd"`                     // due at once for one instance
	TotalHourlyUsd        float64  `json:"totalHourlyUsd" yaml:"totalHourlyUsd"`             // all replicas
	TotalMonthlyUsd       float64  `json:"totalMonthlyUsd" yaml:"totalMonthlyUsd"`
	PerMillionUsd         float64  `json:"perMillionUsd" yaml:"perMillionUsd"`
	OnDemandEquivalentUsd *float64 `json:"onDemandEquivalentUsd" yaml:"onDemandEquivalentUsd"` // HourlyUsd bought On-Demand; nil where that price is unknown
	Excluded              []string `json:"excluded" yaml:"excluded"`
	Prices                []Price  `json:"prices" yaml:"prices"`
}

// Price is one price that a cost was made of, with where it came from.
type Price struct {
	What    string  `json:"what" yaml:"what"`
	Usd     float64 `json:"usd" yaml:"usd"` // per hour
	Source  string  `json:"source" yaml:"source"`
	AsOf    string  `json:"asOf" yaml:"asOf"`
	Quality string  `json:"quality" yaml:"quality"`
	Rule    string  `json:"rule" yaml:"rule"` // how a derived price was made; empty for an observed one
}

// Memory compares what the model needs with the tightest memory of the choice.
type Memory struct {
	NeededBytes    int64  `json:"neededBytes" yaml:"neededBytes"`
	AvailableBytes int64  `json:"availableBytes" yaml:"availableBytes"`
	Where          string `json:"where" yaml:"where"` // host or accelerator
}

// Utilisation is the share of each resource in use at the rate asked, 0..1; nil where the choice has no such resource or no rate was given.
type Utilisation struct {
	CPU               *float64 `json:"cpu" yaml:"cpu"`
	Memory            *float64 `json:"memory" yaml:"memory"`
	Accelerator       *float64 `json:"accelerator" yaml:"accelerator"`
	AcceleratorMemory *float64 `json:"acceleratorMemory" yaml:"acceleratorMemory"`
}

// Alternatives are the ranks of the cheapest choices with a property, nil where none has it.
type Alternatives struct {
	NoCommitment    *int `json:"noCommitment" yaml:"noCommitment"`       // may be ended at any hour
	Uninterruptible *int `json:"uninterruptible" yaml:"uninterruptible"` // is never taken away
	OnDemand        *int `json:"onDemand" yaml:"onDemand"`
	Reserved1y      *int `json:"reserved1y" yaml:"reserved1y"`
	Reserved3y      *int `json:"reserved3y" yaml:"reserved3y"`
	SavingsPlan     *int `json:"savingsPlan" yaml:"savingsPlan"`
	Spot            *int `json:"spot" yaml:"spot"`
	AMD64           *int `json:"amd64" yaml:"amd64"`
	ARM64           *int `json:"arm64" yaml:"arm64"`
	CPU             *int `json:"cpu" yaml:"cpu"`
	GPU             *int `json:"gpu" yaml:"gpu"`
	Neuron          *int `json:"neuron" yaml:"neuron"`
	EI              *int `json:"ei" yaml:"ei"`
	Fastest         *int `json:"fastest" yaml:"fastest"` // not the cheapest, but the one with the lowest SlaMs
}

// Baseline is what the user runs today, beside the answer.
type Baseline struct {
	Choice         `json:",inline" yaml:",inline"`
	MeetsSLA       bool     `json:"meetsSla" yaml:"meetsSla"`
	SavingsPercent *float64 `json:"savingsPercent" yaml:"savingsPercent"` // of the best choice against it, under the objective; nil without a best choice
}

// Reason is why a candidate is not a choice.
type Reason string

const (
	TooSlow           Reason = "too-slow"
	LacksMemory       Reason = "lacks-memory"
	Retired           Reason = "retired"
	NotInRegion       Reason = "not-in-region"
	NotAsked          Reason = "not-asked" // a constraint of the request leaves it out
	NotByDefault      Reason = "not-by-default"
	NoData            Reason = "no-data"        // nothing is known about how fast its hardware is
	NotDeployable     Reason = "not-deployable" // the runtime cannot use it so
	TooInterrupted    Reason = "too-interrupted"
	CommitmentTooLong Reason = "commitment-too-long"
	PriceTooOld       Reason = "price-too-old"
	NoPrice           Reason = "no-price"
	CannotKeepUp      Reason = "cannot-keep-up" // no number of replicas within reason serves the rate within the budget
	NotOffered        Reason = "not-offered"    // not sold in this way
	EIRule            Reason = "ei-rule"        // breaks a rule of Elastic Inference
)

// Rejected tells why the other candidates are not among the plans. A candidate is counted once, under the first reason that holds.
type Rejected struct {
	Total       int            `json:"total" yaml:"total"`
	Count       map[Reason]int `json:"count" yaml:"count"`
	Nearest     *Nearest       `json:"nearest" yaml:"nearest"` // the candidate that misses by least; nil where some choice is feasible
	Relaxations []Relaxation   `json:"relaxations" yaml:"relaxations"`
	Rows        []RejectedRow  `json:"rows,omitempty" yaml:"rows,omitempty"` // with Explain
}

// Nearest is a candidate that almost meets the request.
type Nearest struct {
	Choice    `json:",inline" yaml:",inline"`
	Shortfall Shortfall `json:"shortfall" yaml:"shortfall"`
}

// Shortfall is by how much a candidate misses.
type Shortfall struct {
	Reason Reason  `json:"reason" yaml:"reason"`
	Amount float64 `json:"amount" yaml:"amount"`
	Unit   string  `json:"unit" yaml:"unit"` // ms, bytes or requests/s
	Text   string  `json:"text" yaml:"text"`
}

// Relaxation is one change to the request that would make something feasible, or the answer cheaper, and the cheapest choice it would bring.
type Relaxation struct {
	Change    string   `json:"change" yaml:"change"` // latency, region, commitment, lifecycle, confidence …
	From      string   `json:"from" yaml:"from"`
	To        string   `json:"to" yaml:"to"`
	Text      string   `json:"text" yaml:"text"`
	HourlyUsd *float64 `json:"hourlyUsd" yaml:"hourlyUsd"` // all replicas; nil where the price is unknown
	Choice    *Choice  `json:"choice" yaml:"choice"`
}

// RejectedRow is one rejected candidate. Fields that the reason does not need are empty.
type RejectedRow struct {
	Region      string  `json:"region" yaml:"region"`
	Instance    string  `json:"instance" yaml:"instance"`
	Accelerator *string `json:"accelerator" yaml:"accelerator"`
	Precision   string  `json:"precision" yaml:"precision"`
	Purchase    string  `json:"purchase" yaml:"purchase"` // empty where every way to buy fails alike
	Reason      Reason  `json:"reason" yaml:"reason"`
	Text        string  `json:"text" yaml:"text"`
}

// Unpriced is a candidate that would do, but whose price is not known.
type Unpriced struct {
	Region      string  `json:"region" yaml:"region"`
	Instance    string  `json:"instance" yaml:"instance"`
	Accelerator *string `json:"accelerator" yaml:"accelerator"`
	Precision   string  `json:"precision" yaml:"precision"`
	Missing     string  `json:"missing" yaml:"missing"` // which price
	SlaMs       float64 `json:"slaMs" yaml:"slaMs"`
}

// Severity of a Warning.
type Severity string

const (
	Info    Severity = "info"
	Caution Severity = "warning"
)

// Warning is a doubt about a good answer.
type Warning struct {
	Code     string   `json:"code" yaml:"code"`
	Severity Severity `json:"severity" yaml:"severity"`
	Subject  string   `json:"subject" yaml:"subject"`
	Text     string   `json:"text" yaml:"text"`
}

// Explanation is how a prediction was made.
type Explanation struct {
	Model      string   `json:"model" yaml:"model"`         // the rule in words
	ComputeMs  float64  `json:"computeMs" yaml:"computeMs"` // arithmetic alone, as if nothing else took time
	MemoryMs   float64  `json:"memoryMs" yaml:"memoryMs"`   // memory traffic alone
	LaunchMs   float64  `json:"launchMs" yaml:"launchMs"`
	HostMs     float64  `json:"hostMs" yaml:"hostMs"` // an eager runtime's own work; it overlaps with the device's
	NetworkMs  float64  `json:"networkMs" yaml:"networkMs"`
	TransferMs float64  `json:"transferMs" yaml:"transferMs"` // over the accelerator's own link
	AnchorMs   *float64 `json:"anchorMs" yaml:"anchorMs"`     // the local measurement that the prediction is scaled from
	AnchorX    *float64 `json:"anchorFactor" yaml:"anchorFactor"`
	RuntimeX   *float64 `json:"runtimeFactor" yaml:"runtimeFactor"` // the part of it that brings this project's engine to the runtime deployed
	TflopsRule string   `json:"tflopsRule" yaml:"tflopsRule"`       // the plain rule with its numbers
	Terms      []Term   `json:"terms" yaml:"terms"`                 // the largest, in order
	TailSource string   `json:"tailSource" yaml:"tailSource"`       // what Latency.TailFactor rests on
	Doubts     []Doubt  `json:"doubts" yaml:"doubts"`               // what widened the interval; the last is that of the tail
	Narrowing  float64  `json:"narrowing" yaml:"narrowing"`         // the power that measurements elsewhere raise all doubts but the tail's to; 1 without any
}

// Doubt is the factors around the centre that reach p10 and p90. Doubts are independent: the squares of their logarithms add, on either side.
type Doubt struct {
	Code   string  `json:"code" yaml:"code"`
	Low    float64 `json:"low" yaml:"low"`
	High   float64 `json:"high" yaml:"high"`
	Source string  `json:"source" yaml:"source"`
}

// Term is one operator's share of a prediction.
type Term struct {
	Name      string  `json:"name" yaml:"name"`
	Op        string  `json:"op" yaml:"op"`
	Kind      string  `json:"kind" yaml:"kind"`
	Ms        float64 `json:"ms" yaml:"ms"`
	ComputeMs float64 `json:"computeMs" yaml:"computeMs"`
	MemoryMs  float64 `json:"memoryMs" yaml:"memoryMs"`
	LaunchMs  float64 `json:"launchMs" yaml:"launchMs"`
	Percent   float64 `json:"percent" yaml:"percent"`
}

// Benchmark is what was measured on the local host.
type Benchmark struct {
	Host  Host   `json:"host" yaml:"host"`
	Runs  []Run  `json:"runs" yaml:"runs"`
	Drift *Drift `json:"drift" yaml:"drift"`
	AsOf  string `json:"asOf,omitempty" yaml:"asOf,omitempty"` // the day of measuring
}

// filled is a copy without nil lists, so that every format writes the same.
func (b *Benchmark) filled() *Benchmark {
	if b == nil {
		return nil
	}
	c := *b
	c.Runs = append([]Run{}, b.Runs...)
	for i := range c.Runs {
		c.Runs[i].Kernels = append([]KernelShare{}, c.Runs[i].Kernels...)
	}
	return &c
}

// Host is the machine that a benchmark ran on. The peaks are measured, with the threads that the runs used.
type Host struct {
	CPU             string  `json:"cpu" yaml:"cpu"`
	ISA             string  `json:"isa" yaml:"isa"`
	Cores           int     `json:"cores" yaml:"cores"` // physical
	PeakGflopsFp32  float64 `json:"peakGflopsFp32" yaml:"peakGflopsFp32"`
	PeakGflopsMixed float64 `json:"peakGflopsMixed" yaml:"peakGflopsMixed"`
	BandwidthGBs    float64 `json:"bandwidthGBs" yaml:"bandwidthGBs"`
}

// Run is one measured precision. P99Ms is nil where too few samples were taken to claim it.
type Run struct {
	Precision string        `json:"precision" yaml:"precision"`
	Threads   int           `json:"threads" yaml:"threads"`
	Samples   int           `json:"samples" yaml:"samples"`
	P50Ms     float64       `json:"p50Ms" yaml:"p50Ms"`
	P90Ms     float64       `json:"p90Ms" yaml:"p90Ms"`
	P99Ms     *float64      `json:"p99Ms" yaml:"p99Ms"`
	MeanMs    float64       `json:"meanMs" yaml:"meanMs"`
	Gflops    float64       `json:"gflops" yaml:"gflops"`
	CILowMs   float64       `json:"ciLowMs" yaml:"ciLowMs"` // of the median
	CIHighMs  float64       `json:"ciHighMs" yaml:"ciHighMs"`
	Kernels   []KernelShare `json:"kernels" yaml:"kernels"`
	Mixed     float64       `json:"mixedFlopsShare" yaml:"mixedFlopsShare"` // share of the FLOPs that multiplied 16-bit numbers
	Histogram []Bin         `json:"histogram,omitempty" yaml:"histogram,omitempty"`
}

// Bin is how many of the sampled runs took from FromMs up to, and in the last bin with, ToMs.
type Bin struct {
	FromMs float64 `json:"fromMs" yaml:"fromMs"`
	ToMs   float64 `json:"toMs" yaml:"toMs"`
	Runs   int     `json:"runs" yaml:"runs"`
}

// KernelShare is how many steps ran on a class of kernel.
type KernelShare struct {
	Class string `json:"class" yaml:"class"`
	Mixed bool   `json:"mixed" yaml:"mixed"`
	Steps int    `json:"steps" yaml:"steps"`
}

// Drift is how far mixed precision strays from FP32 in the model's outputs.
type Drift struct {
	RelativeRMS  float64  `json:"relativeRms" yaml:"relativeRms"`
	LargestError float64  `json:"largestError" yaml:"largestError"`
	Overflows    int      `json:"overflows" yaml:"overflows"`
	Top1Agree    *float64 `json:"top1Agree" yaml:"top1Agree"` // share of rows, 0..1; nil where the output does not look like classes
}
