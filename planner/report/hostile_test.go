package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// hostileTexts are what a model's name or path may hold to be taken for more than a text, by whom it is meant for.
var hostileTexts = map[string]string{
	"terminal, colour":        "net\x1b[2J\x1b]0;owned\x07",
	"terminal, C1":            "net\u009b31mred\u0085next",
	"terminal, line":          "net\r\nBuy nothing.\n\tand tab\v\f\b\x7f",
	"reader, bidi":            "net\u202egnp.exe\u2066\u2069\u200f\u061c",
	"reader, invisible":       "net\u200b\u2028\u2029\ufeff\u00ad",
	"GitHub Actions":          "::error file=a,line=1::owned",
	"GitHub Actions, after":   "net\n::set-output name=x::owned\n  ::stop-commands::x",
	"GitHub Actions, space":   " \u00a0::error::owned",
	"GitHub Actions, older":   "net ##[error]owned ###[group]x",
	"GitHub Actions, escapes": "net%0A::error::%25,title=owned",
	"XML":                     "</failure></testcase>]]><x a='\"'>&amp;&lt;\x00\ufffe",
	"HTML":                    "<script>alert(1)</script><!-- --> <img src=x onerror=y>",
	"HTML comment":            "net --> <!-- eiplan:other -->",
	"CSV":                     "=cmd|' /C calc'!A0",
	"CSV, plus":               "+1+1",
	"CSV, minus":              "-2+3|cmd",
	"CSV, at":                 "@SUM(A1)",
	"CSV, tab":                "\t=1+1",
	"CSV, space":              "  =1+1",
	"CSV, quotes":             `a"b,"c` + "\n=1",
	"Markdown":                "[x](https://example.com) `code` **bold** __init__ ~~no~~ ![i](u) $x^2$ \\",
	"Markdown, table":         "a | b \\| c |\n|---|",
	"Markdown, block":         "# heading",
	"Markdown, quotation":     "> quoted",
	"Markdown, list":          "1. one",
	"Markdown, rule":          "--- \n===",
	"GitHub, mention":         "@octocat and org/repo#123 and #1",
	"YAML":                    "a: {b: [c]} # comment\n- d\n...\n---\n!!tag &anchor *alias",
	"metrics":                 "a\"} 1\nowned{x=\"y\"} 2 # EOF \\",
	"no text":                 "net\xff\xc3(",
	"heredoc":                 "EIPLAN\nEIPLAN_\nx<<EIPLAN",
	"nothing":                 "",
}

// hostile is a document of which every text is s.
func hostile(s string) Document {
	return Document{
		Lead: []string{s, "is " + s}, Tail: []string{s}, Subject: s, Answer: s,
		Tables:   []Table{{Title: s, Columns: []Column{{Name: s}, {Name: "B", Right: true}, {Name: "C", Wide: true}}, Rows: [][]string{{s, s, s}, {"", s, "x " + s}}}},
		Findings: []Finding{{Rule: s, Subject: s, Level: Deny, Message: s, File: s, Line: 1}, {Rule: "x" + s, Level: Warn, Message: "y" + s, File: s}},
		Metrics:  []Metric{{Name: "eiplan_x", Help: "X.", Labels: []Label{{"model", s}, {"other", "o" + s}}, Value: 0.5}},
		Outputs:  []Output{{"answer", s}},
		Value:    map[string]any{"name": s, "list": []any{s, "x" + s}, "x" + s: map[string]any{s: 1.5}},
	}
}

