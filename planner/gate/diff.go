package gate

import (
	"fmt"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/sizing"
)

// DiffKind is the kind of a report of what differs between two reports.
const DiffKind = "Diff"

// Prices says whose prices both sides of a comparison are at.
type Prices string

const (
	BasePrices Prices = "base" // HEAD's choice at the prices, and under the commitments, that BASE was made with
	HeadPrices Prices = "head" // each choice at its own report's
)

// Diff is what differs between two reports, BASE (old) and HEAD (new): the status of kind Diff, and the variable diff of rules. A figure that the reports can't
// tell is null, never guessed.
type Diff struct {
	Same       bool        `json:"same"` // verdict, choice, latency and cost are
	Model      ModelDiff   `json:"model"`
	Verdict    Text        `json:"verdict"`
	Answer     Text        `json:"answer"` // what to buy, or the verdict where there is nothing
	Choice     ChoiceDiff  `json:"choice"`
	Latency    LatencyDiff `json:"latency"`
	Prices     Prices      `json:"prices"`     // that Cost is at
	Cost       Money       `json:"cost"`       // of all replicas
	AsReported Money       `json:"asReported"` // each choice at its own report's prices
	OfPrices   Money       `json:"ofPrices"`   // HEAD's choice, from the base's prices to HEAD's
	PricesNote string      `json:"pricesNote"` // how HEAD's choice was priced at the base's, or why it can't be
	BaseChoice *Kept       `json:"baseChoice"` // what BASE chose, as HEAD has it; nil where BASE has no answer
	Causes     []Cause     `json:"causes"`
}

// Text is a word on both sides; empty: none.
type Text struct {
	Old     string `json:"old"`
	New     string `json:"new"`
	Changed bool   `json:"changed"`
}

// Change is a figure on both sides; null: unknown, or none.
type Change struct {
	Old     *float64 `json:"old"`
	New     *float64 `json:"new"`
	Delta   *float64 `json:"delta"`
	Percent *float64 `json:"percent"` // of Old; null also where Old is 0 and New is not
}

// ModelDiff is the model on both sides.
type ModelDiff struct {
	Name        Text   `json:"name"`
	SHA256      Text   `json:"sha256"`
	Flops       Change `json:"flops"`
	Parameters  Change `json:"parameters"`
	WeightBytes Change `json:"weightBytes"`
}

// ChoiceDiff is what the two reports answer.
type ChoiceDiff struct {
	Region      Text   `json:"region"`
	Instance    Text   `json:"instance"`
	Accelerator Text   `json:"accelerator"`
	Purchase    Text   `json:"purchase"`
	Runtime     Text   `json:"runtime"`
	Precision   Text   `json:"precision"`
	Replicas    Change `json:"replicas"`
}

// LatencyDiff is the predicted latency of the two answers.
type LatencyDiff struct {
	ComputeMs  Change `json:"computeMs"`
	NetworkMs  Change `json:"networkMs"`
	OverheadMs Change `json:"overheadMs"`
	QueueMs    Change `json:"queueMs"`
	P50Ms      Change `json:"p50Ms"`
	P99Ms      Change `json:"p99Ms"`
	SlaMs      Change `json:"slaMs"`
	HeadroomMs Change `json:"headroomMs"`
}

// Money is the cost of the two answers.
type Money struct {
	HourlyUsd     Change `json:"hourlyUsd"`
	MonthlyUsd    Change `json:"monthlyUsd"`
	UpfrontUsd    Change `json:"upfrontUsd"`
	PerMillionUsd Change `json:"perMillionUsd"`
}

// Kept is what BASE chose, as HEAD has it.
type Kept struct {
	Choice        string `json:"choice"`
	Listed        bool   `json:"listed"` // HEAD lists it, so that it is feasible there
	Gone          *bool  `json:"gone"`   // it is not feasible in HEAD; null: HEAD does not list all that is
	Rank          int    `json:"rank"`   // in HEAD; 0: not listed
	SlaMs         Change `json:"slaMs"`
	MonthlyUsd    Change `json:"monthlyUsd"` // at each report's own prices
	PerMillionUsd Change `json:"perMillionUsd"`
	Note          string `json:"note"`
}

