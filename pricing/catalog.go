package pricing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Catalog is immutable and may be used by any number of goroutines. What it
// returns must not be written to. Regions are read when first asked about.
type Catalog struct {
	source string
	asOf   Date
	sha256 string

	instances    []InstanceType
	accelerators []Accelerator
	subjects     map[string]Kind // Kind 0 is an instance type
	regions      []string
	books        map[string]func() (*book, error)
	overlays     []resolved
}

// New makes a catalogue of rows: as [Encode] and [Open] together.
func New(t Tables) (*Catalog, error) {
	stored, err := Encode(t)
	if err != nil {
		return nil, err
	}
	return Open(stored)
}

func (c *Catalog) adopt(s *shared) {
	c.instances, c.accelerators = s.Instances, s.Accelerators
	c.subjects = make(map[string]Kind, len(s.Instances)+len(s.Accelerators))
	for i := range s.Instances {
		c.subjects[s.Instances[i].Name] = 0
	}
	for i := range s.Accelerators {
		c.subjects[s.Accelerators[i].Name] = s.Accelerators[i].Kind
	}
}

// SHA256 identifies the catalogue's content: 64 lower-case hex digits.
func (c *Catalog) SHA256() string { return c.sha256 }

// Source names what the catalogue was made from.
func (c *Catalog) Source() string { return c.source }

// AsOf is the catalogue's own date: that of its newest On-Demand price.
func (c *Catalog) AsOf() Date { return c.asOf }

// Regions lists, sorted, every region in which anything is or was sold.
func (c *Catalog) Regions() []string { return c.regions }

// Instances lists every instance type, sorted by name, sold or not.
func (c *Catalog) Instances() []InstanceType { return c.instances }

// Accelerators lists the Elastic Inference accelerators in order of generation
// and size, sold or not.
func (c *Catalog) Accelerators() []Accelerator { return c.accelerators }

// Region returns name if it is a region of the catalogue; else the error is an
// [*UnknownError].
func (c *Catalog) Region(name string) (string, error) {
	if c.books[name] == nil {
		return "", unknown("region", name, c.regions)
	}
	return name, nil
}

