package ops_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestRebindReadsContentsAnew binds each case of the subset, as a step whose inputs only a run tells, and runs it again with other contents of the same
// shapes. Where the binding is kept, it must give what a new one gives: it may have kept nothing of the contents.
func TestRebindReadsContentsAnew(t *testing.T) {
	kept := 0
	eachCase(t, filepath.Join(testdata, "subset.tar.gz"), func(name string, files map[string][]byte) {
		n, call, err := single(t, files)
		if err != nil || n == nil || ops.Of(n).Random || len(n.Bodies) > 0 {
			return
		}
		for _, v := range n.Inputs {
			if v != nil {
				v.Const = nil
			}
		}
		for i := range n.Inputs {
			for how, change := range changes {
				if call.In[i] == nil || n.Inputs[i] == nil {
					continue
				}
				again, err := rebound(n, call, i, change)
				if err != nil {
					t.Errorf("%s, input %d %s: %v", name, i, how, err)
				}
				if again {
					kept++
				}
			}
		}
	})
	if kept < 500 {
		t.Errorf("only %d bindings were kept", kept)
	}
}

// changes alter the content of a tensor.
var changes = map[string]func(t tensor.Tensor){
	"reversed": func(t tensor.Tensor) {
		size := t.DType.Bits() / 8
		for i, j := 0, len(t.Bytes)-size; size > 0 && i < j; i, j = i+size, j-size {
			for k := range size {
				t.Bytes[i+k], t.Bytes[j+k] = t.Bytes[j+k], t.Bytes[i+k]
			}
		}
		slices.Reverse(t.Strings)
	},
	"with its first element everywhere": func(t tensor.Tensor) {
		if size := t.DType.Bits() / 8; size > 0 && len(t.Bytes) > size {
			for i := size; i < len(t.Bytes); i++ {
				t.Bytes[i] = t.Bytes[i-size]
			}
		}
		for i := range t.Strings {
			t.Strings[i] = t.Strings[0]
		}
	},
	"of zeros": func(t tensor.Tensor) { clear(t.Bytes); clear(t.Strings) },
	"of ones": func(t tensor.Tensor) {
		for i := range t.Bytes {
			if size := max(t.DType.Bits()/8, 1); i%size == 0 && !t.DType.Float() {
				t.Bytes[i] = 1
			} else {
				t.Bytes[i] = 0
			}
		}
	},
}

// rebound runs a node as it is, then with an input changed, once with the binding at hand and once with a new one. It reports whether the binding was kept.
func rebound(n *graph.Node, call *ops.Call, input int, change func(tensor.Tensor)) (bool, error) {
	machine := target()
	at := func(changed bool) *ops.Call {
		c := &ops.Call{}
		for i, s := range call.In {
			if s != nil {
				copied := *s
				copied.Tensor = s.Clone()
				if changed && i == input {
					change(copied.Tensor)
				}
				s = &copied
			}
			c.In = append(c.In, s)
		}
		for _, v := range n.Outputs {
			c.Out = append(c.Out, nil)
			if v != nil {
				c.Out[len(c.Out)-1] = &ops.Slot{}
			}
		}
		return c
	}
	used, fresh := at(false), at(true)
	first, err := ops.Rebind(n, used, machine, nil)
	if err != nil || first.Work() != nil {
		return false, nil // the conformance test tells
	}
	want, err := ops.Rebind(n, fresh, machine, nil)
	if err != nil {
		return false, nil // what cannot run needs no binding
	}
	failed := want.Work()
	for i, s := range used.In {
		if s != nil {
			*s = *fresh.In[i]
		}
	}
	again, err := ops.Rebind(n, used, machine, first)
	if err != nil {
		return false, err
	}
	if err := again.Work(); fmt.Sprint(err) != fmt.Sprint(failed) {
		return false, fmt.Errorf("error %v, want %v", err, failed)
	}
	for i, s := range used.Out {
		if s == nil || s.Shape == nil || failed != nil { // a sequence is made anew in any run
			continue
		}
		if err := sameTensor(s.Tensor, fresh.Out[i].Tensor); err != nil {
			return false, fmt.Errorf("output %d: %w", i, err)
		}
	}
	return again == first, nil
}
