package portfolio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

func ptr[T any](v T) *T { return &v }

// bought is a member whose best choice is so many instances, bought in a way, at dollars an hour each, with a fee due at once for each.
func bought(name, instance, region string, replicas int, way pricing.Purchase, each, upfront float64) Member {
	c := planner.Choice{Instance: instance, Region: region, Replicas: replicas, Purchase: planner.Purchase{Option: way.Option.String()}}
	if way.Term != 0 {
		c.Purchase.Term, c.Purchase.Payment, c.Purchase.Class = ptr(way.Term.String()), ptr(way.Payment.String()), ptr(way.Class.String())
	}
	c.Cost = planner.Cost{HourlyUsd: each, InstanceHourlyUsd: each, TotalHourlyUsd: each * float64(replicas), UpfrontUsd: upfront, OnDemandEquivalentUsd: ptr(2 * each)}
	return Member{Name: name, Outcome: Feasible, Plan: &planner.Plan{Verdict: planner.Feasible, Best: &c, Plans: []planner.Choice{c}, Feasible: 1}}
}

var (
	reserved = pricing.Purchase{Option: pricing.Reserved, Term: pricing.OneYear, Payment: pricing.AllUpfront, Class: pricing.Standard}
	savings  = pricing.Purchase{Option: pricing.SavingsPlan, Term: pricing.ThreeYears, Payment: pricing.NoUpfront, Class: pricing.Compute}
	spot     = pricing.Purchase{Option: pricing.Spot}
)

// The amounts are worked by hand: 3 x 0.1 + 0.2 reserved, 2 x 0.05 in a Savings Plan, 0.3 on Spot. 0.1 USD/h for a year is 876 USD.
func example() (Status, []Input) {
	s := Status{Models: []Member{
		bought("a", "c5.large", "us-east-1", 3, reserved, 0.1, 876),
		bought("b", "c5.xlarge", "us-east-1", 1, reserved, 0.2, 1752),
		bought("c", "c5.large", "us-east-1", 2, savings, 0.05, 0),
		{Name: "d", Outcome: Infeasible, Plan: &planner.Plan{Verdict: planner.Infeasible}},
		bought("e", "g4dn.xlarge", "eu-west-1", 1, spot, 0.3, 0),
		{Name: "f", Outcome: Failed, Failure: &Failure{Text: "f.yaml: gone", Hint: "measure it", ExitCode: 2}},
	}}
	inputs := []Input{{Tags: map[string]string{"team": "x"}}, {Tags: map[string]string{"team": "y", "env": "prod"}}, {Tags: map[string]string{"team": "x"}}, {Tags: map[string]string{"team": "z"}}, {}, {}}
	for i := range inputs {
		inputs[i].Name = s.Models[i].Name
	}
	s.Outcome = gravest(s.Models)
	s.sum(inputs)
	s.Commitments = commitments(s.Models)
	return s, inputs
}

