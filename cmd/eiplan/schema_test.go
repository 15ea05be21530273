package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/gate"
	"github.com/eiplan/eiplan/planner/latency"
	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// reported is every kind with the types of its spec and status.
var reported = map[string]struct{ spec, status any }{
	sizing.Kind:            {sizing.Spec{}, planner.Plan{}},
	"Benchmark":            {benchSpec{}, benchStatus{}},
	"Verification":         {nil, verificationStatus{}},
	"Calibration":          {nil, latency.Calibration{}},
	"Validation":           {validationSpec{}, validationStatus{}},
	"Inspection":           {benchSpec{}, inspection{}},
	"Operators":            {nil, operatorsStatus{}},
	"Run":                  {benchSpec{}, runStatus{}},
	"PriceComparison":      {priceComparisonSpec{}, priceComparisonStatus{}},
	"PriceList":            {priceSpec{}, priceStatus{}},
	"Catalog":              {catalogSpec{}, catalogStatus{}},
	"CatalogDiff":          {diffSpec{}, diffStatus{}},
	"CatalogUpdate":        {updateSpec{}, updateStatus{}},
	"Kernels":              {nil, kernelsStatus{}},
	"Zoo":                  {nil, zooStatus{}},
	"Lock":                 {lockSpec{}, nil},
	gate.CheckKind:         {checkSpec{}, gate.Result{}},
	gate.DiffKind:          {comparisonSpec{}, gate.Diff{}},
	gate.PortfolioDiffKind: {comparisonSpec{}, gate.PortfolioDiff{}},
	"CatalogEntry":         {entrySpec{}, entryStatus{}},
	"CatalogValidation":    {catalogValidationSpec{}, catalogValidationStatus{}},

	portfolio.ReportKind: {portfolio.ReportSpec{}, portfolio.Status{}},
}

// declared is every kind that users write, with the type of its spec.
var declared = map[string]any{"PriceOverlay": pricing.Overlay{}, "Commitments": pricing.Commitments{}, gate.PolicyKind: gate.PolicySpec{}, portfolio.Kind: portfolio.Spec{}}

// enums lists the words that a field may hold, by type and field; a pointer's field may be null too.
func enums() map[string][]string {
	var options, reasonNames []string
	for _, w := range pricing.Ways() {
		options = append(options, w.Option.String())
	}
	for _, r := range sizing.Reasons() {
		reasonNames = append(reasonNames, string(r))
	}
	precisions, qualities := []string{"fp32", "mixed"}, []string{pricing.Observed.String(), pricing.Derived.String(), pricing.Inferred.String()}
	outcomes := []string{string(portfolio.Failed), string(portfolio.Infeasible), string(portfolio.Unknown), string(portfolio.Feasible)}
	states := []string{pricing.Current.String(), pricing.Closed.String(), pricing.Retired.String(), pricing.NotOffered.String()}
	levels := []string{string(report.Deny), string(report.Warn), string(report.Info)}
	return map[string][]string{
		"Plan.verdict":            {string(planner.Feasible), string(planner.Infeasible), string(planner.Unknown)},
		"Warning.severity":        {string(planner.Info), string(planner.Caution)},
		"Status.outcome":          outcomes,
		"Member.outcome":          outcomes,
		"OwnedUse.option":         {pricing.Reserved.String(), pricing.SavingsPlan.String()},
		"OwnedUse.unit":           {"instances", "USD/h"},
		"Commitment.option":       {pricing.Reserved.String(), pricing.SavingsPlan.String()},
		"Shortfall.reason":        reasonNames,
		"RejectedRow.reason":      reasonNames,
		"Purchase.option":         options,
		"PriceDate.option":        options,
		"Covered.option":          {pricing.Reserved.String(), pricing.SavingsPlan.String()},
		"Price.quality":           qualities,
		"Choice.precision":        precisions,
		"Choice.format":           {"fp32", "fp16", "bf16"},
		"Choice.arch":             {"amd64", "arm64"},
		"Lifecycle.instance":      states,
		"Lifecycle.accelerator":   states,
		"Latency.basis":           {"measured", "anchored", "modelled", "tflops", "efficiency"},
		"Memory.where":            {"host", "accelerator"},
		"benchRun.precision":      precisions,
		"Run.precision":           precisions,
		"caseResult.precision":    precisions,
		"Result.verdict":          outcomes,
		"MemberResult.verdict":    append([]string{""}, outcomes...),
		"MemberResult.presence":   {"", string(gate.InBoth), string(gate.Added), string(gate.Gone)},
		"MemberDiff.presence":     {string(gate.InBoth), string(gate.Added), string(gate.Gone)},
		"Finding.level":           levels,
		"Rule.level":              levels,
		"checkSpec.gateOn":        {string(gate.Modelled), string(gate.Measured)},
		"Diff.prices":             {string(gate.BasePrices), string(gate.HeadPrices)},
		"PortfolioDiff.prices":    {string(gate.BasePrices), string(gate.HeadPrices)},
		"Spec.objective":          {string(planner.Hourly), string(planner.PerMillion)},
		"Constraints.lifecycle":   {string(planner.OnlyCurrent), string(planner.AnyTime)},
		"catalogRow.kind":         {"instance", "accelerator"},
		"catalogRow.state":        states,
		"pricedRow.quality":       qualities,
		"lifecycleChangeRow.from": states,
		"lifecycleChangeRow.to":   states,
	}
}

