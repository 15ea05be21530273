package gate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// Cause is one thing that a plan follows from, on both sides.
type Cause struct {
	Cause      string   `json:"cause"`
	Differs    *bool    `json:"differs"` // null: the reports can't tell
	Old        string   `json:"old"`
	New        string   `json:"new"`
	MonthlyUsd *float64 `json:"monthlyUsd"` // its share of the change of cost as reported; null: unknown, as where several differ
}

// pair is what is compared.
type pair struct{ base, head *sizing.Report }

// The causes, in the order in which they are told.
const (
	ofModel        = "model"
	ofMeasurement  = "measurement"
	ofRate         = "rate"
	ofSLA          = "sla"
	ofRequest      = "constraints"
	ofCatalogue    = "catalogue"
	ofPrices       = "prices"
	ofLifecycle    = "lifecycle"
	ofCoefficients = "coefficients"
	ofCalibration  = "calibration"
	ofTool         = "tool"
)

// causes says which inputs differ. The change of cost is theirs: that of prices is known where the choice is the same, or nothing else differs; that of
// anything else where it alone, beside prices, differs.
func (p pair) causes(d *Diff, more *Cause) []Cause {
	b, h := p.base, p.head
	list := []Cause{
		cause(ofModel, short(b.Spec.Model.Sha256), short(h.Spec.Model.Sha256), known(b.Spec.Model.Sha256 != h.Spec.Model.Sha256)),
		cause(ofMeasurement, measurement(&b.Status), measurement(&h.Status), known(!reflect.DeepEqual(b.Status.Benchmark, h.Status.Benchmark))),
		cause(ofRate, load(&b.Spec), load(&h.Spec), known(load(&b.Spec) != load(&h.Spec))),
		cause(ofSLA, budget(&b.Spec.Budget), budget(&h.Spec.Budget), known(budget(&b.Spec.Budget) != budget(&h.Spec.Budget))),
		requestCause(&b.Spec, &h.Spec),
		originCause(ofCatalogue, b.Metadata.Catalog, h.Metadata.Catalog, false),
		p.priceCause(),
		p.lifecycleCause(),
		originCause(ofCoefficients, b.Metadata.Coefficients, h.Metadata.Coefficients, false),
		originCause(ofCalibration, b.Metadata.Calibration, h.Metadata.Calibration, true),
		toolCause(b.Metadata.Tool, h.Metadata.Tool),
	}
	if more != nil {
		list = append(list, *more)
	}
	p.attribute(list, d)
	return list
}

// attribute shares out the change of cost.
func (p pair) attribute(list []Cause, d *Diff) {
	total := d.AsReported.MonthlyUsd.Delta
	if total == nil {
		return
	}
	var others []*Cause
	var prices *Cause
	sold, doubt := false, false
	for i := range list {
		c := &list[i]
		market := c.Cause == ofCatalogue || c.Cause == ofPrices || c.Cause == ofLifecycle
		switch {
		case c.Cause == ofPrices:
			prices = c
			sold = sold || c.Differs == nil || *c.Differs
		case c.Differs != nil && !*c.Differs:
		case market:
			sold = true
		case c.Differs == nil:
			doubt = true
		default:
			others = append(others, c)
		}
	}
	switch {
	case doubt:
	case !sold && len(others) == 1:
		others[0].MonthlyUsd = total
	case sold && len(others) == 0:
		prices.MonthlyUsd = total
	case sold && len(others) == 1 && p.sameThing() && d.OfPrices.MonthlyUsd.Delta != nil:
		prices.MonthlyUsd = d.OfPrices.MonthlyUsd.Delta
		rest := round(*total - *prices.MonthlyUsd)
		others[0].MonthlyUsd = &rest
	}
}

// sameThing reports whether both answers buy the same thing in the same way; how many may differ.
func (p pair) sameThing() bool {
	b, h := p.base.Status.Best, p.head.Status.Best
	return b != nil && h != nil && sameThing(b, h)
}

