package pricing

import "testing"

func TestDate(t *testing.T) {
	for _, tt := range []struct {
		reason, in string
		want       Date
		bad        bool
	}{
		{"a day", "2026-07-20", 20260720, false},
		{"a month", "2024-04", 20240400, false},
		{"a leap day", "2024-02-29", 20240229, false},
		{"no such day", "2023-02-29", 0, true},
		{"no such month", "2023-13", 0, true},
		{"a year alone", "2023", 0, true},
		{"a time", "2023-01-02T03:04:05Z", 0, true},
		{"nothing", "", 0, true},
	} {
		got, err := ParseDate(tt.in)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: ParseDate(%q) = %d, %v; want %d", tt.reason, tt.in, got, err, tt.want)
		}
		if err == nil && got.String() != tt.in {
			t.Errorf("%s: %q became %q", tt.reason, tt.in, got)
		}
	}
}

func TestDateOrder(t *testing.T) {
	inOrder := []string{"2023-12-31", "2024-04", "2024-04-01", "2024-04-30", "2024-05"}
	for i := 1; i < len(inOrder); i++ {
		a, _ := ParseDate(inOrder[i-1])
		b, _ := ParseDate(inOrder[i])
		if a >= b {
			t.Errorf("%s does not come before %s", a, b)
		}
	}
}

func TestDaysUntil(t *testing.T) {
	for _, tt := range []struct {
		reason   string
		from, to Date
		want     int
	}{
		{"over a leap day", 20240228, 20240301, 2},
		{"backwards", 20240301, 20240228, -2},
		{"a month counts as its first day", 20240400, 20240402, 1},
		{"a year of 365 days", 20250613, 20260613, 365},
	} {
		if got := tt.from.DaysUntil(tt.to); got != tt.want {
			t.Errorf("%s: %s to %s is %d days, want %d", tt.reason, tt.from, tt.to, got, tt.want)
		}
	}
}
