package latency

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/eiplan/eiplan/planner/hardware"
)

// Coefficients are all numbers of the model that are not counted from the workload or read in the hardware table: what was set by judgement or read in
// papers, and what was fitted on published measurements. They are data with sources, and immutable once read.
type Coefficients struct {
	Fitting // class by class, with what was judged where nothing could be fitted

	AsOf       string               `json:"asOf"`
	Source     string               `json:"source"`
	Units      string               `json:"units"`
	Runtimes   []Stack              `json:"runtimes"`
	Defaults   []DefaultRuntime     `json:"defaults"`
	Assumed    []Interval           `json:"intervals"` // of classes that were not fitted
	Doubts     []Doubt              `json:"doubts"`
	Anchored   Interval             `json:"anchored"` // of processors scaled from a local measurement
	Residual   Residual             `json:"residual"`
	Tails      []ClassTail          `json:"tails"`
	CPU        CPUScaling           `json:"cpu"`
	EI         Hop                  `json:"ei"`
	Queue      Queueing             `json:"queue"`
	Achieved   []Achieved           `json:"achieved"`
	AchievedBy string               `json:"achievedSource"`
	TFLOPS     Interval             `json:"tflops"` // of the plain rule
	Memory     MemoryUse            `json:"memory"`
	Machines   []Machine            `json:"machines"`
	Software   []Software           `json:"software"`
	Judged     map[string]Parameter `json:"judged"` // of classes that were not fitted
	Peers      *Peers               `json:"-"`      // how much longer others take on a CPU than this project's engine

	sha256 string
}

// Fitting is what a fit on published measurements found.
type Fitting struct {
	Training  Training             `json:"training"`
	Classes   map[string]Parameter `json:"classes"`
	Intervals []Interval           `json:"fittedIntervals"`
}

// Training is what a fit was made on.
type Training struct {
	SHA256 string   `json:"sha256"` // of the file of measurements
	Rows   int      `json:"rows"`
	Models []string `json:"models"`
}

// Parameter holds the fitted coefficients of one class of runtimes, by name: e_dense[fp16], x_conv3[tc], d[T4,fp16] …
type Parameter map[string]Fitted

// Fitted is one coefficient. P10 and P90 are by bootstrap over models; Rows is how many measurements touch it.
type Fitted struct {
	Value float64 `json:"value"`
	P10   float64 `json:"p10"`
	P90   float64 `json:"p90"`
	Rows  int     `json:"rows"`
}

// Stack is how a runtime spends time on one kind of hardware; Device, the name that coefficients use, narrows it to one. Fitted is the key of the software
// whose fitted figures stand for those that are not stated.
type Stack struct {
	Runtime   Runtime         `json:"runtime"`
	Kinds     []hardware.Kind `json:"kinds"`
	Device    string          `json:"device"`
	Class     string          `json:"class"`
	Fitted    string          `json:"fitted"`
	LaunchMs  float64         `json:"launchMs"`  // of one step
	GroupedMs float64         `json:"groupedMs"` // more for a grouped convolution
	Small     float64         `json:"small"`     // share of a step's time that one without matrix products takes, the rest being fused
	StartMs   float64         `json:"startMs"`   // of one run
	HostMs    float64         `json:"hostMs"`    // the host's own work for each unfused operator; it overlaps with the device's
	Scale     float64         `json:"scale"`
	Source    string          `json:"source"`
}

// DefaultRuntime is what people deploy on a kind of hardware, or on one device of it.
type DefaultRuntime struct {
	Kind    hardware.Kind `json:"kind"`
	Device  string        `json:"device"`
	Runtime Runtime       `json:"runtime"`
}

// Interval is the p10 and p90 of observed over predicted for a class of runtimes, from a batch size on.
type Interval struct {
	Class    string  `json:"class"`
	MinBatch int     `json:"minBatch"`
	Seen     bool    `json:"seen,omitempty"`   // for models that the fit has other measurements of
	Unseen   bool    `json:"unseen,omitempty"` // for devices that the fit has no measurement of
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Source   string  `json:"source"`
}

