package models_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/eiplan/eiplan/models"
)

// shared returns the folder that EIPLAN_SHARED names, or skips the test.
func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("EIPLAN_SHARED")
	if dir == "" {
		t.Skip("SKIPPED: EIPLAN_SHARED does not name the folder of shared models")
	}
	return dir
}

func TestSharedModelsLoad(t *testing.T) {
	dir := shared(t)
	var paths []string
	for _, pattern := range []string{"models/*/model.onnx", "models/light/*/model.onnx"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 40 {
		t.Fatalf("only %d models in %s", len(paths), dir)
	}
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			m, err := models.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if len(m.Graph.Nodes) == 0 || len(m.SHA256) != 64 {
				t.Errorf("%d nodes, SHA-256 %q", len(m.Graph.Nodes), m.SHA256)
			}
			if err := m.Guard(func() error { return models.Check(m) }); err != nil {
				t.Errorf("after the upgrade: %v", err)
			}
		})
	}
}
