package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// jsonOfBlocks turns YAML that needs little reading into JSON: mappings and lists in block style, lists of scalars in brackets, every scalar on its own
// line, and neither comments, anchors, tags nor escapes. That is what writeYAML writes, but for texts that need escapes. Anything else, valid or not, is
// not ok.
func jsonOfBlocks(text []byte) (json []byte, ok bool) {
	r := &blockReader{rest: string(text), json: make([]byte, 0, len(text)+len(text)/4)}
	r.next()
	ok = r.indent == 0 && r.mapping(0) && r.indent == end
	return r.json, ok
}

// A blockReader reads line by line. Its methods report whether they could read what they are for, and have then moved behind it.
type blockReader struct {
	rest   string // behind the line at hand
	line   string // without its indent
	indent int    // of line; end where there is no line
	keys   []string
	json   []byte
}

// The indent behind the last line, and of a line that is not read.
const end, unread = -1, -2

// next moves to the next line.
func (r *blockReader) next() {
	if r.rest == "" {
		r.line, r.indent = "", end
		return
	}
	r.line, r.rest, _ = strings.Cut(r.rest, "\n")
	text := strings.TrimLeft(r.line, " ")
	if r.indent = len(r.line) - len(text); text == "" {
		r.indent = unread
	}
	r.line = text
}

func (r *blockReader) write(json string) { r.json = append(r.json, json...) }

// The keys of a mapping and the indent of a line from which on the library has to do.
const mostKeys, deepest = 256, 256

func (r *blockReader) block() bool {
	if r.indent > deepest {
		return false
	}
	if isItem(r.line) {
		return r.list(r.indent)
	}
	return r.mapping(r.indent)
}

func isItem(line string) bool { return strings.HasPrefix(line, "- ") }

// mapping reads the lines of one indent, each with a key, and what is indented more.
func (r *blockReader) mapping(indent int) bool {
	outer := len(r.keys)
	r.write("{")
	for separator := ""; r.indent == indent; separator = "," {
		key, value, ok := r.key()
		if before := r.keys[outer:]; !ok || len(before) == mostKeys || slices.Contains(before, key) {
			return false
		}
		r.keys = append(r.keys, key)
		r.write(separator)
		r.quote(key)
		r.write(":")
		if value != "" {
			r.line = value
			if !r.lineOf(indent) {
				return false
			}
			continue
		}
		switch r.next(); {
		case r.indent > indent || r.indent == indent && isItem(r.line):
			if !r.block() {
				return false
			}
		default:
			r.write("null")
		}
	}
	r.keys = r.keys[:outer]
	r.write("}")
	return r.indent < indent && r.indent != unread
}

// list reads the items of one indent. What stands behind the sign of an item is indented by two more.
func (r *blockReader) list(indent int) bool {
	r.write("[")
	for separator := ""; r.indent == indent && isItem(r.line); separator = "," {
		r.write(separator)
		r.line, r.indent = r.line[len("- "):], indent+len("- ")
		_, _, keyed := r.key()
		switch {
		case keyed || isItem(r.line):
			if !r.block() {
				return false
			}
		case !r.lineOf(indent):
			return false
		}
	}
	r.write("]")
	return r.indent <= indent && r.indent != unread
}

// lineOf reads the value that takes the rest of a line of an indent. It goes on below where more is indented.
func (r *blockReader) lineOf(indent int) bool {
	if !r.value() {
		return false
	}
	r.next()
	return r.indent <= indent
}

// key is that of the line, and what stands behind its colon.
func (r *blockReader) key() (key, value string, ok bool) {
	const longest = 256
	switch {
	case r.line == "" || r.line[0] == '-': // what begins with --- may be no key
		return "", "", false
	case quoted(r.line):
		key, value, ok = unquoted(r.line)
		value, colon := cutColon(value)
		return key, value, ok && colon && len(key) <= longest
	}
	i := strings.Index(r.line, ": ")
	if i < 0 {
		i = len(r.line) - 1
	}
	key = r.line[:i]
	value, ok = cutColon(r.line[i:])
	return key, value, ok && len(key) <= longest && kindOfPlain(key) == textScalar
}

// cutColon is what stands behind a colon and, unless that is nothing, a space.
func cutColon(s string) (value string, ok bool) {
	if s == ":" {
		return "", true
	}
	return strings.CutPrefix(s, ": ")
}

// value reads the whole line: a scalar or a list of scalars.
func (r *blockReader) value() bool {
	switch {
	case r.line == "{}" || r.line == "[]":
		r.write(r.line)
		return true
	case strings.HasPrefix(r.line, "["):
		return r.brackets()
	case quoted(r.line):
		text, after, ok := unquoted(r.line)
		r.quote(text)
		return ok && after == ""
	case strings.Contains(r.line, ": ") || strings.HasSuffix(r.line, ":"):
		return false
	}
	return r.plain(r.line)
}

