package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oddCells are what a table from elsewhere may have in a column, and nothing here knows.
var oddCells = map[string][]string{
	"device":        {"", "H200", "T99", "trn9", "g4dn.xlarge", "eia9.huge", "m7g", "RTX 4090", "\x00", "é\xff", "T4", "c5.2xlarge", "inf2", "eia2.medium"},
	"device_kind":   {"", "tpu", "GPU", "cpu", "gpu", "neuron", "ei"},
	"precision":     {"", "amp", "fp8", "int4", "FP16", "bf16", "tf32", "int8", "fp32"},
	"runtime_class": {"", "openvino", "trt_llm", "TRT", "ort", "eager", "xla", "neuron", "ei_e2e"},
	"model":         {"", "llama_7b", "resnet51", "../../etc/passwd", "a@b@c", "zoo:resnet18", "bert_0l_0", "resnet18", strings.Repeat("x", 5000)},
	"input":         {"", "1080x1920x3 uint8", "seq99999", "0x0", "-1", "99999x1", "as in repository", "1x3x64x64"},
	"batch":         {"", "0", "-1", "many", "1.5", "1e3", "9999999999999999999999", "4096"},
	"latency_ms":    {"", "0", "-3", "NaN", "Inf", "1e-310", "1e308", "<1", "3,5"},
	"source":        {"", "elsewhere@1"},
}

// TestValidateHostile: rows with anything in any column are judged or counted with a reason, in every format; nothing is lost.
func TestValidateHostile(t *testing.T) {
	content, err := os.ReadFile("../../testdata/records/published.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header, good := rows[0], rows[1:4] // which alone can be judged
	columns := []string{"device", "device_kind", "precision", "runtime_class", "model", "input", "batch", "latency_ms", "source"}
	random := rand.New(rand.NewPCG(1, 2))
	table := [][]string{header}
	for i := range 400 {
		row := slices.Clone(good[i%len(good)])
		row[slices.Index(header, "id")] = fmt.Sprint("h", i)
		for range 1 + i%4 {
			name := columns[random.IntN(len(columns))]
			row[slices.Index(header, name)] = oddCells[name][random.IntN(len(oddCells[name]))]
		}
		table = append(table, row)
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(table); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hostile.csv")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"-o json", "-o json --by device", "-o json --by batch --fit", "-o csv --by source", "-o table"} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), append([]string{"validate", file}, strings.Fields(args)...), &out, &errs); code != 0 {
			t.Errorf("%s: exit %d: %s", args, code, &errs)
			continue
		}
		if !strings.HasPrefix(args, "-o json") {
			continue
		}
		var report struct{ Status validationStatus }
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		s, skipped := report.Status, 0
		for _, k := range s.Skipped {
			skipped += k.Rows
			if len(k.Reason) > 260 || k.Reason == "" {
				t.Errorf("%s: the reason %q has %d bytes", args, k.Reason, len(k.Reason))
			}
		}
		if s.Rows != len(table)-1 || s.Judged+skipped != s.Rows || s.Judged < 20 || s.Classes[0].Rows != s.Judged {
			t.Errorf("%s: of %d rows %d are judged, %d scored and %d skipped", args, s.Rows, s.Judged, s.Classes[0].Rows, skipped)
		}
		for _, c := range slices.Concat(s.Classes, s.By) {
			if math.IsNaN(c.Mape+c.Median+c.GeoFactor) || c.Rows < 1 || c.InsidePercent < 0 || c.InsidePercent > 100 {
				t.Errorf("%s: %+v", args, c)
			}
		}
	}
}
