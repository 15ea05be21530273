package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/pricing"
)

// answer is the plan in one line.
func (s *screen) answer() string {
	b := s.plan.Best
	if b == nil {
		return string(s.plan.Verdict)
	}
	return fmt.Sprintf("%d x %s, %s, %s, %s USD/h", b.Replicas, nameOf(b), buyOf(b), b.Region, usd(b.Cost.TotalHourlyUsd))
}

// percentile is the SLA's, as p99.
func (s *screen) percentile() string { return s.flags.percentile.String() }

// lead is the answer, how it holds and what it rests on; or why there is none.
func (s *screen) lead() []string {
	b := s.plan.Best
	if b == nil {
		return s.noAnswer()
	}
	return []string{s.purchase(b), s.timing(b), s.basis(b)}
}

// purchase says what to buy.
func (s *screen) purchase(b *planner.Choice) string {
	text := fmt.Sprintf("%d x %s, %s, in %s: %s USD/h, %s USD/month (730 h)", b.Replicas, nameOf(b), buyOf(b), b.Region, usd(b.Cost.TotalHourlyUsd), dollars(b.Cost.TotalMonthlyUsd))
	if up := b.Cost.UpfrontUsd * float64(b.Replicas); up > 0 {
		text += fmt.Sprintf(" with %s USD due at once", dollars(up))
	}
	if o := b.Owned; o != nil {
		text += fmt.Sprintf(" more than is paid already (blended %s USD/h)", usd(o.BlendedHourlyUsd))
	}
	text += doubtfulPrices(b)
	if s.flags.objective == string(planner.PerMillion) {
		text += fmt.Sprintf(", %s USD per million requests", usd(b.Cost.PerMillionUsd))
	}
	verb := "Buy "
	if s.flags.asOf != "" {
		verb = fmt.Sprintf("As of %v, buy ", s.request.AsOf)
	}
	if !onSale(b) {
		return "The cheapest is " + text + ". Meets the SLA, but can't be bought any more."
	}
	return verb + text + ". Meets the SLA."
}

