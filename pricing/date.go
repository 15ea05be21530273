package pricing

import (
	"fmt"
	"strings"
	"time"
)

// Date is a civil date, written 20260720, so that < and == order and compare.
// The day is 0 where only the month is known (20240400): such a date orders
// before every day of its month. The zero Date is no date.
type Date int32

// ParseDate reads "2026-07-20", or "2026-07" where only the month is known.
func ParseDate(s string) (Date, error) {
	layout, monthOnly := time.DateOnly, len(s) == len("2006-01")
	if monthOnly {
		layout = "2006-01"
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date such as 2026-07-20 or 2026-07", s)
	}
	d := DateOf(t)
	if monthOnly {
		d -= d % 100
	}
	return d, nil
}

// DateOf is the date of t in t's own time zone.
func DateOf(t time.Time) Date {
	return Date(t.Year()*10_000 + int(t.Month())*100 + t.Day())
}

// String is the inverse of [ParseDate]; no date is the empty string.
func (d Date) String() string {
	switch year, month, day := d.parts(); {
	case d == 0:
		return ""
	case day == 0:
		return fmt.Sprintf("%04d-%02d", year, month)
	default:
		return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
	}
}

// DaysUntil is the number of days from d to later, negative when later is the
// earlier one. A date without a day counts as the first of its month.
func (d Date) DaysUntil(later Date) int {
	return int(later.midnight().Sub(d.midnight()) / (24 * time.Hour))
}

// MarshalText writes what [Date.String] returns.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [ParseDate] reads; empty text is no date.
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d = 0
	if s := strings.TrimSpace(string(text)); s != "" {
		*d, err = ParseDate(s)
	}
	return err
}

func (d Date) parts() (year, month, day int) {
	return int(d) / 10_000, int(d) / 100 % 100, int(d) % 100
}

func (d Date) midnight() time.Time {
	year, month, day := d.parts()
	return time.Date(year, time.Month(month), max(day, 1), 0, 0, 0, 0, time.UTC)
}
