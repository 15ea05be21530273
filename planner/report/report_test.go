package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/report"
)

func example() report.Document {
	return report.Document{
		Lead:   []string{"Buy 1 x c5.large.", "Meets the SLA."},
		Tables: []report.Table{{Title: "Choices", Columns: report.Columns("CHOICE", ">USD/H", ">+UPFRONT", "NOTE"), Rows: [][]string{{"c5.large", "0.085", "0", "pays | above <483 h"}, {"c7g.large", "0.0725", "12.5", ""}}}},
		Tail:   []string{"Not in the price: tax."},
		Findings: []report.Finding{
			{Rule: "max-monthly-cost", Subject: "resnet50", Level: report.Deny, Message: "62.05 USD/month is over 50, by 24%", File: "plans/resnet50.yaml", Line: 3},
			{Rule: "min-headroom", Subject: "resnet50", Level: report.Deny, Passed: true, Message: "13% spare is at least 10%", File: "plans/resnet50.yaml"},
			{Rule: "stale-price", Subject: "resnet50", Level: report.Warn, Message: "the price of c5.large, Reserved is 402 days old"},
			{Rule: "stale-price", Subject: "resnet50", Level: report.Warn, Message: "the price of c5.xlarge, Reserved is 402 days old"},
			{Rule: "no-redundancy", Subject: "resnet50", Level: report.Info, Message: "one instance"},
		},
		Metrics: []report.Metric{
			{Name: "eiplan_monthly_cost_usd", Help: "All replicas.", Labels: []report.Label{{Name: "model", Value: "resnet50"}}, Value: 62.05},
			{Name: "eiplan_plans", Help: "How many.", Value: 1},
		},
		Outputs: []report.Output{{Name: "verdict", Value: "feasible"}, {Name: "answer", Value: "c5.large"}},
		Subject: "resnet50",
		Answer:  "c5.large",
		Value: report.Envelope{APIVersion: report.APIVersion, Kind: "Example", Metadata: report.Metadata{GeneratedAt: "2026-01-02T03:04:05Z", Command: []string{"size", "--region=us-east-1"}},
			Status: map[string]any{"ok": true, "price": 0.085, "text": "007", "colon": "a: b", "none": nil, "empty": ""}},
	}
}

// TestFormats compares every format with its golden file; EIPLAN_GOLDEN=write accepts what is there.
func TestFormats(t *testing.T) {
	for _, f := range report.Formats() {
		t.Run(f, func(t *testing.T) {
			var b bytes.Buffer
			if err := report.Write(&b, f, example()); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "example."+f+".golden")
			if os.Getenv("EIPLAN_GOLDEN") == "write" {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
			}
		})
	}
}

func TestYAMLHoldsWhatJSONHolds(t *testing.T) {
	var j, y bytes.Buffer
	if err := report.Write(&j, "json", example()); err != nil {
		t.Fatal(err)
	}
	if err := report.Write(&y, "yaml", example()); err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(j.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(y.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("json %v\nyaml %v", a, b)
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := report.Write(&bytes.Buffer{}, "pdf", example()); err == nil {
		t.Error("pdf was accepted")
	}
}
