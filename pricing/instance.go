package pricing

// Kind is what sort of device computes beside the CPU.
type Kind uint8

const (
	// ElasticInference accelerators are bought beside an instance and reached
	// over its network.
	ElasticInference Kind = iota + 1
	// GPU devices are part of an instance.
	GPU
	// Neuron devices (Inferentia, Trainium) are part of an instance.
	Neuron
	// OtherDevice is part of an instance, and nothing this project can plan on.
	OtherDevice
)

// An InstanceType is one EC2 instance type: what it has, never how fast that is.
// Processors and accelerators are named by keys that package hardware explains.
type InstanceType struct {
	Name   string // "c5.xlarge"
	Family string // "c5"
	Arch   string // "amd64" or "arm64"

	VCPU          int
	PhysicalCores int // 2 vCPU share a core unless they are as many
	MemoryBytes   int64

	Processor       string  // key of the microarchitecture, "cascade-lake"; empty when unknown
	ProcessorModel  string  // "Intel Xeon Platinum 8275CL"; sizes of a family may run on several
	ProcessorSource string  // how both are known
	ClockGHz        float64 // SustainedClockSpeedInGhz of DescribeInstanceTypes: often near single-core turbo

	Network Network
	Devices []Device // none for CPU-only types; at most one element today
	Measure Measure  // CoreMark and caches as measured; zero when it was not

	Burstable bool // CPU credits: sustained load gets a fraction of a core
	Flex      bool // full CPU for 95% of the time only
	BareMetal bool
	SpotSold  bool // can be had as Spot

	// PreviousFrom is the first date on which AWS is known to list the type as
	// previous generation; zero when it does not. Previous is not retired.
	PreviousFrom Date
	Source       string
}

// PreviousGeneration reports whether AWS listed the type as previous generation
// at a date; zero asks of today.
func (t *InstanceType) PreviousGeneration(at Date) bool {
	return t.PreviousFrom != 0 && (at == 0 || at >= t.PreviousFrom)
}

// Network is the bandwidth of an instance, summed over its network cards. Zero
// is unknown (p2.xlarge: AWS says "High").
type Network struct {
	BaselineBitsPerSecond int64
	BurstBitsPerSecond    int64 // reached on credit, for minutes; equal to the baseline where there is none
	Description           string
}

// A Device is what an instance has several of: GPUs or Neuron chips.
type Device struct {
	Kind        Kind
	Accelerator string  // key, "T4"
	Count       float64 // below 1 for a share of one device (g6f)
	MemoryBytes int64   // of all Count devices together, as the API says
	NeuronCores int     // of all; 0 for GPUs
}

// Measure is what others measured on a running instance of a type.
type Measure struct {
	CoreMark  float64 // iterations per second on all vCPUs; integer code, blind to vector units
	L3Bytes   int64   // over all NUMA nodes; 0 is unknown
	NUMANodes int
	PCIeLink  string // of the GPU, "8x/16x": negotiated width / widest
	AsOf      Date
	Source    string
}

// An Accelerator is a size of Elastic Inference accelerator: bought beside an
// instance, one per instance, at launch, On-Demand.
type Accelerator struct {
	Name        string // "eia2.medium"; also its key
	Kind        Kind   // ElasticInference
	MemoryBytes int64
	Source      string
}