// brackets reads a list of scalars on one line.
func (r *blockReader) brackets() bool {
	rest := r.line[1:]
	r.write("[")
	for {
		if quoted(rest) {
			text, after, ok := unquoted(rest)
			if !ok {
				return false
			}
			r.quote(text)
			rest = after
		} else {
			i := strings.IndexAny(rest, ",]")
			if i < 0 || strings.ContainsAny(rest[:i], "[{}:?") || !r.plain(rest[:i]) {
				return false
			}
			rest = rest[i:]
		}
		if rest == "]" {
			r.write("]")
			return true
		}
		next, ok := strings.CutPrefix(rest, ", ")
		if !ok || next == "" {
			return false
		}
		r.write(",")
		rest = next
	}
}

// plain writes a scalar without quotes.
func (r *blockReader) plain(s string) bool {
	switch kindOfPlain(s) {
	case textScalar:
		r.quote(s)
	case wordScalar:
		r.write(s)
	case numberScalar:
		v, err := strconv.ParseFloat(s, 64)
		const exact = 1 << 53
		switch {
		case err != nil || v == 0 && s[0] == '-':
			return false
		case !strings.ContainsAny(s, ".eE"):
			r.write(s)
		case -exact < v && v < exact && v == math.Trunc(v): // 1.0 and 1e3 do for an integer
			r.json = strconv.AppendInt(r.json, int64(v), 10)
		default:
			r.write(s)
		}
	default:
		return false
	}
	return true
}

// quote writes a text that has no control characters.
func (r *blockReader) quote(text string) {
	r.json = append(r.json, '"')
	for {
		i := strings.IndexAny(text, `"\`)
		if i < 0 {
			break
		}
		r.json = append(r.json, text[:i]...)
		r.json = append(r.json, '\\', text[i])
		text = text[i+1:]
	}
	r.json = append(append(r.json, text...), '"')
}

func quoted(s string) bool { return strings.HasPrefix(s, `"`) || strings.HasPrefix(s, "'") }

// unquoted is the text in quotes that s begins with, and what stands behind them.
func unquoted(s string) (text, after string, ok bool) {
	quote, s := s[:1], s[1:]
	for {
		before, rest, found := strings.Cut(s, quote)
		text, s = text+before, rest
		switch {
		case !found || quote == `"` && strings.Contains(before, `\`):
			return "", "", false
		case quote == `"` || !strings.HasPrefix(rest, quote):
			return text, rest, printed(text)
		}
		text, s = text+quote, rest[1:] // two single quotes are one
	}
}

// printed reports whether YAML and JSON alike take a text as it is.
func printed(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf {
			return !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
		} else if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// scalarKind is what a scalar without quotes stands for.
type scalarKind int

const (
	otherScalar scalarKind = iota // not known here
	textScalar
	numberScalar // as JSON writes one, and JSON's integers fit 64 bits
	wordScalar   // true, false or null
)

// kindOfPlain tells texts from numbers, dates and words as the library resolves them (resolve.go): by how they begin.
func kindOfPlain(s string) scalarKind {
	if s == "" || s[len(s)-1] == ' ' || strings.Contains(s, " #") || !printed(s) {
		return otherScalar
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9':
		return kindOfDigits(s)
	case c == '-':
		switch {
		case len(s) == 1 || strings.ContainsRune(" ._", rune(s[1])):
			return otherScalar
		case digits(s[1:]) == 0:
			return textScalar
		}
		return kindOfDigits(s)
	case strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../"):
		return textScalar
	case c >= utf8.RuneSelf || c == '/' || c == '_' || c == '(' || c == '$':
		return textScalar
	case c|0x20 < 'a' || c|0x20 > 'z':
		return otherScalar
	case len(s) > len("false"):
		return textScalar
	}
	switch s {
	case "true", "false", "null":
		return wordScalar
	}
	switch strings.ToLower(s) {
	case "true", "false", "null":
		return otherScalar
	}
	return textScalar
}

// kindOfDigits is that of a scalar that begins with a digit or, before one, a minus.
func kindOfDigits(s string) scalarKind {
	number := strings.TrimPrefix(s, "-")
	whole := digits(number)
	rest := number[whole:]
	switch {
	case strings.Contains(s, "_"), whole == 4 && strings.HasPrefix(rest, "-"): // an integer with spaces, a date
		return otherScalar
	case number[0] == '0' && (whole > 1 || strings.IndexAny(rest, "xXoObB") == 0): // an integer to another base
		return otherScalar
	}
	const most = 18 // digits that any 64-bit integer has room for
	if rest == "" && whole > most {
		return otherScalar
	}
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return otherScalar
		}
		rest = fraction[n:]
	}
	if strings.IndexAny(rest, "eE") == 0 {
		exponent := rest[1:]
		if exponent != "" && strings.Contains("+-", exponent[:1]) {
			exponent = exponent[1:]
		}
		if n := digits(exponent); n > 0 {
			rest = exponent[n:]
		}
	}
	if rest != "" {
		return textScalar
	}
	return numberScalar
}

// digits counts those that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
