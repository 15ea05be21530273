package ops

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// stringConcat joins the strings of two inputs that broadcast.
func stringConcat() Op {
	op := onHost(func(n *graph.Node) error {
		if err := arity(n, 2, 2); err != nil {
			return err
		}
		if err := sameTypes(n, texts, 0, 1); err != nil {
			return err
		}
		return inferBroadcast(n, tensor.String)
	}, nil)
	op.Prepare = func(n *graph.Node, _ *Target) (Kernel, error) {
		w, err := newBroadcast(n.Outputs[0].Shape, n.Inputs[0].Shape, n.Inputs[1].Shape)
		if err != nil {
			return Kernel{}, err
		}
		loop := eachPair(func(a, b string) string { return a + b })
		return Kernel{Class: "host", Bind: func(c *Call) func() error {
			do := overRows(c, w, loop, c.In[0], c.In[1], c.Out[0])
			return func() error { do(); return nil }
		}}, nil
	}
	return op
}

// stringSplit cuts each string at its delimiter, or without one at runs of white space, at most maxsplit times. Outputs: the pieces along a new last
// axis, filled up with empty strings, and how many there are.
func stringSplit() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if err := takes(n, 0, texts); err != nil {
			return err
		}
		in := n.Inputs[0].Shape
		yields(n, 1, tensor.Int64, in)
		if in == nil {
			yields(n, 0, tensor.String, nil)
			return nil
		}
		yields(n, 0, tensor.String, append(in.Clone(), tensor.Unknown))
		return nil
	}, func(n *graph.Node, _ *Target, c *Call) error {
		in, most, delimiter := &c.In[0].Tensor, n.Int("maxsplit", -1), n.Str("delimiter", "")
		pieces, longest := make([][]string, len(in.Strings)), 0
		for i, s := range in.Strings {
			if delimiter == "" {
				pieces[i] = splitSpace(s, most)
			} else {
				pieces[i] = splitAt(s, delimiter, most)
			}
			longest = max(longest, len(pieces[i]))
		}
		if c.Out[0] != nil {
			place(c.Out[0], tensor.String, append(in.Shape.Clone(), longest))
			clear(c.Out[0].Strings)
			for i, list := range pieces {
				copy(c.Out[0].Strings[i*longest:], list)
			}
		}
		if len(c.Out) > 1 && c.Out[1] != nil {
			place(c.Out[1], tensor.Int64, in.Shape)
			for i, list := range pieces {
				tensor.Data[int64](c.Out[1].Tensor)[i] = int64(len(list))
			}
		}
		return nil
	})
}

// splitAt cuts at a delimiter, at most so many times where this is not negative.
func splitAt(s, delimiter string, most int) []string {
	if most < 0 {
		return strings.Split(s, delimiter)
	}
	return strings.SplitN(s, delimiter, most+1)
}

// splitSpace cuts at runs of white space, at most so many times where this is not negative; what is left keeps its own.
func splitSpace(s string, most int) []string {
	if most < 0 {
		return strings.Fields(s)
	}
	var list []string
	for s = strings.TrimSpace(s); s != "" && len(list) < most; s = strings.TrimSpace(s) {
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			break
		}
		list, s = append(list, s[:end]), s[end:]
	}
	if s != "" {
		list = append(list, s)
	}
	return list
}

// regexFullMatch tells of each string whether the whole of it matches a pattern of RE2's syntax.
func regexFullMatch() Op {
	compile := func(n *graph.Node) (*regexp.Regexp, error) {
		text := n.Str("pattern", "")
		e, err := regexp.Compile(`\A(?:` + text + `)\z`)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		return e, nil
	}
	op := onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if err := takes(n, 0, texts); err != nil {
			return err
		}
		yields(n, 0, tensor.Bool, n.Inputs[0].Shape)
		_, err := compile(n)
		return err
	}, nil)
	op.Prepare = func(n *graph.Node, _ *Target) (Kernel, error) {
		e, err := compile(n)
		return Kernel{Class: "host", Bind: func(c *Call) func() error {
			return func() error {
				out := tensor.Data[bool](c.Out[0].Tensor)
				for i, s := range c.In[0].Strings {
					out[i] = e.MatchString(s)
				}
				return nil
			}
		}}, err
	}
	return op
}

// stringNormalizer drops the stopwords from a list of strings, or from the one row of a matrix, and changes the case of the others. Where none is left,
// the output is one empty string.
func stringNormalizer() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if err := takes(n, 0, texts); err != nil {
			return err
		}
		if a := n.Str("case_change_action", "NONE"); !slices.Contains([]string{"NONE", "LOWER", "UPPER"}, a) {
			return fmt.Errorf("unknown case_change_action %q", a)
		}
		in := n.Inputs[0].Shape
		if in != nil && len(in) != 1 && (len(in) != 2 || in[0] != 1 && in[0] != tensor.Unknown) {
			return fmt.Errorf("input %s; a list or a matrix of one row is wanted", in)
		}
		if in == nil {
			yields(n, 0, tensor.String, nil)
			return nil
		}
		out := in.Clone()
		out[len(out)-1] = tensor.Unknown
		yields(n, 0, tensor.String, out)
		return nil
	}, func(n *graph.Node, _ *Target, c *Call) error {
		stop := map[string]bool{}
		fold := func(s string) string { return s }
		if n.Int("is_case_sensitive", 0) == 0 {
			fold = strings.ToLower
		}
		if a := n.Attributes["stopwords"]; a.Kind == models.StringsAttribute {
			for _, s := range a.Strs {
				stop[fold(s)] = true
			}
		}
		change := map[string]func(string) string{"LOWER": strings.ToLower, "UPPER": strings.ToUpper}[n.Str("case_change_action", "NONE")]
		var kept []string
		for _, s := range c.In[0].Strings {
			if stop[fold(s)] {
				continue
			}
			if change != nil {
				s = change(s)
			}
			kept = append(kept, s)
		}
		if len(kept) == 0 {
			kept = []string{""}
		}
		shape := c.In[0].Shape.Clone()
		shape[len(shape)-1] = len(kept)
		place(c.Out[0], tensor.String, shape)
		copy(c.Out[0].Strings, kept)
		return nil
	})
}
