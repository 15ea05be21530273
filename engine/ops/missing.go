package ops

import (
	"maps"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
)

// Missing is an operator that a graph applies and the registry lacks.
type Missing struct {
	Key   string // as Key makes it
	Nodes int    // how many nodes apply it
	First string // the name of the first
}

// Unsupported lists every missing operator of a graph and of its bodies, by key.
func Unsupported(g *graph.Graph) []Missing {
	found := map[string]*Missing{}
	collectMissing(g, found)
	var list []Missing
	for _, key := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[key])
	}
	return list
}

func collectMissing(g *graph.Graph, found map[string]*Missing) {
	for _, n := range g.Nodes {
		key := Key(n.Domain, n.Op)
		if _, ok := Lookup(n.Domain, n.Op); !ok {
			if found[key] == nil {
				found[key] = &Missing{Key: key, First: n.Name}
			}
			found[key].Nodes++
		}
		for _, name := range slices.Sorted(maps.Keys(n.Bodies)) {
			collectMissing(n.Bodies[name], found)
		}
	}
}

// Supported lists the keys of all operators, in order. Those that only passes make are left out.
func Supported() []string {
	keys := slices.Clone(bodiedKeys[:])
	for key := range registry {
		if !strings.HasPrefix(key, "eiplan/") {
			keys = append(keys, key)
		}
	}
	for key := range composites {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
