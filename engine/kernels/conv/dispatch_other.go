//go:build (!amd64 && !arm64) || purego

package conv

// compiled says that this build holds no vector kernels.
const compiled = false

func compiledWindow(windowFamily, bool, bool, int) func(*Window) {
	panic("conv: no kernels compiled")
}

func compiledStrips(windowFamily) [][]func(*Strip) {
	panic("conv: no kernels compiled")
}

func compiledWinogradInput4(*Patch)  { panic("conv: no kernels compiled") }
func compiledWinogradOutput4(*Patch) { panic("conv: no kernels compiled") }
func compiledWinogradInput2(*Patch)  { panic("conv: no kernels compiled") }
func compiledWinogradOutput2(*Patch) { panic("conv: no kernels compiled") }
