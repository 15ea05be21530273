package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ofCommand is the command line that a report holds, which is of how it was asked for.
var ofCommand = regexp.MustCompile(`"command":\[[^]]*\]`)

// A review of a plan is a pure function of its report: whether it is written at once or told later, and whatever was asked.
func TestReviewsAreToldFromReports(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000")
	for _, g := range goldenPlans {
		t.Run(g.name, func(t *testing.T) {
			page := printed(t, g.exit, append(planned(g.args), "-o", "html")...)
			yaml := printed(t, g.exit, append(planned(g.args), "--analysis", "-o", "yaml")...)
			told := printed(t, exitFeasible, "report", filed(t, "plan.yaml", yaml), "-o", "html")
			if d := cmp.Diff(strings.Split(ofCommand.ReplaceAllString(page, ""), "\n"), strings.Split(ofCommand.ReplaceAllString(told, ""), "\n")); d != "" {
				t.Errorf("(-written +told):\n%s", d)
			}
			if strings.Contains(page, "plan with --analysis") {
				t.Error("the review was not analysed")
			}
			for _, foreign := range []string{"http:", "https:", "@import", "url(h", " src="} {
				if before, _, found := strings.Cut(page, `<script type="application/json"`); found && strings.Contains(before, foreign) {
					t.Errorf("the page refers to something outside of itself: %s", foreign)
				}
			}
		})
	}
}

// A report that was written without an analysis says so where its charts would be, and is drawn as far as it goes.
func TestReviewsOfBareReports(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000")
	yaml := printed(t, exitFeasible, append(planned("--latency 100ms"), "-o", "yaml")...)
	page := printed(t, exitFeasible, "report", filed(t, "plan.yaml", yaml), "-o", "html")
	if n := strings.Count(page, "Not in this report: plan with --analysis."); n != 3 {
		t.Errorf("%d charts are said to be missing, want 3", n)
	}
	if n := strings.Count(page, "<svg class=\"chart\""); n != 4 {
		t.Errorf("%d charts are drawn, want 4", n)
	}
}

// Several plans are one review with their sum.
func TestReviewOfSeveral(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1770000000")
	var files []string
	for _, args := range []string{"--latency 100ms", "--latency 50ms --rate 40/s", "--latency 100us"} {
		exit := exitFeasible
		if strings.Contains(args, "us") {
			exit = exitInfeasible
		}
		files = append(files, filed(t, "plan.yaml", printed(t, exit, append(planned(args), "-o", "yaml")...)))
	}
	page := printed(t, exitFeasible, append([]string{"report", "-o", "html"}, files...)...)
	for _, want := range []string{"<h1 id=\"s0-h\">Capacity review of 3 plans</h1>", "2 of 3 feasible", "resnet50 within 50 ms at 40/s"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
	if n := strings.Count(page, "<article"); n != 4 {
		t.Errorf("%d articles, want 4", n)
	}
}
