package awsapi

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// place is a subject in a region.
type place struct{ region, subject string }

// product is what a price list says of a SKU, in GetProducts and in files alike.
type product struct {
	SKU        string     `json:"sku"`
	Family     string     `json:"productFamily"`
	Attributes attributes `json:"attributes"`
}

type attributes struct {
	RegionCode      string `json:"regionCode"`
	Location        string `json:"location"`
	LocationType    string `json:"locationType"`
	InstanceType    string `json:"instanceType"`
	OperatingSystem string `json:"operatingSystem"`
	Tenancy         string `json:"tenancy"`
	PreInstalled    string `json:"preInstalledSw"`
	CapacityStatus  string `json:"capacitystatus"`
	LicenseModel    string `json:"licenseModel"`
	UsageType       string `json:"usagetype"`
}

// wanted are the attributes that every wanted instance has; as the package says. Without capacitystatus the list repeats each type, free of charge.
var wanted = [...]struct{ field, value string }{
	{"operatingSystem", "Linux"}, {"tenancy", "Shared"}, {"preInstalledSw", "NA"},
	{"capacitystatus", "Used"}, {"licenseModel", "No License required"},
}

// subject is the instance type or accelerator that a product is, if it is wanted.
func (p *product) subject() (string, bool) {
	a := &p.Attributes
	if a.LocationType != "" && a.LocationType != "AWS Region" {
		return "", false
	}
	if p.Family == "Elastic Inference" {
		i := strings.Index(a.UsageType, "eia")
		if i < 0 {
			return "", false
		}
		return a.UsageType[i:], true
	}
	has := [...]string{a.OperatingSystem, a.Tenancy, a.PreInstalled, a.CapacityStatus, a.LicenseModel}
	for i, w := range wanted {
		if has[i] != w.value {
			return "", false
		}
	}
	return a.InstanceType, a.InstanceType != ""
}

// region is the code of the product's region; older lists only name its place.
func (a *attributes) region() string { return cmp.Or(a.RegionCode, locations[a.Location]) }

// term is an offer of a SKU.
type term struct {
	SKU           string               `json:"sku"`
	EffectiveDate string               `json:"effectiveDate"`
	Dimensions    map[string]dimension `json:"priceDimensions"`
	Attributes    struct {
		Lease   string `json:"LeaseContractLength"`
		Class   string `json:"OfferingClass"`
		Payment string `json:"PurchaseOption"`
	} `json:"termAttributes"`
}

type dimension struct {
	Unit         string            `json:"unit"`
	PricePerUnit map[string]string `json:"pricePerUnit"`
}

var (
	leases   = map[string]pricing.Term{"1yr": pricing.OneYear, "3yr": pricing.ThreeYears}
	classes  = map[string]pricing.Class{"standard": pricing.Standard, "convertible": pricing.Convertible}
	payments = map[string]pricing.Payment{"No Upfront": pricing.NoUpfront, "Partial Upfront": pricing.PartialUpfront, "All Upfront": pricing.AllUpfront}
)

// listing collects the prices of a price list.
type listing struct {
	regions    []string // empty: all
	onDemand   bool     // whether these prices are wanted
	reserved   bool
	provenance pricing.Provenance
	places     map[string]place // by SKU
	found      map[slot]offered
	left       LeftOut

	seed maphash.Seed
	said map[uint64]uint64 // of a SKU or an offer, hashes of its name and of what the list says of it
}

// offerName is the name of a term: what a list must not say twice, but alike.
type offerName struct{ sku, termType, code string }

type slot struct {
	place
	purchase pricing.Purchase
}

type offered struct {
	upfront   pricing.USD
	recurring pricing.USDPerHour
	effective string // RFC 3339: comparable as text
}

func newListing(regions []string, onDemand, reserved bool) *listing {
	return &listing{
		regions: regions, onDemand: onDemand, reserved: reserved, provenance: pricing.Provenance{Quality: pricing.Observed},
		places: map[string]place{}, found: map[slot]offered{}, left: LeftOut{},
		seed: maphash.MakeSeed(), said: map[uint64]uint64{},
	}
}

// repeats reports whether the list said the same of a name before. That it said
// something else is an error. Names are kept as hashes, since a list has millions.
func repeats[N, T comparable](l *listing, name N, says T) (bool, error) {
	key, value := maphash.Comparable(l.seed, name), maphash.Comparable(l.seed, says)
	had, ok := l.said[key]
	if ok && had != value {
		return true, errors.New("listed twice, and not alike")
	}
	l.said[key] = value
	return ok, nil
}

