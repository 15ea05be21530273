package gate

import (
	"fmt"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// placer gives FILE:LINE:COLUMN of a place in an expression: line from 1 and column from 0 and in characters, as CEL counts. YAML folds lines, drops
// indentation and quotes, so that the n-th character of the expression that is no space is found by counting those of the file.
func placer(file string, content []byte, e *Expression) func(line, column int) string {
	if e.node.Line == 0 { // there is none
		return func(int, int) string { return file }
	}
	return func(line, column int) string {
		before, all := 0, 0
		for i, text := range strings.Split(e.Text, "\n") {
			for j, r := range []rune(text) {
				if unicode.IsSpace(r) {
					continue
				}
				if all++; i < line-1 || i == line-1 && j < column {
					before++
				}
			}
		}
		l, c := skip(content, &e.node, before, before == all)
		return fmt.Sprintf("%s:%d:%d", file, l, c)
	}
}

// skip is the line and column, both from 1, of the first character of a scalar after n that are no space; of what follows the last of them, at the end.
func skip(content []byte, node *yaml.Node, n int, end bool) (line, column int) {
	lines := strings.SplitAfter(string(content), "\n")
	line, column = node.Line, node.Column
	if line < 1 || line > len(lines) {
		return line, column
	}
	rest := []rune(lines[line-1])
	rest = rest[min(column-1, len(rest)):]
	advance := func(characters int) {
		for range characters {
			rest, column = rest[1:], column+1
			if len(rest) == 0 && line < len(lines) {
				rest, line, column = []rune(lines[line]), line+1, 1
			}
		}
	}
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		advance(len(rest)) // the header
	case node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		advance(1)
	}
	for len(rest) > 0 {
		width, counts := written(rest, node.Style)
		if n == 0 && (counts || end) {
			break
		}
		if advance(width); counts {
			n--
		}
	}
	return line, column
}

// written is how many characters of a file stand for the next one of a scalar, and whether that is one that is no space.
func written(rest []rune, style yaml.Style) (width int, counts bool) {
	switch {
	case style&yaml.SingleQuotedStyle != 0 && rest[0] == '\'' && len(rest) > 1 && rest[1] == '\'':
		return 2, true
	case style&yaml.DoubleQuotedStyle != 0 && rest[0] == '\\' && len(rest) > 1:
		switch rest[1] {
		case 'x':
			return min(4, len(rest)), true
		case 'u':
			return min(6, len(rest)), true
		case 'U':
			return min(10, len(rest)), true
		}
		return 2, !strings.ContainsRune("\n nrtvfNLP_", rest[1])
	}
	return 1, !unicode.IsSpace(rest[0])
}
