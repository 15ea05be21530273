package pricing

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// small is a catalogue of one type and one accelerator in two regions.
func small(t *testing.T, prices ...Price) *Catalog {
	t.Helper()
	tables := smallTables()
	tables.Prices = append(tables.Prices, prices...)
	c, err := New(tables)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func smallTables() Tables {
	return Tables{
		Source:       "test",
		Instances:    []InstanceType{{Name: "c5.xlarge", Family: "c5", Arch: "amd64", VCPU: 4, PhysicalCores: 2, MemoryBytes: 8 << 30}},
		Accelerators: []Accelerator{{Name: "eia2.medium", Kind: ElasticInference, MemoryBytes: 2e9}},
		Offered: []Offering{
			{Region: "us-east-1", Subject: "c5.xlarge", Source: "test"},
			{Region: "us-east-1", Subject: "eia2.medium", From: 20191001, Closed: 20230415, Retired: 20240400, Source: "test"},
			{Region: "eu-west-1", Subject: "c5.xlarge", From: 20200101, Source: "test"},
		},
		Bands: []RegionBand{
			{"us-east-1", "c5.xlarge", Band{"5-10%", 5, 10, 70, 20210210, "test"}},
			{"us-east-1", "c5.xlarge", Band{"<5%", 0, 5, 60, 20250728, "test"}},
		},
	}
}

func price(option Option, usd string, asOf Date, q Quality) Price {
	hourly, err := ParseUSDPerHour(usd)
	if err != nil {
		panic(err)
	}
	return Price{
		Region: "us-east-1", Subject: "c5.xlarge", Purchase: Purchase{Option: option}, Recurring: hourly,
		Provenance: Provenance{Source: "test", AsOf: asOf, Quality: q, Rule: "test"},
	}
}

func TestWhichVintageAnswers(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		prices  []Price
		at      Date
		quality Quality
		want    string // empty: no offer
		late    bool
	}{
		{"the newest, when no date is asked for", []Price{price(Spot, "1", 20190405, Observed), price(Spot, "2", 20260720, Observed)}, 0, 0, "2", false},
		{"the newest that is not later", []Price{price(Spot, "1", 20190405, Observed), price(Spot, "2", 20260720, Observed)}, 20200601, 0, "1", false},
		{"one of the very day", []Price{price(Spot, "1", 20200601, Observed)}, 20200601, 0, "1", false},
		{"the first later one, and it says so", []Price{price(Spot, "1", 20210400, Observed), price(Spot, "2", 20260720, Observed)}, 20200601, 0, "1", true},
		{"observed beats derived of the same season", []Price{price(Spot, "1", 20250613, Observed), price(Spot, "2", 20250728, Derived)}, 0, 0, "1", false},
		{"derived beats observed of years ago", []Price{price(Spot, "1", 20210400, Observed), price(Spot, "2", 20250728, Derived)}, 0, 0, "2", false},
		{"but not at a date before it", []Price{price(Spot, "1", 20210400, Observed), price(Spot, "2", 20250728, Derived)}, 20220101, 0, "1", false},
		{"nor where observed is asked for", []Price{price(Spot, "1", 20210400, Observed), price(Spot, "2", 20250728, Derived)}, 0, Observed, "1", false},
		{"derived before inferred of the same day", []Price{price(Spot, "1", 20250728, Inferred), price(Spot, "2", 20250728, Derived)}, 0, 0, "2", false},
		{"a worse quality alone is no answer to a better one", []Price{price(Spot, "1", 20250728, Derived)}, 0, Observed, "", false},
	} {
		offers := small(t, tt.prices...).Offers(Query{"us-east-1", "c5.xlarge", tt.at, tt.quality})
		if tt.want == "" {
			if len(offers) != 0 {
				t.Errorf("%s: %+v", tt.reason, offers)
			}
			continue
		}
		if len(offers) != 1 || offers[0].Hourly.String() != tt.want || strings.Contains(offers[0].Caveat, "after the date asked for") != tt.late {
			t.Errorf("%s: %+v, want %s", tt.reason, offers, tt.want)
		}
	}
}

