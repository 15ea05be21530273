package main

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/planner/portfolio"
)

// budgetFlags set the same thing: where one of them is stated, a file's word on any does not count.
var budgetFlags = []string{"latency", "total", "reserve"}

// take lays what a file asks over the flags, but for those that are stated. The error names every key with a wrong value.
func (p *planFlags) take(ask *portfolio.Ask, stated func(flag string) bool) error {
	c := &ask.Constraints
	l := layer{stated: stated}
	if ask.Latency != "" || ask.Total != "" {
		l.lay("latency", "latency", func() error { p.latency, p.total, p.reserve = 0, 0, nil; return nil })
	}
	l.text("latency", "latency", ask.Latency, &p.latency)
	l.text("total", "total", ask.Total, &p.total)
	if len(ask.Reserve) > 0 {
		l.lay("reserve", "reserve", func() error { p.reserve = nil; return nil })
	}
	for _, r := range ask.Reserve {
		l.text("reserve", "reserve", r, &p.reserve)
	}
	l.text("percentile", "percentile", ask.Percentile, &p.percentile)
	over(&l, "confidence", ask.Confidence, &p.confidence)
	l.text("rate", "rate", ask.Rate, &p.rate)
	over(&l, "batch", ask.Batch, &p.batch)
	over(&l, "objective", ask.Objective, &p.objective)
	list(&l, "region", ask.Regions, &p.regions)
	over(&l, "runtime", ask.Runtime, &p.runtime)
	over(&l, "scaling", ask.Scaling, &p.scaling)
	over(&l, "baseline", ask.Baseline, &p.baseline)
	list(&l, "instance", c.Instances, &p.instances)
	list(&l, "accelerator", c.Accelerators, &p.accelerators)
	list(&l, "arch", c.Arch, &p.arch)
	list(&l, "purchase", c.Purchase, &p.purchase)
	over(&l, "max-commit", c.MaxCommit, &p.maxCommit)
	list(&l, "precision", c.Precisions, &p.precisions)
	if v := c.MaxInterruptionPercent; v != nil {
		l.text("max-interruption", "maxInterruptionPercent", fmt.Sprintf("%g%%", *v), &p.maxInterruption)
	}
	over(&l, "lifecycle", c.Lifecycle, &p.lifecycle)
	over(&l, "as-of", c.AsOf, &p.asOf)
	over(&l, "min-instances", c.MinInstances, &p.minInstances)
	pointed(&l, "burstable", c.Burstable, &p.burstable)
	pointed(&l, "metal", c.BareMetal, &p.metal)
	pointed(&l, "previous-generation", c.PreviousGeneration, &p.previous)
	if v := c.MaxPriceAgeDays; v != nil {
		l.text("max-price-age", "maxPriceAgeDays", fmt.Sprintf("%dd", *v), &p.maxPriceAge)
	}
	over(&l, "price-quality", c.PriceQuality, &p.priceQuality)
	return errors.Join(l.errs...)
}

// layer is values of a file on their way over flags.
type layer struct {
	stated func(flag string) bool
	errs   []error
}

// lay sets a value unless its flag is stated.
func (l *layer) lay(flag, key string, set func() error) {
	flags := []string{flag}
	for _, f := range budgetFlags {
		if f == flag {
			flags = budgetFlags
		}
	}
	for _, f := range flags {
		if l.stated(f) {
			return
		}
	}
	if err := set(); err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", key, err))
	}
}

// text sets a flag from the text that a key holds; empty says nothing.
func (l *layer) text(flag, key, value string, into interface{ Set(string) error }) {
	if value != "" {
		l.lay(flag, key, func() error { return into.Set(value) })
	}
}

// over sets a plain flag; the zero value says nothing.
func over[T comparable](l *layer, flag string, value T, into *T) {
	var none T
	if value != none {
		pointed(l, flag, &value, into)
	}
}

func list(l *layer, flag string, value []string, into *[]string) {
	if len(value) > 0 {
		pointed(l, flag, &value, into)
	}
}

func pointed[T any](l *layer, flag string, value *T, into *T) {
	if value != nil {
		l.lay(flag, flag, func() error { *into = *value; return nil })
	}
}
