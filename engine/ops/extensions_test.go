package ops_test

import (
	"path/filepath"
	"testing"
)

// extensions holds nodes of ai.onnx.ml and com.microsoft whose outputs ONNX Runtime recorded.
var extensions = filepath.Join(testdata, "extensions.tar.gz")

func TestExtensions(t *testing.T) { conform(t, extensions, false) }

// TestStandard runs nodes and small graphs of ai.onnx whose outputs ONNX Runtime recorded.
func TestStandard(t *testing.T) { conform(t, filepath.Join(testdata, "standard.tar.gz"), false) }

// TestExtensionsAllocateNothing is TestBoundWorkAllocatesNothing for what does not run on the host.
func TestExtensionsAllocateNothing(t *testing.T) {
	checked := 0
	eachCase(t, extensions, func(name string, files map[string][]byte) {
		n, call, err := single(t, files)
		if err != nil || n == nil {
			return
		}
		work, err := bound(n, call)
		if err != nil || work == nil || work() != nil {
			return
		}
		checked++
		if allocs := testing.AllocsPerRun(5, func() { _ = work() }); allocs > 0 {
			t.Errorf("%s: %v allocations in a run", name, allocs)
		}
	})
	if checked < 80 {
		t.Errorf("only %d cases were checked", checked)
	}
}
