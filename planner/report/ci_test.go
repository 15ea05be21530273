package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eiplan/eiplan/planner/report"
)

// written is a document in a format.
func written(t *testing.T, format string, docs ...report.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, format, docs...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// ciDocuments are documents whose findings take every branch of the formats of CI systems.
func ciDocuments() map[string][]report.Document {
	odd := example()
	odd.Findings = []report.Finding{
		{Rule: "a", Level: report.Deny, File: "./plans/a b#c%?.yaml", Message: "m"}, {Rule: "a", Level: report.Warn, File: "zoo:x", Message: "m"},
		{Rule: "b", Level: report.Info, File: "/abs/plan.yaml", Line: 7}, {Rule: "b", Subject: "<>&\"'\x00", Level: report.Deny, Message: "]]>\x1b"},
	}
	return map[string][]report.Document{"one": {example()}, "none": {{Answer: "nothing"}}, "several": {example(), odd, example()}}
}

func TestSARIFFollowsItsSchema(t *testing.T) {
	text, err := os.ReadFile("testdata/sarif.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif", rules); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sarif")
	if err != nil {
		t.Fatal(err)
	}
	for name, docs := range ciDocuments() {
		out := written(t, "sarif", docs...)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var log struct {
			Runs []struct {
				Tool struct {
					Driver struct{ Rules []struct{ ID string } }
				}
				Results []struct {
					RuleID              string
					RuleIndex           int
					PartialFingerprints map[string]string
				}
			}
		}
		if err := json.Unmarshal([]byte(out), &log); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, r := range log.Runs[0].Results {
			if rules := log.Runs[0].Tool.Driver.Rules; rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("%s: ruleIndex %d of %s is %s", name, r.RuleIndex, r.RuleID, rules[r.RuleIndex].ID)
			}
			for _, print := range r.PartialFingerprints {
				if seen[print] {
					t.Errorf("%s: two results have the fingerprint %s", name, print)
				}
				seen[print] = true
			}
		}
	}
}

// TestJUnitFollowsItsSchema holds the rules of junit-10.xsd (jenkinsci/xunit-plugin): which elements hold which, which attributes each must and may have.
func TestJUnitFollowsItsSchema(t *testing.T) {
	type rule struct{ within, must, may []string }
	schema := map[string]rule{
		"testsuites": {[]string{""}, nil, []string{"name", "time", "tests", "failures", "errors"}},
		"testsuite":  {[]string{"testsuites", "testsuite"}, []string{"name", "tests", "failures", "errors"}, []string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"}},
		"testcase":   {[]string{"testsuite"}, []string{"name"}, []string{"time", "classname", "group"}},
		"failure":    {[]string{"testcase"}, nil, []string{"type", "message"}},
		"system-out": {[]string{"testcase", "testsuite"}, nil, nil},
	}
	for name, docs := range ciDocuments() {
		out := written(t, "junit", docs...)
		stack, counted := []string{""}, map[string]int{}
		stated := map[string]string{}
		d := xml.NewDecoder(strings.NewReader(out))
		for token, err := d.Token(); err == nil; token, err = d.Token() {
			switch token := token.(type) {
			case xml.StartElement:
				element := token.Name.Local
				r, known := schema[element]
				if !known || !slices.Contains(r.within, stack[len(stack)-1]) {
					t.Errorf("%s: %s within %s", name, element, stack[len(stack)-1])
				}
				var has []string
				for _, a := range token.Attr {
					has = append(has, a.Name.Local)
					if !slices.Contains(slices.Concat(r.must, r.may), a.Name.Local) {
						t.Errorf("%s: %s has an attribute %s", name, element, a.Name.Local)
					}
					if element == "testsuites" {
						stated[a.Name.Local] = a.Value
					}
				}
				for _, a := range r.must {
					if !slices.Contains(has, a) {
						t.Errorf("%s: %s has no attribute %s", name, element, a)
					}
				}
				counted[element]++
				stack = append(stack, element)
			case xml.EndElement:
				stack = stack[:len(stack)-1]
			}
		}
		if len(stack) != 1 || stated["tests"] != strconv.Itoa(counted["testcase"]) || stated["failures"] != strconv.Itoa(counted["failure"]) || stated["errors"] != "0" {
			t.Errorf("%s: counts %v, elements %v, left open %v", name, stated, counted, stack[1:])
		}
	}
}

// TestGitLabFollowsItsFormat holds what docs.gitlab.com asks of each issue.
func TestGitLabFollowsItsFormat(t *testing.T) {
	severities := []string{"info", "minor", "major", "critical", "blocker"}
	for name, docs := range ciDocuments() {
		var issues []struct {
			Description, Fingerprint, Severity string
			CheckName                          string `json:"check_name"`
			Location                           struct {
				Path  string
				Lines struct{ Begin int }
			}
		}
		if err := json.Unmarshal([]byte(written(t, "gitlab", docs...)), &issues); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if i.CheckName == "" || i.Location.Lines.Begin < 1 || strings.HasPrefix(i.Location.Path, "./") || !slices.Contains(severities, i.Severity) || seen[i.Fingerprint] {
				t.Errorf("%s: %+v", name, i)
			}
			seen[i.Fingerprint] = true
		}
	}
}

