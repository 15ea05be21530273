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
	{"unpriced", "--latency 100ms --instance c5.xlarge --accelerator none --purchase savings-plan", exitUnpriced},
	{"rate", "--latency 100ms --rate 40/s --instance c5.*,m5.* --accelerator none", exitFeasible},
	{"per_million", "--latency 100ms --objective per-million --rate 500/s --region all --max-commit none", exitFeasible},
	{"tflops", "--latency 100ms --scaling tflops", exitFeasible},
}

// TestPlans compares first screens with testdata/plans; EIPLAN_GOLDEN=write accepts what is printed.
func TestPlans(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000") // before the catalogue's own date, so that prices have the age that they had then
	for _, g := range goldenPlans {
		t.Run(g.name, func(t *testing.T) {
			args := append([]string{"plan", "--measured", "../../testdata/records/resnet50.yaml"}, strings.Fields(g.args)...)
			var out, errs bytes.Buffer
			if code := run(context.Background(), args, &out, &errs); code != g.exit || errs.Len() > 0 {
				t.Fatalf("exit %d, want %d: %s", code, g.exit, &errs)
			}
			file := filepath.Join("../../testdata/plans", g.name+".golden")
			got := "$ eiplan plan --measured resnet50.yaml " + g.args + "\n" + out.String()
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
