package pricing

// State is whether something can be bought at a date, in a region.
type State uint8

const (
	// Current: anyone can buy it.
	Current State = iota + 1
	// Closed: only customers who use it already can.
	Closed
	// Retired: it was sold, and no longer is.
	Retired
	// NotOffered: it is not known to have been sold there by that date. This
	// says nothing of prices: what is offered may still have no known price.
	NotOffered
)

// Lifecycle is when something was sold, and whether it is at the date asked for.
// A zero date is one that did not happen or, for From, lies before the oldest
// evidence.
type Lifecycle struct {
	State   State `json:"state" yaml:"state"`
	From    Date  `json:"from,omitempty" yaml:"from,omitempty"`       // first day on sale, or first seen on sale
	Closed  Date  `json:"closed,omitempty" yaml:"closed,omitempty"`   // first day closed to new customers
	Retired Date  `json:"retired,omitempty" yaml:"retired,omitempty"` // first day known not to be on sale

	Source string `json:"source,omitempty" yaml:"source,omitempty"`
}

// stateAt is the state at a date; zero is later than every date.
func (l Lifecycle) stateAt(at Date) State {
	reached := func(d Date) bool { return d != 0 && (at == 0 || at >= d) }
	switch {
	case l.From != 0 && !reached(l.From):
		return NotOffered
	case reached(l.Retired):
		return Retired
	case reached(l.Closed):
		return Closed
	}
	return Current
}