// doubtfulPrices marks a cost of which a part was not observed.
func doubtfulPrices(c *planner.Choice) string {
	var parts []string
	for _, p := range c.Cost.Prices {
		if p.Quality != pricing.Observed.String() {
			parts = append(parts, p.Quality+" price of "+p.What)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// onSale reports whether all of a choice is sold.
func onSale(c *planner.Choice) bool {
	current := pricing.Current.String()
	return c.Lifecycle.Instance == current && (c.Lifecycle.Accelerator == nil || *c.Lifecycle.Accelerator == current)
}

// timing holds the prediction against the budget.
func (s *screen) timing(b *planner.Choice) string {
	load := "One request at a time"
	if s.request.Rate > 0 {
		load = fmt.Sprintf("%.4g requests a second", s.request.Rate)
		for _, busy := range []*float64{b.Utilisation.CPU, b.Utilisation.Accelerator} {
			if busy != nil {
				load += fmt.Sprintf(" (%.2g%% busy)", 100**busy)
			}
		}
	}
	if b.Replicas == 1 {
		load += ", no redundancy"
	}
	budget := s.request.SLA.InferenceMs()
	return fmt.Sprintf("Inference %s ≤ %s ms (%.0f%% confidence; centre %s) within %s; %.0f%% spare. %s.", s.percentile(), ms(b.Latency.SlaMs), 100*b.Latency.Confidence, ms(b.Latency.P50Ms),
		s.budget(), math.Floor(100*b.Latency.HeadroomMs/budget), load)
}

// budget is the arithmetic of the SLA: 100 ms = 300 − 200 preprocess.
func (s *screen) budget() string {
	text := fmt.Sprintf("%g ms", s.request.SLA.InferenceMs())
	if len(s.request.SLA.Reserved) > 0 {
		text += fmt.Sprintf(" = %g", s.request.SLA.TotalMs)
		for _, r := range s.request.SLA.Reserved {
			text += fmt.Sprintf(" − %g %s", r.Ms, r.Name)
		}
	}
	return text
}

// basis says how the answer's latency was come by.
func (s *screen) basis(b *planner.Choice) string {
	text := fmt.Sprintf("%s for %s %s", strings.ToUpper(b.Latency.Basis), b.Runtime, b.Format)
	if b.Latency.Basis == "measured" {
		return fmt.Sprintf("%s: %s (%s, as of %s).", text, b.Latency.Source, s.flags.files.calibration, b.Latency.AsOf)
	}
	model := fmt.Sprintf("%s, %.3g GFLOP", s.request.Model.Name, s.request.Workload.FLOPs/1e9)
	if s.request.Measured == nil {
		return text + fmt.Sprintf(" from the counted work of %s. Not measured anywhere.", model)
	}
	for _, r := range s.request.Measured.Runs {
		if r.Precision == "fp32" {
			here := fmt.Sprintf("%s ms here (%d runs of %s, %d threads)", ms(r.P50Ms), r.Samples, model, r.Threads)
			switch {
			case b.Latency.Basis != "anchored":
				text += "; " + here
			case r.P99Ms == nil:
				text += " on " + here + ", too few for a p99: the tail is modelled"
			default:
				text += " on " + here
			}
		}
	}
	return text + ". Not measured there."
}

// noAnswer says why nothing will do, what comes nearest and what would have to give.
func (s *screen) noAnswer() []string {
	var lines []string
	if s.plan.Verdict == planner.Unknown {
		lines = append(lines, s.unknown())
	} else {
		lines = append(lines, fmt.Sprintf("INFEASIBLE: nothing meets %s ≤ %s at %.0f%% confidence. %s", s.percentile(), s.budget(), 100*s.flags.confidence, s.binding()))
	}
	if n := s.plan.Rejected.Nearest; n != nil {
		lines = append(lines, fmt.Sprintf("Nearest: %s, %s, in %s, %s USD/h: %s.", nameOf(&n.Choice), buyOf(&n.Choice), n.Region, usd(n.Cost.TotalHourlyUsd), n.Shortfall.Text))
	}
	for i, r := range s.plan.Rejected.Relaxations {
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
		text += fmt.Sprintf(", for %s%s, %s, in %s", times(c.Replicas), nameOf(c), buyOf(c), c.Region)
	}
	if r.HourlyUsd != nil {
		text += fmt.Sprintf(" at %s USD/h", usd(*r.HourlyUsd))
	}
	return text + "."
}

// unknown names the candidates that would do, if their price were known.
func (s *screen) unknown() string {
	if len(s.plan.Unpriced) == 0 {
		return "UNKNOWN: candidates would do, but --max-price-age or --price-quality excludes every price of theirs."
	}
	u := s.plan.Unpriced[0]
	name := u.Instance
	if u.Accelerator != nil {
		name += " with " + *u.Accelerator
	}
	return fmt.Sprintf("UNKNOWN: %s would do, but the price is not known. The fastest is %s in %s, %s ≤ %s ms; unknown is the %s.", candidates(s.plan.Rejected.Count[planner.NoPrice]), name, u.Region, s.percentile(), ms(u.SlaMs), u.Missing)
}

// binding names the constraint that the nearest candidate breaks, else the one that most break.
func (s *screen) binding() string {
	counts := s.plan.Rejected.Count
	var reason planner.Reason
	if n := s.plan.Rejected.Nearest; n != nil {
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
	return fmt.Sprintf("What binds: %s of %s are %s.", count(counts[reason]), candidates(s.plan.Considered), reasonText(reason))
}

// candidates counts them.
func candidates(n int) string {
	if n == 1 {
		return "1 candidate"
	}
	return count(n) + " candidates"
}

// reasons words why candidates are out. The plain ones are rules that hold whatever the model is: their counts say little.
var reasons = []struct {
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

func reasonText(r planner.Reason) string {
	for _, x := range reasons {
		if x.reason == r {
			return x.text
		}
	}
	return string(r)
}

// tail is what stands beside the answer: the best retired plan, the baseline, what is not counted, where the prices are from, doubts.
func (s *screen) tail() []string {
	p := s.plan
	var lines []string
	if c := p.BestElasticInference; p.Best != nil && len(s.request.Constraints.Accelerators) == 0 && (c == nil || nameOf(c) != nameOf(p.Best)) {
		lines = append(lines, s.elasticInference())
	}
	lines = append(lines, s.baseline()...)
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	if p.Best != nil {
		lines = append(lines, "Not in the price: "+strings.Join(p.Best.Cost.Excluded, ", ")+"."+s.savingsPlans())
	}
	lines = append(lines, s.provenance())
	if drift := s.bench.drift(); drift != "" {
		lines = append(lines, drift)
	}
	if notes := s.bench.Spec.Model.Notes; len(notes) > 0 {
		lines = append(lines, strings.Join(notes, " "))
	}
	lines = append(lines, s.doubts()...)
	if p.Best != nil {
		lines = append(lines, "Next: --explain 1 · -o wide · -o yaml --out plan.yaml")
	}
	return lines
}

// elasticInference is the cheapest plan with it, which is shown whether it can be bought or not.
func (s *screen) elasticInference() string {
	c := s.plan.BestElasticInference
	if c == nil {
		return "Elastic Inference: nothing with it meets the request, at a known price."
	}
	state := ""
	if !onSale(c) {
		state = " (can't be bought any more)"
		if l := s.request.Catalog.Sold(c.Region, *c.Accelerator, s.date()); l.Retired != 0 && l.State == pricing.Retired {
			state = fmt.Sprintf(" (retired %v, can't be bought)", l.Retired)
		}
	}
	return fmt.Sprintf("Elastic Inference%s: %s%s, %s, %s ≤ %s ms, %s USD/h.", state, times(c.Replicas), nameOf(c), buyOf(c), s.percentile(), ms(c.Latency.SlaMs), usd(c.Cost.TotalHourlyUsd))
}

// baseline compares with what runs today.
func (s *screen) baseline() []string {
	b := s.plan.Baseline
	switch {
	case s.flags.baseline == "":
		return nil
	case b == nil:
		return []string{fmt.Sprintf("Baseline %s: it has no known price or can't be predicted, so there is nothing to compare with.", s.flags.baseline)}
	}
	line := fmt.Sprintf("Baseline %s%s, %s: %s ≤ %s ms, %s USD/h", times(b.Replicas), nameOf(&b.Choice), buyOf(&b.Choice), s.percentile(), ms(b.Latency.SlaMs), usd(b.Cost.TotalHourlyUsd))
	if !b.MeetsSLA {
		line += ", misses the SLA"
	}
	if p := b.SavingsPercent; p != nil && *p >= 0 {
		line += fmt.Sprintf("; the answer costs %.0f%% less", *p)
	} else if p != nil {
		line += fmt.Sprintf("; the answer costs %.0f%% more", -*p)
	}
	return []string{line + "."}
}

// savingsPlans says where the rates of Savings Plans are unknown, for the answer could be cheaper with one.
func (s *screen) savingsPlans() string {
	b := s.plan.Best
	for _, g := range s.request.Catalog.Gaps(pricing.Query{Region: b.Region, Subject: b.Instance, At: s.request.AsOf}) {
		if g.Purchase.Option == pricing.SavingsPlan && g.Reason == pricing.NoPrice {
			return " Savings Plans: not every rate for " + b.Instance + " is known."
		}
	}
	return ""
}

// provenance dates the prices and counts the candidates.
func (s *screen) provenance() string {
	cat, region := s.request.Catalog, defaultRegion
	if r := s.request.Constraints.Regions; len(r) > 0 && r[0] != "all" {
		region = r[0]
	}
	if b := s.plan.Best; b != nil {
		region = b.Region
	}
	var dated []string
	for _, o := range []pricing.Option{pricing.OnDemand, pricing.Reserved, pricing.Spot} {
		if d := cat.Vintage(region, o, s.request.AsOf); d != 0 {
			dated = append(dated, fmt.Sprintf("%s %v", pricing.WayOf(o).Name, d))
		}
	}
	var over strings.Builder
	for _, o := range s.flags.sources.pins.Overlays {
		fmt.Fprintf(&over, " under %s %.8s", o.Source, o.SHA256)
	}
	text := fmt.Sprintf("Prices: %s (catalogue %.8s%s). %s ways to buy meet everything; of %s candidates: ", strings.Join(dated, ", "), cat.SHA256(), over.String(), count(s.plan.Feasible), count(s.plan.Considered))
	var parts []string
	others := 0
	for _, r := range reasons {
		switch n := s.plan.Rejected.Count[r.reason]; {
		case r.plain:
			others += n
		case n > 0:
			parts = append(parts, count(n)+" "+r.text)
		}
	}
	if others > 0 {
		parts = append(parts, count(others)+" out by rule or flag")
	}
	return text + strings.Join(parts, ", ") + "."
}

// doubts are the warnings as sentences, but for those that the answer itself tells.
func (s *screen) doubts() []string {
	var lines []string
	for _, run := range s.bench.Status.Runs {
		if w := run.gravest(); w != nil && run.Precision == "fp32" {
			lines = append(lines, sentence("Warning: the measurement: "+w.Text))
		}
	}
	for _, w := range s.flags.sources.warnings {
		lines = append(lines, sentence("Warning: "+w))
	}
	for _, w := range s.plan.Warnings {
		switch {
		case w.Code == "no-redundancy", w.Code == "price-unknown":
		case w.Severity == planner.Caution:
			lines = append(lines, sentence(fmt.Sprintf("Warning: %s: %s", w.Subject, w.Text)))
		default:
			lines = append(lines, sentence(w.Text))
		}
	}
	return lines
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// count writes a number with commas between thousands.
func count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