// Compare tells what differs between two reports of whatever models.
func Compare(base, head *sizing.Report, prices Prices) *Diff {
	return pair{base, head}.compare(prices, nil)
}

// compare takes one more cause, which only what the reports are a part of can tell; nil: there is none.
func (p pair) compare(prices Prices, more *Cause) *Diff {
	base, head := p.base, p.head
	b, h := base.Status.Best, head.Status.Best
	d := &Diff{
		Model: ModelDiff{
			Name: texts(base.Spec.Model.Name, head.Spec.Model.Name), SHA256: texts(base.Spec.Model.Sha256, head.Spec.Model.Sha256),
			Flops: change(&base.Spec.Model.Flops, &head.Spec.Model.Flops), Parameters: whole(base.Spec.Model.Parameters, head.Spec.Model.Parameters),
			WeightBytes: whole(base.Spec.Model.WeightBytes, head.Spec.Model.WeightBytes),
		},
		Verdict: texts(string(base.Status.Verdict), string(head.Status.Verdict)), Answer: texts(answer(&base.Status), answer(&head.Status)), Choice: choiceDiff(b, h),
		Latency: latencyDiff(b, h), Prices: prices, BaseChoice: kept(b, head),
	}
	own := costOf(h)
	at, note := atBasePrices(base, head)
	d.PricesNote = note
	d.AsReported, d.OfPrices = moneyDiff(costOf(b), own), moneyDiff(at, own)
	d.Cost = d.AsReported
	if prices == BasePrices {
		d.Cost = moneyDiff(costOf(b), at)
	}
	d.Causes = p.causes(d, more)
	d.Same = !d.Verdict.Changed && sameAnswer(b, h) && d.AsReported.unchanged() && d.Latency.SlaMs.unchanged()
	return d
}

func answer(p *planner.Plan) string {
	if p.Best == nil {
		return string(p.Verdict)
	}
	return sizing.Title(p.Best)
}

// sameAnswer reports whether two answers buy and run the same; both may be nil.
func sameAnswer(b, h *planner.Choice) bool {
	if b == nil || h == nil {
		return b == h
	}
	return sizing.Title(b) == sizing.Title(h) && b.Runtime == h.Runtime && b.Format == h.Format && text(b.Accelerator) == text(h.Accelerator)
}

// cost is what all replicas of a choice cost; nil: unknown.
type cost struct{ hourly, monthly, upfront, perMillion *float64 }

func costOf(c *planner.Choice) cost {
	if c == nil {
		return cost{}
	}
	upfront := c.Cost.UpfrontUsd * float64(c.Replicas)
	return cost{&c.Cost.TotalHourlyUsd, &c.Cost.TotalMonthlyUsd, &upfront, &c.Cost.PerMillionUsd}
}

// atBasePrices is what HEAD's choice costs at the prices that BASE was made with: its own cost where these are the same, else what BASE lists for the same
// thing bought in the same way. Where commitments that are owned pay for a part, the cost of one replica tells nothing of that of several.
func atBasePrices(base, head *sizing.Report) (cost, string) {
	h := head.Status.Best
	switch {
	case h == nil:
		return cost{}, "HEAD has no answer"
	case samePrices(base, head):
		return costOf(h), "both are made with the same prices"
	}
	old := find(&base.Status, h)
	switch {
	case old == nil:
		return cost{}, fmt.Sprintf("unknown: prices may differ, and BASE has no price of %s (%s)", sizing.Title(h), listing("it", &base.Status))
	case (old.Owned != nil || h.Owned != nil) && old.Replicas != h.Replicas:
		return cost{}, fmt.Sprintf("unknown: what is owned pays for a part of %s, which BASE prices for %d", sizing.Title(h), old.Replicas)
	}
	scale := float64(h.Replicas) / float64(old.Replicas)
	hourly, monthly, upfront := old.Cost.TotalHourlyUsd*scale, old.Cost.TotalMonthlyUsd*scale, old.Cost.UpfrontUsd*float64(h.Replicas)
	c := cost{hourly: &hourly, monthly: &monthly, upfront: &upfront}
	if h.Cost.TotalHourlyUsd > 0 {
		perMillion := h.Cost.PerMillionUsd * hourly / h.Cost.TotalHourlyUsd
		c.perMillion = &perMillion
	}
	return c, "HEAD's choice is priced as BASE lists it"
}

