package sizing

import (
	"fmt"
	"math"
	"strconv"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
)

// hoursPerMonth is what AWS' calculator takes for a month.
const hoursPerMonth = 730

// arithmetic is how a choice was predicted and priced: every figure with what it rests on, so that the bound and the cost can be worked out again by hand.
func (t *teller) arithmetic(c *planner.Choice) []report.Table {
	tables := []report.Table{t.latencyOf(c)}
	for _, more := range []report.Table{doubtsOf(c), costOf(c), t.fitOf(c), termsOf(c)} {
		if len(more.Rows) > 0 {
			tables = append(tables, more)
		}
	}
	return tables
}

// latencyOf is the sum that makes the centre, and the product that makes the bound on the SLA's percentile.
func (t *teller) latencyOf(c *planner.Choice) report.Table {
	l, e := c.Latency, c.Explanation
	table := report.Table{Title: fmt.Sprintf("Latency of %s, %s %s", Name(c), c.Runtime, c.Format), Columns: report.Columns("PART", ">VALUE", "UNIT", "HOW")}
	add := func(part string, v float64, unit, how string) {
		table.Rows = append(table.Rows, []string{part, report.Exact(v), unit, how})
	}
	if e != nil && e.AnchorMs != nil && e.AnchorX != nil && e.RuntimeX != nil {
		add("measured here", *e.AnchorMs, "ms", "median, "+l.AsOf)
		add("x machine", *e.AnchorX / *e.RuntimeX, "", "the model's time there over its time here, and what measurements elsewhere make of it")
		add("x runtime", *e.RuntimeX, "", "from this engine to the runtime deployed; the product is compute and overhead")
	}
	add("compute", l.ComputeMs, "ms", fmt.Sprintf("%s, as of %s: %s", l.Basis, l.AsOf, l.Source))
	if l.NetworkMs > 0 {
		add("+ network", l.NetworkMs, "ms", "round trips, and bytes in and out over the host's bandwidth")
	}
	add("+ overhead", l.OverheadMs, "ms", "launches, and what does not shrink with the hardware")
	centre := l.ComputeMs + l.NetworkMs + l.OverheadMs
	add("= centre", centre, "ms", "the median of a request that does not wait")
	add("x tail", l.TailFactor, "", t.percentile()+" over the centre"+because(e))
	bound := l.SlaMs - l.QueueMs
	if centre > 0 && l.TailFactor > 0 {
		p90 := (l.HighMs - l.QueueMs) / (centre * l.TailFactor)
		power := normalQuantile(l.Confidence) / normalQuantile(0.9)
		add("x confidence", math.Pow(p90, power), "", fmt.Sprintf("at %.4g%%: the prediction's p90 is %s times its centre, here to the power %s by the normal quantiles", 100*l.Confidence, report.Exact(p90), report.Exact(power)))
	}
	add("= bound", bound, "ms", "without waiting")
	if l.QueueMs > 0 {
		add("+ queue", l.QueueMs, "ms", fmt.Sprintf("by which waiting and an ordinary service exceed the bound: Erlang C with the Allen-Cunneen correction, %.4g requests a second at %d servers", t.Spec.Rate, c.Servers))
	}
	budget := t.Spec.Budget.InferenceMs
	add(t.percentile()+" ≤", l.SlaMs, "ms", fmt.Sprintf("held against %s; %s ms spare", t.budget(), report.Exact(l.HeadroomMs)))
	if budget > 0 {
		add("share", 100*l.SlaMs/budget, "%", "of the budget")
	}
	add("p10", l.LowMs, "ms", "of the prediction of "+t.percentile())
	add("p90", l.HighMs, "ms", "of the prediction of "+t.percentile())
	const rounding = 1e-4
	if l.P50Ms > centre*(1+rounding) {
		add("median", l.P50Ms, "ms", "of requests that wait and those that don't")
	}
	if e != nil && l.TflopsMs != nil {
		add("by TFLOPS alone", *l.TflopsMs, "ms", e.TflopsRule)
	}
	return table
}

// because is what the tail rests on, where that was explained.
func because(e *planner.Explanation) string {
	if e == nil || e.TailSource == "" {
		return ""
	}
	return ": " + e.TailSource
}

// normalQuantile is the inverse of the standard normal distribution function.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// doubtsOf is what widened the prediction, and how that combines to its p10 and p90.
func doubtsOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Doubts", Columns: report.Columns("DOUBT", ">x P10", ">x P90", "SOURCE")}
	if c.Explanation == nil || len(c.Explanation.Doubts) == 0 {
		return table
	}
	list, power := c.Explanation.Doubts, c.Explanation.Narrowing
	var low, high float64 // squares of logarithms
	for i, d := range list {
		table.Rows = append(table.Rows, []string{d.Code, report.Exact(d.Low), report.Exact(d.High), d.Source})
		p := power
		if i == len(list)-1 {
			p = 1
		}
		low, high = low+square(p*math.Log(d.Low)), high+square(p*math.Log(d.High))
	}
	how := "independent: the squares of their logarithms add"
	if power != 1 {
		how += fmt.Sprintf("; measurements elsewhere raise all but the tail's to the power %s first", report.Exact(power))
	}
	table.Rows = append(table.Rows, []string{"together", report.Exact(math.Exp(-math.Sqrt(low))), report.Exact(math.Exp(math.Sqrt(high))), how})
	return table
}

