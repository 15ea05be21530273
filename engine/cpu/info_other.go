//go:build !linux && !darwin

package cpu

import (
	"os"
	"runtime"
)

func available() (int64, bool) { return 0, false }

func describe() Info {
	// Windows names its processor in this variable; elsewhere it is empty.
	return Info{Model: os.Getenv("PROCESSOR_IDENTIFIER"), PhysicalCores: runtime.NumCPU(), LogicalCPUs: runtime.NumCPU()}
}