func TestGitHubCountsWhatIsOverTheLimit(t *testing.T) {
	var d report.Document
	for i := range 12 {
		for _, level := range []report.Level{report.Info, report.Deny, report.Warn} {
			d.Findings = append(d.Findings, report.Finding{Rule: fmt.Sprint("r", i), Level: level, Message: "m"})
		}
	}
	d.Findings = append(d.Findings, report.Finding{Rule: "held", Level: report.Deny, Passed: true})
	out := written(t, "github", d, d)
	for _, command := range []string{"error", "warning", "notice"} {
		if n := strings.Count(out, "\n::"+command+" "); n != 10 {
			t.Errorf("%d commands %s, want 10", n, command)
		}
	}
	if !strings.HasSuffix(out, "\nNot annotated, for a step may have 10 of each level: 14 of level error, 14 of level warning, 14 of level notice more.\n") {
		t.Errorf("the rest is not counted in one line: %s", out[strings.LastIndex(strings.TrimSpace(out), "\n"):])
	}
	if strings.Index(out, "::error") > strings.Index(out, "::warning") {
		t.Error("a warning stands before the errors")
	}
}

func TestStepOutputsCanNotBeLeft(t *testing.T) {
	d := report.Document{Outputs: []report.Output{{Name: "answer", Value: "c5.large"}, {Name: "name", Value: "EIPLAN EIPLAN_"}, {Name: "lines", Value: "a\nEIPLAN\nother<<EIPLAN"}}}
	want := "answer<<EIPLAN\nc5.large\nEIPLAN\nname<<EIPLAN__\nEIPLAN EIPLAN_\nEIPLAN__\nlines<<EIPLAN_\na\\nEIPLAN\\nother<<EIPLAN\nEIPLAN_\n"
	if got := string(report.StepOutputs(d)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(report.StepOutputs(d, d)); !strings.Contains(got, "answer-2<<EIPLAN\n") {
		t.Errorf("the second document's outputs take the first's names: %s", got)
	}
}

// A comment and a summary hold as many rows as they may, and say how many they leave out.
func TestLongDocumentsAreCut(t *testing.T) {
	rows := func(n, width int) report.Document {
		d := example()
		for range n {
			d.Tables[0].Rows = append(d.Tables[0].Rows, []string{strings.Repeat("c", width), "1", "0", "≤"})
		}
		return d
	}
	long := example()
	long.Lead[0], long.Tail = strings.Repeat("é*", 200_000), slices.Repeat([]string{"Warning: something."}, 20_000)
	note := regexp.MustCompile(`\n([0-9,]+) rows are left out, for a comment holds no more\.\n$`)
	for name, c := range map[string]struct {
		d   report.Document
		cut bool
	}{
		"short": {example(), false}, "many rows": {rows(3000, 10), true}, "wide rows": {rows(3, 100_000), false}, "long texts": {long, true},
	} {
		out := written(t, "comment", c.d)
		if len(out) > 65_536 || !strings.HasPrefix(out, "<!-- eiplan:resnet50 -->\n") || len(out) < 200 {
			t.Errorf("%s: %d bytes: %.100s", name, len(out), out)
		}
		if note.MatchString(out) != c.cut {
			t.Errorf("%s: the note is wrong: %s", name, out[len(out)-100:])
		}
	}
	for _, size := range []int64{0, 1 << 19, 1<<20 - 10, 2 << 20} {
		b, err := report.StepSummary(size, rows(3000, 400))
		if room := max(0, 1<<20-size); err != nil || int64(len(b)) > room || room > 1000 && int64(len(b)) < room/3 {
			t.Errorf("%d bytes are written of %d, %v", len(b), room, err)
		}
	}
}
