package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenPlans are requests whose whole first screen is kept in testdata/plans, each from the recorded measurement of ResNet-50.
var goldenPlans = []struct {
	name string // of the file
	args string
	exit int
}{
	{"default", "--latency 100ms", exitFeasible},
	{"reserve", "--total 300ms --reserve preprocess=200ms --baseline p2.xlarge", exitFeasible},
	{"ei_any_lifecycle", "--latency 100ms --accelerator eia2.* --lifecycle any", exitFeasible},
	{"ei_as_of_2020", "--latency 100ms --accelerator eia* --as-of 2020-06-01", exitFeasible},
	{"ei_retired", "--latency 100ms --accelerator eia2.*", exitInfeasible},
	{"ei_on_demand", "--latency 100ms --instance c5.xlarge --accelerator eia2.medium --lifecycle any --purchase on-demand --explain 1", exitFeasible},
	{"ei_spot_host", "--latency 100ms --instance c5.xlarge --accelerator eia2.medium --lifecycle any --purchase spot --explain 1", exitFeasible},
	{"ei_reserved_host", "--latency 100ms --instance c5.xlarge --accelerator eia2.medium --lifecycle any --purchase reserved --explain 1", exitFeasible},
	{"too_fast", "--latency 100us", exitInfeasible},
	{"unpriced", "--latency 200ms --instance c5.xlarge --accelerator none --purchase savings-plan", exitUnpriced},
	{"rate", "--latency 100ms --rate 40/s --instance c5.*,m5.* --accelerator none", exitFeasible},
	{"per_million", "--latency 100ms --objective per-million --rate 500/s --region all --max-commit none", exitFeasible},
	{"tflops", "--latency 100ms --scaling tflops", exitFeasible},
}

// TestPlans compares first screens with testdata/plans; EIPLAN_GOLDEN=write accepts what is printed.
func TestPlans(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000") // before the catalogue's own date, so that prices have the age that they had then
	for _, g := range goldenPlans {
		t.Run(g.name, func(t *testing.T) {
			file := filepath.Join("../../testdata/plans", g.name+".golden")
			got := "$ eiplan plan --measured resnet50.yaml " + g.args + "\n" + printed(t, g.exit, planned(g.args)...)
			if os.Getenv("EIPLAN_GOLDEN") == "write" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
		})
	}
}

// What a plan says is in its report: told from the file, in YAML or JSON, it is the golden screen, and the report of the report is itself.
func TestPlansAreToldFromTheirReports(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000")
	for _, g := range goldenPlans {
		t.Run(g.name, func(t *testing.T) {
			golden, err := os.ReadFile(filepath.Join("../../testdata/plans", g.name+".golden"))
			if err != nil {
				t.Fatal(err)
			}
			_, want, _ := strings.Cut(string(golden), "\n")
			yaml := printed(t, g.exit, append(planned(g.args), "-o", "yaml")...)
			json := printed(t, exitFeasible, "report", filed(t, "plan.yaml", yaml), "-o", "json")
			for file, text := range map[string]string{"plan.yaml": yaml, "plan.json": json} {
				if d := cmp.Diff(want, printed(t, exitFeasible, "report", filed(t, file, text))); d != "" {
					t.Errorf("%s (-want +got):\n%s", file, d)
				}
			}
			if d := cmp.Diff(yaml, printed(t, exitFeasible, "report", filed(t, "plan.json", json), "-o", "yaml")); d != "" {
				t.Errorf("YAML, by way of JSON (-want +got):\n%s", d)
			}
		})
	}
}

// planned is the command of a golden plan.
func planned(args string) []string {
	return append([]string{"plan", "--measured", "../../testdata/records/resnet50.yaml"}, strings.Fields(args)...)
}

// printed is what a command writes to standard output; it must write nothing else.
func printed(t *testing.T, exit int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), args, &out, &errs); code != exit || errs.Len() > 0 {
		t.Fatalf("exit %d, want %d: %s", code, exit, &errs)
	}
	return out.String()
}

// filed is the name of a new file.
func filed(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
