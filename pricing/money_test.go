package pricing

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestParseUSD(t *testing.T) {
	for _, tt := range []struct {
		reason, in string
		want       USD
		bad        bool
	}{
		{"a whole upfront fee", "447", 447_000_000_000, false},
		{"the finest price AWS publishes", "0.000000001", 1, false},
		{"ten decimals, as price lists pad them", "0.0510000000", 51_000_000, false},
		{"the tenth decimal rounds half away from zero", "0.0000000005", 1, false},
		{"and below half, down", "0.00000000049", 0, false},
		{"a negative amount rounds away from zero too", "-0.0000000005", -1, false},
		{"an exponent, as JSON may write it", "1.2e-2", 12_000_000, false},
		{"not a number", "N/A*", 0, true},
		{"empty", "", 0, true},
		{"a fraction is no decimal", "1/3", 0, true},
		{"hexadecimal", "0x10", 0, true},
		{"more than an int64 of nano-dollars", "10000000000", 0, true},
		{"an exponent that would take all memory", "1e999999999", 0, true},
	} {
		got, err := ParseUSD(tt.in)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: ParseUSD(%q) = %d, %v; want %d", tt.reason, tt.in, got, err, tt.want)
		}
	}
}

func TestMoneyText(t *testing.T) {
	for _, tt := range []struct {
		reason      string
		in          USD
		exact       string
		decimals    int
		fixed, json string
	}{
		{"trailing zeros go", 170_000_000, "0.17", 4, "0.1700", "0.17"},
		{"zero", 0, "0", 2, "0.00", "0"},
		{"half a cent rounds up", 5_000_000, "0.005", 2, "0.01", "0.005"},
		{"no decimals", 1_500_000_000, "1.5", 0, "2", "1.5"},
		{"a whole amount keeps its zeros", 100_000_000_000, "100", 0, "100", "100"},
		{"below a dollar, negative", -1_000_000, "-0.001", 3, "-0.001", "-0.001"},
		{"nothing is left of it, so no sign", -1, "-0.000000001", 2, "0.00", "-0.000000001"},
		{"the smallest int64", -1 << 63, "-9223372036.854775808", 1, "-9223372036.9", "-9223372036.854775808"},
	} {
		if got := tt.in.String(); got != tt.exact {
			t.Errorf("%s: String() = %s, want %s", tt.reason, got, tt.exact)
		}
		if got := tt.in.Fixed(tt.decimals); got != tt.fixed {
			t.Errorf("%s: Fixed(%d) = %s, want %s", tt.reason, tt.decimals, got, tt.fixed)
		}
		if got, _ := json.Marshal(tt.in); string(got) != tt.json {
			t.Errorf("%s: JSON %s, want %s", tt.reason, got, tt.json)
		}
	}
}

func TestMoneySurvivesFormats(t *testing.T) {
	type bill struct {
		Rate USDPerHour `json:"rate" yaml:"rate"`
		Fee  USD        `json:"fee" yaml:"fee"`
	}
	formats := []struct {
		name      string
		marshal   func(any) ([]byte, error)
		unmarshal func([]byte, any) error
	}{
		{"json", json.Marshal, json.Unmarshal},
		{"yaml", yaml.Marshal, yaml.Unmarshal},
	}
	for _, f := range formats {
		for _, want := range []bill{{170_000_000, 447_000_000_000}, {1, 230_241_000_000_000}, {21_957_642_000, 0}} {
			text, err := f.marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got bill
			if err := f.unmarshal(text, &got); err != nil || got != want {
				t.Errorf("%s: %+v became %+v by %s: %v", f.name, want, got, text, err)
			}
		}
	}
}

// The worked example of the AWS guide to Reserved Instances: 60 USD upfront and
// 0.007 USD/h make a list value of 121.32 USD.
func TestReservedListValue(t *testing.T) {
	upfront, recurring := 60*USD(nano), USDPerHour(7_000_000)
	if got := upfront + recurring.Over(OneYear.Hours()); got.String() != "121.32" {
		t.Errorf("list value %s, want 121.32", got)
	}
	effective := OneYear.Effective(upfront, recurring)
	if got := effective.Over(OneYear.Hours()).Fixed(2); got != "121.32" {
		t.Errorf("effective rate %s makes %s over its term, want 121.32", effective, got)
	}
}

func TestEffectiveRate(t *testing.T) {
	for _, tt := range []struct {
		reason    string
		term      Term
		upfront   USD
		recurring USDPerHour
		want      string
	}{
		{"c5.xlarge 1y partial standard: 447 USD and 0.051", OneYear, 447 * nano, 51_000_000, "0.102027397"},
		{"all upfront over 26,280 hours", ThreeYears, 1629 * nano, 0, "0.061986301"},
		{"nothing upfront", OneYear, 0, 107_000_000, "0.107"},
		{"no term, nothing to spread", 0, 0, 170_000_000, "0.17"},
	} {
		if got := tt.term.Effective(tt.upfront, tt.recurring); got.String() != tt.want {
			t.Errorf("%s: %s, want %s", tt.reason, got, tt.want)
		}
	}
}

// mulDiv against arithmetic without bounds.
func TestMulDiv(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for range 10_000 {
		a, b, c := random.Int64()>>random.IntN(63), random.Int64()>>random.IntN(63), 1+random.Int64()>>random.IntN(63)
		if random.IntN(2) == 0 {
			a = -a
		}
		want, rest := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(a), big.NewInt(b)), big.NewInt(c), new(big.Int))
		if new(big.Int).Mul(big.NewInt(2), rest).CmpAbs(big.NewInt(c)) >= 0 {
			want.Add(want, big.NewInt(int64(rest.Sign())))
		}
		got, ok := mulDiv(a, b, c)
		if ok != want.IsInt64() || ok && got != want.Int64() {
			t.Errorf("%d × %d ÷ %d = %d, %t; want %s", a, b, c, got, ok, want)
		}
	}
}
