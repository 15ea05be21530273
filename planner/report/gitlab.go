package report

import (
	"io"
	"path/filepath"
	"strings"
)

// The objects of GitLab's code quality report (docs.gitlab.com, "Code Quality report format").
type (
	gitlabIssue struct {
		Description string         `json:"description"`
		CheckName   string         `json:"check_name"`
		Fingerprint string         `json:"fingerprint"`
		Severity    string         `json:"severity"`
		Location    gitlabLocation `json:"location"`
	}
	gitlabLocation struct {
		Path  string      `json:"path"`
		Lines gitlabLines `json:"lines"`
	}
	gitlabLines struct {
		Begin int `json:"begin"`
	}
)

// gitlabSeverities are GitLab's by our levels.
var gitlabSeverities = map[Level]string{Deny: "blocker", Warn: "minor", Info: "info"}

// writeGitLab writes an issue for each finding that did not pass. GitLab wants a place for each: one that is nowhere in particular is where its subject's
// name says.
func writeGitLab(w io.Writer, docs []Document) error {
	issues := []gitlabIssue{}
	for _, j := range judgements(docs) {
		if j.Passed {
			continue
		}
		path := strings.TrimPrefix(filepath.ToSlash(j.File), "./")
		if path == "" {
			path = j.Subject
		}
		issues = append(issues, gitlabIssue{Description: j.sentence(), CheckName: j.Rule, Fingerprint: j.fingerprint(), Severity: gitlabSeverities[j.Level],
			Location: gitlabLocation{Path: path, Lines: gitlabLines{max(1, j.Line)}}})
	}
	return writeIndented(w, issues)
}