func TestBreakEven(t *testing.T) {
	reserved := price(OnDemand, "0.1125", 20250613, Observed)
	reserved.Purchase = Purchase{Reserved, OneYear, NoUpfront, Standard}
	for _, tt := range []struct {
		reason string
		prices []Price
		want   float64
	}{
		{"0.1125/0.17 of 730 hours", []Price{price(OnDemand, "0.17", 20250613, Observed), reserved}, 730 * 0.1125 / 0.17},
		{"nothing to compare with", []Price{reserved}, 0},
	} {
		offers := small(t, tt.prices...).Offers(Query{Region: "us-east-1", Subject: "c5.xlarge"})
		for _, o := range offers {
			want := tt.want
			if o.Purchase.Option == OnDemand {
				want = 0
			}
			if diff := o.BreakEvenHours - want; diff > 1e-9 || diff < -1e-9 {
				t.Errorf("%s: %s breaks even at %g h, want %g", tt.reason, o.Purchase, o.BreakEvenHours, want)
			}
		}
	}
}

func TestSold(t *testing.T) {
	c := small(t)
	for _, tt := range []struct {
		reason          string
		region, subject string
		at              Date
		want            State
	}{
		{"sold since ever", "us-east-1", "c5.xlarge", 20180101, Current},
		{"sold today", "us-east-1", "c5.xlarge", 0, Current},
		{"before the region had it", "eu-west-1", "c5.xlarge", 20191231, NotOffered},
		{"before its launch", "us-east-1", "eia2.medium", 20190930, NotOffered},
		{"in its days", "us-east-1", "eia2.medium", 20200601, Current},
		{"closed", "us-east-1", "eia2.medium", 20230415, Closed},
		{"retired within a month known only as such", "us-east-1", "eia2.medium", 20240401, Retired},
		{"retired today", "us-east-1", "eia2.medium", 0, Retired},
		{"never in that region", "eu-west-1", "eia2.medium", 20200601, NotOffered},
		{"anywhere: the better of the two regions", "", "c5.xlarge", 20191231, Current},
		{"anywhere: nowhere", "", "c5.9xlarge", 0, NotOffered},
		{"a region that is none", "eu-west-9", "c5.xlarge", 0, NotOffered},
	} {
		if got := c.Sold(tt.region, tt.subject, tt.at).State; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.reason, got, tt.want)
		}
	}
}

func TestGaps(t *testing.T) {
	c := small(t, price(OnDemand, "0.17", 20190405, Observed))
	all := 0
	for _, w := range Ways() {
		all += len(w.Purchases())
	}
	for _, tt := range []struct {
		reason          string
		region, subject string
		at              Date
		option          Option
		want            GapReason // 0: no gap
	}{
		{"what has a price has no gap", "us-east-1", "c5.xlarge", 0, OnDemand, 0},
		{"sold, but at a price not known", "us-east-1", "c5.xlarge", 0, Spot, NoPrice},
		{"Spot blocks are gone", "us-east-1", "c5.xlarge", 0, SpotBlock, WayNotSold},
		{"and were there", "us-east-1", "c5.xlarge", 20200601, SpotBlock, NoPrice},
		{"accelerators are bought On-Demand", "us-east-1", "eia2.medium", 20200601, OnDemand, NoPrice},
		{"and no other way", "us-east-1", "eia2.medium", 20200601, Reserved, WayNotSold},
		{"a region without accelerators", "eu-west-1", "eia2.medium", 20200601, OnDemand, NotSoldThere},
		{"a type that is none", "us-east-1", "c5.9xlarge", 0, OnDemand, NotSoldThere},
	} {
		q := Query{Region: tt.region, Subject: tt.subject, At: tt.at}
		gaps := c.Gaps(q)
		if got := len(gaps) + len(c.Offers(q)); got != all {
			t.Errorf("%s: offers and gaps are %d together, of %d purchases", tt.reason, got, all)
		}
		i := slices.IndexFunc(gaps, func(g Gap) bool { return g.Purchase.Option == tt.option })
		switch {
		case tt.want == 0 && i >= 0:
			t.Errorf("%s: gap %+v", tt.reason, gaps[i])
		case tt.want != 0 && (i < 0 || gaps[i].Reason != tt.want):
			t.Errorf("%s: gaps %+v, want %s", tt.reason, gaps, tt.want)
		}
	}
}