func TestTotals(t *testing.T) {
	s, _ := example()
	want := Total{
		Models: 6, Feasible: 4, LeftOut: []string{"d", "f"}, Instances: 7, HourlyUsd: 900_000_000, MonthlyUsd: 657_000_000_000, UpfrontUsd: 4_380_000_000_000,
		BlendedHourlyUsd: 900_000_000, CommittedHourlyUsd: 600_000_000, InterruptibleHourlyUsd: 300_000_000, OnDemandEquivalentUsd: 1_800_000_000, NoOnDemandPrice: []string{},
	}
	if !reflect.DeepEqual(s.Total, want) {
		t.Errorf("total %+v\nwant  %+v", s.Total, want)
	}
	for name, c := range map[string]struct {
		shares []Share
		want   string
	}{
		"region": {s.ByRegion, "us-east-1=0.6 eu-west-1=0.3"},
		"way":    {s.ByPurchase, "Reserved 1y all upfront=0.5 Spot=0.3 Savings Plan (Compute) 3y no upfront=0.1"},
	} {
		var got []string
		for _, share := range c.shares {
			got = append(got, share.Key+"="+share.HourlyUsd.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("by %s: %q, want %q", name, got, c.want)
		}
	}
	var tags []string
	for _, share := range s.ByTag {
		tags = append(tags, share.Tag+":"+share.Key+"="+share.HourlyUsd.String())
	}
	if got := strings.Join(tags, " "); got != "env:=0.7 env:prod=0.2 team:x=0.4 team:=0.3 team:y=0.2" {
		t.Errorf("by tag: %s", got)
	}
}

func TestCommitments(t *testing.T) {
	s, _ := example()
	var got []string
	for _, c := range s.Commitments {
		got = append(got, c.Family+" "+c.Purchase+" "+c.HourlyUsd.String()+"/h "+c.UpfrontUsd.String()+" at once "+c.TermUsd.String()+" in all: "+asJSON(t, c.Instances)+" for "+strings.Join(c.Models, ","))
	}
	want := []string{
		`c5 Reserved 1y all upfront 0.5/h 4380 at once 4380 in all: [{"instance":"c5.large","count":3},{"instance":"c5.xlarge","count":1}] for a,b`,
		`c5 Savings Plan (Compute) 3y no upfront 0.1/h 0 at once 2628 in all: [{"instance":"c5.large","count":2}] for c`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestSharesAddUp: by region and by way to buy, the parts are the total; by each tag too.
func TestSharesAddUp(t *testing.T) {
	s, _ := example()
	tags := map[string][]Share{}
	for _, share := range s.ByTag {
		tags[share.Tag] = append(tags[share.Tag], share.Share)
	}
	for name, list := range map[string][]Share{"region": s.ByRegion, "way": s.ByPurchase, "team": tags["team"], "env": tags["env"]} {
		var hourly pricing.USDPerHour
		var upfront pricing.USD
		models := 0
		for _, share := range list {
			hourly, upfront, models = hourly+share.HourlyUsd, upfront+share.UpfrontUsd, models+share.Models
		}
		if hourly != s.Total.HourlyUsd || upfront != s.Total.UpfrontUsd || models != s.Total.Feasible {
			t.Errorf("by %s: %s USD/h, %s at once, %d models", name, hourly, upfront, models)
		}
	}
}

// TestOneFailureHidesNoOther: failures from before and from the planner stand beside plans, each in its place, and the gravest is the outcome.
func TestOneFailureHidesNoOther(t *testing.T) {
	models := []Input{{Name: "unread", Failure: &Failure{Text: "unread", ExitCode: 4}}, {Name: "malformed"}, {Name: "unread too", Failure: &Failure{Text: "too", ExitCode: 2}}}
	s := Plan(models, nil, func(i int, err error) *Failure {
		return &Failure{Text: models[i].Name + ": " + err.Error(), ExitCode: 2}
	})
	if s.Outcome != Failed || len(s.Models) != 3 || s.Models[0].Failure.ExitCode != 4 || s.Models[1].Failure.Text != "malformed: planner: no catalogue" || s.Models[2].Failure.Text != "too" || len(s.Total.LeftOut) != 3 {
		t.Errorf("%+v", s)
	}
}

// TestDocument: what is left out of the sums, and what to do about failures, stands on the first screen, and each model has a finding.
func TestDocument(t *testing.T) {
	s, inputs := example()
	r := &Report{APIVersion: report.APIVersion, Kind: ReportKind, Status: s}
	for _, in := range inputs {
		r.Spec.Models = append(r.Spec.Models, Asked{Name: in.Name, Tags: in.Tags, Asked: &sizing.Spec{}})
	}
	d := r.Document()
	var b bytes.Buffer
	if err := report.Write(&b, "table", d); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Buy 7 instances for 4 models: 0.9000 USD/h, 657.00 USD/month (730 h) with 4380.00 USD due at once.",
		"NOT IN THE SUMS: 2 models without a plan: d, f.",
		"Of it 0.6000 USD/h (67%) is committed, used or not; 0.3000 USD/h (33%) is Spot, which can be taken back; the same On-Demand is 1.8000 USD/h.",
		"f: measure it.",
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, b.String())
		}
	}
	var failed []string
	for _, f := range d.Findings {
		if !f.Passed {
			failed = append(failed, f.Subject)
		}
	}
	if len(d.Findings) != 6 || strings.Join(failed, " ") != "d f" {
		t.Errorf("findings %+v", d.Findings)
	}
	outputs := map[string]string{}
	for _, o := range d.Outputs {
		outputs[o.Name] = o.Value
	}
	if outputs["monthly-usd"] != "657" || outputs["left-out"] != "d,f" || outputs["verdict"] != string(s.Outcome) {
		t.Errorf("outputs %v", outputs)
	}
	if r.Member(3) == nil || r.Member(5) != nil || r.Member(0).Kind != sizing.Kind || r.Member(0).Status.Best.Instance != "c5.large" {
		t.Errorf("members: %+v", r.Member(3))
	}
}

