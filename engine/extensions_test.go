package engine_test

import (
	"path/filepath"
	"testing"
)

// TestExtensions compiles the nodes of ai.onnx.ml and com.microsoft that the operators' own test runs, with and without rewrites.
func TestExtensions(t *testing.T) {
	ran := 0
	for name, files := range readCases(t, filepath.Join("..", "testdata", "onnx", "extensions.tar.gz")) {
		ok, err := conform(t, files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ok {
			ran++
		}
	}
	if ran < 250 {
		t.Errorf("only %d cases ran", ran)
	}
}
