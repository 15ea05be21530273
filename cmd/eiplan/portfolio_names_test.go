package main

import (
	"slices"
	"testing"

	"github.com/eiplan/eiplan/planner/portfolio"
)

// TestNamesAreUnique: models are paired by name, so that no two of a portfolio share one, whatever the file calls them.
func TestNamesAreUnique(t *testing.T) {
	var members []*member
	for _, e := range []portfolio.Entry{{Name: "x"}, {Name: "x #2"}, {Name: "x"}, {Name: "x"}, {Measured: "a/y.yaml"}, {Measured: "b/y.yaml"}} {
		members = append(members, &member{entry: e})
	}
	name(members)
	var got []string
	for _, m := range members {
		got = append(got, m.asked.Name)
	}
	if want := []string{"x", "x #2", "x #3", "x #4", "y.yaml", "y.yaml #2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
