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

// charts is one of each kind, with the least that it can hold.
func charts() []report.Chart {
	return []report.Chart{
		{Kind: report.Scatter, Title: "Cost against latency", Caption: "As predicted.", X: report.Axis{Title: "p99", Unit: "ms", Log: true}, Y: report.Axis{Title: "Cost", Unit: "USD/month"},
			Frontier: "frontier", Limits: []report.Limit{{Name: "budget 100 ms", Value: 100}, {Name: "budget 70 USD", Value: 70, OfY: true}},
			Series: []report.Series{
				{Name: "CPU", Points: []report.Point{
					{X: 80, Y: 62.05, Low: 40, High: 80, Label: "c5.large", Strong: true, Tags: []string{"us-east-1", "On-Demand"}},
					{X: 130, Y: 70, Label: "c7g.large", Note: "arm64 image", Tags: []string{"eu-west-1", "Spot"}}}},
				{Name: "GPU", Points: []report.Point{{X: 3.5, Y: 380, Low: 1.5, High: 3.5, Label: "g4dn.xlarge", Strong: true, Tags: []string{"us-east-1", "Spot"}}}},
				{Name: "limit", Line: true, Points: []report.Point{{X: 3, Y: 10}, {X: 130, Y: 20}}}}},
		{Kind: report.Lines, Title: "Break-even", X: report.Axis{Title: "Hours", Unit: "h"}, Y: report.Axis{Title: "Cost", Unit: "USD"},
			Series: []report.Series{{Name: "On-Demand", Points: []report.Point{{}, {X: 730, Y: 62.05}}}, {Name: "Reserved", Points: []report.Point{{Y: 40}, {X: 471, Y: 40, Strong: true}, {X: 730, Y: 40}}}}},
		{Kind: report.Stacked, Title: "Parts", X: report.Axis{Title: "Time", Unit: "ms"}, Y: report.Axis{Title: "Choice", Names: []string{"c5.large", "c7g.large"}}, Limits: []report.Limit{{Name: "budget", Value: 100}},
			Series: []report.Series{{Name: "computing", Points: []report.Point{{X: 60}, {X: 100, Y: 1}}}, {Name: "tail", Points: []report.Point{{X: 20}, {X: 30, Y: 1, Label: "too slow"}}}}},
		{Kind: report.Grouped, Title: "Ways", X: report.Axis{Title: "Cost", Unit: "USD/month"}, Y: report.Axis{Title: "Way", Names: []string{"On-Demand", "Spot"}},
			Series: []report.Series{{Name: "cheapest", Points: []report.Point{{X: 62.05, Label: "c5.large"}, {X: 20, Y: 1, Label: "c5.large, <5% interrupted"}}}, {Name: "the answer", Points: []report.Point{{X: 62.05}}}}},
		{Kind: report.Heat, Title: "Winners", X: report.Axis{Title: "Budget", Names: []string{"10 ms", "+100 ms"}}, Y: report.Axis{Title: "Rate", Names: []string{"1/s"}},
			Series: []report.Series{{Name: "c5.large", Points: []report.Point{{X: 1, Label: "c5.large", Note: "62.05", Strong: true}}}, {Points: []report.Point{{Label: "nothing"}}}}},
		{Kind: report.Histogram, Title: "Samples", X: report.Axis{Title: "Time", Unit: "ms"}, Y: report.Axis{Title: "Runs"}, Limits: []report.Limit{{Name: "median", Value: 42}},
			Series: []report.Series{{Name: "fp32", Points: []report.Point{{X: 41, Y: 7, Low: 40, High: 42}, {X: 43, Y: 0, Low: 42, High: 44}, {X: 45, Y: 1, Low: 44, High: 46}}}}},
		{Kind: report.Heat, Title: "What is not there", Missing: "Not in this report."},
	}
}

func example() report.Document {
	return report.Document{
		Lead: []string{"Buy 1 x c5.large.", "Meets the SLA."},
		Tables: []report.Table{{Title: "Choices", Columns: report.Columns("CHOICE", ">USD/H", ">+UPFRONT", "NOTE"), Rows: [][]string{{"c5.large", "0.085", "0", "pays | above <483 h"}, {"c7g.large", "0.0725", "12.5", ""}},
			Tags: [][]string{{"us-east-1", "On-Demand"}, {"eu-west-1", "Spot"}}}},
		Tail: []string{"Not in the price: tax."},
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
		Title:   "Capacity review",
		Facts:   []report.Fact{{Name: "Cost", Value: "62.05 USD/month", Note: "c5.large"}},
		Charts:  charts(),
		Facets:  []string{"Region", "Way to buy"},
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
