package pricing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// ReadSheetYAML reads prices from YAML of kind PriceSheet. Errors in it are of
// type [FileError].
func ReadSheetYAML(r io.Reader, d SheetDefaults) ([]Price, error) {
	text, err := readYAML(r)
	if err != nil {
		return nil, err
	}
	root, err := text.document()
	if err != nil {
		return nil, err
	}
	var prices *yaml.Node
	var version, kind string
	err = text.mapping(root, func(key, value *yaml.Node) error {
		switch key.Value {
		case "apiVersion":
			version = value.Value
		case "kind":
			kind = value.Value
		case "prices":
			prices = value
		default:
			return text.at(key, fmt.Errorf("unknown key %q; a sheet of prices has apiVersion, kind and prices", key.Value))
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case version != "eiplan/v1" || kind != "PriceSheet":
		return nil, text.at(root, fmt.Errorf("apiVersion %q, kind %q: a sheet of prices has apiVersion eiplan/v1 and kind PriceSheet", version, kind))
	case prices == nil || prices.Tag == "!!null":
		return nil, nil
	case prices.Kind != yaml.SequenceNode:
		return nil, text.at(prices, errors.New("prices is not a list"))
	}
	sheet := sheet{defaults: d, at: map[Price]listed{}}
	for _, n := range prices.Content {
		if err := text.price(&sheet, n); err != nil {
			return nil, err
		}
	}
	return sheet.prices, nil
}

// yamlText is a file of YAML.
type yamlText struct {
	text  []byte
	mark  int64 // size of the byte order mark before it
	lines []int // where its lines begin
}

func readYAML(r io.Reader) (*yamlText, error) {
	file := NewTextFile(r)
	file.tracks = true
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	y := &yamlText{text, file.Mark(), []int{0}}
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		if !printable(c) {
			return nil, file.place(y.mark+int64(i), fmt.Errorf("YAML has no character %U", c))
		}
		if i += size; isBreak(c) && (c != '\r' || i == len(text) || text[i] != '\n') {
			y.lines = append(y.lines, i)
		}
	}
	return y, nil
}

// isBreak reports whether a character ends a line: YAML 1.1, section 5.4, which
// yaml.v3 counts by.
func isBreak(c rune) bool {
	return c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029'
}

// printable reports whether YAML may hold a character: YAML 1.1, section 5.1.
func printable(c rune) bool {
	switch {
	case c == '\t' || c == '\n' || c == '\r' || c == '\u0085':
		return true
	case c < ' ' || 0x7f <= c && c < 0xa0 || c == '\ufeff' || c == '\ufffe' || c == '\uffff':
		return false
	}
	return true
}

// document is the one document of the file.
func (y *yamlText) document() (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(y.text))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case err == io.EOF:
		return nil, &FileError{Line: 1, Offset: y.mark, Err: errors.New("no document")}
	case err != nil:
		return nil, y.syntax(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, y.at(&second, errors.New("a second document"))
	case err != io.EOF:
		return nil, y.syntax(err)
	}
	return first.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax places an error of yaml.v3, which names no line where it is the first.
func (y *yamlText) syntax(err error) error {
	found := yamlLine.FindStringSubmatch(err.Error())
	if found == nil {
		return &FileError{Line: 1, Offset: y.mark, Err: err}
	}
	line, _ := strconv.Atoi(found[1])
	return y.at(&yaml.Node{Line: max(line, 1), Column: 1}, errors.New("YAML: "+err.Error()[len(found[0]):]))
}

// at places an error at a node. Its column counts characters.
func (y *yamlText) at(n *yaml.Node, err error) *FileError {
	i := y.lines[min(max(n.Line, 1), len(y.lines))-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(y.text[i:])
		i += size
	}
	return &FileError{Line: n.Line, Offset: y.mark + int64(i), Err: err}
}

// mapping calls each with the keys and values of a mapping, none of which may be repeated.
func (y *yamlText) mapping(n *yaml.Node, each func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return y.at(n, errors.New("not a mapping but a list or a plain value"))
	}
	had := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if had[key.Value] {
			return y.at(key, fmt.Errorf("key %q twice", key.Value))
		}
		had[key.Value] = true
		if err := each(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (y *yamlText) price(s *sheet, n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return y.at(n, errors.New("not a price but a list or a plain value"))
	}
	cells := map[string]*yaml.Node{}
	err := y.mapping(n, func(key, value *yaml.Node) error {
		if err := checkColumn(key.Value); err != nil {
			return y.at(key, err)
		}
		if value.Kind != yaml.ScalarNode {
			return y.at(value, fmt.Errorf("%s is not a plain value", key.Value))
		}
		if value.Tag != "!!null" {
			cells[key.Value] = value
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.add(n.Line, func(column string) (string, bool) {
		if value, ok := cells[column]; ok {
			return value.Value, true
		}
		return "", false
	})
	if err == nil {
		return nil
	}
	if value, ok := cells[columnOf(err)]; ok {
		n = value
	}
	return y.at(n, err)
}
