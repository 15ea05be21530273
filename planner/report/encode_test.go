package report

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// writtenAlike fails unless JSON is written as the library writes it. It reports whether the library was not needed.
func writtenAlike(t *testing.T, b []byte) bool {
	t.Helper()
	got, ok := blocksOf(b)
	if !ok {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	tree, err := yamlNode(dec)
	if err != nil {
		t.Fatal(err)
	}
	want, err := encodeYAML(tree)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatalf("%s:\n%s\nwant\n%s", b, got, want)
	}
	return true
}

// hardTexts are such as YAML may take for something else.
var hardTexts = []string{
	"", " ", "a", "a b", " a", "a ", "a: b", "a:", ":a", "::a", "a #b", "#a", "a##b", "- a", "-a", "--", "---", "--- a", "...", "-1", "- ", "-", "?", "? a", "?a", "a?", "a,b", "[a]", "a]", "{a", "a}", "&a", "*a", "!a", "|", ">", "'a'", "it's", `"a"`, `a"b`, `a\b`,
	"%a", "@a", "`a`", "a`", "~", "null", "Null", "true", "TRUE", "yes", "no", "on", "y", "N", "1", "1.5", "0x1f", "017", "1_000", "1e5", "1e5f", ".5", ".inf", "2026-02-02", "2026-02-02T03:04:05Z", "12:30", "6fc5", "8s", "=", "<<", "≤ 5 ms", "é", "\u00a0", "\u2028", "\ufeff", "\U0001F600",
	"a\tb", "a\x7fb", "a\x00b", "<a&b>", "${a}", "(a)", "/a", "./a", "..", "zoo:a", "a::b", "$a", "_a", strings.Repeat("long ", 60) + "end",
}

func randomJSON(r *rand.Rand, depth int) any {
	text := func() string { return hardTexts[r.IntN(len(hardTexts))] }
	switch n := r.IntN(9); {
	case n < 2 && depth > 0:
		m := map[string]any{}
		for range r.IntN(4) {
			m[string(rune('a'+r.IntN(26)))+"Key"] = randomJSON(r, depth-1)
		}
		return m
	case n < 4 && depth > 0:
		list := make([]any, r.IntN(4))
		if r.IntN(8) == 0 {
			list = make([]any, 11+r.IntN(4))
		}
		for i := range list {
			list[i] = randomJSON(r, depth-1-r.IntN(2)*depth)
		}
		return list
	case n < 6:
		return text()
	case n < 7:
		return []any{0.5, 1e-7, 1e21, -12.0, 1e20, 18446744073709551615.0}[r.IntN(6)]
	case n < 8:
		return r.IntN(2) == 0
	}
	return nil
}

// TestWrittenAsByTheLibrary: what is written without the library is what it writes, and nearly everything is.
func TestWrittenAsByTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const trees = 4000
	for range trees {
		b, err := json.Marshal(map[string]any{"value": randomJSON(r, 5)})
		if err != nil {
			t.Fatal(err)
		}
		if !writtenAlike(t, b) {
			t.Errorf("%s is left to the library", b)
		}
	}
	for _, left := range []string{`{"a":"b\nc"}`, `{"a: b":1}`, `{"1":1}`, `{"":1}`, `{"` + strings.Repeat("a", 101) + `":1}`} {
		if writtenAlike(t, []byte(left)) {
			t.Errorf("%s is not left to the library", left)
		}
	}
}

// FuzzWrittenAsByTheLibrary is the same for any JSON.
func FuzzWrittenAsByTheLibrary(f *testing.F) {
	for _, text := range hardTexts {
		b, err := json.Marshal(map[string]any{"a": text, "b": []any{text, 1, nil}, "c": []any{map[string]any{"d": text}, []any{[]any{text}}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var tree any
		if json.Unmarshal(b, &tree) != nil {
			return
		}
		b, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		writtenAlike(t, b)
	})
}
