package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// blocksOf writes compact JSON as YAML, byte for byte as the library encodes yamlNode's tree of it. It is not ok where that takes more than a line for a
// scalar or other than a plain word for a key.
func blocksOf(json []byte) (text []byte, ok bool) {
	w := &blockWriter{json: json, text: make([]byte, 0, len(json)+len(json)/2), known: map[scalar]string{}}
	ok = w.value(0, "", "")
	return w.text, ok
}

// A blockWriter goes through JSON value by value. Its methods report whether they could write what they are for.
type blockWriter struct {
	json  []byte // that is left
	text  []byte
	known map[scalar]string // how the library writes what is not plain
}

// scalar is a text within brackets or not.
type scalar struct {
	text   string
	inList bool
}

// value writes one behind a sign of its own: that of an item, "- ", after which it goes on, or a key's colon, after which it begins a line.
func (w *blockWriter) value(indent int, beforeScalar, beforeBlock string) bool {
	switch {
	case w.json[0] == '{' && w.json[1] != '}':
		w.write(beforeBlock)
		return w.mapping(indent, beforeBlock == "")
	case w.json[0] == '[' && !isFlat(w.json):
		w.write(beforeBlock)
		return w.list(indent, beforeBlock == "")
	}
	w.write(beforeScalar)
	ok := false
	switch w.json[0] {
	case '{':
		w.write("{}")
		w.json, ok = w.json[len("{}"):], true
	case '[':
		ok = w.brackets()
	default:
		ok = w.scalar(false)
	}
	w.write("\n")
	return ok
}

func (w *blockWriter) write(text string) { w.text = append(w.text, text...) }

func (w *blockWriter) margin(indent int) {
	for range indent {
		w.text = append(w.text, ' ')
	}
}

// mapping writes a line for each key. The first may go on in the line at hand.
func (w *blockWriter) mapping(indent int, goOn bool) bool {
	for w.json[0] != '}' {
		w.json = w.json[1:] // a brace or a comma
		if !goOn {
			w.margin(indent)
		}
		goOn = false
		key := w.string()
		if !isPlain(key) || len(key) > 100 {
			return false
		}
		w.write(key)
		w.write(":")
		w.json = w.json[len(":"):]
		if !w.value(indent+2, " ", "\n") {
			return false
		}
	}
	w.json = w.json[1:]
	return true
}

// list writes a line for each item. The first may go on in the line at hand.
func (w *blockWriter) list(indent int, goOn bool) bool {
	for w.json[0] != ']' {
		w.json = w.json[1:] // a bracket or a comma
		if !goOn {
			w.margin(indent)
		}
		goOn = false
		w.write("- ")
		if !w.value(indent+2, "", "") {
			return false
		}
	}
	w.json = w.json[1:]
	return true
}

// brackets writes a list of scalars on one line.
func (w *blockWriter) brackets() bool {
	w.write("[")
	for separator := ""; w.json[0] != ']'; separator = ", " {
		if w.json = w.json[1:]; w.json[0] == ']' { // it is empty
			break
		}
		w.write(separator)
		if !w.scalar(true) {
			return false
		}
	}
	w.write("]")
	w.json = w.json[1:]
	return true
}

func (w *blockWriter) scalar(inList bool) bool {
	if w.json[0] != '"' {
		n := scalarLen(w.json)
		w.text = append(w.text, w.json[:n]...)
		w.json = w.json[n:]
		return true
	}
	s := scalar{w.string(), inList}
	if isPlain(s.text) && (!inList || !strings.ContainsAny(s.text, ",?[]{}:")) {
		w.write(s.text)
		return true
	}
	written, ok := w.known[s]
	if !ok {
		written = s.byLibrary()
		w.known[s] = written
	}
	w.write(written)
	return !strings.Contains(written, "\n")
}

// string takes the text that the JSON begins with.
func (w *blockWriter) string() string {
	n := scalarLen(w.json)
	quoted := w.json[:n]
	w.json = w.json[n:]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : n-1])
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		panic(fmt.Sprintf("report: JSON that was written has the text %s: %v", quoted, err))
	}
	return text
}

// scalarLen is the length of the scalar that JSON begins with.
func scalarLen(json []byte) int {
	n := 1
	if json[0] != '"' {
		for n < len(json) && json[n] != ',' && json[n] != ']' && json[n] != '}' {
			n++
		}
		return n
	}
	for ; json[n] != '"'; n++ {
		if json[n] == '\\' {
			n++
		}
	}
	return n + 1
}

// isPlain reports whether a text stands in YAML as it is, and harms nobody there. The library escapes runes of four bytes.
func isPlain(s string) bool {
	const fourBytes = 0xF0
	for i := range len(s) {
		if s[i] >= fourBytes {
			return false
		}
	}
	return kindOfPlain(s) == textScalar && !strings.Contains(s, ": ") && !strings.HasSuffix(s, ":") && !strings.HasPrefix(s, "---") && !strings.Contains(s, "##")
}

// isFlat is flat of the list that JSON begins with.
func isFlat(json []byte) bool {
	for n := 0; n <= mostFlat; n++ {
		json = json[1:]
		switch json[0] {
		case '{', '[':
			return false
		case ']':
			return true
		}
		if json = json[scalarLen(json):]; json[0] == ']' {
			return n < mostFlat
		}
	}
	return false
}

// byLibrary is how the library writes the text.
func (s scalar) byLibrary() string {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{textNode(s.text)}}
	before, after := "- ", "\n"
	if s.inList {
		list.Style = yaml.FlowStyle
		before, after = "[", "]\n"
	}
	text, err := encodeYAML(list)
	if err != nil {
		panic(fmt.Sprintf("report: %q in YAML: %v", s.text, err))
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, before), after)
}
