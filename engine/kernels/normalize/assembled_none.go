//go:build (!amd64 && !arm64) || purego

package normalize

import "github.com/eiplan/eiplan/engine/cpu"

// assembled returns nil: this build holds no assembly.
func assembled(string, cpu.Features) *Funcs { return nil }
