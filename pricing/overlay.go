package pricing

import (
	"fmt"
	"slices"
)

// An Overlay is what a buyer knows better than the catalogue: discounts agreed
// with AWS, private prices, prices of places that the catalogue lacks. It is the
// spec of kind PriceOverlay.
//
// Changes apply first, in the order written, each to what the one before left;
// then Prices, which stand as written. A later overlay applies to the result.
type Overlay struct {
	Name   string `json:"-" yaml:"-"` // of its file, which the prices that it touches name
	SHA256 string `json:"-" yaml:"-"` // of its file

	AsOf     Date           `json:"asOf,omitempty" yaml:"asOf"`         // date of the Prices that have none
	Currency *Currency      `json:"currency,omitempty" yaml:"currency"` // of every amount; nil: US dollars
	Changes  []Change       `json:"changes,omitempty" yaml:"changes"`
	Prices   []PrivatePrice `json:"prices,omitempty" yaml:"prices"`
}

// A Currency is that of an overlay's amounts, with what a unit of it costs.
type Currency struct {
	Code string `json:"code" yaml:"code"` // "EUR"
	USD  USD    `json:"usd" yaml:"usd"`   // US dollars for one unit
}

// A Change is a price change for all that its selector matches. It has either
// Percent or PerHour.
type Change struct {
	Match   Selector `json:"match" yaml:"match"`
	Percent *Decimal `json:"percent,omitempty" yaml:"percent"` // -12 takes 12% off the hourly price and the upfront fee
	PerHour *Decimal `json:"perHour,omitempty" yaml:"perHour"` // added to the part that is paid by the hour; negative takes off
	From    Date     `json:"from,omitempty" yaml:"from"`       // first day on which it holds; zero: always did
	Until   Date     `json:"until,omitempty" yaml:"until"`     // last day; zero: always will
	Note    string   `json:"note,omitempty" yaml:"note"`
}

// A Selector matches prices by what all of its lists that are not empty hold.
// Instances and Accelerators are globs, as path.Match reads them.
type Selector struct {
	Regions      []string `json:"regions,omitempty" yaml:"regions"`
	Families     []string `json:"families,omitempty" yaml:"families"`         // "c5"; of instance types
	Instances    []string `json:"instances,omitempty" yaml:"instances"`       // "c5.*"
	Accelerators []string `json:"accelerators,omitempty" yaml:"accelerators"` // "eia2.*", or "T4" for the instance types that have it
	Purchase     []Option `json:"purchase,omitempty" yaml:"purchase"`
}

// A PrivatePrice is what one thing costs in one region, bought one way.
type PrivatePrice struct {
	Name     string    `json:"name" yaml:"name"` // an instance type or an Elastic Inference accelerator
	Region   string    `json:"region" yaml:"region"`
	Purchase *Purchase `json:"purchase,omitempty" yaml:"purchase"` // nil: On-Demand
	PerHour  Decimal   `json:"perHour" yaml:"perHour"`             // what is paid by the hour
	Upfront  Decimal   `json:"upfront,omitempty" yaml:"upfront"`   // what is due at once, for the whole term
	AsOf     Date      `json:"asOf,omitempty" yaml:"asOf"`         // zero: the overlay's
	From     Date      `json:"from,omitempty" yaml:"from"`         // as in Change
	Until    Date      `json:"until,omitempty" yaml:"until"`
	Note     string    `json:"note,omitempty" yaml:"note"` // where the price is from
}

// With is the catalogue with overlays over it, each over those before it. The
// warnings name what of an overlay touches no price. Its hash and source stay
// those of the catalogue.
//
// The error names the overlay and the entry that is malformed, that names what
// the catalogue does not have, or that would make a price negative.
func (c *Catalog) With(overlays ...*Overlay) (*Catalog, []string, error) {
	layered := *c
	layered.overlays = slices.Clone(c.overlays)
	var warnings []string
	for _, o := range overlays {
		r, err := o.resolve(c)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.Name, err)
		}
		idle, err := r.survey(&layered)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.Name, err)
		}
		layered.overlays = append(layered.overlays, *r)
		warnings = append(warnings, idle...)
	}
	return &layered, warnings, nil
}