// TestReview: every model has a row and, with an answer, a mark, each with as many tags as there are facets; what a chart or a filter has no room for is said or left out;
// what has an answer is no finding.
func TestReview(t *testing.T) {
	s, inputs := example()
	for i := range 30 {
		name := fmt.Sprint("many", i)
		s.Models = append(s.Models, bought(name, "c5.large", "us-east-1", 1, spot, 0.01, 0))
		inputs = append(inputs, Input{Name: name, Tags: map[string]string{"id": name, "team": "many"}})
	}
	s.sum(inputs)
	r := &Report{APIVersion: report.APIVersion, Kind: ReportKind, Status: s}
	for _, in := range inputs {
		r.Spec.Models = append(r.Spec.Models, Asked{Name: in.Name, Tags: in.Tags, Asked: &sizing.Spec{Budget: sizing.Budget{InferenceMs: 100}}})
	}
	d := r.Review()
	every := d.Parts[0]
	if want := "Outcome, Region, Way to buy, Accelerator, env, team"; strings.Join(every.Facets, ", ") != want {
		t.Errorf("facets %q, want %s", every.Facets, want)
	}
	table, marks := every.Tables[0], 0
	for _, series := range every.Charts[0].Series {
		for _, p := range series.Points {
			if marks++; len(p.Tags) != len(every.Facets) {
				t.Errorf("%s has the tags %q", p.Label, p.Tags)
			}
		}
	}
	if len(table.Rows) != 36 || len(table.Tags) != 36 || marks != s.Total.Feasible {
		t.Errorf("%d rows, %d tags, %d marks of %d", len(table.Rows), len(table.Tags), marks, s.Total.Feasible)
	}
	for i, want := range map[int]string{0: "feasible us-east-1 Reserved CPU alone (none) x", 3: "infeasible (none) (none) (none) (none) z", 35: "feasible us-east-1 Spot CPU alone (none) many"} {
		if got := strings.Join(table.Tags[i], " "); got != want {
			t.Errorf("model %d has the tags %s, want %s", i, got, want)
		}
	}
	if c := d.Charts[0]; len(c.Y.Names) != mostBars || c.Y.Names[0] != "a" || !strings.HasSuffix(c.Caption, "the other 19 come to 138.70 USD.") {
		t.Errorf("cost by model: %q, %s", c.Y.Names, c.Caption)
	}
	for _, f := range d.Findings {
		if f.Passed {
			t.Errorf("%s has an answer, and is a finding", f.Subject)
		}
	}
	var b bytes.Buffer
	if err := report.Write(&b, "html", d); err != nil || !strings.Contains(b.String(), `data-unit="models"`) {
		t.Errorf("%v\n%.400s", err, &b)
	}
}

// TestRead: a report comes back whole, from JSON and from YAML, and nothing else passes for one.
func TestRead(t *testing.T) {
	s, inputs := example()
	r := &Report{APIVersion: report.APIVersion, Kind: ReportKind, Status: s}
	for _, in := range inputs {
		r.Spec.Models = append(r.Spec.Models, Asked{Name: in.Name, Asked: &sizing.Spec{}})
	}
	for _, format := range []string{"json", "yaml"} {
		var b bytes.Buffer
		if err := report.Write(&b, format, r.Document()); err != nil {
			t.Fatal(err)
		}
		back, err := Read(b.Bytes())
		if err != nil || asJSON(t, back) != asJSON(t, r) {
			t.Errorf("%s: %v\n%s\nwant %s", format, err, asJSON(t, back), asJSON(t, r))
		}
	}
	const report = "{apiVersion: eiplan/v1, kind: PortfolioReport, "
	for text, want := range map[string]string{
		"{apiVersion: eiplan/v1, kind: SizingReport}":                                                                                                    `not of kind PortfolioReport and apiVersion eiplan/v1, but of kind "SizingReport" and apiVersion "eiplan/v1"`,
		report + "spec: {models: [{name: a}]}}":                                                                                                          "spec has 1 models, status 0: is the file whole?",
		report + "spec: {models: []}, status: {models: []}}":                                                                                             "status.models is empty",
		report + "spec: {models: [{name: a}]}, status: {models: [{name: b}]}}":                                                                           `models[0] is "a" in spec, "b" in status`,
		report + "spec: {models: [{name: a}, {name: a}]}, status: {models: [&a {name: a, outcome: failed, failure: {}}, *a]}}":                           `status.models[1]: there is a "a" already`,
		report + "spec: {models: [{name: a}]}, status: {models: [{name: a, outcome: failed}]}}":                                                          "status.models[0] a: outcome is failed, but there is no failure, or a plan",
		report + "spec: {models: [{name: a, asked: {}}]}, status: {models: [{name: a, outcome: feasible}]}}":                                             `status.models[0] a: outcome is "feasible", but there is a failure, no plan, or nothing asked`,
		report + "spec: {models: [{name: a, asked: {}}]}, status: {models: [{name: a, outcome: unknown, plan: {verdict: infeasible}}]}}":                 `status.models[0] a: outcome is "unknown", plan.verdict "infeasible"`,
		report + "spec: {models: [{name: a, asked: {}}]}, status: {outcome: feasible, models: [{name: a, outcome: unknown, plan: {verdict: unknown}}]}}": `status.outcome is "feasible", that of its models "unknown"`,
		report + "spec: {models: [{name: a}]}, status: {outcome: failed, models: [{name: a, outcome: failed, failure: {}}], total: {hourlyUsd: 1}}}":     "status.total is 1 USD/h, 0 USD/month and 0 USD at once, its models are 0, 0 and 0",
		report + "spec: {models: [{name: a, asked: {}}]}, status: {models: [{name: a, outcome: banana, plan: {verdict: banana}}]}}":                      `status.models[0] a: plan.verdict "banana" is none: feasible, infeasible or unknown`,
	} {
		if _, err := Read([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
