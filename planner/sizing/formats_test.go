package sizing_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// TestFormats compares what every format makes of recorded reports with its golden file, which no change of planning touches; EIPLAN_GOLDEN=write accepts
// what is there. The golden file of yaml is the report itself.
func TestFormats(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d reports: %v", len(files), err)
	}
	for _, file := range files {
		recorded, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sizing.Read(recorded)
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Document(sizing.Show{})
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range report.Formats() {
			t.Run(filepath.Base(file)+"/"+format, func(t *testing.T) {
				var b bytes.Buffer
				if err := report.Write(&b, format, d); err != nil {
					t.Fatal(err)
				}
				golden := strings.TrimSuffix(file, "yaml") + format + ".golden"
				switch format {
				case "json":
					sameContent(t, b.Bytes(), recorded)
					return
				case "yaml":
					golden = file
				}
				if os.Getenv("EIPLAN_GOLDEN") == "write" {
					if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if b.String() != string(want) {
					t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
				}
			})
		}
	}
}

// sameContent compares a value in JSON with one in YAML.
func sameContent(t *testing.T, inJSON, inYAML []byte) {
	t.Helper()
	var a, b, c any
	if err := json.Unmarshal(inJSON, &a); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(inYAML, &b); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(b) // figures without a fraction are no integers in JSON
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, c) {
		t.Error("JSON and YAML hold different content")
	}
}