// TestSchemasAreCurrent compares the embedded schemas with those of the types; EIPLAN_GOLDEN=write accepts the types'.
func TestSchemasAreCurrent(t *testing.T) {
	used := map[string]bool{}
	wanted := map[string][]byte{}
	for kind, types := range reported {
		wanted[kind] = schemaOf(t, kind, types.spec, types.status, used)
	}
	for kind, spec := range declared {
		wanted[kind] = schemaOfInput(t, kind, spec, used)
	}
	for kind, want := range wanted {
		file := filepath.Join("schema", kind+".json")
		if os.Getenv("EIPLAN_GOLDEN") == "write" {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not that of the types any more; EIPLAN_GOLDEN=write accepts theirs", file)
		}
	}
	for field := range enums() {
		if !used[field] {
			t.Errorf("enums: no report has a field %s", field)
		}
	}
	for _, kind := range schemaKinds() {
		if _, ok := wanted[kind]; !ok {
			t.Errorf("schema/%s.json is of no kind", kind)
		}
	}
}

// TestReportsFollowTheirSchema runs what writes each kind, in the cases that leave different fields empty.
func TestReportsFollowTheirSchema(t *testing.T) {
	const data = "../../testdata/"
	model, measured := data+"models/mnist8/model.onnx", data+"records/resnet50.yaml"
	plan := func(args ...string) []string { return append([]string{"plan", "--measured", measured}, args...) }
	commands := [][]string{
		plan("--latency", "100ms"),
		plan("--total", "300ms", "--reserve", "preprocess=200ms", "--rate", "40/s", "--baseline", "p2.xlarge"),
		plan("--latency", "100ms", "--lifecycle", "any", "--explain", "all", "--instance", "c5.*"),
		plan("--latency", "100us"),
		plan("--latency", "100ms", "--instance", "c5.*", "--max-price-age", "1d", "--as-of", "2030-01-01"),
		{"size", "zoo:squeezenet", "--latency", "100ms", "--no-bench"},
		{"bench", model, "--time", "20ms"},
		{"verify", data + "models"},
		{"validate", data + "records/published.csv", "--by", "batch"},
		{"calibrate", data + "records/measured.csv"},
		{"inspect", model},
		{"inspect", "--ops"},
		{"run", model},
		{"prices", "c5.xlarge", "eia2.medium"},
		{"catalog", "show", "g4dn.xlarge"}, {"catalog", "validate"}, {"catalog", "list", "--instance", "c5.*"},
		{"prices", "compare", "c5.xlarge", "eia2.medium", "--hours", "300"},
		{"catalog", "--instance", "g4dn.*"},
		{"prices", "import", data + "prices/sheet.csv"},
		{"catalog", "diff", "snapshot", "cache"},
		{"kernels", "--time", "10us"},
		{"zoo"},
	}
	commands = append(commands,
		plan("--latency", "100ms", "--overlay", data+"prices/overlay.yaml", "--commitments", data+"prices/owned.yaml"),
		[]string{"lock", "--overlay", data + "prices/overlay.yaml"},
		[]string{"plan", data + "portfolio/search.yaml", "--commitments", data + "prices/owned.yaml"},
		[]string{"plan", measured, data + "records/mnist8.yaml", "--latency", "100us"})
	reports := map[string]string{}
	for name, latency := range map[string]string{"base": "100ms", "head": "20ms", "none": "100us"} {
		reports[name] = filepath.Join(t.TempDir(), name+".yaml")
		var errs bytes.Buffer
		run(context.Background(), plan("--latency", latency, "-o", "yaml", "--out", reports[name]), &errs, &errs)
		if errs.Len() > 0 {
			t.Fatal(errs.String())
		}
	}
	portfolios, broken := map[string]string{}, filed(t, "broken.yaml", "apiVersion: eiplan/v1\nkind: Portfolio\nspec: {models: [{name: ranker, measured: gone.yaml, latency: 1ms}, {name: digits, measured: gone.yaml, latency: 1ms}]}\n")
	for name, args := range map[string][]string{"base": {data + "portfolio/search.yaml"}, "head": {measured, data + "records/mnist8.yaml", "--latency", "20ms"}, "none": {broken}} {
		portfolios[name] = filepath.Join(t.TempDir(), name+".yaml")
		var errs bytes.Buffer
		run(context.Background(), append(append([]string{"plan"}, args...), "-o", "yaml", "--out", portfolios[name]), &errs, &errs)
		if errs.Len() > 0 && name != "none" {
			t.Fatal(errs.String())
		}
	}
	commands = append(commands,
		[]string{"check", portfolios["base"]},
		[]string{"check", portfolios["head"], "--base", portfolios["base"], "--max-monthly-cost", "1000USD", "--max-increase", "900%", "--policy", data + "policies/budget.yaml", "--policy", data + "policies/portfolio.yaml"},
		[]string{"check", portfolios["none"], "--base", portfolios["base"], "--max-increase", "1%", "--policy", data + "policies/budget.yaml"},
		[]string{"diff", portfolios["base"], portfolios["head"]},
		[]string{"diff", portfolios["none"], portfolios["base"], "--new-prices"},
		[]string{"check", reports["base"]},
		[]string{"check", reports["head"], "--base", reports["base"], "--max-monthly-cost", "1000USD", "--max-increase", "900%", "--policy", data + "policies/budget.yaml"},
		[]string{"check", reports["none"], "--base", reports["base"], "--policy", data + "policies/budget.yaml"},
		[]string{"check", reports["head"], "--base", reports["none"]},
		[]string{"diff", reports["base"], reports["head"]},
		[]string{"diff", reports["none"], reports["head"], "--new-prices"},
		[]string{"diff", reports["base"], reports["none"]})
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	seen := map[string]bool{}
	for _, args := range commands {
		t.Run(strings.Join(args[:min(len(args), 8)], " "), func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(context.Background(), append(args, "-o", "json"), &out, &errs); errs.Len() > 0 {
				t.Fatalf("exit %d: %s", code, &errs)
			}
			seen[validate(t, out.Bytes())] = true
		})
	}
	for kind := range reported {
		if !seen[kind] {
			t.Errorf("no command wrote kind %s", kind)
		}
	}
}

