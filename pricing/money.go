package pricing

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// HoursPerMonth is the month by which AWS and this project quote monthly
// costs: 8,760 hours divided by twelve.
const HoursPerMonth = 730

// nano is the number of units in a dollar, for [USD] and [USDPerHour] alike.
const nano = 1_000_000_000

// USD is an amount of money in units of 1e-9 US dollars. AWS publishes at most
// ten decimals and uses nine, so that every list price is exact.
type USD int64

// USDPerHour is a rate in units of 1e-9 US dollars per hour.
type USDPerHour int64

// ParseUSD reads a plain decimal such as "447" or "0.051" without going through
// floating point. Digits after the ninth decimal are rounded, half away from zero.
func ParseUSD(s string) (USD, error) {
	n, err := parseNano(s)
	return USD(n), err
}

// ParseUSDPerHour is [ParseUSD] for hourly rates.
func ParseUSDPerHour(s string) (USDPerHour, error) {
	n, err := parseNano(s)
	return USDPerHour(n), err
}

// Dollars returns the amount as the nearest float64, for arithmetic in which
// money meets quantities that are themselves inexact.
func (u USD) Dollars() float64 { return float64(u) / nano }

// DollarsPerHour returns the rate as the nearest float64.
func (h USDPerHour) DollarsPerHour() float64 { return float64(h) / nano }

// Over is the cost of paying the rate for a whole number of hours.
func (h USDPerHour) Over(hours int64) USD { return USD(int64(h) * hours) }

// PerMonth is the cost of [HoursPerMonth] hours.
func (h USDPerHour) PerMonth() USD { return h.Over(HoursPerMonth) }

// Times is the rate of n units bought at this rate.
func (h USDPerHour) Times(n int) USDPerHour { return h * USDPerHour(n) }

// Of is the rate of a number of units that need not be whole, rounded half away
// from zero. It panics where the rate is beyond all money.
func (h USDPerHour) Of(units Decimal) USDPerHour {
	n, ok := mulDiv(int64(h), int64(units), nano)
	if !ok {
		panic(fmt.Sprintf("pricing: %s units at %s USD/h", units, h))
	}
	return USDPerHour(n)
}

// Buys is how many units the rate pays for at a positive price of one, rounded
// down.
func (h USDPerHour) Buys(price USDPerHour) Decimal {
	hi, lo := bits.Mul64(uint64(max(h, 0)), nano)
	if hi >= uint64(price) {
		panic(fmt.Sprintf("pricing: %s USD/h buys too many at %s", h, price))
	}
	n, _ := bits.Div64(hi, lo, uint64(price))
	return Decimal(min(n, math.MaxInt64))
}

// Spread divides an amount evenly over hours, rounded half up to 1e-9 dollars.
// It is how an upfront fee becomes an hourly rate. Hours must be positive.
func (u USD) Spread(hours int64) USDPerHour {
	if hours <= 0 {
		panic(fmt.Sprintf("pricing: spreading %s USD over %d hours", u, hours))
	}
	return USDPerHour((int64(u) + hours/2) / hours)
}

// String formats the amount exactly, without trailing zeros and with no sign of
// the currency: "0.17", "121.32".
func (u USD) String() string { return formatNano(int64(u)) }

// String formats the rate exactly, as [USD.String] does.
func (h USDPerHour) String() string { return formatNano(int64(h)) }

// Fixed formats the amount with a fixed number of decimals (0 to 9), rounded half away from zero.
func (u USD) Fixed(decimals int) string { return fixedNano(int64(u), decimals) }

// Fixed formats the rate with a fixed number of decimals (0 to 9), rounded half away from zero.
func (h USDPerHour) Fixed(decimals int) string { return fixedNano(int64(h), decimals) }

// MarshalJSON writes the amount as a plain, exact number.
func (u USD) MarshalJSON() ([]byte, error) { return []byte(u.String()), nil }

