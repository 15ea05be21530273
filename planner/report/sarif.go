package report

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// The objects of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0.json), as far as they are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string             `json:"id"`
		Default sarifConfiguration `json:"defaultConfiguration"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifInvocation struct {
		Successful bool `json:"executionSuccessful"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifMessage      `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// sarifLevels are SARIF's by ours.
var sarifLevels = map[Level]string{Deny: "error", Warn: "warning", Info: "note"}

// writeSARIF writes one run with a result for each finding that did not pass: GitHub's code scanning makes an alert of every result. The rules are those
// of all findings.
func writeSARIF(w io.Writer, docs []Document) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "eiplan", InformationURI: "https://github.com/eiplan/eiplan", Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{Successful: true}}, Results: []sarifResult{},
	}
	rules := &run.Tool.Driver.Rules
	for _, j := range judgements(docs) {
		rule := slices.IndexFunc(*rules, func(r sarifRule) bool { return r.ID == j.Rule })
		if rule < 0 {
			rule = len(*rules)
			*rules = append(*rules, sarifRule{ID: j.Rule, Default: sarifConfiguration{sarifLevels[j.Level]}})
		}
		if j.Passed {
			continue
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: j.Rule, RuleIndex: rule, Level: sarifLevels[j.Level], Message: sarifMessage{noLink.Replace(j.sentence())}, Locations: j.locations(),
			Fingerprints: map[string]string{"eiplanFinding/v1": j.fingerprint()},
		})
	}
	return writeIndented(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

// noLink breaks what SARIF takes for a link within a message: [text](target).
var noLink = strings.NewReplacer("](", "] (")

// locations are where the reader should look; none where that is nowhere in particular.
func (j *judged) locations() []sarifLocation {
	if j.File == "" {
		return nil
	}
	l := sarifLocation{sarifPhysical{Artifact: sarifArtifact{fileURI(j.File)}}}
	if j.Line > 0 {
		l.Physical.Region = &sarifRegion{j.Line}
	}
	return []sarifLocation{l}
}

// fileURI is a path as a URI reference; relative paths stay relative.
func fileURI(path string) string {
	path = strings.TrimPrefix(filepath.ToSlash(path), "./")
	u := url.URL{Path: path}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}
