package models

import (
	"maps"
	"slices"
)

// sortedKeys lists a map's keys in order, so that whatever walks a map does so the same way each time.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
