package engine_test

import (
	"path/filepath"
	"testing"
)

// TestRecorded compiles the models whose outputs ONNX Runtime recorded, with and without rewrites: single nodes of ai.onnx.ml and com.microsoft, and nodes
// and small graphs of ai.onnx.
func TestRecorded(t *testing.T) {
	for archive, least := range map[string]int{"extensions.tar.gz": 250, "standard.tar.gz": 400} {
		t.Run(archive, func(t *testing.T) {
			ran := 0
			for name, files := range readCases(t, filepath.Join("..", "testdata", "onnx", archive)) {
				ok, err := conform(t, files)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if ok {
					ran++
				}
			}
			if ran < least {
				t.Errorf("only %d cases ran", ran)
			}
		})
	}
}
