package pricing

import (
	_ "embed"
	"fmt"
)

//go:generate go run ./_snapshot -o snapshot.bin

//go:embed snapshot.bin
var snapshot []byte

// Snapshot opens the catalogue that is part of the program: dated, made from
// published figures, the same wherever the program runs. It reads the index and
// the instance types; prices are read a region at a time, when asked for.
func Snapshot() *Catalog {
	c, err := open(snapshot)
	if err != nil {
		panic(fmt.Sprintf("pricing: embedded catalogue: %v", err))
	}
	return c
}
