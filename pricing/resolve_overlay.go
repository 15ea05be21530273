package pricing

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// resolved is an overlay held against a catalogue: globs are names, amounts are
// dollars.
type resolved struct {
	name    string
	changes []amendment
	prices  map[[2]string][]set // by region and subject
}

// amendment is a change to the offers of some subjects.
type amendment struct {
	from, until Date
	regions     []string // empty: all
	subjects    map[string]bool
	purchase    []Option // empty: all
	percent     Decimal
	perHour     USDPerHour
	text        string // "-12% by edp.yaml"
}

// set is a price that stands as written.
type set struct {
	from, until Date
	offer       Offer
}

func within(from, until, at Date) bool {
	return (from == 0 || at == 0 || at >= from) && (until == 0 || at != 0 && at <= until)
}

// resolve checks an overlay's entries one by one.
func (o *Overlay) resolve(c *Catalog) (*resolved, error) {
	if cur := o.Currency; cur != nil && (cur.Code == "" || cur.USD <= 0) {
		return nil, errors.New("currency: needs a code and what one unit costs in usd")
	}
	r := &resolved{name: o.Name, prices: map[[2]string][]set{}}
	for i := range o.Changes {
		a, err := o.amendment(c, &o.Changes[i])
		if err != nil {
			return nil, fmt.Errorf("changes[%d]: %w", i, err)
		}
		r.changes = append(r.changes, a)
	}
	for i := range o.Prices {
		s, err := o.set(c, &o.Prices[i])
		if err != nil {
			return nil, fmt.Errorf("prices[%d]: %w", i, err)
		}
		key := [2]string{s.offer.Region, s.offer.Subject}
		for _, t := range r.prices[key] {
			if t.offer.Purchase == s.offer.Purchase && overlap(t, s) {
				return nil, fmt.Errorf("prices[%d]: a second %s price of %s in %s for the same days", i, s.offer.Purchase, s.offer.Subject, s.offer.Region)
			}
		}
		r.prices[key] = append(r.prices[key], s)
	}
	return r, nil
}

func overlap(s, t set) bool {
	before := func(a, b set) bool { return a.until != 0 && b.from > a.until }
	return !before(s, t) && !before(t, s)
}

// dollars converts an amount of the overlay's currency.
func (o *Overlay) dollars(d Decimal) (int64, error) {
	if o.Currency == nil {
		return int64(d), nil
	}
	n, ok := mulDiv(int64(d), int64(o.Currency.USD), nano)
	if !ok {
		return 0, fmt.Errorf("%s %s exceeds the largest amount", d, o.Currency.Code)
	}
	return n, nil
}

// money says what an amount per hour is, with its currency's rate where it has one.
func (o *Overlay) money(d Decimal) string {
	if o.Currency == nil {
		return d.String() + " USD/h"
	}
	return fmt.Sprintf("%s %s/h at %s USD", d, o.Currency.Code, o.Currency.USD)
}

// by is the overlay's name with an entry's note.
func (o *Overlay) by(note string) string {
	if note == "" {
		return "by " + o.Name
	}
	return fmt.Sprintf("by %s: %s", o.Name, note)
}

const wholePercent = 100 * nano

func (o *Overlay) amendment(c *Catalog, ch *Change) (amendment, error) {
	a := amendment{from: ch.From, until: ch.Until, regions: ch.Match.Regions, purchase: ch.Match.Purchase}
	switch {
	case (ch.Percent == nil) == (ch.PerHour == nil):
		return a, errors.New("needs percent or perHour, and only one of them")
	case ch.Percent != nil && *ch.Percent <= -wholePercent:
		return a, fmt.Errorf("percent %s leaves no price", *ch.Percent)
	case ch.Percent != nil:
		a.percent = *ch.Percent
		a.text = fmt.Sprintf("%s%% %s", signed(a.percent), o.by(ch.Note))
	default:
		n, err := o.dollars(*ch.PerHour)
		if err != nil {
			return a, err
		}
		a.perHour = USDPerHour(n)
		sign := ""
		if *ch.PerHour > 0 {
			sign = "+"
		}
		a.text = sign + o.money(*ch.PerHour) + " " + o.by(ch.Note)
	}
	for _, name := range a.regions {
		if _, err := c.Region(name); err != nil {
			return a, err
		}
	}
	if err := validity(ch.From, ch.Until); err != nil {
		return a, err
	}
	var err error
	a.subjects, err = ch.Match.subjects(c)
	return a, err
}

func signed(d Decimal) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

func validity(from, until Date) error {
	if until != 0 && until < from {
		return fmt.Errorf("until %s is before from %s", until, from)
	}
	return nil
}