// safety is what each format's output must hold, of a document of which every text is s.
var safety = map[string]func(t *testing.T, s, out string){
	"table": textLines,
	"wide":  textLines,
	"name":  func(t *testing.T, _, out string) { lines(t, out, 1) },
	"json":  func(t *testing.T, s, out string) { sameValue(t, s, out, json.Unmarshal) },
	"yaml":  func(t *testing.T, s, out string) { sameValue(t, s, out, yaml.Unmarshal) },
	"csv": func(t *testing.T, s, out string) {
		r := csv.NewReader(strings.NewReader(out))
		rows, err := r.ReadAll()
		if err != nil || len(rows) != 3 || len(rows[1]) != 3 {
			t.Fatalf("%v: %q", err, rows)
		}
		for _, row := range rows {
			for _, cell := range row {
				if regexp.MustCompile(`^\s*[-+=@]`).MatchString(cell) {
					t.Errorf("the cell %q is a formula", cell)
				}
			}
		}
		if want := Legible(s); strings.TrimPrefix(rows[1][0], "'") != want {
			t.Errorf("%q became %q", want, rows[1][0])
		}
	},
	"html":     func(t *testing.T, s, _ string) { inertPage(t, s) },
	"markdown": inertMarkdown,
	"comment": func(t *testing.T, s, out string) {
		tag, rest, _ := strings.Cut(out, "\n")
		if !regexp.MustCompile(`^<!-- eiplan:[A-Za-z0-9./_]*(-[A-Za-z0-9./_]+)* -->$`).MatchString(tag) {
			t.Errorf("tag %q", tag)
		}
		inertMarkdown(t, s, rest)
	},
	"junit": func(t *testing.T, s, out string) {
		var suites junitSuites
		if err := xml.Unmarshal([]byte(out), &suites); err != nil {
			t.Fatal(err)
		}
		if c := suites.Suites[0].Cases; len(c) != 2 || c[0].Name != Legible(s) || c[0].Failure.Message != Legible(s) {
			t.Errorf("%q became %+v", s, c)
		}
		elements(t, out, map[string]int{"testsuites": 1, "testsuite": 1, "testcase": 2, "failure": 1, "system-out": 1})
	},
	"sarif": func(t *testing.T, _, out string) {
		var log sarifLog
		if err := json.Unmarshal([]byte(out), &log); err != nil || len(log.Runs[0].Results) != 2 {
			t.Fatalf("%v: %+v", err, log)
		}
		if text := log.Runs[0].Results[0].Message.Text; strings.Contains(text, "](") {
			t.Errorf("a link in %q", text)
		}
	},
	"gitlab": func(t *testing.T, s, out string) {
		var issues []gitlabIssue
		if err := json.Unmarshal([]byte(out), &issues); err != nil || len(issues) != 2 || issues[0].CheckName != Legible(s) {
			t.Fatalf("%v: %+v", err, issues)
		}
	},
	"github": func(t *testing.T, s, out string) {
		lines(t, out, 1+2)
		list := strings.Split(out, "\n")
		for i, command := range []string{"error", "warning"} {
			at := regexp.MustCompile(`^::([a-z]+) ((?:[a-z]+=[^:,]*,?)*)::(.*)$`).FindStringSubmatch(list[i+1])
			if at == nil || at[1] != command {
				t.Errorf("%q is not one command", list[i+1])
				continue
			}
			if got := unescapeCommand(at[3]); i == 0 && got != Legible(s) {
				t.Errorf("%q became %q", Legible(s), got)
			}
		}
	},
	"metrics": func(t *testing.T, _, out string) {
		lines(t, out, 4)
		line := strings.Split(out, "\n")[2]
		if !regexp.MustCompile(`^eiplan_x\{model="(?:[^"\\]|\\["\\n])*",other="(?:[^"\\]|\\["\\n])*"\} 0\.5$`).MatchString(line) || strings.Contains(line, "#") {
			t.Errorf("%q is not one metric", line)
		}
	},
}

// Whatever a name holds, every format shows it and nothing takes it for more.
func TestHostileTextsAreHarmless(t *testing.T) {
	for _, format := range Formats() {
		check, ok := safety[format]
		if !ok {
			t.Errorf("no check of safety for %s", format)
			continue
		}
		for why, s := range hostileTexts {
			t.Run(format+"/"+why, func(t *testing.T) {
				var b bytes.Buffer
				if err := Write(&b, format, hostile(s)); err != nil {
					t.Fatal(err)
				}
				legibleOutput(t, format, b.String())
				check(t, s, b.String())
				if t.Failed() {
					t.Logf("%s", b.String())
				}
			})
		}
	}
}

