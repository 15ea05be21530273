//go:build (!amd64 && !arm64) || purego

package vector

// assembled returns nil: this build holds no assembly.
func assembled(string) *Funcs { return nil }
