package gate

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Every character of an expression, written in each of YAML's styles, is found in the file where it stands; one that is escaped, where its escape begins.
func TestPlaces(t *testing.T) {
	for _, text := range []string{
		"a",
		"plan.best.cost.totalMonthlyUsd > 500.0 && plan.verdict == 'feasible'",
		`plan.verdict == "it's" || x == 'say "no"' && y == "\\d+"`,
		"a &&\n  b.c ||\n\n    d\n",
		"  leading.and > 1\n&& trailing  ",
		"ü ≤ 'naïve' ? 1 : 2\n+ 3",
		strings.Repeat("plan.plans.exists(p, p.rank > 3) && ", 12) + "true",
	} {
		for name, style := range map[string]yaml.Style{"plain": 0, "single": yaml.SingleQuotedStyle, "double": yaml.DoubleQuotedStyle, "literal": yaml.LiteralStyle, "folded": yaml.FoldedStyle} {
			node := yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: style}
			content, err := yaml.Marshal(map[string]any{"rules": []any{map[string]any{"id": "r", "when": &node, "with": "more"}}})
			if err != nil {
				t.Fatal(err)
			}
			var file struct {
				Rules []struct{ When Expression }
			}
			if err := yaml.Unmarshal(content, &file); err != nil {
				t.Fatal(err)
			}
			e := &file.Rules[0].When
			place, lines := placer("f", content, e), strings.Split(string(content), "\n")
			for i, line := range strings.Split(e.Text, "\n") { // the encoder does not fold every text as it should
				for j, want := range []rune(line) {
					if unicode.IsSpace(want) {
						continue
					}
					var l, c int
					if _, err := fmt.Sscanf(place(i+1, j), "f:%d:%d", &l, &c); err != nil {
						t.Fatal(err)
					}
					got := []rune(lines[l-1])[c-1]
					if got != want && !(got == '\\' && e.node.Style&yaml.DoubleQuotedStyle != 0) {
						t.Fatalf("%s: %d:%d of %q, %q, is placed at %d:%d, where %q stands, in\n%s", name, i+1, j, e.Text, want, l, c, got, content)
					}
				}
			}
		}
	}
}
