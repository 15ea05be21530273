// Package pricing is what AWS sells that can run a model, and what it costs:
// instance types, Elastic Inference accelerators, the ways to buy them, their
// prices with date, source and quality, and when and where they were sold.
//
// It knows nothing about speed: processors and accelerators are names here. It
// opens no file and no connection.
//
// # Dates
//
// A catalogue keeps every vintage of a price. Questions are asked at a date, and
// [Catalog.Offers] tells which vintage answers; the zero [Date] asks for the
// newest that is known.
//
// # What is unknown
//
// A price that is not known is absent; it is never zero. [Catalog.Gaps] tells
// why an offer is absent, [Catalog.Sold] whether the thing is sold there at all.
package pricing

// Quality is how a price came to be known. Smaller is better.
type Quality uint8

const (
	// Observed: AWS said so, through the source named.
	Observed Quality = iota + 1
	// Derived: computed from observed figures by the rule named.
	Derived
	// Inferred: taken over from elsewhere on the evidence named.
	Inferred
)

// Provenance is where a figure comes from and how far to trust it.
type Provenance struct {
	Source  string  `json:"source" yaml:"source"`
	AsOf    Date    `json:"asOf" yaml:"asOf"`
	Quality Quality `json:"quality" yaml:"quality"`
	Rule    string  `json:"rule,omitempty" yaml:"rule,omitempty"`     // how it was derived or inferred; what an observation covers
	Caveat  string  `json:"caveat,omitempty" yaml:"caveat,omitempty"` // known doubt, to be shown with the price
}

// An Offer is a price that is known: one thing, in one region, bought one way.
type Offer struct {
	Subject  string // name of an instance type or an Elastic Inference accelerator
	Region   string
	Purchase Purchase

	Hourly    USDPerHour // what the hour costs in all: Recurring, with Upfront spread over the term
	Recurring USDPerHour
	Upfront   USD
	Provenance
	Overlay string // the names of the overlays that changed or made it, comma-separated; empty: the catalogue's own

	Band *Band // of Spot: how often it is interrupted; nil when that is unknown
	// BreakEvenHours is how many hours of use in a month of 730 make a
	// commitment as cheap as On-Demand. 0 where nothing is committed or no
	// On-Demand price is known.
	BreakEvenHours float64
}

// A Band is what the Spot Instance Advisor says of a type in a region.
type Band struct {
	Label          string // "<5%", "5-10%", …, ">20%": share of instances interrupted in a month
	MinPercent     int    // bounds of the label
	MaxPercent     int    // 100 for ">20%"
	SavingsPercent int    // below On-Demand, over the preceding month
	AsOf           Date
	Source         string
}

// A Gap is a purchase for which there is no offer, and why.
type Gap struct {
	Subject  string
	Region   string
	Purchase Purchase
	Reason   GapReason
}

// GapReason is why there is no offer.
type GapReason uint8

const (
	// NoPrice: it is sold, at a price that the catalogue does not know.
	NoPrice GapReason = iota + 1
	// NotSoldThere: not offered in the region at that date, or no longer.
	NotSoldThere
	// WayNotSold: this way to buy did not exist at that date, no longer exists,
	// or is not for this subject.
	WayNotSold
)

// Query asks for offers.
type Query struct {
	Region  string
	Subject string  // an instance type or an Elastic Inference accelerator
	At      Date    // zero asks for the newest that is known
	Quality Quality // prices worse than this do not count; zero admits all
}
