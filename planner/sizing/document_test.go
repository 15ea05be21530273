package sizing_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// filled sets every text within a value to s, every figure to n, and makes every list and every pointer hold something.
func filled(v reflect.Value, s string, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Float64:
		v.SetFloat(float64(n))
	case reflect.Bool:
		v.SetBool(n != 0)
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*int64]() || v.Type().Elem().Kind() != reflect.Interface {
			v.Set(reflect.New(v.Type().Elem()))
			filled(v.Elem(), s, n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			filled(v.Index(i), s, n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, s, n)
		filled(value, s, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), s, n)
		}
	}
}

// everyFormat writes a document in every format and returns what came.
func everyFormat(t *testing.T, d report.Document) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, format := range report.Formats() {
		var b bytes.Buffer
		if err := report.Write(&b, format, d); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		out[format] = b.String()
	}
	return out
}

// A report of which every text is hostile is told in every format, and no format lets anything but text through.
func TestHostileReportsAreTold(t *testing.T) {
	const bad = "::error::x\x1b[2J\u202e</a>\n::warning::##[group]=1|`@a"
	for _, verdict := range []planner.Verdict{planner.Feasible, planner.Infeasible, planner.Unknown} {
		for _, n := range []int{0, 1, 5} {
			r := &sizing.Report{}
			filled(reflect.ValueOf(r).Elem(), bad, n)
			r.Status.Verdict = verdict
			if verdict != planner.Feasible {
				r.Status.Best = nil
			}
			for _, explain := range []string{"", "1", "5", sizing.ExplainAll, bad} {
				r.Spec.Show.Explain = explain
				d, err := r.Document(sizing.Show{})
				if err != nil {
					if _, ok := err.(*sizing.UnexplainedError); !ok {
						t.Fatal(err)
					}
					continue
				}
				for format, out := range everyFormat(t, d) {
					if at := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); at >= 0 {
						t.Errorf("%s, %s: holds %q", verdict, format, out[at:at+1])
					}
					for line := range strings.Lines(out) {
						if format != "github" && strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
							t.Errorf("%s, %s: %q", verdict, format, line)
						}
					}
				}
			}
		}
	}
}

// Whatever a file of this kind holds, it is refused with an error or told.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(head + "status: {verdict: feasible, feasible: 1, best: &a {rank: 1, replicas: 1}, plans: [*a]}"))
	f.Add([]byte(head + "status: {verdict: infeasible, rejected: {nearest: {}, relaxations: [{}]}}"))
	f.Add([]byte(head + "spec: {show: {explain: all, top: 3}}\nstatus: {verdict: unknown, unpriced: [{}], warnings: [{}]}"))
	f.Add([]byte(head + "spec: {show: {explain: '1'}}\nstatus: {verdict: feasible, feasible: 1, best: {replicas: 1}, plans: [{rank: 1, replicas: 1, owned: {}, purchase: {option: x, term: y}, explanation: {doubts: [{}]}}]}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := sizing.Read(b)
		if err != nil {
			return
		}
		if d, err := r.Document(sizing.Show{}); err == nil {
			everyFormat(t, d)
		}
	})
}

func TestFindings(t *testing.T) {
	read := func(status string) *sizing.Report {
		r, err := sizing.Read([]byte(head + "spec: {model: {name: net}, budget: {inferenceMs: 100, percentile: 99, confidence: 0.9}}\nstatus: " + status))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	warned := "warnings: [{code: stale-price, severity: warning, subject: c5.large, text: it is old}, {code: no-redundancy, severity: info, subject: c5.large, text: one instance}]}"
	got := read("{verdict: feasible, feasible: 1, best: &best {instance: c5.large, replicas: 1, latency: {confidence: 0.9}}, plans: [*best], " + warned).Findings()
	want := []report.Finding{
		{Rule: "verdict", Subject: "net", Level: report.Deny, Passed: true, Message: got[0].Message},
		{Rule: "stale-price", Subject: "net", Level: report.Warn, Message: "c5.large: it is old"},
		{Rule: "no-redundancy", Subject: "net", Level: report.Info, Message: "One instance."},
	}
	if !slices.Equal(got, want) || !strings.Contains(got[0].Message, "1 x c5.large") {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for verdict, begins := range map[string]string{"infeasible": "INFEASIBLE: nothing meets p99 ≤ 100 ms at 90% confidence.", "unknown": "UNKNOWN: "} {
		f := read("{verdict: " + verdict + "}").Findings()
		if len(f) != 1 || f[0].Passed || f[0].Rule != "verdict" || !strings.HasPrefix(f[0].Message, begins) {
			t.Errorf("%s: %+v", verdict, f)
		}
	}
}

// A way to buy that this version does not know is told in the words of the report.
func TestUnknownWaysToBuyKeepTheirWords(t *testing.T) {
	r, err := sizing.Read([]byte(head + `status: {verdict: feasible, feasible: 1, best: &best {instance: c9.large, replicas: 1, region: mars-1, purchase: {option: lease, term: 5y}}, plans: [*best]}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Document(sizing.Show{})
	if err != nil || d.Answer != "1 x c9.large, lease 5y, mars-1, 0.0000 USD/h" {
		t.Errorf("%q, %v", d.Answer, err)
	}
}

func TestReadTakesJSONAsItIs(t *testing.T) {
	r := &sizing.Report{APIVersion: report.APIVersion, Kind: sizing.Kind}
	r.Status.Verdict = planner.Unknown
	r.Spec.Model.Flops = 8178368512
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sizing.Read(b); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
}
