package sizing

import (
	"fmt"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// noAnswer says why nothing will do, what comes nearest and what would have to give.
func (t *teller) noAnswer() []string {
	var lines []string
	if t.Status.Verdict == planner.Unknown {
		lines = append(lines, t.unknown())
	} else {
		lines = append(lines, fmt.Sprintf("INFEASIBLE: nothing meets %s ≤ %s at %.0f%% confidence. %s", t.percentile(), t.budget(), 100*t.Spec.Budget.Confidence, t.binding()))
	}
	if n := t.Status.Rejected.Nearest; n != nil {
		lines = append(lines, fmt.Sprintf("Nearest: %s, %s, in %s, %s USD/h: %s.", Name(&n.Choice), buyOf(&n.Choice), n.Region, report.Rate(n.Cost.TotalHourlyUsd), n.Shortfall.Text))
	}
	for i, r := range t.Status.Rejected.Relaxations {
		what := "Or: "
		if i == 0 {
			what = "Cheapest change: "
		}
		lines = append(lines, what+relaxation(&r))
	}
	return lines
}

// relaxation is one change to the request, and what it would bring.
func relaxation(r *planner.Relaxation) string {
	text := fmt.Sprintf("%s %s instead of %s", r.Change, r.To, r.From)
	if c := r.Choice; c != nil {
		text += fmt.Sprintf(", for %s%s, %s, in %s", times(c.Replicas), Name(c), buyOf(c), c.Region)
	}
	if r.HourlyUsd != nil {
		text += fmt.Sprintf(" at %s USD/h", report.Rate(*r.HourlyUsd))
	}
	return text + "."
}

// unknown names the candidates that would do, if their price were known.
func (t *teller) unknown() string {
	if len(t.Status.Unpriced) == 0 {
		return "UNKNOWN: candidates would do, but --max-price-age or --price-quality excludes every price of theirs."
	}
	u := t.Status.Unpriced[0]
	name := u.Instance
	if u.Accelerator != nil {
		name += " with " + *u.Accelerator
	}
	return fmt.Sprintf("UNKNOWN: %s would do, but the price is not known. The fastest is %s in %s, %s ≤ %s ms; unknown is the %s.", candidates(t.Status.Rejected.Count[planner.NoPrice]), name, u.Region, t.percentile(), report.Milliseconds(u.SlaMs), u.Missing)
}

// binding names the constraint that the nearest candidate breaks, else the one that most break.
func (t *teller) binding() string {
	counts := t.Status.Rejected.Count
	var reason planner.Reason
	if n := t.Status.Rejected.Nearest; n != nil {
		reason = n.Shortfall.Reason
	} else {
		most := func(plain bool) {
			for _, r := range reasons {
				if r.plain == plain && r.reason != planner.NotAsked && counts[r.reason] > counts[reason] {
					reason = r.reason
				}
			}
		}
		if most(false); reason == "" {
			most(true)
		}
	}
	if reason == "" {
		return "Every candidate is left out by a flag."
	}
	return fmt.Sprintf("What binds: %s of %s are %s.", report.Count(counts[reason]), candidates(t.Status.Considered), reasonText(reason))
}

// candidates counts them.
func candidates(n int) string {
	if n == 1 {
		return "1 candidate"
	}
	return report.Count(n) + " candidates"
}

// reasons words why candidates are out. The plain ones are rules that hold whatever the model is: their counts say little.
var reasons = [...]struct {
	reason planner.Reason
	text   string
	plain  bool
}{
	{planner.TooSlow, "too slow", false},
	{planner.LacksMemory, "short of memory", false},
	{planner.CannotKeepUp, "unable to keep up with the rate", false},
	{planner.Retired, "no longer sold", false},
	{planner.NoPrice, "without a known price", false},
	{planner.PriceTooOld, "priced too long ago", false},
	{planner.TooInterrupted, "interrupted too often", false},
	{planner.CommitmentTooLong, "bound for too long", false},
	{planner.NotOffered, "not sold that way", false},
	{planner.NoData, "of unknown hardware", true},
	{planner.NotDeployable, "not usable by their runtime", true},
	{planner.NotByDefault, "burstable, bare metal or of a previous generation", true},
	{planner.NotInRegion, "not sold in the region", true},
	{planner.NotAsked, "left out by a flag", true},
	{planner.EIRule, "against a rule of Elastic Inference", true},
}

// Reasons lists why a candidate may be rejected.
func Reasons() []planner.Reason {
	list := make([]planner.Reason, len(reasons))
	for i, r := range reasons {
		list[i] = r.reason
	}
	return list
}

func reasonText(r planner.Reason) string {
	for _, x := range reasons {
		if x.reason == r {
			return x.text
		}
	}
	return string(r)
}
