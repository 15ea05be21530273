package pricing

import (
	"fmt"
	"slices"
	"strings"
)

// Option is a way to buy an instance-hour. Its properties are its row in [Ways].
type Option uint8

const (
	OnDemand Option = iota + 1
	Reserved
	SavingsPlan
	Spot
	SpotBlock
	ScheduledReserved
	CapacityBlock
)

// Term is how long a commitment lasts; the zero Term is no commitment.
type Term uint8

const (
	OneYear    Term = 1
	ThreeYears Term = 3
)

// Payment is how much of a commitment is paid at its start.
type Payment uint8

const (
	NoUpfront Payment = iota + 1
	PartialUpfront
	AllUpfront
)

// Class is the kind of a commitment: standard or convertible for Reserved
// Instances, Compute or EC2 Instance for Savings Plans. Of a Spot block it is
// the length, in hours.
type Class uint8

const (
	Standard Class = iota + 1
	Convertible
	Compute
	EC2Instance
	OneHour
	TwoHours
	ThreeHours
	FourHours
	FiveHours
	SixHours
)

// Purchase is one way to buy, down to term, payment and class. It is a value
// that can be compared and can be a map key; fields that an option does not
// have are zero.
type Purchase struct {
	Option  Option  `json:"option" yaml:"option"`
	Term    Term    `json:"term,omitempty" yaml:"term,omitempty"`
	Payment Payment `json:"payment,omitempty" yaml:"payment,omitempty"`
	Class   Class   `json:"class,omitempty" yaml:"class,omitempty"`
}

// A Way is what holds of an option whatever is bought with it. Code that plans
// asks these properties; it never asks which option it has before it.
type Way struct {
	Option Option
	Name   string // as people say it: "On-Demand"

	Terms    []Term // what can be chosen; empty where there is no choice
	Payments []Payment
	Classes  []Class

	Commits       bool     // paid for whether used or not, until its term ends; has terms, payments and classes
	Prepaid       bool     // the whole price is due before the start
	Interruptible bool     // AWS may take the instance back
	Ends          bool     // the instance is ended after a time fixed at its launch
	PerPool       bool     // priced per instance type and availability zone: one price of a region is the least of several
	Covered       bool     // Reserved Instances and Savings Plans that are owned already pay for it
	Accelerators  bool     // Elastic Inference accelerators can be bought this way
	Families      []string // the only ones sold this way; empty: all
	MinimumSecs   int      // shortest time billed; billing is by the second from there on, by the hour where it is 3600

	From, Closed, Retired Date // as in Lifecycle
	Source                string
}

// Ways is the table of ways to buy, in the order in which they are listed.
func Ways() []Way { return slices.Clone(ways[:]) }

