//go:build amd64 && !purego

package quant

// compiled says that this build holds the vector kernels of the tables.
const compiled = true

// compiledTile returns the routine of the given family, height and width.
func compiledTile(f family, rows, width int) func(*Tile) {
	switch {
	case f == vnni && width == 32:
		return tilesBytesAVX512x32[rows]
	case f == vnni:
		return tilesBytesAVX512x16[rows]
	case f == words512 && width == 32:
		return tilesWordsAVX512x32[rows]
	case f == words512:
		return tilesWordsAVX512x16[rows]
	case f == words256:
		return tilesWordsAVX2x16[rows]
	}
	panic("quant: no tiles of this family")
}

// compiledAMX returns the routine for so many rows and columns.
func compiledAMX(rows, width int) func(*tiles) {
	switch {
	case rows > tileRows && width == 32:
		return tilesAMX_32x32
	case rows > tileRows:
		return tilesAMX_32x16
	case width == 32:
		return tilesAMX_16x32
	}
	return tilesAMX_16x16
}

// assembled returns the functions of an assembled variant.
func assembled(name string) *Funcs {
	switch name {
	case "avx512":
		return &Funcs{name, 16, windowAVX512, affineAVX512, maximumAVX512, requantizeAVX512, interleaveAVX512}
	case "avx2":
		return &Funcs{name, 8, windowAVX2, affineAVX2, maximumAVX2, requantizeAVX2, interleaveAVX2}
	}
	return nil
}
