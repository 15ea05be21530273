// Package hardware says how fast the processors and accelerators are that pricing names: tables with a source, a date and a quality for every row.
// It knows neither prices nor models.
package hardware

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Format is a number format of multiplications.
type Format uint8

const (
	FP32 Format = iota
	TF32
	FP16
	BF16
	INT8
	formats // how many there are
)

var formatNames = [formats]string{"fp32", "tf32", "fp16", "bf16", "int8"}

func (f Format) String() string {
	if f >= formats {
		panic(fmt.Sprintf("hardware: format %d", uint8(f)))
	}
	return formatNames[f]
}

// ParseFormat reads a format's name.
func ParseFormat(s string) (Format, error) {
	for f, name := range formatNames {
		if name == s {
			return Format(f), nil
		}
	}
	return 0, fmt.Errorf("number format %q is none of %s", s, strings.Join(formatNames[:], ", "))
}

// Bytes is the storage of one number. TF32 is stored as 32 bits.
func (f Format) Bytes() float64 { return [formats]float64{4, 4, 2, 2, 1}[f] }

// Quality is how far a row can be trusted.
type Quality string

const (
	Stated   Quality = "stated"   // the main figures were read in the source named
	Recalled Quality = "recalled" // from a data sheet, from general knowledge, not read again
	Assumed  Quality = "assumed"  // a guess, by the rule that the source names
)

// Provenance is where a row comes from.
type Provenance struct {
	Source  string
	AsOf    string // year and month
	Quality Quality
}

// Processor is a microarchitecture as EC2 runs it.
type Processor struct {
	Key         string // as pricing.InstanceType.Processor: "cascade-lake"
	Arch        string // amd64 or arm64
	Models      []string
	Levels      []string         // of instruction sets, as package cpu labels them: "avx512vnni"; the first is the usual one
	PerCycle    [formats]float64 // FLOPs of one core in one cycle; 0 where it has no such instructions
	DenseClock  float64          // share of the clock that AWS states at which all cores run dense vector code
	SocketCores int              // physical
	SocketGBs   float64          // memory bandwidth of a socket
	VCPUPerCore int              // on the instances that run it
	CoreMarkPer float64          // CoreMark iterations per second and vCPU, median of instances of at most 16 vCPU
	Provenance
}

// PeakGFLOPS is physical cores × FLOPs a cycle × GHz: what the instruction set promises.
func (p *Processor) PeakGFLOPS(f Format, cores int, ghz float64) float64 {
	return float64(cores) * p.PerCycle[f] * ghz
}

// DenseGFLOPS is PeakGFLOPS at the clock that dense vector code sustains: comparable with a measured peak.
func (p *Processor) DenseGFLOPS(f Format, cores int, ghz float64) float64 {
	return p.PeakGFLOPS(f, cores, ghz) * p.DenseClock
}

// BandwidthGBs is the share of the sockets' memory bandwidth that falls to some of their cores.
func (p *Processor) BandwidthGBs(cores int) float64 {
	return p.SocketGBs * float64(cores) / float64(p.SocketCores)
}

// CoreMarkPerCore is the scalar speed of a physical core.
func (p *Processor) CoreMarkPerCore() float64 { return p.CoreMarkPer * float64(p.VCPUPerCore) }

// Kind is what sort of hardware does the work.
type Kind string

const (
	CPU    Kind = "cpu" // a processor, where targets of both sorts meet
	GPU    Kind = "gpu"
	Neuron Kind = "neuron"
	EI     Kind = "ei"
)

// Device is one accelerator: a GPU, an Inferentia or Trainium chip, or a size of Elastic Inference. Rates are dense, without sparsity.
type Device struct {
	Key          string // as pricing names it
	Kind         Kind
	Architecture string
	TFLOPS       [formats]float64 // of the whole device; 0 where unknown or absent
	MemoryGB     float64
	BandwidthGBs float64
	Tensor       bool    // has units for matrices of 16-bit numbers
	Tiles        float64 // streaming multiprocessors or compute units, for occupancy; 0 where occupancy is not modelled; 1 per NeuronCore
	Cores        int     // parts that each run a request of their own: NeuronCores; 1 for GPUs
	Lanes        int     // of its PCIe slot; instances may connect fewer
	LaneGBs      float64 // per lane and direction
	FittedAs     string  // the name under which latency coefficients know it; empty where no inference runtime supports it
	Provenance
}

// PerCore is the share of a device that serves one request.
func (d *Device) PerCore() float64 { return 1 / float64(max(d.Cores, 1)) }

// LinkGBs is the bandwidth to the host in one direction over some of its lanes; 0 lanes is all. It is 0 where the device has no link of its own.
func (d *Device) LinkGBs(lanes int) float64 {
	if lanes == 0 {
		lanes = d.Lanes
	}
	return float64(lanes) * d.LaneGBs
}

// Table is all that is known of hardware. It is immutable and may be used by any number of goroutines.
type Table struct {
	processors map[string]*Processor
	devices    map[string][]*Device // rows of one key differ in memory
	order      []*Processor
}

//go:embed processors.csv devices.csv
var data embed.FS

// Default reads the tables embedded in the program.
func Default() *Table {
	t, err := read(data)
	if err != nil {
		panic("hardware: embedded tables: " + err.Error())
	}
	return t
}

// Processor finds a microarchitecture by its key.
func (t *Table) Processor(key string) (*Processor, bool) {
	p, ok := t.processors[key]
	return p, ok
}

// Device finds an accelerator by its key. Where a key stands for parts of several memory sizes, it is the one whose memory is nearest to memoryGB;
// 0 takes the smallest.
func (t *Table) Device(key string, memoryGB float64) (*Device, bool) {
	var best *Device
	for _, d := range t.devices[key] {
		if best == nil || math.Abs(d.MemoryGB-memoryGB) < math.Abs(best.MemoryGB-memoryGB) {
			best = d
		}
	}
	return best, best != nil
}

// Identify guesses the microarchitecture of a machine from what its processor calls itself, else from the label of its instruction sets: then it is
// the oldest that has them.
func (t *Table) Identify(model, level string) (*Processor, bool) {
	for _, p := range t.order {
		for _, m := range p.Models {
			if strings.Contains(model, m) {
				return p, true
			}
		}
	}
	for _, p := range t.order {
		if slices.Contains(p.Levels, level) {
			return p, true
		}
	}
	return nil, false
}