// subjects lists what the selector's names match. A name or glob that matches
// nothing of the catalogue is an error.
func (s *Selector) subjects(c *Catalog) (map[string]bool, error) {
	var families, keys []string
	matched := map[string]bool{}
	add := func(name, family string, devices []string) {
		families, keys = append(families, family), append(keys, devices...)
		if (len(s.Families) == 0 || slices.Contains(s.Families, family)) && (len(s.Instances) == 0 || family != "" && globbed(s.Instances, name)) &&
			(len(s.Accelerators) == 0 || slices.ContainsFunc(devices, func(d string) bool { return globbed(s.Accelerators, d) })) {
			matched[name] = true
		}
	}
	instances := names(c.instances, func(t *InstanceType) string { return t.Name })
	for i := range c.instances {
		t := &c.instances[i]
		devices := make([]string, len(t.Devices))
		for k, d := range t.Devices {
			devices[k] = d.Accelerator
		}
		add(t.Name, t.Family, devices)
	}
	for _, a := range c.accelerators {
		add(a.Name, "", []string{a.Name})
	}
	for _, list := range []struct {
		what        string
		given, have []string
	}{{"family", s.Families, families}, {"instance type", s.Instances, instances}, {"accelerator", s.Accelerators, keys}} {
		for _, name := range list.given {
			if _, err := path.Match(name, ""); err != nil {
				return nil, fmt.Errorf("%s pattern %q: %w", list.what, name, err)
			}
			if name == "" || !slices.ContainsFunc(list.have, func(n string) bool { return globbed([]string{name}, n) }) {
				return nil, unknownGlob(list.what, name, list.have)
			}
		}
	}
	if len(matched) == 0 {
		return nil, errors.New("no instance type or accelerator is in all of the match's lists")
	}
	return matched, nil
}

// unknownGlob suggests patterns whose text before the first wildcard is near.
func unknownGlob(what, glob string, known []string) *UnknownError {
	stem := len(glob)
	if i := strings.IndexAny(glob, "*?[\\"); i >= 0 {
		stem = i
	}
	var near []string
	for _, name := range known {
		if stem < len(glob) {
			name = name[:min(stem, len(name))]
		}
		near = append(near, name+glob[stem:])
	}
	slices.Sort(near)
	return unknown(what, glob, slices.Compact(near))
}

// globbed matches a name, or its lower case, against globs.
func globbed(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		exact, _ := path.Match(glob, name)
		lower, _ := path.Match(glob, strings.ToLower(name))
		return exact || lower
	})
}

func (o *Overlay) set(c *Catalog, p *PrivatePrice) (set, error) {
	s := set{from: p.From, until: p.Until}
	if _, err := c.Region(p.Region); err != nil {
		return s, err
	}
	kind, known := c.subjects[p.Name]
	if !known {
		return s, unknown("instance type or accelerator", p.Name, c.subjectNames())
	}
	perHour, err := o.dollars(p.PerHour)
	if err != nil {
		return s, err
	}
	upfront, err := o.dollars(p.Upfront)
	if err != nil {
		return s, err
	}
	q := Purchase{Option: OnDemand}
	if p.Purchase != nil {
		q = *p.Purchase
	}
	price := Price{Region: p.Region, Subject: p.Name, Purchase: q, Upfront: USD(upfront), Recurring: USDPerHour(perHour), Provenance: Provenance{
		Source: o.Name, AsOf: p.AsOf, Quality: Observed, Rule: "as written " + o.by(p.Note),
	}}
	if price.AsOf == 0 {
		price.AsOf = o.AsOf
	}
	if o.Currency != nil {
		price.Rule = o.money(p.PerHour) + " " + price.Rule
	}
	family, _, _ := strings.Cut(p.Name, ".")
	way := Way{}
	if err := price.check(); err == nil {
		way = WayOf(q.Option)
	}
	switch err := price.check(); {
	case price.AsOf == 0:
		return s, fmt.Errorf("the price of %q has no date: asOf is needed here or for the whole overlay", p.Name)
	case err != nil:
		return s, err
	case !way.Sells(kind, family):
		return s, fmt.Errorf("%s is not sold %s", p.Name, q)
	}
	s.offer = Offer{
		Subject: p.Name, Region: p.Region, Purchase: q, Hourly: q.Term.Effective(price.Upfront, price.Recurring),
		Recurring: price.Recurring, Upfront: price.Upfront, Provenance: price.Provenance, Overlay: o.Name,
	}
	return s, validity(p.From, p.Until)
}