func cause(name, old, now string, differs *bool) Cause {
	return Cause{Cause: name, Differs: differs, Old: old, New: now}
}

func known(v bool) *bool { return &v }

func short(hash string) string { return fmt.Sprintf("%.12s", hash) }

func measurement(p *planner.Plan) string {
	b := p.Benchmark
	if b == nil || len(b.Runs) == 0 {
		return "none"
	}
	var parts []string
	for _, r := range b.Runs {
		parts = append(parts, fmt.Sprintf("%s %s", r.Precision, ms(r.P50Ms)))
	}
	return strings.Join(append(parts, b.AsOf), ", ")
}

func load(s *sizing.Spec) string {
	text := "one at a time"
	if s.Rate > 0 {
		text = fmt.Sprintf("%.6g/s", s.Rate)
	}
	return fmt.Sprintf("%s, batch %d", text, s.Batch)
}

func budget(b *sizing.Budget) string {
	return fmt.Sprintf("p%g ≤ %g ms of %g at %g%%", b.Percentile, b.InferenceMs, b.TotalMs, 100*b.Confidence)
}

// requestCause compares what else was asked. A day of buying that follows the calendar was not: it shows in prices and lifecycle.
func requestCause(b, h *sizing.Spec) Cause {
	sides := [2]map[string]any{}
	for i, s := range []*sizing.Spec{b, h} {
		tree, err := plain(s.Constraints)
		if err != nil {
			panic("gate: constraints that JSON can't write: " + err.Error())
		}
		if !b.Constraints.AsOfGiven && !h.Constraints.AsOfGiven {
			delete(tree, "asOf")
		}
		tree["objective"], tree["runtime"], tree["scaling"] = s.Objective, s.Runtime, s.Scaling
		sides[i] = tree
	}
	var old, now []string
	for _, key := range sortedKeys(sides[0], sides[1]) {
		if x, y := sides[0][key], sides[1][key]; !reflect.DeepEqual(x, y) {
			old, now = append(old, fmt.Sprintf("%s %v", key, x)), append(now, fmt.Sprintf("%s %v", key, y))
		}
	}
	return cause(ofRequest, strings.Join(old, ", "), strings.Join(now, ", "), known(len(old) > 0))
}

