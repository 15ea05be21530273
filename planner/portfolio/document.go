package portfolio

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
	"github.com/eiplan/eiplan/pricing"
)

// Document tells a report: a function of it alone.
func (r *Report) Document() report.Document {
	d := report.Document{
		Value: r, Subject: r.Name(), Answer: r.answer(), Metrics: r.metrics(), Outputs: r.outputs(), Lead: r.lead(), Tables: []report.Table{r.models()}, Tail: r.tail(), Findings: r.findings(),
	}
	for _, t := range []report.Table{r.commitments(), r.owned(), r.tags(), shareTable("By region", "REGION", r.Status.ByRegion), shareTable("By way to buy", "BUY", r.Status.ByPurchase)} {
		if len(t.Rows) > 0 {
			d.Tables = append(d.Tables, t)
		}
	}
	return d
}

func (r *Report) answer() string {
	t := &r.Status.Total
	return fmt.Sprintf("%d of %d models, %s USD/h, %s USD/month", t.Feasible, t.Models, t.HourlyUsd.Fixed(4), t.MonthlyUsd.Fixed(2))
}

func (r *Report) lead() []string {
	t := &r.Status.Total
	if t.Feasible == 0 {
		return []string{fmt.Sprintf("None of %s has a plan.", report.Plural(t.Models, "model"))}
	}
	text := fmt.Sprintf("Buy %s for %s: %s USD/h, %s USD/month (730 h)", report.Plural(t.Instances, "instance"), report.Plural(t.Feasible, "model"), t.HourlyUsd.Fixed(4), t.MonthlyUsd.Fixed(2))
	if t.UpfrontUsd > 0 {
		text += fmt.Sprintf(" with %s USD due at once", t.UpfrontUsd.Fixed(2))
	}
	if len(r.Status.Owned) > 0 {
		text += fmt.Sprintf(" more than is paid already (blended %s USD/h)", t.BlendedHourlyUsd.Fixed(4))
	}
	lines := []string{text + "."}
	if n := len(t.LeftOut); n > 0 {
		lines = append(lines, fmt.Sprintf("NOT IN THE SUMS: %s without a plan: %s.", report.Plural(n, "model"), strings.Join(t.LeftOut, ", ")))
	}
	var parts []string
	part := func(of pricing.USDPerHour, text string) {
		if of > 0 && t.HourlyUsd > 0 {
			parts = append(parts, fmt.Sprintf("%s USD/h (%.0f%%) %s", of.Fixed(4), 100*of.DollarsPerHour()/t.HourlyUsd.DollarsPerHour(), text))
		}
	}
	part(t.CommittedHourlyUsd, "is committed, used or not")
	part(t.InterruptibleHourlyUsd, "is Spot, which can be taken back")
	if od := t.OnDemandEquivalentUsd; len(t.NoOnDemandPrice) == 0 && od > t.HourlyUsd {
		parts = append(parts, fmt.Sprintf("the same On-Demand is %s USD/h", od.Fixed(4)))
	}
	if len(parts) > 0 {
		lines = append(lines, "Of it "+strings.Join(parts, "; ")+".")
	}
	return lines
}

