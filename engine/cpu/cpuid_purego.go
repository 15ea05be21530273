//go:build amd64 && purego

package cpu

// Without assembly these features can't be told, and no kernel could use them.

func leaf7EDX() uint32 { return 0 }

func tilesEnabled() bool { return false }
