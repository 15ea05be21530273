package zoo

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// find resolves a name to a member, what its braces stand for, and its input by default.
func find(name string) (member, atoms, string, error) {
	wanted := normal(name)
	if m, a, ok := lookup(wanted); ok {
		return m, a, m.preset(a), nil
	}
	if base, size, ok := trailingSize(wanted); ok {
		if m, a, ok := lookup(base); ok && !m.sequence() {
			return m, a, size, nil
		}
	}
	return member{}, nil, "", unknown(name, wanted)
}

func lookup(name string) (member, atoms, bool) {
	if full, ok := aliases[name]; ok {
		name = full
	}
	for _, m := range members() {
		if a, ok := m.grammar.match(name); ok {
			return m, a, true
		}
	}
	return member{}, nil, false
}

var (
	publisher = regexp.MustCompile(`^[a-z0-9._-]+/`)
	tag       = regexp.MustCompile(`\.[a-z][a-z0-9_]*$`) // how timm names a set of weights: resnet50.a1_in1k
	prefix    = regexp.MustCompile(`^(timm|paddle|legacy|tf|tv|neuron|mm|google|microsoft|facebook)_`)
	suffix    = regexp.MustCompile(`_(uncased|cased|pretrained|ssld|wsl|in1k|in22k|in21k|in22ft1k|22k_1k)$`)
	hundreds  = regexp.MustCompile(`^((?:mobilenet_?v\d(?:_?large|_?small)?|mnasnet)_)(0\d\d|1[0-57][05])$`) // a width as timm writes it
	size      = regexp.MustCompile(`^(.+?)_(\d{2,4}(?:x\d{2,4})?)$`)
)

// normal is a name in lower case with underscores, without its publisher and its set of weights.
func normal(name string) string {
	name = publisher.ReplaceAllString(strings.ToLower(name), "")
	name = tag.ReplaceAllString(name, "")
	name = strings.NewReplacer("-", "_", " ", "_", "swintransformer", "swin", "swin_transformer", "swin").Replace(name)
	return hundreds.ReplaceAllString(suffix.ReplaceAllString(prefix.ReplaceAllString(name, ""), ""), "${1}x${2}")
}

// trailingSize takes the size of the image from the end of a name, such as resnet50_vd_320.
func trailingSize(name string) (base, input string, ok bool) {
	m := size.FindStringSubmatch(name)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// preset is the input by default: the size in the name, or the one of the last choice where the member lists one for each.
func (m member) preset(a atoms) string {
	i := 0
	for _, p := range m.grammar.parts() {
		if !p.slot {
			continue
		}
		if strings.HasPrefix(p.text, "size") {
			return a[i]
		}
		if inputs := strings.Split(m.input, ","); len(inputs) > 1 && i == len(a)-1 {
			return inputs[slices.Index(p.choices(), a[i])]
		}
		i++
	}
	return m.input
}

func (m member) sequence() bool { return strings.HasPrefix(m.input, "seq") }

const (
	maxSide   = 4096
	maxLength = 512
)

// request reads an input: seq128 or 128 for a sequence; 224, 512x1024, 3x224x224 or 1x3x224x224 for an image.
func (m member) request(a atoms, input string) (request, error) {
	sides := strings.Split(strings.TrimPrefix(strings.ReplaceAll(input, ",", "x"), "seq"), "x")
	if n := len(sides); n > 2 {
		sides = sides[n-2:]
	}
	numbers := make([]int, len(sides))
	most, what := maxSide, "the sides of an image, such as 224 or 512x1024, up to 4096"
	if m.sequence() {
		most, what = maxLength, "a length from 1 to 512, such as seq128"
	}
	for i, s := range sides {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > most || m.sequence() && len(sides) > 1 {
			return request{}, fmt.Errorf("input %q is not %s", input, what)
		}
		numbers[i] = n
	}
	if m.sequence() {
		return request{atoms: a, length: numbers[0]}, nil
	}
	return request{atoms: a, height: numbers[0], width: numbers[len(numbers)-1]}, nil
}

// size is the input in the shortest form.
func (r request) size() string {
	switch {
	case r.length > 0:
		return strconv.Itoa(r.length)
	case r.height == r.width:
		return strconv.Itoa(r.height)
	}
	return fmt.Sprintf("%dx%d", r.height, r.width)
}

// unknown says which names come near.
func unknown(given, wanted string) error {
	type near struct {
		text     string
		distance int
	}
	var names, grammars []near
	for _, f := range Families() {
		closest := -1
		for _, e := range f.Models {
			d := distance(wanted, e.Name)
			names = append(names, near{e.Name, d})
			if closest < 0 || d < closest {
				closest = d
			}
		}
		grammars = append(grammars, near{strings.Join(f.Grammars, ", "), closest})
	}
	byDistance := func(x, y near) int { return cmp.Compare(x.distance, y.distance) }
	slices.SortStableFunc(names, byDistance)
	slices.SortStableFunc(grammars, byDistance)
	if names[0].distance > max(2, len(wanted)/2) {
		return fmt.Errorf("no model %q in the zoo", given)
	}
	return fmt.Errorf("no model %q in the zoo; near it are %s and %s; names of that family: %s", given, names[0].text, names[1].text, grammars[0].text)
}

// distance is how many letters to insert, to remove or to replace: Levenshtein (1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := before
			if a[i] != b[j] {
				d = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
