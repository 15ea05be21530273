package ops

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// tokenizer cuts strings into tokens along a new last axis: what a regular expression finds, or what is left between separators, which are regular
// expressions too, or with the empty separator alone each character. Tokens of fewer than mincharnum characters are dropped; with mark the first token is
// U+0002 and the last U+0003; pad_value fills the axis up. Strings without any token make the axis empty.
func tokenizer() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if err := takes(n, 0, texts); err != nil {
			return err
		}
		if _, err := cutterOf(n); err != nil {
			return err
		}
		in := n.Inputs[0].Shape
		if in == nil {
			yields(n, 0, tensor.String, nil)
			return nil
		}
		if len(in) != 1 && len(in) != 2 {
			return fmt.Errorf("input %s; rank 1 or 2 is wanted", in)
		}
		yields(n, 0, tensor.String, append(in.Clone(), tensor.Unknown))
		return nil
	}, func(n *graph.Node, _ *Target, c *Call) error {
		cut, err := cutterOf(n)
		if err != nil {
			return err
		}
		in := &c.In[0].Tensor
		rows, longest := make([][]string, len(in.Strings)), 0
		for i, s := range in.Strings {
			if !utf8.ValidString(s) {
				return fmt.Errorf("element %d is no UTF-8: %q", i, s)
			}
			rows[i] = cut.tokens(s)
			longest = max(longest, len(rows[i]))
		}
		if longest > 0 && n.Int("mark", 0) != 0 {
			longest += 2
			for i, row := range rows {
				rows[i] = append(append([]string{"\x02"}, row...), "\x03")
			}
		}
		place(c.Out[0], tensor.String, append(in.Shape.Clone(), longest))
		for i, row := range rows {
			to := c.Out[0].Strings[i*longest:][:longest]
			for k := copy(to, row); k < longest; k++ {
				to[k] = n.Str("pad_value", "")
			}
		}
		return nil
	})
}

// cutter is how a Tokenizer cuts.
type cutter struct {
	token      *regexp.Regexp   // what a token is, or nil
	separators []*regexp.Regexp // what is between tokens; nil for tokens of one character
	least      int              // characters of a token
}

func cutterOf(n *graph.Node) (*cutter, error) {
	k := &cutter{least: n.Int("mincharnum", 1)}
	if k.least < 1 {
		return nil, fmt.Errorf("mincharnum is %d", k.least)
	}
	separators := textList(n, "separators")
	a, found := n.Attributes["tokenexp"]
	found = found && a.Kind == models.StringAttribute && a.Str != ""
	if found == (len(separators) > 0) {
		return nil, fmt.Errorf("either separators or tokenexp must be given")
	}
	var err error
	if found {
		if k.token, err = regexp.Compile(a.Str); err != nil {
			return nil, fmt.Errorf("tokenexp: %w", err)
		}
		return k, nil
	}
	if len(separators) == 1 && separators[0] == "" {
		return k, nil
	}
	for i, s := range separators {
		if s == "" {
			return nil, fmt.Errorf("separator %d of %d is empty", i, len(separators))
		}
		e, err := regexp.Compile(s)
		if err != nil {
			return nil, fmt.Errorf("separator %q: %w", s, err)
		}
		k.separators = append(k.separators, e)
	}
	return k, nil
}

// tokens cuts one string.
func (k *cutter) tokens(s string) []string {
	var all []string
	switch {
	case k.token != nil:
		all = k.token.FindAllString(s, -1)
	case k.separators != nil:
		all = []string{s}
		for _, e := range k.separators {
			var pieces []string
			for _, piece := range all {
				pieces = append(pieces, k.long(e.Split(piece, -1))...)
			}
			all = pieces
		}
		return all
	default:
		for _, r := range s {
			all = append(all, string(r))
		}
	}
	return k.long(all)
}

// long are the tokens that are long enough.
func (k *cutter) long(tokens []string) []string {
	kept := tokens[:0]
	for _, t := range tokens {
		if utf8.RuneCountInString(t) >= k.least {
			kept = append(kept, t)
		}
	}
	return kept
}