// legibleOutput is what holds of every format: only text, and no command of GitHub Actions but those of its own format.
func legibleOutput(t *testing.T, format, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Error("not UTF-8")
	}
	for _, r := range out {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("holds %U", r)
		}
	}
	if strings.Contains(out, "##[") {
		t.Error("holds ##[")
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") && format != "github" {
			t.Errorf("the line %q is a command", line)
		}
	}
}

// textLines counts paragraphs, a title if there is one, rows and what parts them.
func textLines(t *testing.T, s, out string) {
	want := 3 + 3 + 2
	if s != "" {
		want++
	}
	lines(t, out, want)
}

func lines(t *testing.T, out string, want int) {
	t.Helper()
	if got := strings.Count(out, "\n"); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
}

// sameValue compares what was written with what was to be written; bytes that are no text are lost in JSON.
func sameValue(t *testing.T, s, out string, decode func([]byte, any) error) {
	t.Helper()
	var got any
	if err := decode([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	want := hostile(strings.ToValidUTF8(s, "\uFFFD")).Value
	if !utf8.ValidString(s) {
		want = hostile(string([]rune(s))).Value
	}
	var plain any
	b, err := json.Marshal(want)
	if err == nil {
		err = json.Unmarshal(b, &plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, plain) {
		t.Errorf("got %q, want %q", got, plain)
	}
}

// inertMarkdown finds what Markdown would act on: a sign without a backslash, an element, a mention, a block.
func inertMarkdown(t *testing.T, _, out string) {
	t.Helper()
	active := regexp.MustCompile("(^|[^\\\\])(\\\\\\\\)*[`*_~$\\[\\]]|<|@\\w|#\\w")
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		text := strings.ReplaceAll(strings.TrimPrefix(line, "### "), "&#8203;", "\u200b")
		if regexp.MustCompile(`^\|[-:|]+\|$`).MatchString(text) {
			continue
		}
		if at := active.FindString(text); at != "" {
			t.Errorf("%q is active in %q", at, line)
		}
		if strings.HasPrefix(text, "|") {
			if n := len(regexp.MustCompile(`(^|[^\\])(\\\\)*\|`).FindAllString(text, -1)); n != 3 {
				t.Errorf("%d cells in %q", n-1, line)
			}
		} else if regexp.MustCompile(`^\s*([-+>#=]|[0-9]+[.)]\s)`).MatchString(text) && text == line {
			t.Errorf("%q begins a block", line)
		}
	}
}

// elements counts those of an XML document.
func elements(t *testing.T, out string, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(out)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			got[start.Name.Local]++
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("elements %v, want %v", got, want)
	}
}

// unescapeCommand reads the data of a workflow command, as actions/runner does.
func unescapeCommand(s string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(s)
}

// What a text becomes can be read back as Go reads it, so that nothing of it is lost.
func TestLegible(t *testing.T) {
	for why, s := range hostileTexts {
		shown := Legible(s)
		quoted := `"` + strings.ReplaceAll(strings.NewReplacer(`\#`, "#", `\:`, ":").Replace(shown), `"`, `\"`) + `"`
		if strings.Contains(s, `\`) {
			continue // a backslash of its own stands for itself
		}
		if got, err := strconv.Unquote(quoted); err != nil || got != s {
			t.Errorf("%s: %q is shown as %s, which reads %q (%v)", why, s, shown, got, err)
		}
	}
	if shown := Legible("p99 ≤ 84 ms = 300 − 200 · 东京 é ResNet::v2"); shown != "p99 ≤ 84 ms = 300 − 200 · 东京 é ResNet::v2" {
		t.Errorf("changed to %s", shown)
	}
}
