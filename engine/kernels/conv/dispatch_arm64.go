//go:build !purego

package conv

// compiled says that this build holds the vector kernels of the tables.
const compiled = true

// compiledWindow returns the generated kernel for float32 and the given window.
func compiledWindow(_ windowFamily, _, _ bool, window int) func(*Window) {
	const float32s = 0
	return depthwiseNEON[float32s][window]
}

// compiledStrips returns the generated kernels by output channels and vectors.
func compiledStrips(windowFamily) [][]func(*Strip) { return stripsNEON[:] }

func compiledWinogradInput4(*Patch)  { panic("conv: no transforms compiled") }
func compiledWinogradOutput4(*Patch) { panic("conv: no transforms compiled") }
func compiledWinogradInput2(*Patch)  { panic("conv: no transforms compiled") }
func compiledWinogradOutput2(*Patch) { panic("conv: no transforms compiled") }