// Files that users write are held against the schema of their kind, and read.
func TestDeclaredFollowTheirSchema(t *testing.T) {
	seen := map[string]bool{}
	var files []string
	for _, folder := range []string{"prices", "policies", "portfolio"} {
		more, err := filepath.Glob("../../testdata/" + folder + "/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen[validate(t, plainJSON(t, b))] = true
	}
	for kind := range declared {
		if !seen[kind] {
			t.Errorf("no file in testdata/prices, policies or portfolio is of kind %s", kind)
		}
	}
}

// plainJSON is YAML as JSON; dates stay text.
func plainJSON(t *testing.T, b []byte) []byte {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var value any
	undated(&doc)
	if err := doc.Decode(&value); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func undated(n *yaml.Node) {
	if n.Tag == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		undated(c)
	}
}

func TestRecordsFollowTheirSchema(t *testing.T) {
	files, err := filepath.Glob("../../testdata/records/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var record any
		if err := yaml.Unmarshal(b, &record); err != nil {
			t.Fatal(err)
		}
		if b, err = json.Marshal(record); err != nil {
			t.Fatal(err)
		}
		if kind := validate(t, b); kind != "Benchmark" {
			t.Errorf("%s is of kind %s", file, kind)
		}
	}
}

// validate holds a report against the embedded schema of its kind, which it returns.
func validate(t *testing.T, document []byte) string {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := value.(map[string]any)["kind"].(string)
	b, err := schemas.ReadFile("schema/" + kind + ".json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(kind, schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(kind)
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("%s: %v", kind, err)
	}
	return kind
}
