package gate

import (
	"fmt"
	"math"
	"strconv"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// growth is by how many percent a figure is more than it was: infinite from 0 to more, NaN where either is none that a report should hold.
func growth(was, now float64) float64 {
	switch {
	case !(was >= 0) || !(now >= 0) || math.IsInf(was, 0) || math.IsInf(now, 0):
		return math.NaN()
	case was == now:
		return 0
	case was == 0:
		return math.Inf(1)
	}
	return round(100 * ((now - was) / was))
}

// change compares two figures of which either may be unknown.
func change(old, now *float64) Change {
	c := Change{Old: old, New: now}
	if old == nil || now == nil {
		return c
	}
	delta := round(*now - *old)
	if math.IsInf(delta, 0) {
		return c
	}
	c.Delta = &delta
	percent := 0.0
	if delta != 0 {
		percent = round(100 * (delta / math.Abs(*old)))
	}
	if !math.IsInf(percent, 0) {
		c.Percent = &percent
	}
	return c
}

func (c Change) unchanged() bool {
	return c.Delta != nil && *c.Delta == 0 || c.Old == nil && c.New == nil
}

func (m Money) unchanged() bool {
	return m.HourlyUsd.unchanged() && m.UpfrontUsd.unchanged() && m.PerMillionUsd.unchanged()
}

// round drops what a difference of decimal fractions leaves behind.
func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 9, 64), 64)
	if err != nil {
		panic("gate: rounding: " + err.Error())
	}
	if math.Abs(r) < 1e-9 {
		return 0
	}
	return r
}

// figure is the text of a number that may be missing.
func figure(v float64, format func(float64) string) string {
	if math.IsNaN(v) {
		return "unknown"
	}
	return format(v)
}

func money(v float64) string {
	return figure(v, func(v float64) string { return dollars(v) + " USD" })
}

// over is an amount that is held against a limit, with the digits that tell them apart.
func over(v, limit float64) string {
	if text := money(v); v == limit || text != money(limit) {
		return text
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + " USD"
}

// dollars shows cents, and more of what is less than a dollar.
func dollars(v float64) string {
	if v != 0 && math.Abs(v) < 1 {
		return report.Rate(v)
	}
	return report.Dollars(v)
}

func ms(v float64) string {
	return figure(v, func(v float64) string { return report.Milliseconds(v) + " ms" })
}

func percentText(v float64) string {
	return figure(v, func(v float64) string { return fmt.Sprintf("%.4g%%", v) })
}

// signed is a change in percent.
func signed(v float64) string {
	return figure(v, func(v float64) string {
		if math.IsInf(v, 0) {
			return "from nothing"
		}
		return fmt.Sprintf("%+.3g%%", v)
	})
}

// percentileOf is the SLA's, as p99.
func percentileOf(r *sizing.Report) string {
	return "p" + strconv.FormatFloat(r.Spec.Budget.Percentile, 'g', -1, 64)
}