func choiceDiff(b, h *planner.Choice) ChoiceDiff {
	word := func(f func(*planner.Choice) string) Text {
		var sides [2]string
		for i, c := range []*planner.Choice{b, h} {
			if c != nil {
				sides[i] = f(c)
			}
		}
		return texts(sides[0], sides[1])
	}
	return ChoiceDiff{
		Region:      word(func(c *planner.Choice) string { return c.Region }),
		Instance:    word(func(c *planner.Choice) string { return c.Instance }),
		Accelerator: word(func(c *planner.Choice) string { return text(c.Accelerator) }),
		Purchase:    word(func(c *planner.Choice) string { return sizing.Way(&c.Purchase) }),
		Runtime:     word(func(c *planner.Choice) string { return c.Runtime + " " + c.Format }),
		Precision:   word(func(c *planner.Choice) string { return c.Precision }),
		Replicas:    figures(b, h, func(c *planner.Choice) float64 { return float64(c.Replicas) }),
	}
}

func latencyDiff(b, h *planner.Choice) LatencyDiff {
	of := func(f func(*planner.Latency) float64) Change {
		return figures(b, h, func(c *planner.Choice) float64 { return f(&c.Latency) })
	}
	return LatencyDiff{
		ComputeMs: of(func(l *planner.Latency) float64 { return l.ComputeMs }), NetworkMs: of(func(l *planner.Latency) float64 { return l.NetworkMs }),
		OverheadMs: of(func(l *planner.Latency) float64 { return l.OverheadMs }), QueueMs: of(func(l *planner.Latency) float64 { return l.QueueMs }),
		P50Ms: of(func(l *planner.Latency) float64 { return l.P50Ms }), P99Ms: of(func(l *planner.Latency) float64 { return l.P99Ms }),
		SlaMs: of(func(l *planner.Latency) float64 { return l.SlaMs }), HeadroomMs: of(func(l *planner.Latency) float64 { return l.HeadroomMs }),
	}
}

func moneyDiff(a, b cost) Money {
	return Money{HourlyUsd: change(a.hourly, b.hourly), MonthlyUsd: change(a.monthly, b.monthly), UpfrontUsd: change(a.upfront, b.upfront), PerMillionUsd: change(a.perMillion, b.perMillion)}
}

// kept finds what BASE chose in HEAD.
func kept(b *planner.Choice, head *sizing.Report) *Kept {
	if b == nil {
		return nil
	}
	now := find(&head.Status, b)
	k := &Kept{
		Choice: sizing.Title(b), Listed: now != nil, SlaMs: figures(b, now, func(c *planner.Choice) float64 { return c.Latency.SlaMs }),
		MonthlyUsd:    figures(b, now, func(c *planner.Choice) float64 { return c.Cost.TotalMonthlyUsd }),
		PerMillionUsd: figures(b, now, func(c *planner.Choice) float64 { return c.Cost.PerMillionUsd }),
	}
	if all := now != nil || complete(&head.Status); all {
		gone := now == nil
		k.Gone = &gone
	}
	if now == nil {
		k.Note = sizing.Title(b) + " " + absence(head)
		return k
	}
	k.Rank = now.Rank
	k.Note = fmt.Sprintf("%s is now choice %d: %s a month, %s", sizing.Title(b), now.Rank, money(now.Cost.TotalMonthlyUsd), ms(now.Latency.SlaMs))
	if now.Replicas != b.Replicas {
		k.Note += fmt.Sprintf(", with %d replicas", now.Replicas)
	}
	return k
}

func texts(a, b string) Text { return Text{a, b, a != b} }

func whole(a, b int) Change {
	x, y := float64(a), float64(b)
	return change(&x, &y)
}

// figures is one figure of two choices, of which either may be nil.
func figures(b, h *planner.Choice, f func(*planner.Choice) float64) Change {
	var sides [2]*float64
	for i, c := range []*planner.Choice{b, h} {
		if c != nil {
			v := f(c)
			sides[i] = &v
		}
	}
	return change(sides[0], sides[1])
}
