package report_test

import (
	"testing"

	"github.com/eiplan/eiplan/planner/report"
)

// TestMoneyIsRoundedAsBillsAre: a decimal half goes away from zero, whatever its binary form is, so that the figures of one model and of a sum agree.
func TestMoneyIsRoundedAsBillsAre(t *testing.T) {
	for _, c := range []struct{ reason, got, want string }{
		{"a half below itself in binary", report.Rate(0.08925), "0.0893"},
		{"below a half", report.Rate(0.0892499), "0.0892"},
		{"a small rate keeps three digits", report.Rate(0.00123), "0.00123"},
		{"nothing", report.Rate(0), "0.0000"},
		{"a half of a cent", report.Dollars(2.675), "2.68"},
		{"a half of a cent less", report.Dollars(-2.675), "-2.68"},
		{"below a half of a cent", report.Dollars(123456.004), "123456.00"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, c.got, c.want)
		}
	}
}

func TestSome(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"a", "b", "c"}, "a, b, c"},
		{[]string{"a", "b", "c", "d"}, "a, b and 2 more"},
	} {
		if got := report.Some(c.names, 3); got != c.want {
			t.Errorf("%v: %q, want %q", c.names, got, c.want)
		}
	}
}