// MarshalJSON writes the rate as a plain, exact number.
func (h USDPerHour) MarshalJSON() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalJSON reads a plain number exactly.
func (u *USD) UnmarshalJSON(b []byte) (err error) {
	*u, err = ParseUSD(string(b))
	return err
}

// UnmarshalJSON reads a plain number exactly.
func (h *USDPerHour) UnmarshalJSON(b []byte) (err error) {
	*h, err = ParseUSDPerHour(string(b))
	return err
}

// MarshalYAML gives a YAML encoder a plain number.
func (u USD) MarshalYAML() (any, error) { return u.Dollars(), nil }

// MarshalYAML gives a YAML encoder a plain number.
func (h USDPerHour) MarshalYAML() (any, error) { return h.DollarsPerHour(), nil }

// UnmarshalYAML reads the text of a YAML number exactly.
func (u *USD) UnmarshalYAML(decode func(any) error) error {
	n, err := decodeNano(decode)
	*u = USD(n)
	return err
}

// UnmarshalYAML reads the text of a YAML number exactly.
func (h *USDPerHour) UnmarshalYAML(decode func(any) error) error {
	n, err := decodeNano(decode)
	*h = USDPerHour(n)
	return err
}

func decodeNano(decode func(any) error) (int64, error) {
	var text string
	if err := decode(&text); err != nil {
		return 0, err
	}
	return parseNano(text)
}

// A Decimal is a plain number with nine decimals, exact as written. The field
// that holds it says of what: percent, or units of a currency.
type Decimal int64

// String formats the number exactly, without trailing zeros.
func (d Decimal) String() string { return formatNano(int64(d)) }

// MarshalJSON writes a plain, exact number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a plain number exactly.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	n, err := parseNano(string(b))
	*d = Decimal(n)
	return err
}

// UnmarshalYAML reads the text of a YAML number exactly.
func (d *Decimal) UnmarshalYAML(decode func(any) error) error {
	n, err := decodeNano(decode)
	*d = Decimal(n)
	return err
}

// mulDiv is a × b ÷ c, for c above 0, rounded half away from zero; false where
// it is too large.
func mulDiv(a, b, c int64) (int64, bool) {
	magnitude := func(n int64) uint64 {
		if n < 0 {
			return -uint64(n)
		}
		return uint64(n)
	}
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	lo, carry := bits.Add64(lo, uint64(c/2), 0)
	hi += carry
	if hi >= uint64(c) {
		return 0, false
	}
	n, _ := bits.Div64(hi, lo, uint64(c))
	if n > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(n), true
	}
	return int64(n), true
}

// parseNano accepts what JSON calls a number, and nothing like infinity or hex.
func parseNano(s string) (int64, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > 40 || strings.ContainsAny(s, "/_xXpPoObB") {
		return 0, fmt.Errorf("%q is not a plain number", s)
	}
	r.Mul(r, big.NewRat(nano, 1))
	half := big.NewRat(int64(r.Sign()), 2)
	r.Add(r, half)
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, fmt.Errorf("%q exceeds the largest amount", s)
	}
	return n.Int64(), nil
}

func formatNano(n int64) string {
	return strings.TrimSuffix(strings.TrimRight(fixedNano(n, 9), "0"), ".")
}

func fixedNano(n int64, decimals int) string {
	if decimals < 0 || decimals > 9 {
		panic(fmt.Sprintf("pricing: %d decimals", decimals))
	}
	sign, magnitude := "", uint64(n)
	if n < 0 {
		sign, magnitude = "-", -magnitude
	}
	unit := uint64(1)
	for range 9 - decimals {
		unit *= 10
	}
	magnitude = (magnitude + unit/2) / unit
	if magnitude == 0 {
		sign = ""
	}
	digits := strconv.FormatUint(magnitude, 10)
	if decimals == 0 {
		return sign + digits
	}
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	point := len(digits) - decimals
	return sign + digits[:point] + "." + digits[point:]
}
