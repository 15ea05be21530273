//go:build amd64 && !purego

package conv

// compiled says that this build holds the vector kernels of the tables.
const compiled = true

// compiledWindow returns the generated kernel for the given types and window,
// or for any window where there is none of its own.
func compiledWindow(f windowFamily, inBF, outBF bool, window int) func(*Window) {
	types := 0
	if inBF {
		types = 2
		if outBF {
			types = 1
		}
	}
	var table [][window5x5s2 + 1]func(*Window)
	switch f {
	case windowAVX512:
		table = depthwiseAVX512[:]
	case windowAVX2:
		table = depthwiseAVX2[:]
	}
	if k := table[types][window]; k != nil {
		return k
	}
	return table[types][anyWindow]
}

// compiledStrips returns the generated kernels by output channels and vectors.
func compiledStrips(f windowFamily) [][]func(*Strip) {
	if f == windowAVX512 {
		return stripsAVX512[:]
	}
	return stripsAVX2[:]
}

func compiledWinogradInput4(p *Patch)  { winogradInput(p) }
func compiledWinogradOutput4(p *Patch) { winogradOutput(p) }
func compiledWinogradInput2(p *Patch)  { winogradInput2(p) }
func compiledWinogradOutput2(p *Patch) { winogradOutput2(p) }