func TestBand(t *testing.T) {
	c := small(t, price(Spot, "0.06", 20250613, Observed), price(OnDemand, "0.17", 20250613, Observed))
	for _, tt := range []struct {
		reason string
		at     Date
		want   string
	}{
		{"the newest", 0, "<5%"},
		{"of its day", 20250728, "<5%"},
		{"the newest before", 20230101, "5-10%"},
		{"none before: the first", 20200601, "5-10%"},
	} {
		if got := c.Band("us-east-1", "c5.xlarge", tt.at); got == nil || got.Label != tt.want {
			t.Errorf("%s: %v, want %s", tt.reason, got, tt.want)
		}
	}
	if got := c.Band("eu-west-1", "c5.xlarge", 0); got != nil {
		t.Errorf("no band is known in eu-west-1, yet %v", got)
	}
	for _, o := range c.Offers(Query{Region: "us-east-1", Subject: "c5.xlarge"}) {
		if (o.Band != nil) != o.Purchase.Way().Interruptible {
			t.Errorf("%s has band %v", o.Purchase, o.Band)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	c := Snapshot()
	for _, tt := range []struct {
		reason string
		find   func(string) error
		name   string
		near   []string
	}{
		{"letters swapped", regionError(c), "us-esat-1", []string{"us-east-1", "us-east-2", "us-west-1"}},
		{"a letter missing", instanceError(c), "c5.xlrge", []string{"c5.xlarge"}},
		{"capitals", instanceError(c), "C5.XLARGE", []string{"c5.xlarge"}},
		{"another generation", acceleratorError(c), "eia3.medium", []string{"eia1.medium", "eia2.medium"}},
		{"nothing like it", instanceError(c), "Standard_NC4as_T4_v3", nil},
		{"empty", regionError(c), "", nil},
	} {
		err := tt.find(tt.name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) {
			t.Errorf("%s: error %v", tt.reason, err)
			continue
		}
		for i, want := range tt.near {
			if i >= len(unknown.Near) || i == 0 && unknown.Near[0] != want || !slices.Contains(unknown.Near, want) {
				t.Errorf("%s: near %q is %q, want %q", tt.reason, tt.name, unknown.Near, tt.near)
				break
			}
		}
		if tt.near == nil && unknown.Near != nil {
			t.Errorf("%s: near %q is %q", tt.reason, tt.name, unknown.Near)
		}
		if !strings.Contains(err.Error(), tt.name) {
			t.Errorf("%s: %q does not name %q", tt.reason, err, tt.name)
		}
	}
}

func regionError(c *Catalog) func(string) error {
	return func(name string) error { _, err := c.Region(name); return err }
}

func instanceError(c *Catalog) func(string) error {
	return func(name string) error { _, err := c.Instance(name); return err }
}

func acceleratorError(c *Catalog) func(string) error {
	return func(name string) error { _, err := c.Accelerator(name); return err }
}

func TestEditDistance(t *testing.T) {
	for _, tt := range []struct {
		reason, a, b string
		want         int
	}{
		{"the same", "c5.large", "c5.large", 0},
		{"a letter more", "c5.large", "c5.xlarge", 1},
		{"another letter", "m5.large", "c5.large", 1},
		{"neighbours swapped", "us-esat-1", "us-east-1", 1},
		{"swapped around an insertion takes three", "ca", "abc", 3},
		{"from nothing", "", "eia1", 4},
	} {
		if got := editDistance(tt.a, tt.b); got != tt.want || editDistance(tt.b, tt.a) != got {
			t.Errorf("%s: %q to %q is %d, want %d", tt.reason, tt.a, tt.b, got, tt.want)
		}
	}
}