func sortedKeys(trees ...map[string]any) []string {
	var keys []string
	for _, tree := range trees {
		for key := range tree {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// originCause compares data by hash. Without one nobody knows, unless having none is an answer.
func originCause(name string, b, h *report.Origin, optional bool) Cause {
	differs := known(hashOf(b) != hashOf(h))
	if !optional && (b == nil || h == nil) {
		differs = nil
	}
	return cause(name, originText(b), originText(h), differs)
}

func hashOf(o *report.Origin) string {
	if o == nil {
		return ""
	}
	return o.SHA256
}

func originText(o *report.Origin) string {
	if o == nil {
		return "none"
	}
	return strings.TrimSpace(short(o.SHA256) + " " + o.AsOf)
}

// toolCause compares versions. Builds that no version tells apart may differ.
func toolCause(b, h report.Tool) Cause {
	name := func(t report.Tool) string { return strings.TrimSpace(t.Version + " " + short(t.Commit)) }
	differs := known(name(b) != name(h))
	if !*differs && (b.Version == "devel" || b.Version == "") && b.Commit == "" {
		differs = nil
	}
	return cause(ofTool, name(b), name(h), differs)
}

// samePrices reports whether both reports are certain to know the same prices and commitments: the same files, read on the same day or, where nothing in them
// depends on the day, from the catalogue's own on.
func samePrices(base, head *sizing.Report) bool {
	b, h := &base.Metadata, &head.Metadata
	if b.Catalog == nil || h.Catalog == nil || b.Catalog.SHA256 != h.Catalog.SHA256 || !sameOrigins(b.Overlays, h.Overlays) || !sameOrigins(b.Commitments, h.Commitments) {
		return false
	}
	old, now := base.Spec.Constraints.AsOf, head.Spec.Constraints.AsOf
	return old == now || len(b.Overlays)+len(b.Commitments) == 0 && b.Catalog.AsOf != "" && min(old, now) >= b.Catalog.AsOf // dates sort as text
}

func sameOrigins(a, b []report.Origin) bool {
	return slices.EqualFunc(a, b, func(x, y report.Origin) bool { return x.SHA256 == y.SHA256 })
}

// priceCause compares the prices that the two answers rest on.
func (p pair) priceCause() Cause {
	c := cause(ofPrices, priceText(p.base), priceText(p.head), nil)
	if samePrices(p.base, p.head) {
		c.Differs = known(false)
		return c
	}
	seen := 0
	for _, side := range []struct {
		choice *planner.Choice
		other  *planner.Plan
	}{{p.base.Status.Best, &p.head.Status}, {p.head.Status.Best, &p.base.Status}} {
		if side.choice == nil {
			continue
		}
		twin := find(side.other, side.choice)
		if twin == nil || (twin.Owned != nil || side.choice.Owned != nil) && twin.Replicas != side.choice.Replicas {
			continue
		}
		if seen++; twin.Cost.HourlyUsd != side.choice.Cost.HourlyUsd {
			c.Differs = known(true)
		}
	}
	if c.Differs == nil && seen == 2 {
		c.Differs = known(false)
	}
	return c
}

// priceText names what prices a report knows beside its catalogue's, and the day of buying.
func priceText(r *sizing.Report) string {
	parts := []string{"on " + r.Spec.Constraints.AsOf}
	for _, o := range slices.Concat(r.Metadata.Overlays, r.Metadata.Commitments) {
		parts = append(parts, fmt.Sprintf("%s %.12s", o.Source, o.SHA256))
	}
	return strings.Join(parts, ", ")
}

// lifecycleCause compares whether what either report chose is sold.
func (p pair) lifecycleCause() Cause {
	var old, now []string
	differs, unknown := false, false
	for _, side := range []struct {
		choice *planner.Choice
		other  *planner.Plan
		mine   *[]string
		theirs *[]string
	}{{p.base.Status.Best, &p.head.Status, &old, &now}, {p.head.Status.Best, &p.base.Status, &now, &old}} {
		if side.choice == nil {
			continue
		}
		state := sold(side.choice, side.other)
		mine := lifecycle(&side.choice.Lifecycle)
		switch {
		case state == "":
			unknown = true
		case state != mine:
			differs = true
		}
		if state == "" {
			state = "unknown"
		}
		name := sizing.Name(side.choice) + " "
		if !slices.Contains(*side.mine, name+mine) {
			*side.mine, *side.theirs = append(*side.mine, name+mine), append(*side.theirs, name+state)
		}
	}
	c := cause(ofLifecycle, strings.Join(old, ", "), strings.Join(now, ", "), known(differs))
	if !differs && unknown && !samePrices(p.base, p.head) {
		c.Differs = nil
	}
	return c
}

// sold is the lifecycle of a choice in another plan: of the same hardware in the same region, or retired where the plan says that it lost for that; empty where
// the plan does not tell.
func sold(c *planner.Choice, other *planner.Plan) (state string) {
	same := func(x *planner.Choice) bool {
		return x.Region == c.Region && x.Instance == c.Instance && text(x.Accelerator) == text(c.Accelerator)
	}
	listed(other, func(x *planner.Choice) bool {
		if same(x) {
			state = lifecycle(&x.Lifecycle)
		}
		return state == ""
	})
	if state != "" {
		return state
	}
	for _, x := range []*planner.Choice{other.BestRetired, other.BestElasticInference} {
		if x != nil && same(x) {
			return lifecycle(&x.Lifecycle)
		}
	}
	return ""
}

func lifecycle(l *planner.Lifecycle) string {
	if l.Accelerator != nil && *l.Accelerator != l.Instance {
		return l.Instance + " (accelerator " + *l.Accelerator + ")"
	}
	return l.Instance
}
