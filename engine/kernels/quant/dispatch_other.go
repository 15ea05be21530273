//go:build !amd64 || purego

package quant

const compiled = false

func compiledTile(family, int, int) func(*Tile) { panic("quant: no tiles in this build") }

func compiledAMX(int, int) func(*tiles) { panic("quant: no tiles in this build") }

func assembled(string) *Funcs { return nil }
