package pricing

import (
	"bytes"
	"cmp"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The stored form of a catalogue is a line of text, a line of JSON (the
// [contents]) and then the deflated sections that it lists, back to back:
//
//	eiplan catalogue 1
//	{"source":…,"sections":[{"name":"shared",…},{"name":"af-south-1",…},…]}
//	<deflated shared><deflated af-south-1>…
//
// The first section is JSON: instance types, accelerators and the tables of
// what repeats. Each other one is the book of a region in unsigned varints,
// described at [writeBook], so that one region is read without the others.

const firstLine = "eiplan catalogue 1\n"

// contents is the index of a stored catalogue.
type contents struct {
	Source   string    `json:"source"`
	AsOf     Date      `json:"asOf"`
	Sections []section `json:"sections"`
}

type section struct {
	Name   string `json:"name"`
	Size   int    `json:"size"`   // deflated
	SHA256 string `json:"sha256"` // of the inflated bytes
}

// identity hashes the names and hashes of the sections: it names the content,
// whatever the compressor made of it.
func (c *contents) identity() string {
	h := sha256.New()
	for _, s := range c.Sections {
		fmt.Fprintf(h, "%s %s\n", s.Name, s.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// shared is the first section.
type shared struct {
	Instances    []InstanceType
	Accelerators []Accelerator
	Provenances  []Provenance
	Bands        []Band     // without savings
	Offerings    []Offering // without region and subject
}

// sharedName cannot be the name of a region.
const sharedName = "shared"

// Encode stores tables so that [Open] can read them. The same rows in any order
// give the same bytes. The error is that of [Tables.Check], or names the first
// of two rows that contradict each other.
func Encode(t Tables) ([]byte, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	regions, err := shelve(&t)
	if err != nil {
		return nil, err
	}
	head := shared{Instances: slices.Clone(t.Instances), Accelerators: t.Accelerators}
	slices.SortFunc(head.Instances, func(a, b InstanceType) int { return strings.Compare(a.Name, b.Name) })

	w := writer{provenances: index[Provenance]{}, bands: index[Band]{}, offerings: index[Offering]{}}
	w.intern(regions)
	head.Provenances, head.Bands, head.Offerings = w.provenances.rows(), w.bands.rows(), w.offerings.rows()

	first, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	c := contents{Source: t.Source}
	for i := range t.Prices {
		if p := &t.Prices[i]; p.Purchase.Option == OnDemand {
			c.AsOf = max(c.AsOf, p.AsOf)
		}
	}
	var body bytes.Buffer
	add := func(name string, raw []byte) {
		deflated := deflate(raw)
		sum := sha256.Sum256(raw)
		c.Sections = append(c.Sections, section{name, len(deflated), hex.EncodeToString(sum[:])})
		body.Write(deflated)
	}
	add(sharedName, first)
	for _, r := range regions {
		w.out = nil
		w.writeBook(r.shelves)
		add(r.name, w.out)
	}
	index, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(firstLine), index, []byte("\n"), body.Bytes()), nil
}

// rawRegion and rawShelf are the rows of tables, grouped as a book groups them.
type rawRegion struct {
	name    string
	shelves []*rawShelf
}

type rawShelf struct {
	subject string
	prices  []Price
	bands   []RegionBand
	offered []Offering
}

// shelve groups and orders the rows, and refuses rows that contradict each other.
func shelve(t *Tables) ([]rawRegion, error) {
	all := map[place]*rawShelf{}
	at := func(region, subject string) *rawShelf {
		sh := all[place{region, subject}]
		if sh == nil {
			sh = &rawShelf{subject: subject}
			all[place{region, subject}] = sh
		}
		return sh
	}
	for _, p := range t.Prices {
		sh := at(p.Region, p.Subject)
		sh.prices = append(sh.prices, p)
	}
	for _, b := range t.Bands {
		sh := at(b.Region, b.Instance)
		sh.bands = append(sh.bands, b)
	}
	for _, o := range t.Offered {
		sh := at(o.Region, o.Subject)
		sh.offered = append(sh.offered, o)
	}
	places := make([]place, 0, len(all))
	for p := range all {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.subject, b.subject))
	})
	var regions []rawRegion
	for _, p := range places {
		sh := all[p]
		if err := sh.order(); err != nil {
			return nil, fmt.Errorf("%s in %s: %w", p.subject, p.region, err)
		}
		if len(regions) == 0 || regions[len(regions)-1].name != p.region {
			regions = append(regions, rawRegion{name: p.region})
		}
		last := &regions[len(regions)-1]
		last.shelves = append(last.shelves, sh)
	}
	return regions, nil
}

func (sh *rawShelf) order() error {
	slices.SortFunc(sh.prices, func(a, b Price) int { return a.compare(&b) })
	for i := 1; i < len(sh.prices); i++ {
		if p := &sh.prices[i]; p.compare(&sh.prices[i-1]) == 0 {
			return fmt.Errorf("%s: two %s prices of %s", p.Purchase, p.Quality, p.AsOf)
		}
	}
	slices.SortFunc(sh.bands, func(a, b RegionBand) int { return cmp.Compare(a.AsOf, b.AsOf) })
	for i := 1; i < len(sh.bands); i++ {
		if sh.bands[i].AsOf == sh.bands[i-1].AsOf {
			return fmt.Errorf("two interruption bands of %s", sh.bands[i].AsOf)
		}
	}
	if len(sh.offered) > 1 {
		return fmt.Errorf("%d offerings", len(sh.offered))
	}
	return nil
}

// index numbers the distinct values of a table in the order of their first use.
type index[T comparable] map[T]uint64

func (x index[T]) of(v T) uint64 {
	n, ok := x[v]
	if !ok {
		n = uint64(len(x))
		x[v] = n
	}
	return n
}

func (x index[T]) rows() []T {
	rows := make([]T, len(x))
	for v, n := range x {
		rows[n] = v
	}
	return rows
}

// writer appends varints that refer to its tables.
type writer struct {
	out         []byte
	provenances index[Provenance]
	bands       index[Band]
	offerings   index[Offering]
}

func (w *writer) uint(n uint64) { w.out = binary.AppendUvarint(w.out, n) }

// intern fills the tables, since they are stored before the books.
func (w *writer) intern(regions []rawRegion) {
	for _, r := range regions {
		w.writeBook(r.shelves)
	}
}

// writeBook appends, for each shelf:
//
//	len(subject) subject
//	offered (0 or 1) [offering]
//	series × (option term payment class  vintages × (provenance upfront recurring))
//	bands × (band savings)
//
// where × is a count followed by that many, and provenance, offering and band
// are indices of the tables in [shared].
func (w *writer) writeBook(shelves []*rawShelf) {
	w.uint(uint64(len(shelves)))
	for _, sh := range shelves {
		w.uint(uint64(len(sh.subject)))
		w.out = append(w.out, sh.subject...)
		w.uint(uint64(len(sh.offered)))
		for _, o := range sh.offered {
			o.Region, o.Subject = "", ""
			w.uint(w.offerings.of(o))
		}
		w.writeSeries(sh.prices)
		w.uint(uint64(len(sh.bands)))
		for _, b := range sh.bands {
			savings := b.SavingsPercent
			b.SavingsPercent = 0
			w.uint(w.bands.of(b.Band))
			w.uint(uint64(savings))
		}
	}
}

func (w *writer) writeSeries(prices []Price) {
	var starts []int
	for i := range prices {
		if i == 0 || prices[i].Purchase != prices[i-1].Purchase {
			starts = append(starts, i)
		}
	}
	w.uint(uint64(len(starts)))
	for n, start := range starts {
		end := len(prices)
		if n+1 < len(starts) {
			end = starts[n+1]
		}
		p := prices[start].Purchase
		w.out = append(w.out, byte(p.Option), byte(p.Term), byte(p.Payment), byte(p.Class))
		w.uint(uint64(end - start))
		for _, row := range prices[start:end] {
			w.uint(w.provenances.of(row.Provenance))
			w.uint(uint64(row.Upfront))
			w.uint(uint64(row.Recurring))
		}
	}
}

func deflate(raw []byte) []byte {
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic(fmt.Sprintf("pricing: deflate: %v", err))
	}
	if _, err := z.Write(raw); err != nil {
		panic(fmt.Sprintf("pricing: deflate: %v", err))
	}
	if err := z.Close(); err != nil {
		panic(fmt.Sprintf("pricing: deflate: %v", err))
	}
	return out.Bytes()
}
