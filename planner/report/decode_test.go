package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// byLibrary is what the library and JSON make of a text, as jsonOfBlocks should.
func byLibrary(t *testing.T, text string) (tree any, err error) {
	t.Helper()
	var read any
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		return nil, err
	}
	plain, err := json.Marshal(read)
	if err != nil {
		return nil, err
	}
	return tree, json.Unmarshal(plain, &tree)
}

// likeLibrary fails unless blocks are read as the library reads them. It reports whether they were read at all.
func likeLibrary(t *testing.T, text string) bool {
	t.Helper()
	plain, ok := jsonOfBlocks([]byte(text))
	if !ok {
		return false
	}
	want, err := byLibrary(t, text)
	if err != nil {
		t.Fatalf("%q: read as %s, but the library says %v", text, plain, err)
	}
	var got any
	if err := json.Unmarshal(plain, &got); err != nil {
		t.Fatalf("%q: %v in %s", text, err, plain)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %v, want %v", text, got, want)
	}
	return true
}

// blockScalars are read without the library.
var blockScalars = []string{
	"true", "false", "null", "no", "y", "True North", "0", "12", "-1", "0.5", "-0.5", "1e3", "1.5e-05", "6fc535b9", "6e5f", "8s", "-o", "--time", "1.2.3", "12:30", "123456789012345678", "1.0",
	"zoo:resnet50", "/dev/stdin", "./a", "../a", "a-b", "(none)", "≤ 5 ms", "p99 − 2", `"a: b"`, `'a: #b'`, `'it''s'`, `""`, "''", "[]", "{}", "[1, a, 'b, c', -o]", `["a]", "b"]`, "a, b]", "it's", `a"b`, `a\b`,
}

// libraryScalars are left to it.
var libraryScalars = []string{
	"True", "NULL", "~", "+1", "-0", "-0.0", "0x1F", "017", "0b1", "0o7", "1_000", "2026-02-02", "2026-02-02 03:04:05", ".5", "1.", "-.inf", ".nan", "1234567890123456789", "1e999", "&a b", "*a", "!!str 1", "|", ">-", "a # b", "a: b", "a:",
	`"\n"`, "[a, [b]]", "{a: 1}", "[a: 1]", "[a ,b]", "[a,b]", "[?]", "@a", "`a", "%a", "a\tb", "a\r", "\u00a0", "\ufeff", "\x7f", "? a", "- a",
}

// TestBlocks: each scalar stands for the same as for the library, wherever it stands, and so do mappings and lists.
func TestBlocks(t *testing.T) {
	for _, s := range blockScalars {
		for _, frame := range []string{"k: %s\n", "k: %s", "l:\n  - %s\n  - x\n", "l:\n- %s\n", "l:\n  - k: %s\n    j: 1\n", "a:\n  b:\n    c: %s\nd: 2\n"} {
			if text := strings.Replace(frame, "%s", s, 1); !likeLibrary(t, text) {
				t.Errorf("%q is left to the library", text)
			}
		}
	}
	for _, s := range libraryScalars {
		if text := "k: " + s + "\n"; likeLibrary(t, text) {
			t.Errorf("%q is not left to the library", text)
		}
	}
	for reason, text := range map[string]string{
		"nothing":                      "",
		"a list":                       "- a\n",
		"a key twice":                  "a: 1\na: 2\n",
		"a key twice, once in quotes":  "a: 1\n'a': 2\n",
		"a number for a key":           "1: a\n",
		"a word for a key":             "true: a\n",
		"what may be a key or a start": "--- a: b\n",
		"a start":                      "---\na: b\n",
		"an end":                       "a: b\n...\n",
		"two documents":                "a: b\n---\na: c\n",
		"a comment":                    "# c\na: b\n",
		"an empty line":                "a: b\n\nc: d\n",
		"a text of two lines":          "a: b\n  c\n",
		"an item of two lines":         "a:\n  - b\n    c\n",
		"an indent of its own":         "a:\n    b: 1\n  c: 2\n",
		"a list that ends in a key":    "a:\n  - b\n  c: 2\n",
		"a tab":                        "a:\n\tb: 1\n",
		"two spaces":                   "a:  b\n",
		"items in the item's line":     "a:\n  - - b\n    - c\n",
		"an item below its sign":       "a:\n  -\n    b\n",
		"depth":                        "a:\n" + strings.Repeat(" ", 300) + "b: 1\n",
	} {
		if got, want := likeLibrary(t, text), reason == "items in the item's line"; got != want {
			t.Errorf("%s: read is %t, want %t", reason, got, want)
		}
	}
}

// TestBlocksOfReports: what this project writes is read without the library.
func TestBlocksOfReports(t *testing.T) {
	files, err := filepath.Glob("../../testdata/records/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no reports", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !likeLibrary(t, string(text)) {
			t.Errorf("%s is left to the library", file)
		}
	}
}

// TestDecode: a value is the same in every notation.
func TestDecode(t *testing.T) {
	type value struct {
		A int
		B []string
		C *struct{ D float64 }
	}
	want := value{3, []string{"x", "2026-02-02"}, &struct{ D float64 }{0.5}}
	for notation, text := range map[string]string{
		"JSON":                "{\"a\": 3, \"b\": [\"x\", \"2026-02-02\"], \"c\": {\"d\": 0.5}, \"e\": 1}",
		"JSON after a space":  " {\"a\": 3, \"b\": [\"x\", \"2026-02-02\"], \"c\": {\"d\": 0.5}}",
		"YAML in braces":      "{a: 3, b: [x, '2026-02-02'], c: {d: 0.5}}",
		"blocks":              "a: 3.0\nb: [x, '2026-02-02']\nc:\n  d: 0.5\ne: 1\n",
		"blocks with remarks": "a: 3 # three\nb: [x, \"2026-02-02\"]\n\nc: {d: .5}\n",
	} {
		var got value
		if err := Decode([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", notation, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                   "it is empty",
		"a: 1\n--- \na: 4\n": "line 2: another document begins: it holds several, of which each has to stand alone",
		"- a":                "it holds a list of reports, of which each has to stand alone",
		" [1]":               "it holds a list of reports, of which each has to stand alone",
		"c: {d: .inf}":       `line 1: ".inf" is no figure`,
		"a: [":               "yaml: line 1: did not find expected node content",
		"a: 1\na: 2":         `yaml: unmarshal errors:` + "\n" + `  line 2: mapping key "a" already defined at line 1`,
		"a: x":               "json: cannot unmarshal string into Go struct field value.a of type int",
		`{"a": "x"}`:         "json: cannot unmarshal string into Go struct field value.a of type int",
		"a: 1\n\tb: ":        "yaml: line 2: found a tab character that violates indentation",
	} {
		var got value
		if err := Decode([]byte(text), &got); err == nil || !strings.EqualFold(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzBlocks: whatever is read without the library is read as the library does.
func FuzzBlocks(f *testing.F) {
	for _, s := range append(blockScalars, libraryScalars...) {
		f.Add("k: " + s + "\nl:\n  - " + s + "\n  - a: " + s + "\n    'b': [" + s + ", 1]\n")
	}
	f.Fuzz(func(t *testing.T, text string) { likeLibrary(t, text) })
}