// models is a row for each.
func (r *Report) models() report.Table {
	t := report.Table{Columns: report.Columns("MODEL", "CHOICE", "BUY", "REGION", "RUNTIME", ">BOUND", ">BUDGET", ">USD/H", ">USD/MONTH", "NOTE", ">+UPFRONT", "+TAGS", "+BASIS", "+MEASURED")}
	for i := range r.Status.Models {
		m, asked := &r.Status.Models[i], &r.Spec.Models[i]
		budget := ""
		if asked.Asked != nil {
			budget = fmt.Sprintf("%.4g ms", asked.Asked.Budget.InferenceMs)
		}
		row := []string{m.Name, strings.ToUpper(string(m.Outcome)), "", "", "", "", budget, "", "", m.note(), "", tagText(asked.Tags), "", asked.Measured}
		if c := m.Best(); c != nil {
			total := hourly(c.Cost.TotalHourlyUsd)
			row = []string{m.Name, choiceText(c), sizing.Way(&c.Purchase), c.Region, c.Runtime + " " + c.Format, fmt.Sprintf("%.3g ms", c.Latency.SlaMs), budget,
				total.Fixed(4), total.PerMonth().Fixed(2), m.note(), upfront(c).Fixed(2), tagText(asked.Tags), c.Latency.Basis, asked.Measured}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// choiceText is what is bought of one choice.
func choiceText(c *planner.Choice) string {
	text := c.Instance
	if c.Accelerator != nil && c.Cost.AcceleratorHourlyUsd > 0 {
		text += " + " + *c.Accelerator
	}
	if c.Replicas > 1 {
		text = fmt.Sprintf("%d x %s", c.Replicas, text)
	}
	return text
}

// note is what to know of a model's answer, or why it has none.
func (m *Member) note() string {
	switch {
	case m.Failure != nil:
		return m.Failure.Text
	case m.Best() == nil:
		return m.lacking()
	}
	c := m.Best()
	notes := slices.Clone(c.Notes)
	if c.Owned != nil {
		var ids []string
		for _, part := range c.Owned.Commitments {
			ids = append(ids, part.ID)
		}
		notes = append([]string{"covered by " + strings.Join(ids, " and ")}, notes...)
	}
	if c.Purchase.InterruptionBand != nil {
		notes = append(notes, *c.Purchase.InterruptionBand+" interrupted")
	}
	if c.Latency.Basis == "modelled" && m.Plan.Benchmark == nil {
		notes = append(notes, "not measured")
	}
	return strings.Join(notes, "; ")
}

// lacking says what a plan without an answer lacks, and the cheapest change that would bring one.
func (m *Member) lacking() string {
	var text string
	switch rejected := &m.Plan.Rejected; {
	case m.Outcome == Unknown && len(m.Plan.Unpriced) > 0:
		text = "unknown is the " + m.Plan.Unpriced[0].Missing
	case m.Outcome == Unknown:
		text = "every price is too old or too uncertain"
	case rejected.Nearest != nil:
		text = "nearest " + choiceText(&rejected.Nearest.Choice) + ": " + rejected.Nearest.Shortfall.Text
	default:
		text = "nothing meets it"
	}
	if list := m.Plan.Rejected.Relaxations; len(list) > 0 {
		text += fmt.Sprintf("; cheapest change: %s %s instead of %s", list[0].Change, list[0].To, list[0].From)
	}
	return text
}

func tagText(tags map[string]string) string {
	var parts []string
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		parts = append(parts, tag+"="+tags[tag])
	}
	return strings.Join(parts, " ")
}

// mostNames is how many models a cell names.
const mostNames = 4

func (r *Report) commitments() report.Table {
	t := report.Table{Title: "Commitments to make, by instance family", Columns: report.Columns("FAMILY", "REGION", "COMMITMENT", "INSTANCES", ">USD/H", ">USD/MONTH", ">DUE AT ONCE", ">OVER THE TERM", "MODELS")}
	for i := range r.Status.Commitments {
		c := &r.Status.Commitments[i]
		var counts []string
		for _, n := range c.Instances {
			counts = append(counts, fmt.Sprintf("%d x %s", n.Count, n.Instance))
		}
		t.Rows = append(t.Rows, []string{c.Family, c.Region, c.Purchase, strings.Join(counts, ", "), c.HourlyUsd.Fixed(4), c.MonthlyUsd.Fixed(2), c.UpfrontUsd.Fixed(2), c.TermUsd.Fixed(2), report.Some(c.Models, mostNames)})
	}
	return t
}

func (r *Report) owned() report.Table {
	t := report.Table{Title: "Owned commitments", Columns: report.Columns("COMMITMENT", "KIND", "UNIT", ">OWNED", ">IN USE BEFORE", ">AFTER", ">IDLE", "USED BY", "EXPIRES")}
	for _, o := range r.Status.Owned {
		var by []string
		for _, use := range o.UsedBy {
			by = append(by, use.Model)
		}
		t.Rows = append(t.Rows, []string{o.ID, o.Option, o.Unit, o.Owned.String(), o.Before.String(), o.After.String(), o.Idle.String(), report.Some(by, mostNames), o.Expires})
	}
	return t
}

// tags is each value of each tag.
func (r *Report) tags() report.Table {
	t := report.Table{Title: "By tag", Columns: report.Columns(append([]string{"TAG", "VALUE"}, shareColumns()...)...)}
	for _, s := range r.Status.ByTag {
		t.Rows = append(t.Rows, append([]string{s.Tag, cmp.Or(s.Key, none)}, s.cells()...))
	}
	return t
}

func shareColumns() []string {
	return []string{">MODELS", ">INSTANCES", ">USD/H", ">USD/MONTH", ">DUE AT ONCE"}
}

func (s *Share) cells() []string {
	return []string{fmt.Sprint(s.Models), fmt.Sprint(s.Instances), s.HourlyUsd.Fixed(4), s.MonthlyUsd.Fixed(2), s.UpfrontUsd.Fixed(2)}
}

func shareTable(title, key string, shares []Share) report.Table {
	t := report.Table{Title: title, Columns: report.Columns(append([]string{key}, shareColumns()...)...)}
	for _, s := range shares {
		t.Rows = append(t.Rows, append([]string{s.Key}, s.cells()...))
	}
	return t
}

func (r *Report) tail() []string {
	var lines []string
	for i := range r.Status.Models {
		if f := r.Status.Models[i].Failure; f != nil && f.Hint != "" {
			lines = append(lines, fmt.Sprintf("%s: %s.", r.Status.Models[i].Name, f.Hint))
		}
	}
	if len(r.Status.Owned) > 0 {
		lines = append(lines, "What is owned is used up once, by the models in the order above. AWS itself begins with the largest discount, so that the bill may be lower.")
	}
	for i := range r.Status.Models {
		if c := r.Status.Models[i].Best(); c != nil {
			lines = append(lines, "Not in the price: "+strings.Join(c.Cost.Excluded, ", ")+".")
			break
		}
	}
	if warnings := r.warnings(); warnings != "" {
		lines = append(lines, warnings)
	}
	if c := r.Metadata.Catalog; c != nil {
		lines = append(lines, fmt.Sprintf("Prices: %s of %s (catalogue %.8s).", c.Source, c.AsOf, c.SHA256))
	}
	return append(lines, "Next: -o wide · -o yaml --out portfolio-plan.yaml · eiplan plan --measured FILE for one of them")
}

// warnings counts the doubts about the answers, by their code.
func (r *Report) warnings() string {
	counts := map[string]int{}
	for i := range r.Status.Models {
		if r.Status.Models[i].Best() == nil {
			continue
		}
		for _, code := range slices.Compact(slices.Sorted(cautions(r.Status.Models[i].Plan))) {
			counts[code]++
		}
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s (%s)", code, report.Plural(counts[code], "model")))
	}
	if len(parts) == 0 {
		return ""
	}
	return "Warnings, each told in the model's own plan: " + strings.Join(parts, ", ") + "."
}

// cautions are the codes of a plan's warnings.
func cautions(p *planner.Plan) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, w := range p.Warnings {
			if w.Severity == planner.Caution && !yield(w.Code) {
				return
			}
		}
	}
}
