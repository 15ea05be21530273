// Package zoo builds reference architectures with seeded weights: models whose work is that of the published ones, for measuring and for tests. Their outputs mean
// nothing. It knows nothing about running a model.
package zoo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/models"
)

// Entry is a model of the zoo. Names and inputs are those of the published measurements that predictions are checked on.
type Entry struct {
	Name  string `json:"name"`
	Alias string `json:"alias,omitempty"` // a short name
	Input string `json:"input"`           // the default for what follows @: an image's sides in pixels, or a sequence's length
}

// Family is a group of models that are built by one function from one table.
type Family struct {
	Name     string   `json:"name"`
	Source   string   `json:"source"`   // the publication
	Grammars []string `json:"grammars"` // of its names: {a,b} is a choice and {n} a number
	Models   []Entry  `json:"models"`   // every name, with numbers at one value each
}

// member is a line of the zoo: names of one grammar with the function that builds them.
type member struct {
	family, source string // of a family's first member; empty in those that follow
	grammar        grammar
	input          string // the default: sides in pixels or seq and a length; one for each choice of the last braces, or one for all, or empty where the name holds a size
	build          func(b *builder, r request)
}

// request is what a reference asks of a member: what the braces of its grammar stood for, and the input's size.
type request struct {
	atoms
	height, width int // of an image
	length        int // of a sequence
}

// members is the zoo. Of two that match a name the first is meant.
func members() []member {
	var all []member
	for _, list := range [][]member{residual, plain, mobile, dense, efficient, encoders, visionTransformers, detectors} {
		all = append(all, list...)
	}
	return all
}

// Families is the zoo by family.
func Families() []Family {
	short := map[string]string{}
	for alias, name := range aliases {
		if old, ok := short[name]; !ok || len(alias) < len(old) || len(alias) == len(old) && alias < old {
			short[name] = alias
		}
	}
	var list []Family
	for _, m := range members() {
		if m.family != "" {
			list = append(list, Family{Name: m.family, Source: m.source})
		}
		f := &list[len(list)-1]
		f.Grammars = append(f.Grammars, m.grammar.String())
		for _, a := range m.grammar.all() {
			name := m.grammar.name(a)
			f.Models = append(f.Models, Entry{Name: name, Alias: short[name], Input: m.preset(a)})
		}
	}
	return list
}

// List is every model of the zoo.
func List() []Entry {
	var list []Entry
	for _, f := range Families() {
		list = append(list, f.Models...)
	}
	return list
}

// weightsVersion changes whenever the same reference would give other weights.
const weightsVersion = "2"

// Build makes the model of a reference NAME or NAME@INPUT. Its batch dimension is named batch. The hash is that of the reference, for there is no file.
func Build(ref string) (*models.Model, error) { return build(ref, false) }

// Outline makes the same model as Build, except that its matrices hold zeros, and share their memory: enough to count its work.
func Outline(ref string) (*models.Model, error) { return build(ref, true) }

func build(ref string, outline bool) (*models.Model, error) {
	name, input, sized := strings.Cut(ref, "@")
	m, a, preset, err := find(name)
	if err != nil {
		return nil, err
	}
	if !sized {
		input = preset
	}
	r, err := m.request(a, input)
	if err != nil {
		return nil, fmt.Errorf("zoo:%s: %w", ref, err)
	}
	full := m.grammar.name(a) + "@" + r.size()
	b := newBuilder(full)
	b.outline = outline
	m.build(b, r)
	if b.err != nil {
		return nil, fmt.Errorf("zoo:%s: %w", ref, b.err)
	}
	hash := sha256.Sum256([]byte("eiplan zoo " + weightsVersion + " " + full))
	return &models.Model{
		Path: "zoo:" + full, SHA256: hex.EncodeToString(hash[:]), Format: "onnx", IRVersion: 8, Producer: "eiplan",
		Opsets: map[string]int{"": opset}, Graph: b.graph,
	}, nil
}
