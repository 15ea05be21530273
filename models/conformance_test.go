package models

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/eiplan/eiplan/models/onnx"
)

// TestConformanceModelsLoad: ONNX's own cases of all operator sets convert, pass Check and pass it again once they are upgraded.
func TestConformanceModelsLoad(t *testing.T) {
	dir := os.Getenv("EIPLAN_SHARED")
	if dir == "" {
		t.Skip("SKIPPED: EIPLAN_SHARED does not name the folder of conformance cases")
	}
	for archive, atLeast := range map[string]int{"onnx-backend.tar.gz": 1000, "onnx-backend-old.tar.gz": 1500, "snippets.tar.gz": 300} {
		seen := 0
		err := eachModel(filepath.Join(dir, "onnx-node", archive), func(name string, b []byte) {
			seen++
			p, err := onnx.ReadModel(b)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			m := &Model{}
			c := converter{content: (*onnx.Tensor).Content}
			err = c.model(p, m)
			for _, next := range []func(*Model) error{Check, Upgrade, Check} {
				if err == nil {
					err = next(m)
				}
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		if err != nil || seen < atLeast {
			t.Errorf("%s: %d models, want %d or more; %v", archive, seen, atLeast, err)
		}
	}
}

// eachModel calls f with each model.onnx in an archive.
func eachModel(archive string, f func(name string, b []byte)) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if path.Base(header.Name) != "model.onnx" {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		f(header.Name, b)
	}
}