// addProduct notes the place of a SKU that is wanted.
func (l *listing) addProduct(p *product) error {
	if again, err := repeats(l, p.SKU, *p); err != nil || again {
		return within("SKU "+p.SKU, err)
	}
	subject, ok := p.subject()
	if !ok {
		return nil
	}
	region := p.Attributes.region()
	switch {
	case region == "":
		l.left[fmt.Sprintf("location %q is no known region", p.Attributes.Location)]++
	case len(l.regions) == 0 || slices.Contains(l.regions, region):
		l.places[p.SKU] = place{region, subject}
	}
	return nil
}

// wants reports whether terms of a type, "OnDemand" or "Reserved", are wanted.
func (l *listing) wants(termType string) bool {
	return termType == "OnDemand" && l.onDemand || termType == "Reserved" && l.reserved
}

// addTerm adds the price of a SKU that was noted. Of several prices of one
// purchase the one that took effect last counts.
func (l *listing) addTerm(name offerName, t *term) error {
	at, ok := l.places[name.sku]
	if !ok {
		return nil
	}
	purchase := pricing.Purchase{Option: pricing.OnDemand}
	if name.termType == "Reserved" {
		purchase = pricing.Purchase{
			Option: pricing.Reserved, Term: leases[strings.ReplaceAll(t.Attributes.Lease, " ", "")],
			Class: classes[strings.ToLower(t.Attributes.Class)], Payment: payments[t.Attributes.Payment],
		}
		if purchase.Term == 0 || purchase.Class == 0 || purchase.Payment == 0 {
			l.left[fmt.Sprintf("Reserved %s, %s, %s can't be planned", t.Attributes.Lease, t.Attributes.Class, t.Attributes.Payment)]++
			return nil
		}
	}
	o := offered{effective: t.EffectiveDate}
	for _, d := range t.Dimensions {
		text, ok := d.PricePerUnit["USD"]
		if !ok {
			l.left["not in US dollars"]++
			return nil
		}
		amount, err := parseAmount(text)
		if err != nil {
			return fmt.Errorf("price of %s in %s (SKU %s): %w", at.subject, at.region, name.sku, err)
		}
		switch d.Unit {
		case "Hrs":
			o.recurring += pricing.USDPerHour(amount)
		case "Quantity":
			o.upfront += amount
		default:
			l.left[fmt.Sprintf("priced by %q", d.Unit)]++
			return nil
		}
	}
	if again, err := repeats(l, name, struct {
		slot
		offered
	}{slot{at, purchase}, o}); err != nil || again {
		return within("term "+name.code, err)
	}
	if o.upfront == 0 && o.recurring == 0 {
		l.left["not a price above zero"]++
		return nil
	}
	if had, ok := l.found[slot{at, purchase}]; !ok || had.effective < o.effective {
		l.found[slot{at, purchase}] = o
	}
	return nil
}

// An amountError is what is wrong with an amount.
type amountError struct {
	text string
	err  error
}

func (e *amountError) Error() string { return e.err.Error() }

func (e *amountError) Unwrap() error { return e.err }

// parseAmount reads an amount of a price list: AWS lists zeros, and nothing below.
func parseAmount(text string) (pricing.USD, error) {
	amount, err := pricing.ParseUSD(text)
	if err == nil && amount < 0 {
		err = fmt.Errorf("%q is negative", text)
	}
	if err != nil {
		return 0, &amountError{text, err}
	}
	return amount, nil
}

// amountIn is the text of the amount that an error is about, quoted; empty where
// it is about something else.
func amountIn(err error) string {
	if wrong := (*amountError)(nil); errors.As(err, &wrong) {
		return strconv.Quote(wrong.text)
	}
	return ""
}

// within says what an error is about; nil stays nil.
func within(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// batch is everything that was collected, in a stable order.
func (l *listing) batch() batch {
	b := batch{left: l.left}
	for s, o := range l.found {
		b.tables.Prices = append(b.tables.Prices, pricing.Price{
			Region: s.region, Subject: s.subject, Purchase: s.purchase,
			Upfront: o.upfront, Recurring: o.recurring, Provenance: l.provenance,
		})
	}
	sortPrices(b.tables.Prices)
	return b
}

// only is what was collected for one feed, On-Demand or Reserved.
func (l *listing) only(f Feed) batch {
	b := l.batch()
	b.tables.Prices = slices.DeleteFunc(b.tables.Prices, func(p pricing.Price) bool { return p.Purchase.Option.String() != string(f) })
	return b
}

func sortPrices(prices []pricing.Price) {
	slices.SortFunc(prices, func(a, b pricing.Price) int {
		return cmp.Or(strings.Compare(a.Region, b.Region), strings.Compare(a.Subject, b.Subject), a.Purchase.Compare(b.Purchase))
	})
}