func square(v float64) float64 { return v * v }

// costOf is the sum that makes the hour, and the products that make the month and a million requests.
func costOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Cost", Columns: report.Columns("WHAT", ">USD", "PER", "AS OF", "QUALITY", "RULE", "SOURCE")}
	add := func(what string, v float64, per string, more ...string) {
		cells := append([]string{what, report.Exact(v), per}, more...)
		table.Rows = append(table.Rows, append(cells, make([]string, len(table.Columns)-len(cells))...))
	}
	for i, p := range c.Cost.Prices {
		what := p.What
		if i > 0 {
			what = "+ " + what
		}
		add(what, p.Usd, "hour", p.AsOf, p.Quality, p.Rule, p.Source)
	}
	if o := c.Owned; o != nil {
		for _, part := range o.Commitments {
			add(fmt.Sprintf("%.4g x %s", part.Instances, part.ID), part.PaidHourlyUsd, "hour", "", "", "paid in any case until "+part.Expires, "owned: "+part.Option)
		}
		add(fmt.Sprintf("%.4g x On-Demand", o.OnDemandInstances), c.Cost.TotalHourlyUsd-float64(c.Replicas)*c.Cost.AcceleratorHourlyUsd, "hour", "", "", fmt.Sprintf("what the others leave; blended %s USD/h in all", report.Rate(o.BlendedHourlyUsd)))
	} else {
		add("= one instance", c.Cost.HourlyUsd, "hour")
	}
	add(fmt.Sprintf("x %d = in all", c.Replicas), c.Cost.TotalHourlyUsd, "hour")
	add(fmt.Sprintf("x %d hours", hoursPerMonth), c.Cost.TotalMonthlyUsd, "month")
	if c.Cost.UpfrontUsd > 0 {
		add("due at once", c.Cost.UpfrontUsd*float64(c.Replicas), "", "", "", "spread over the term in the price above")
	}
	return table
}

// fitOf holds the load and the memory against what the choice has.
func (t *teller) fitOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Load and memory", Columns: report.Columns("RESOURCE", ">NEEDED", ">AVAILABLE", ">SHARE", "HOW")}
	share := func(v float64) string { return report.Exact(100*v) + "%" }
	l := c.Latency
	for _, busy := range []struct {
		name string
		v    *float64
	}{{"processor", c.Utilisation.CPU}, {"accelerator", c.Utilisation.Accelerator}} {
		if busy.v != nil {
			table.Rows = append(table.Rows, []string{busy.name, report.Exact(t.Spec.Rate * (l.ComputeMs + l.NetworkMs + l.OverheadMs) / 1e3), strconv.Itoa(c.Servers), share(*busy.v),
				fmt.Sprintf("%.4g requests a second x the centre, in seconds; available are servers", t.Spec.Rate)})
		}
	}
	m := c.Memory
	if m.AvailableBytes > 0 {
		table.Rows = append(table.Rows, []string{m.Where + " memory", gibibytes(m.NeededBytes), gibibytes(m.AvailableBytes), share(float64(m.NeededBytes) / float64(m.AvailableBytes)), "weights, activations, the runtime and its host: the tightest memory"})
	}
	if t.Spec.Rate > 0 {
		table.Rows = append(table.Rows, []string{"a million requests", "", "", "", fmt.Sprintf("%s USD = %s USD/h / (3600 s x %.4g requests a second) x 1000000", report.Exact(c.Cost.PerMillionUsd), report.Exact(c.Cost.TotalHourlyUsd), t.Spec.Rate)})
	} else {
		table.Rows = append(table.Rows, []string{"a million requests", "", "", "", fmt.Sprintf("%s USD = %s USD/h / 3600 s x %s ms x 1000, one instance kept busy", report.Exact(c.Cost.PerMillionUsd), report.Exact(c.Cost.HourlyUsd), report.Exact(l.P50Ms))})
	}
	return table
}

func gibibytes(n int64) string { return report.Exact(float64(n)/(1<<30)) + " GiB" }

// termsOf lists the operators that take the longest.
func termsOf(c *planner.Choice) report.Table {
	table := report.Table{Title: "Largest operators", Columns: report.Columns("OPERATOR", "NODE", "KIND", ">MS", ">SHARE", ">COMPUTE", ">MEMORY", ">LAUNCH")}
	if c.Explanation == nil {
		return table
	}
	ms := report.Milliseconds
	for _, x := range c.Explanation.Terms {
		table.Rows = append(table.Rows, []string{x.Op, x.Name, x.Kind, ms(x.Ms), fmt.Sprintf("%.0f%%", x.Percent), ms(x.ComputeMs), ms(x.MemoryMs), ms(x.LaunchMs)})
	}
	return table
}
