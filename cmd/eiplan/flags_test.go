package main

import "testing"

// A limit needs its unit, and is a figure that something can be held against.
func TestLimitFlags(t *testing.T) {
	for _, c := range []struct {
		flag limit
		text string
		want float64 // less than 0: refused
	}{
		{dollarLimit(), "500USD", 500},
		{dollarLimit(), "0.5USD", 0.5},
		{dollarLimit(), "0USD", 0},
		{dollarLimit(), "500", -1},
		{dollarLimit(), "USD", -1},
		{dollarLimit(), "500EUR", -1},
		{dollarLimit(), "-1USD", -1},
		{dollarLimit(), "NaNUSD", -1},
		{dollarLimit(), "InfUSD", -1},
		{percentLimit(), "10%", 10},
		{percentLimit(), "0%", 0},
		{percentLimit(), "250%", 250},
		{percentLimit(), "10", -1},
		{percentLimit(), "-1%", -1},
		{percentLimit(), "NaN%", -1},
	} {
		err := c.flag.Set(c.text)
		switch {
		case c.want < 0 && (err == nil || c.flag.value != nil):
			t.Errorf("%s %q was taken", c.flag.kind, c.text)
		case c.want >= 0 && (err != nil || *c.flag.value != c.want):
			t.Errorf("%s %q: %v", c.flag.kind, c.text, err)
		}
	}
}
