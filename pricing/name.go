package pricing

import (
	"fmt"
	"strings"
)

// The texts of the enumerations, as they stand in reports, flags and files. The
// index is the value; values without a text are empty.
var (
	optionNames  = [...]string{OnDemand: "on-demand", Reserved: "reserved", SavingsPlan: "savings-plan", Spot: "spot", SpotBlock: "spot-block", ScheduledReserved: "scheduled-reserved", CapacityBlock: "capacity-block"}
	termNames    = [...]string{OneYear: "1y", ThreeYears: "3y"}
	paymentNames = [...]string{NoUpfront: "no-upfront", PartialUpfront: "partial-upfront", AllUpfront: "all-upfront"}
	classNames   = [...]string{
		Standard: "standard", Convertible: "convertible", Compute: "compute", EC2Instance: "ec2-instance",
		OneHour: "1h", TwoHours: "2h", ThreeHours: "3h", FourHours: "4h", FiveHours: "5h", SixHours: "6h",
	}
	classTitles  = [...]string{0: "", Standard: "standard", Convertible: "convertible", Compute: "Compute", EC2Instance: "EC2 Instance"}
	qualityNames = [...]string{Observed: "observed", Derived: "derived", Inferred: "inferred"}
	stateNames   = [...]string{Current: "current", Closed: "closed", Retired: "retired", NotOffered: "not-offered"}
	reasonNames  = [...]string{NoPrice: "no-price-known", NotSoldThere: "not-sold-there", WayNotSold: "way-not-sold"}
	kindNames    = [...]string{ElasticInference: "elastic-inference", GPU: "gpu", Neuron: "neuron", OtherDevice: "other"}
)

func (o Option) String() string  { return nameOf("option", int(o), optionNames[:]) }
func (t Term) String() string    { return nameOf("term", int(t), termNames[:]) }
func (p Payment) String() string { return nameOf("payment", int(p), paymentNames[:]) }
func (c Class) String() string   { return nameOf("class", int(c), classNames[:]) }
func (q Quality) String() string { return nameOf("quality", int(q), qualityNames[:]) }
func (s State) String() string   { return nameOf("state", int(s), stateNames[:]) }
func (k Kind) String() string    { return nameOf("kind", int(k), kindNames[:]) }

func (g GapReason) String() string { return nameOf("reason", int(g), reasonNames[:]) }

func (o Option) MarshalText() ([]byte, error)  { return []byte(o.String()), nil }
func (t Term) MarshalText() ([]byte, error)    { return []byte(t.String()), nil }
func (p Payment) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
func (c Class) MarshalText() ([]byte, error)   { return []byte(c.String()), nil }
func (q Quality) MarshalText() ([]byte, error) { return []byte(q.String()), nil }
func (s State) MarshalText() ([]byte, error)   { return []byte(s.String()), nil }
func (k Kind) MarshalText() ([]byte, error)    { return []byte(k.String()), nil }

func (g GapReason) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

func (o *Option) UnmarshalText(b []byte) error  { return setNamed(o, "way to buy", b, optionNames[:]) }
func (t *Term) UnmarshalText(b []byte) error    { return setNamed(t, "term", b, termNames[:]) }
func (p *Payment) UnmarshalText(b []byte) error { return setNamed(p, "payment", b, paymentNames[:]) }
func (c *Class) UnmarshalText(b []byte) error   { return setNamed(c, "class", b, classNames[:]) }
func (q *Quality) UnmarshalText(b []byte) error { return setNamed(q, "quality", b, qualityNames[:]) }
func (s *State) UnmarshalText(b []byte) error   { return setNamed(s, "lifecycle", b, stateNames[:]) }
func (k *Kind) UnmarshalText(b []byte) error    { return setNamed(k, "kind", b, kindNames[:]) }

// nameOf is the text of a value; zero, which is "none", has the empty text.
func nameOf(what string, value int, names []string) string {
	if value == 0 {
		return ""
	}
	if value >= len(names) || names[value] == "" {
		return fmt.Sprintf("%s(%d)", what, value)
	}
	return names[value]
}

func setNamed[E ~uint8](e *E, what string, text []byte, names []string) error {
	*e = 0
	if len(text) == 0 {
		return nil
	}
	var known []string
	for value, name := range names {
		switch {
		case name == "":
		case name == string(text):
			*e = E(value)
			return nil
		default:
			known = append(known, name)
		}
	}
	return fmt.Errorf("%q is not a %s: %s", text, what, strings.Join(known, ", "))
}