// Doubt widens an interval for a named reason.
type Doubt struct {
	Code   string  `json:"code"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Source string  `json:"source"`
}

// Residual is how much of a local measurement's ratio to the model's own figure for it is carried to accelerators: its power.
type Residual struct {
	Exponent float64 `json:"exponent"`
	Source   string  `json:"source"`
}

// ClassTail is the Tail of a class of runtimes.
type ClassTail struct {
	Class  string  `json:"class"`
	P99    float64 `json:"p99"`
	P90    float64 `json:"p90"`
	Source string  `json:"source"`
}

// CPUScaling says how processors differ beyond their peaks.
type CPUScaling struct {
	Cores []struct {
		Cores  float64 `json:"cores"`
		Fitted string  `json:"fitted"` // the machine whose d it is
		D      float64 `json:"-"`
	} `json:"cores"` // efficiency of using several cores for one request
	CoresSource string `json:"coresSource"`
	Processors  []struct {
		Key    string  `json:"key"`
		D      float64 `json:"d"`
		Fitted bool    `json:"fitted"`
	} `json:"processors"`
	ProcessorsSource  string  `json:"processorsSource"`
	CoreMarkReference float64 `json:"coreMarkReference"` // per core, of the processor that launches were fitted on
	CoreMarkSource    string  `json:"coreMarkSource"`
	OverPeer          []struct {
		Runtime Runtime `json:"runtime"`
		Value   float64 `json:"value"`
	} `json:"overPeer"` // a runtime's time over that of the engine that Peers holds
	OverPeerSource string `json:"overPeerSource"`
}

// Hop is the way to an Elastic Inference accelerator and back.
type Hop struct {
	HopMs         float64 `json:"hopMs"`
	BandwidthGbps float64 `json:"bandwidthGbps"` // at most, whatever the host has
	Source        string  `json:"source"`
}

// Queueing are the assumptions of sizing under load.
type Queueing struct {
	ArrivalSCV float64 `json:"arrivalSCV"` // squared coefficient of variation of the times between arrivals
	Headroom   float64 `json:"headroom"`   // servers to have over servers needed
	Source     string  `json:"source"`
}

// Achieved is observed time over FLOPs ÷ peak, for one device and format, or for a kind of hardware.
type Achieved struct {
	Kind   hardware.Kind `json:"kind"`
	Device string        `json:"device"`
	Format string        `json:"format"`
	Factor float64       `json:"factor"`
	Batch1 float64       `json:"batch1"`
	P10    float64       `json:"p10"`
	P90    float64       `json:"p90"`
	Rows   int           `json:"rows"`
}

// MemoryUse is what a model needs besides its weights and activations.
type MemoryUse struct {
	HostBytes    float64 `json:"hostBytes"`
	HostSource   string  `json:"hostSource"`
	RuntimeBytes []struct {
		Runtime Runtime `json:"runtime"`
		Bytes   float64 `json:"bytes"`
	} `json:"runtimeBytes"`
	Overhead float64 `json:"overhead"` // on weights and activations
	Source   string  `json:"source"`
}

//go:embed coefficients.json
var judged []byte

//go:embed fitted.json
var fitted []byte

// Default reads the coefficients embedded in the program.
func Default() *Coefficients {
	c, err := Read(judged, fitted, embeddedPeers)
	if err != nil {
		panic("latency: embedded coefficients: " + err.Error())
	}
	return c
}

// Read parses the file of what was judged, that of what was fitted and that of what [Peers.Write] wrote. An unknown field is an error.
func Read(judged, fitted, peers []byte) (*Coefficients, error) {
	c := &Coefficients{}
	if err := strictly(judged, c); err != nil {
		return nil, fmt.Errorf("latency coefficients: %w", err)
	}
	if err := strictly(fitted, &c.Fitting); err != nil {
		return nil, fmt.Errorf("fitted latency coefficients: %w", err)
	}
	var err error
	if c.Peers, err = ReadPeers(peers); err != nil {
		return nil, fmt.Errorf("latency coefficients: %w", err)
	}
	maps.Copy(c.Classes, c.Judged)
	c.Intervals = slices.Concat(c.Assumed, c.Intervals)
	for i := range c.Runtimes {
		s := &c.Runtimes[i]
		if c.Classes[s.Class] == nil {
			return nil, fmt.Errorf("latency coefficients: runtime %s: no class %q", s.Runtime, s.Class)
		}
		if s.Fitted != "" {
			s.LaunchMs, s.GroupedMs = c.must(s.Class, "c_ms["+s.Fitted+"]"), c.must(s.Class, "cg_ms["+s.Fitted+"]")
			s.Small, s.StartMs, s.Scale = c.must(s.Class, "small["+s.Fitted+"]"), c.must(s.Class, "t0_ms["+s.Fitted+"]"), c.must(s.Class, "s["+s.Fitted+"]")
			host, _ := c.fitted(s.Class, "h_ms["+s.Fitted+"]")
			s.HostMs = host.Value
		}
	}
	for i := range c.CPU.Cores {
		p := &c.CPU.Cores[i]
		p.D = c.must("cpu", "d["+p.Fitted+",fp32]")
	}
	sum := sha256.Sum256(slices.Concat(judged, fitted, peers))
	c.sha256 = hex.EncodeToString(sum[:])
	return c, nil
}

func strictly(file []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// SHA256 identifies the files that the coefficients were read from: 64 lower-case hex digits.
func (c *Coefficients) SHA256() string { return c.sha256 }

// DefaultRuntime is what a target runs when nobody says otherwise.
func (c *Coefficients) DefaultRuntime(kind hardware.Kind, device string) Runtime {
	var found Runtime
	for _, d := range c.Defaults {
		if d.Kind == kind && (d.Device == device || d.Device == "" && found == "") {
			found = d.Runtime
		}
	}
	return found
}

// Stack finds how a runtime behaves on a kind of hardware; ok is false where it does not run there.
func (c *Coefficients) Stack(r Runtime, kind hardware.Kind, device string) (s *Stack, ok bool) {
	for i := range c.Runtimes {
		t := &c.Runtimes[i]
		if t.Runtime != r || !slices.Contains(t.Kinds, kind) {
			continue
		}
		if t.Device == device {
			return t, true
		}
		if t.Device == "" && s == nil {
			s = t
		}
	}
	return s, s != nil
}

// Tail is the tail of a class of runtimes.
func (c *Coefficients) Tail(class string) Tail {
	for _, t := range c.Tails {
		if t.Class == class {
			return Tail{P99: t.P99, High: t.P90, Source: t.Source}
		}
	}
	panic("latency: no tail for class " + class)
}

// interval is that of the largest batch size no greater than batch. A class may have others for devices that the fit has no measurement of, and for models
// that it has; of both, the device's counts.
func (c *Coefficients) interval(class string, batch int, unseenDevice, seenModel bool) Interval {
	var best *Interval
	fits := func(i *Interval) int {
		switch {
		case i.Unseen:
			return 2
		case i.Seen:
			return 1
		}
		return 0
	}
	for k := range c.Intervals {
		i := &c.Intervals[k]
		if i.Class != class || i.MinBatch > max(batch, 1) || i.Unseen && !unseenDevice || i.Seen && !seenModel {
			continue
		}
		if best == nil || fits(i) > fits(best) || fits(i) == fits(best) && i.MinBatch >= best.MinBatch {
			best = i
		}
	}
	if best == nil {
		panic("latency: no interval for class " + class)
	}
	return *best
}

func (c *Coefficients) doubt(code string) Doubt {
	for _, d := range c.Doubts {
		if d.Code == code {
			return d
		}
	}
	panic("latency: no doubt " + code)
}

// fitted is a coefficient of a class, if it has it.
func (c *Coefficients) fitted(class, key string) (Fitted, bool) {
	f, ok := c.Classes[class][key]
	return f, ok
}

func (c *Coefficients) must(class, key string) float64 {
	f, ok := c.fitted(class, key)
	if !ok {
		panic("latency: class " + class + " has no coefficient " + key)
	}
	return f.Value
}

// coreScaling is how well several cores of a processor work on one request together: the d of the fitted sizes, on lines between the logarithms of
// cores and d, and on the last line beyond them. Fewer cores than the smallest size are as good as it.
func (c *Coefficients) coreScaling(cores float64) float64 {
	points := c.CPU.Cores
	if cores <= points[0].Cores {
		return points[0].D
	}
	k := 1
	for k < len(points)-1 && cores > points[k].Cores {
		k++
	}
	a, b := points[k-1], points[k]
	slope := math.Log(b.D/a.D) / math.Log(b.Cores/a.Cores)
	return a.D * math.Pow(cores/a.Cores, slope)
}

// processorFactor is the efficiency of a microarchitecture against the one that the fit is about, and whether any measurement says so.
func (c *Coefficients) processorFactor(key string) (d float64, fitted bool) {
	for _, p := range c.CPU.Processors {
		if p.Key == key {
			return p.D, p.Fitted
		}
	}
	return 1, false
}

// overPeer is a runtime's time over that of the engine that Peers holds, on one machine.
func (c *Coefficients) overPeer(r Runtime) float64 {
	for _, e := range c.CPU.OverPeer {
		if e.Runtime == r {
			return e.Value
		}
	}
	return 1
}

// RuntimeBytes is the memory that a runtime takes before any model is loaded.
func (c *Coefficients) RuntimeBytes(r Runtime) float64 {
	for _, m := range c.Memory.RuntimeBytes {
		if m.Runtime == r {
			return m.Bytes
		}
	}
	return 0
}