// Instance finds an instance type by name; else the error is an [*UnknownError].
func (c *Catalog) Instance(name string) (InstanceType, error) {
	i, ok := slices.BinarySearchFunc(c.instances, name, func(t InstanceType, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return InstanceType{}, unknown("instance type", name, names(c.instances, func(t *InstanceType) string { return t.Name }))
	}
	return c.instances[i], nil
}

// Accelerator finds an Elastic Inference accelerator by name; else the error is
// an [*UnknownError].
func (c *Catalog) Accelerator(name string) (Accelerator, error) {
	for _, a := range c.accelerators {
		if a.Name == name {
			return a, nil
		}
	}
	return Accelerator{}, unknown("accelerator", name, names(c.accelerators, func(a *Accelerator) string { return a.Name }))
}

func names[T any](rows []T, name func(*T) string) []string {
	all := make([]string, len(rows))
	for i := range rows {
		all[i] = name(&rows[i])
	}
	return all
}

// subjectNames lists the instance types, then the accelerators.
func (c *Catalog) subjectNames() []string {
	return append(names(c.instances, func(t *InstanceType) string { return t.Name }), names(c.accelerators, func(a *Accelerator) string { return a.Name })...)
}

// Processors lists, sorted, the key of every processor that an instance type names.
func (c *Catalog) Processors() []string {
	var keys []string
	for i := range c.instances {
		if key := c.instances[i].Processor; key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Devices lists, sorted, the key of every accelerator that is part of an
// instance type. Those bought beside one are [Catalog.Accelerators].
func (c *Catalog) Devices() []string {
	var keys []string
	for i := range c.instances {
		for _, d := range c.instances[i].Devices {
			keys = append(keys, d.Accelerator)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// book reads what is known of a region; an empty one if nothing. The books of an
// opened file were all read by [Open], and the embedded snapshot is ours, so
// that a book that can't be read is our own mistake.
func (c *Catalog) book(region string) *book {
	read := c.books[region]
	if read == nil {
		return &book{}
	}
	b, err := read()
	if err != nil {
		panic(fmt.Sprintf("pricing: embedded catalogue: %v", err))
	}
	return b
}

// shelf finds what is known of a subject in a region; an empty one if nothing.
func (c *Catalog) shelf(region, subject string) *shelf {
	if sh := c.book(region).shelves[subject]; sh != nil {
		return sh
	}
	return &shelf{}
}

// Sold tells whether a subject is sold in a region at a date; zero asks of
// today, as far as the catalogue knows. An empty region asks for the region
// where it is sold most readily, the first of them in order. A region or a
// subject unknown to the catalogue is [NotOffered].
func (c *Catalog) Sold(region, subject string, at Date) Lifecycle {
	if region != "" {
		return c.shelf(region, subject).sold(at)
	}
	best := Lifecycle{State: NotOffered}
	for _, r := range c.regions {
		if l := c.shelf(r, subject).sold(at); l.State < best.State {
			best = l
		}
	}
	return best
}

// Offers lists every known price that answers the query, ordered by purchase,
// at most one for each. Whether the subject is sold is told by [Catalog.Sold],
// whether the way to buy is by [Way.Sold]: a price outlives both. Unknown names
// have no offers.
//
// Several vintages of a price may be known. Of those dated no later than the
// query, the newest observed one answers, or the newest of all where that is
// derived or inferred and more than a year newer. Where every vintage is later
// than the query, the earliest answers, and its caveat says so.
//
// Where Spot blocks are sold at the date and the catalogue has no price of
// theirs, it is derived. Overlays come last, in the order of [Catalog.With].
func (c *Catalog) Offers(q Query) []Offer {
	offers := c.shelf(q.Region, q.Subject).offers(q)
	offers = c.withSpotBlocks(q, offers)
	for i := range c.overlays {
		offers = c.overlays[i].amend(q, offers)
	}
	breakEven(offers)
	return offers
}

// withSpotBlocks adds them to offers of an instance type that has Spot and
// On-Demand prices.
func (c *Catalog) withSpotBlocks(q Query, offers []Offer) []Offer {
	has := func(option Option) int {
		return slices.IndexFunc(offers, func(o Offer) bool { return o.Purchase.Option == option })
	}
	onDemand := has(OnDemand)
	if state := WayOf(SpotBlock).Sold(q.At).State; state != Current && state != Closed || onDemand < 0 || has(SpotBlock) >= 0 || q.Quality == Observed {
		return offers
	}
	if kind, known := c.subjects[q.Subject]; !known || kind != 0 {
		return offers
	}
	if in, err := c.Instance(q.Subject); err != nil || !in.SpotSold {
		return offers
	}
	return append(offers, spotBlocks(&offers[onDemand])...)
}

// Gaps lists the purchases for which [Catalog.Offers] has no answer, each with
// its reason, in the order of [Ways].
func (c *Catalog) Gaps(q Query) []Gap {
	offers := c.Offers(q)
	kind, isSubject := c.subjects[q.Subject]
	family, _, _ := strings.Cut(q.Subject, ".")
	sold := c.Sold(q.Region, q.Subject, q.At).State
	var gaps []Gap
	for _, w := range ways {
		reason := NoPrice
		switch state := w.Sold(q.At).State; {
		case isSubject && (state == NotOffered || state == Retired || !w.Sells(kind, family)):
			reason = WayNotSold
		case !isSubject || sold == NotOffered || sold == Retired:
			reason = NotSoldThere
		}
		for _, p := range w.Purchases() {
			if !slices.ContainsFunc(offers, func(o Offer) bool { return o.Purchase == p }) {
				gaps = append(gaps, Gap{q.Subject, q.Region, p, reason})
			}
		}
	}
	return gaps
}

// Band is what is known at a date of how often Spot instances of a type are
// interrupted in a region: the newest band no later than the date, else the
// first later one; nil if there is none. Zero asks for the newest.
func (c *Catalog) Band(region, instance string, at Date) *Band {
	return c.shelf(region, instance).band(at)
}

// Vintage is the date that most prices of one option carry which answer for
// what is sold in a region at a date, among those no later if there are any;
// zero when none answers. It is for headlines only: every offer has its own date.
func (c *Catalog) Vintage(region string, o Option, at Date) Date {
	counts, lateCounts := map[Date]int{}, map[Date]int{}
	for i := range c.instances {
		sh := c.shelf(region, c.instances[i].Name)
		sold := sh.sold(at).State
		for _, s := range sh.series {
			if s.purchase.Option != o || sold == NotOffered || sold == Retired {
				continue
			}
			switch v, late := s.at(at, 0); {
			case v == nil:
			case late:
				lateCounts[v.provenance.AsOf]++
			default:
				counts[v.provenance.AsOf]++
			}
		}
	}
	if len(counts) == 0 {
		counts = lateCounts
	}
	var most Date
	for d, n := range counts {
		if cmp.Or(cmp.Compare(n, counts[most]), cmp.Compare(d, most)) > 0 {
			most = d
		}
	}
	return most
}
