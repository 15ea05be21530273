package zoo

import (
	"regexp"
	"strconv"
	"strings"
)

// grammar describes the names of a family. Outside of braces stand letters and digits as they are, and underscores, which a user may leave out or write
// as hyphens. Inside, {18,34,50} is a choice, of which any may be empty, and whose spellings are told apart as canonical|other; {layers} is a whole number and
// {width} a decimal one, with a comma-less default behind an equals sign: {width=1.0}.
type grammar string

// atoms are what the braces of a grammar stood for.
type atoms []string

func (a atoms) int(i int) int {
	n, err := strconv.Atoi(a[i])
	if err != nil {
		panic("zoo: not a number in a name: " + a[i])
	}
	return n
}

func (a atoms) float(i int) float64 {
	f, err := strconv.ParseFloat(a[i], 64)
	if err != nil {
		panic("zoo: not a number in a name: " + a[i])
	}
	return f
}

// part is a literal or, where slot, what stands in braces.
type part struct {
	text string
	slot bool
}

func (g grammar) parts() []part {
	var list []part
	rest := string(g)
	for rest != "" {
		before, after, found := strings.Cut(rest, "{")
		list = append(list, part{text: before})
		if !found {
			break
		}
		inside, behind, _ := strings.Cut(after, "}")
		list = append(list, part{inside, true})
		rest = behind
	}
	return list
}

// choices are the canonical texts of a slot, or nil where it is a number.
func (p part) choices() []string {
	if !strings.Contains(p.text, ",") {
		return nil
	}
	list := strings.Split(p.text, ",")
	for i := range list {
		list[i], _, _ = strings.Cut(list[i], "|")
	}
	return list
}

func (p part) decimal() bool { return strings.HasPrefix(p.text, "width") }

// pattern matches names of the grammar, in lower case with underscores.
func (g grammar) pattern() *regexp.Regexp {
	var s strings.Builder
	s.WriteString("^")
	for _, p := range g.parts() {
		switch {
		case !p.slot:
			s.WriteString(loose(p.text))
		case p.choices() != nil:
			s.WriteString("(")
			for i, c := range strings.Split(p.text, ",") {
				if i > 0 {
					s.WriteString("|")
				}
				s.WriteString(strings.Join(mapped(strings.Split(c, "|"), loose), "|"))
			}
			s.WriteString(")")
		case p.decimal():
			s.WriteString(`_?(\d+(?:[._]\d+)?)`)
		default:
			s.WriteString(`_?(\d+)`)
		}
	}
	s.WriteString("$")
	return regexp.MustCompile(s.String())
}

var beforeDigit = regexp.MustCompile(`([a-z])(\d)`)

// loose is the pattern of a literal: underscores are optional, and may stand between a letter and a digit.
func loose(text string) string {
	text = strings.ReplaceAll(regexp.QuoteMeta(text), "_", "_?")
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		text = "_?" + text
	}
	return beforeDigit.ReplaceAllString(text, "${1}_?${2}")
}

func mapped(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

// match reads a name and returns what its braces stood for, in canonical spelling.
func (g grammar) match(name string) (atoms, bool) {
	found := g.pattern().FindStringSubmatch(name)
	if found == nil {
		return nil, false
	}
	a, i := atoms{}, 0
	for _, p := range g.parts() {
		if p.slot {
			i++
			a = append(a, p.canonical(found[i]))
		}
	}
	return a, true
}

// canonical is the usual spelling of what a slot matched.
func (p part) canonical(text string) string {
	if p.decimal() {
		return width(text)
	}
	if p.choices() == nil {
		return strings.TrimLeft(text[:len(text)-1], "0") + text[len(text)-1:]
	}
	for _, c := range strings.Split(p.text, ",") {
		spellings := strings.Split(c, "|")
		for _, s := range spellings {
			if regexp.MustCompile("^" + loose(s) + "$").MatchString(text) {
				return spellings[0]
			}
		}
	}
	panic("zoo: " + text + " is no choice of " + p.text)
}

// width is a decimal number as 0.5 or 1.0, read from 0.5, 0_5, or the hundredths that timm writes: 050.
func width(text string) string {
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", "."), 64)
	if err != nil {
		panic("zoo: not a width: " + text)
	}
	if len(text) == 3 && !strings.ContainsAny(text, "._") {
		f /= 100
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// name spells atoms out.
func (g grammar) name(a atoms) string {
	var s strings.Builder
	i := 0
	for _, p := range g.parts() {
		if p.slot {
			s.WriteString(a[i])
			i++
			continue
		}
		s.WriteString(p.text)
	}
	return s.String()
}

// all lists the atoms of every name, with numbers at their defaults.
func (g grammar) all() []atoms {
	list := []atoms{{}}
	for _, p := range g.parts() {
		if !p.slot {
			continue
		}
		options := p.choices()
		if options == nil {
			_, preset, _ := strings.Cut(p.text, "=")
			options = []string{preset}
		}
		var longer []atoms
		for _, a := range list {
			for _, o := range options {
				longer = append(longer, append(a[:len(a):len(a)], o))
			}
		}
		list = longer
	}
	return list
}

// String is the grammar for people: other spellings and defaults left out.
func (g grammar) String() string {
	var s strings.Builder
	for _, p := range g.parts() {
		switch {
		case !p.slot:
			s.WriteString(p.text)
		case p.choices() != nil:
			s.WriteString("{" + strings.Join(p.choices(), ",") + "}")
		default:
			word, _, _ := strings.Cut(p.text, "=")
			s.WriteString("{" + word + "}")
		}
	}
	return s.String()
}