var ways = [...]Way{
	{
		Option: OnDemand, Name: "On-Demand", Accelerators: true, Covered: true, MinimumSecs: 60,
		Source: "EC2 user guide 2023-06-15",
	}, {
		Option: Reserved, Name: "Reserved", Commits: true, MinimumSecs: 3600,
		Terms:    []Term{OneYear, ThreeYears},
		Payments: []Payment{NoUpfront, PartialUpfront, AllUpfront},
		Classes:  []Class{Standard, Convertible},
		Source:   "EC2 user guide 2023-06-15: billed every clock hour, used or not",
	}, {
		Option: SavingsPlan, Name: "Savings Plan", Commits: true, MinimumSecs: 3600,
		Terms:    []Term{OneYear, ThreeYears},
		Payments: []Payment{NoUpfront, PartialUpfront, AllUpfront},
		Classes:  []Class{Compute, EC2Instance},
		From:     20191106,
		Source:   "Savings Plans user guide; announced 2019-11-06 (recalled)",
	}, {
		Option: Spot, Name: "Spot", Interruptible: true, PerPool: true, MinimumSecs: 60,
		Source: "EC2 user guide 2023-06-15",
	}, {
		Option: SpotBlock, Name: "Spot block", Ends: true, PerPool: true, MinimumSecs: 60,
		Classes: []Class{OneHour, TwoHours, ThreeHours, FourHours, FiveHours, SixHours},
		From:    20151006, Closed: 20210701, Retired: 20221231,
		Source: "AWS News Blog, October 2015; EC2 user guide: no new customers from 2021-07-01, ended 2022-12-31",
	}, {
		Option: ScheduledReserved, Name: "Scheduled Reserved", Commits: true, MinimumSecs: 3600,
		Terms:    []Term{OneYear},
		Payments: []Payment{NoUpfront},
		Classes:  []Class{Standard},
		Retired:  20230615,
		Source:   "EC2 user guide 2023-06-15: cannot be bought at this time; since when is not known",
	}, {
		Option: CapacityBlock, Name: "Capacity Block", Prepaid: true, Ends: true, MinimumSecs: 86400,
		Families: []string{"p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "trn1", "trn2"},
		From:     20231031,
		Source:   "EC2 user guide: 1 to 182 days, paid at the start; families and date recalled",
	},
}

// WayOf is the row of [Ways] for an option. It panics on an option without one.
func WayOf(o Option) Way {
	for _, w := range ways {
		if w.Option == o {
			return w
		}
	}
	panic(fmt.Sprintf("pricing: option %d has no row in Ways", o))
}

// Sold is the way's lifecycle at a date.
func (w Way) Sold(at Date) Lifecycle {
	l := Lifecycle{From: w.From, Closed: w.Closed, Retired: w.Retired, Source: w.Source}
	l.State = l.stateAt(at)
	return l
}

// Sells reports whether a subject can be bought this way: kind 0 is an instance
// type, of the family named.
func (w Way) Sells(k Kind, family string) bool {
	if k == ElasticInference {
		return w.Accelerators
	}
	return len(w.Families) == 0 || slices.Contains(w.Families, family)
}

// Purchases lists every purchase that the way allows, in the order of its terms,
// payments and classes.
func (w Way) Purchases() []Purchase {
	var all []Purchase
	for _, t := range orNone(w.Terms) {
		for _, p := range orNone(w.Payments) {
			for _, c := range orNone(w.Classes) {
				all = append(all, Purchase{w.Option, t, p, c})
			}
		}
	}
	return all
}

// orNone is the choices there are, or the one of having none.
func orNone[T ~uint8](choices []T) []T {
	if len(choices) == 0 {
		return []T{0}
	}
	return choices
}

// Way is the row of [Ways] for p's option.
func (p Purchase) Way() Way { return WayOf(p.Option) }

// String reads as a buyer would say it: "On-Demand", "Reserved 1y no upfront",
// "Savings Plan (Compute) 3y all upfront", "Spot block 3h". Standard goes
// without saying.
func (p Purchase) String() string {
	var b strings.Builder
	b.WriteString(WayOf(p.Option).Name)
	if p.Option == SavingsPlan {
		fmt.Fprintf(&b, " (%s)", classTitles[p.Class])
	}
	if p.Term != 0 {
		fmt.Fprintf(&b, " %s", p.Term)
	}
	if p.Payment != 0 {
		b.WriteString(" " + strings.ReplaceAll(p.Payment.String(), "-", " "))
	}
	if p.Class == Convertible || p.Option == SpotBlock && p.Class != 0 {
		b.WriteString(" " + p.Class.String())
	}
	return b.String()
}

// Compare orders purchases as [Ways] lists them: by option, term, payment, class.
func (p Purchase) Compare(q Purchase) int {
	return slices.Compare(
		[]uint8{uint8(p.Option), uint8(p.Term), uint8(p.Payment), uint8(p.Class)},
		[]uint8{uint8(q.Option), uint8(q.Term), uint8(q.Payment), uint8(q.Class)},
	)
}

// Hours is the length of the term: 8,760 hours a year, as AWS counts it (a
// one-year Reserved Instance lasts 31,536,000 seconds).
func (t Term) Hours() int64 { return int64(t) * 8760 }

// Effective is the hourly rate of a commitment with its upfront fee spread over
// the term: upfront/H + recurring.
func (t Term) Effective(upfront USD, recurring USDPerHour) USDPerHour {
	if t == 0 {
		if upfront != 0 {
			panic("pricing: an upfront fee without a term")
		}
		return recurring
	}
	return recurring + upfront.Spread(t.Hours())
}
