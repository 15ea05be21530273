package report

import (
	"encoding/xml"
	"io"
)

// The elements of JUnit's XML, as the schema of Jenkins' xUnit plugin (junit-10.xsd) has them.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitFailure `xml:"failure"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a suite for each document and a case for each finding. Only what denies fails; what else did not pass is in its case's output.
func writeJUnit(w io.Writer, docs []Document) error {
	all := junitSuites{Name: "eiplan"}
	for _, d := range docs {
		suite := junitSuite{Name: d.Subject}
		if suite.Name == "" {
			suite.Name = all.Name
		}
		for _, j := range judgements([]Document{d}) {
			c := junitCase{Name: j.name(), Class: j.Subject}
			switch {
			case !j.Passed && j.Level == Deny:
				c.Failure = &junitFailure{Type: j.Rule, Message: j.Message, Text: j.sentence() + j.place()}
				suite.Failures++
			default:
				c.Out = j.Message
			}
			suite.Cases = append(suite.Cases, c)
		}
		suite.Tests = len(suite.Cases)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
