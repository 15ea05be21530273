package cpu

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func available() (int64, bool) { return 0, false }

func describe() Info {
	info := Info{LogicalCPUs: runtime.NumCPU(), PhysicalCores: runtime.NumCPU()}
	// A name that this kernel does not know leaves its field as it is.
	if model, err := unix.Sysctl("machdep.cpu.brand_string"); err == nil {
		info.Model = model
	}
	info.Vendor = "Apple"
	if vendor, err := unix.Sysctl("machdep.cpu.vendor"); err == nil && vendor != "" {
		info.Vendor = vendor
	}
	if cores, err := unix.SysctlUint32("hw.physicalcpu"); err == nil {
		info.PhysicalCores = int(cores)
	}
	for name, size := range map[string]*int64{
		"hw.l1dcachesize": &info.L1DataBytes, "hw.l2cachesize": &info.L2Bytes, "hw.l3cachesize": &info.L3Bytes,
	} {
		if bytes, err := unix.SysctlUint64(name); err == nil {
			*size = int64(bytes)
		}
	}
	return info
}
