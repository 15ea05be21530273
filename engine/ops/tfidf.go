package ops

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// tfIdfVectorizer counts in each row how often each n-gram of a pool comes, its elements up to max_skip_count positions further apart than next to
// each other. The attribute ngram_counts says where in the pool the n-grams of each length begin, ngram_indexes which output each is counted in. By
// mode an output is the count (TF), the weight of an n-gram that comes (IDF), or both multiplied (TFIDF).
func tfIdfVectorizer() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, indices|texts); err != nil {
				return err
			}
			g, err := gramsOf(n)
			if err != nil {
				return err
			}
			switch in := n.Inputs[0].Shape; {
			case in == nil:
				yields(n, 0, tensor.Float32, nil)
			case len(in) < 2:
				yields(n, 0, tensor.Float32, tensor.Shape{g.outputs})
			case len(in) == 2:
				yields(n, 0, tensor.Float32, tensor.Shape{in[0], g.outputs})
			default:
				return fmt.Errorf("input %s; rank 1 or 2 is wanted", in)
			}
			return nil
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			g, err := gramsOf(n)
			if err != nil {
				return Kernel{}, err
			}
			in := n.Inputs[0].Shape
			width, rows := 1, 1
			if len(in) > 0 {
				width, rows = in[len(in)-1], span(in, 0, len(in)-1)
			}
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				words := make([]string, width)
				return func() error {
					out := elements[float32](&c.Out[0].Tensor)
					for r := range rows {
						for i := range words {
							words[i] = wordAt(&c.In[0].Tensor, r*width+i)
						}
						g.count(out[r*g.outputs:][:g.outputs], words)
					}
					return nil
				}
			}}, nil
		},
	}
}

// wordAt is an element as a pool spells it.
func wordAt(t *tensor.Tensor, i int) string {
	if t.DType == tensor.String {
		return t.Strings[i]
	}
	return strconv.Itoa(indexesOf(t).at(i))
}

// grams is a TfIdfVectorizer's pool.
type grams struct {
	shortest, longest, skip int
	outputs                 int
	root                    gramNode
	weights                 []float32 // by n-gram of the pool; nil for none
	mode                    string
}

// gramNode is a place in the tree of the pool's n-grams.
type gramNode struct {
	next map[string]*gramNode
	to   []gramOutput // of the n-grams that end here
}

type gramOutput struct {
	column int
	gram   int // its number in the pool
}

func gramsOf(n *graph.Node) (*grams, error) {
	g := &grams{shortest: n.Int("min_gram_length", 1), longest: n.Int("max_gram_length", 1), skip: n.Int("max_skip_count", 0), mode: n.Str("mode", "TF")}
	if !slices.Contains([]string{"TF", "IDF", "TFIDF"}, g.mode) {
		return nil, fmt.Errorf("unknown mode %q", g.mode)
	}
	if g.shortest < 1 || g.longest < g.shortest || g.skip < 0 {
		return nil, fmt.Errorf("n-grams of %d to %d elements, with %d skipped", g.shortest, g.longest, g.skip)
	}
	pool := n.Attributes["pool_strings"].Strs
	if n.Inputs[0].DType != tensor.String {
		for _, v := range n.Ints("pool_int64s") {
			pool = append(pool, strconv.Itoa(v))
		}
	}
	if a := n.Attributes["weights"]; a.Kind == models.FloatsAttribute {
		g.weights = a.Floats
	}
	return g, g.plant(pool, n.Ints("ngram_counts"), n.Ints("ngram_indexes"))
}

// plant builds the tree.
func (g *grams) plant(pool []string, starts, columns []int) error {
	number := 0
	for i, from := range starts {
		to, length := len(pool), i+1
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		if from < 0 || to < from || to > len(pool) || (to-from)%length != 0 {
			return fmt.Errorf("ngram_counts %v for a pool of %d", starts, len(pool))
		}
		for ; from < to; from += length {
			if number >= len(columns) || columns[number] < 0 {
				return fmt.Errorf("ngram_indexes has no column for n-gram %d", number)
			}
			if g.weights != nil && number >= len(g.weights) {
				return fmt.Errorf("%d weights for n-gram %d", len(g.weights), number)
			}
			at := &g.root
			for _, word := range pool[from : from+length] {
				if at.next == nil {
					at.next = map[string]*gramNode{}
				}
				if at.next[word] == nil {
					at.next[word] = &gramNode{}
				}
				at = at.next[word]
			}
			at.to = append(at.to, gramOutput{columns[number], number})
			number++
		}
	}
	for _, c := range columns {
		if c >= maxStated {
			return fmt.Errorf("ngram_indexes names column %d; at most %d are supported", c, maxStated)
		}
		g.outputs = max(g.outputs, c+1)
	}
	return nil
}

// count fills one row of the output. Single elements have nothing to skip, and are looked for once.
func (g *grams) count(out []float32, words []string) {
	clear(out)
	for step := 1; step <= min(g.skip, len(words))+1; step++ {
		for start := range words {
			at := &g.root
			for length := 1; length <= g.longest && start+(length-1)*step < len(words); length++ {
				if at = at.next[words[start+(length-1)*step]]; at == nil {
					break
				}
				if length >= g.shortest && (length > 1 || step == 1) {
					g.add(out, at.to)
				}
			}
		}
	}
}

// add counts one find.
func (g *grams) add(out []float32, found []gramOutput) {
	for _, f := range found {
		weight := float32(1)
		if g.mode != "TF" && g.weights != nil {
			weight = g.weights[f.gram]
		}
		if g.mode == "IDF" {
			out[f.column] = weight
			continue
		}
		out[f.column] += weight
	}
}
