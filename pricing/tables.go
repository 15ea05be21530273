package pricing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Tables are the plain rows of a catalogue, in any order: what a source of
// prices produces and what [Encode] stores. A [Catalog] answers questions.
type Tables struct {
	Source       string // what the rows were made from, for reports
	Instances    []InstanceType
	Accelerators []Accelerator // Elastic Inference, in order of generation and size
	Prices       []Price       // every vintage; at most one of a purchase per date and quality
	Bands        []RegionBand
	Offered      []Offering
}

// A Price is one vintage of what one thing costs in one region, bought one way.
type Price struct {
	Region, Subject string
	Purchase        Purchase
	Upfront         USD
	Recurring       USDPerHour
	Provenance
}

// A RegionBand is one vintage of a Spot interruption band.
type RegionBand struct {
	Region, Instance string
	Band
}

// An Offering is when a subject was sold in a region. A subject that has none
// there is not offered there.
type Offering struct {
	Region, Subject       string
	From, Closed, Retired Date // as in Lifecycle
	Source                string
}

// Add appends the rows of more. Where both have an offering of one place, the
// one of more counts, and so for types.
func (t *Tables) Add(more Tables) {
	t.Instances = laidOver(t.Instances, more.Instances, func(i *InstanceType) string { return i.Name })
	t.Accelerators = laidOver(t.Accelerators, more.Accelerators, func(a *Accelerator) string { return a.Name })
	t.Prices = laidOver(t.Prices, more.Prices, (*Price).vintage)
	t.Bands = laidOver(t.Bands, more.Bands, (*RegionBand).vintage)
	t.Offered = laidOver(t.Offered, more.Offered, (*Offering).place)
}

// place is where a subject is sold.
type place struct{ region, subject string }

func (o *Offering) place() place { return place{o.Region, o.Subject} }

// vintage is what only one price may have.
func (p *Price) vintage() Price {
	return Price{Region: p.Region, Subject: p.Subject, Purchase: p.Purchase, Provenance: Provenance{AsOf: p.AsOf, Quality: p.Quality}}
}

// vintage is what only one band may have.
func (b *RegionBand) vintage() RegionBand {
	return RegionBand{b.Region, b.Instance, Band{AsOf: b.AsOf}}
}

// Check returns every violation of what must hold of any tables: names are
// known and unique, prices are positive, purchases exist in [Ways], and every
// figure is dated and has a source.
func (t *Tables) Check() error {
	subjects := map[string]bool{}
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	for i := range t.Instances {
		in := &t.Instances[i]
		if subjects[in.Name] {
			fail("instance type %q: listed twice", in.Name)
		}
		subjects[in.Name] = true
		if in.Arch != "amd64" && in.Arch != "arm64" {
			fail("instance type %q: architecture %q", in.Name, in.Arch)
		}
		if in.VCPU <= 0 || in.PhysicalCores <= 0 || in.PhysicalCores > in.VCPU || in.MemoryBytes <= 0 {
			fail("instance type %q: %d vCPU on %d cores with %d bytes", in.Name, in.VCPU, in.PhysicalCores, in.MemoryBytes)
		}
	}
	for _, a := range t.Accelerators {
		if subjects[a.Name] {
			fail("accelerator %q: listed twice", a.Name)
		}
		subjects[a.Name] = true
		if a.Kind != ElasticInference || a.MemoryBytes <= 0 {
			fail("accelerator %q: %s with %d bytes", a.Name, a.Kind, a.MemoryBytes)
		}
	}
	for i := range t.Prices {
		if err := t.Prices[i].check(); err != nil {
			errs = append(errs, err)
		}
		if p := &t.Prices[i]; !subjects[p.Subject] {
			fail("price of %q in %s: not in the catalogue", p.Subject, p.Region)
		}
	}
	for _, b := range t.Bands {
		if !subjects[b.Instance] || b.Region == "" || b.Label == "" || b.Source == "" || b.AsOf == 0 ||
			b.MinPercent < 0 || b.MaxPercent <= b.MinPercent || b.SavingsPercent < 0 || b.SavingsPercent >= 100 {
			fail("interruption band of %q in %q: %+v", b.Instance, b.Region, b.Band)
		}
	}
	for _, o := range t.Offered {
		if !subjects[o.Subject] || o.Region == "" || o.Source == "" {
			fail("offering of %q in %q, source %q", o.Subject, o.Region, o.Source)
		}
		if o.Retired != 0 && (o.Retired < o.From || o.Retired < o.Closed) {
			fail("offering of %q in %s: retired %s, from %s, closed %s", o.Subject, o.Region, o.Retired, o.From, o.Closed)
		}
	}
	return errors.Join(errs...)
}

func (p *Price) check() error {
	known := slices.ContainsFunc(ways[:], func(w Way) bool { return slices.Contains(w.Purchases(), p.Purchase) })
	switch {
	case p.Region == "":
		return fmt.Errorf("price of %q: no region", p.Subject)
	case !known:
		return fmt.Errorf("price of %q in %s: no way to buy %+v", p.Subject, p.Region, p.Purchase)
	case p.Upfront < 0 || p.Recurring < 0 || p.Upfront == 0 && p.Recurring == 0:
		return fmt.Errorf("price of %q in %s, %s: %s USD and %s USD/h is not above zero", p.Subject, p.Region, p.Purchase, p.Upfront, p.Recurring)
	case p.Upfront != 0 && p.Purchase.Term == 0:
		return fmt.Errorf("price of %q in %s, %s: %s USD upfront without a term", p.Subject, p.Region, p.Purchase, p.Upfront)
	case p.Source == "" || p.AsOf == 0 || p.Quality < Observed || p.Quality > Inferred:
		return fmt.Errorf("price of %q in %s, %s: source %q, date %q, quality %q", p.Subject, p.Region, p.Purchase, p.Source, p.AsOf, p.Quality)
	case p.Quality != Observed && p.Rule == "":
		return fmt.Errorf("price of %q in %s, %s: %s by no rule", p.Subject, p.Region, p.Purchase, p.Quality)
	}
	return nil
}

// compare orders prices as they are stored: by region, subject, purchase, date, quality.
func (p *Price) compare(q *Price) int {
	return cmp.Or(
		cmp.Compare(p.Region, q.Region),
		cmp.Compare(p.Subject, q.Subject),
		p.Purchase.Compare(q.Purchase),
		cmp.Compare(p.AsOf, q.AsOf),
		cmp.Compare(p.Quality, q.Quality),
	)
}
