package cpu

// Info describes the machine for a reader of a report. What could not be
// found is empty or 0, except the two counts, which are at least 1.
type Info struct {
	Vendor string // who made the processor, as it says itself: GenuineIntel, AuthenticAMD, ARM, Apple
	Model  string // its name, as it says itself, or the core's name on arm64

	// PhysicalCores counts the distinct cores and LogicalCPUs the hardware
	// threads that this process may run on: the affinity mask at its start and
	// the CPU quota of its cgroups (rounded up) hold. PhysicalCores is the
	// right size of a team that computes.
	PhysicalCores int
	LogicalCPUs   int

	// CPUQuota is the tightest CPU bandwidth limit of the process's cgroups,
	// in CPUs; 0 if there is none.
	CPUQuota float64

	// Sizes of the data or unified caches that the first CPU sees, whole, even
	// where other cores share them.
	L1DataBytes, L2Bytes, L3Bytes int64

	ISA      Level // the label of Features
	Features Features
}

// AvailableMemory is how many bytes the operating system can give without
// taking them from other processes, as it estimates itself, within the limits of
// the process's own cgroups; false where it does not tell.
func AvailableMemory() (bytes int64, known bool) { return available() }

// Describe reads what the operating system tells of the machine, best effort:
// it does not fail. The features are those the caller goes by, capped or not.
func Describe(features Features) Info {
	info := describe()
	info.PhysicalCores = max(info.PhysicalCores, 1)
	info.LogicalCPUs = max(info.LogicalCPUs, 1)
	info.ISA, info.Features = features.Level(), features
	return info
}
