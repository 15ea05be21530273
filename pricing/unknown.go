package pricing

import (
	"fmt"
	"strings"
)

// UnknownError is a name that the catalogue does not have.
type UnknownError struct {
	What string   // "region", "instance type", "accelerator"
	Name string   // as given
	Near []string // names it may have been meant to be, best first; may be empty
}

func (e *UnknownError) Error() string {
	if len(e.Near) == 0 {
		return fmt.Sprintf("unknown %s %q", e.What, e.Name)
	}
	return fmt.Sprintf("unknown %s %q (near: %s)", e.What, e.Name, strings.Join(e.Near, ", "))
}

func unknown(what, name string, known []string) *UnknownError {
	return &UnknownError{What: what, Name: name, Near: Nearest(name, known)}
}

// Nearest lists up to five of the known names that are within two edits of what
// was given, in small letters, best first.
func Nearest(name string, known []string) []string {
	const most, edits = 5, 2
	var near []string
	for distance := 0; distance <= edits; distance++ {
		for _, k := range known {
			if len(near) < most && editDistance(strings.ToLower(name), strings.ToLower(k)) == distance {
				near = append(near, k)
			}
		}
	}
	return near
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment) between two ASCII names.
func editDistance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
