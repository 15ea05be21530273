package pricing

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTablesAreWhatCataloguesAreMadeOf(t *testing.T) {
	again, err := New(Snapshot().Tables())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.SHA256(), Snapshot().SHA256(); got != want {
		t.Errorf("the snapshot's rows make catalogue %.8s, not %.8s", got, want)
	}
	if again.AsOf() != Snapshot().AsOf() || again.Source() != Snapshot().Source() {
		t.Errorf("of %s, from %q", again.AsOf(), again.Source())
	}
}

func TestMerge(t *testing.T) {
	base := smallTables()
	base.Instances[0].Processor = "cascade-lake"
	base.Prices = []Price{price(OnDemand, "0.17", 20190405, Observed)}
	subject, region := base.Prices[0].Subject, base.Prices[0].Region
	onDemand := func(t *testing.T, m Tables) []Offer {
		c, err := New(m)
		if err != nil {
			t.Fatal(err)
		}
		return c.Offers(Query{Region: region, Subject: subject})
	}
	for _, tt := range []struct {
		reason string
		update Price
		want   USDPerHour
	}{
		{"a newer price answers", price(OnDemand, "0.16", 20261122, Observed), 160_000_000},
		{"an older one is history", price(OnDemand, "0.19", 20150101, Observed), 170_000_000},
		{"one of the same day replaces it", price(OnDemand, "0.18", 20190405, Observed), 180_000_000},
	} {
		m, strangers := Merge(base, Tables{Prices: []Price{tt.update}})
		if got := onDemand(t, m); len(got) != 1 || got[0].Hourly != tt.want || len(strangers) > 0 {
			t.Errorf("%s: %+v, strangers %q", tt.reason, got, strangers)
		}
	}

	newcomer := base.Instances[0]
	newcomer.Name, newcomer.Processor, newcomer.ProcessorModel = newcomer.Family+".99xlarge", "", ""
	there := base.Prices[0]
	there.Subject = newcomer.Name
	stranger := base.Prices[0]
	stranger.Subject = "x9.huge"
	m, strangers := Merge(base, Tables{Instances: []InstanceType{newcomer}, Prices: []Price{there, stranger}})
	if !slices.Equal(strangers, []string{"x9.huge"}) {
		t.Errorf("strangers %q", strangers)
	}
	c, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Instance(newcomer.Name); err != nil || got.Processor != base.Instances[0].Processor {
		t.Errorf("a new size of a known family: %+v, %v", got, err)
	}
	if l := c.Sold(region, newcomer.Name, 0); l.State != Current || l.From != there.AsOf {
		t.Errorf("what is priced and was never said to be offered: %+v", l)
	}

	gone := Offering{Region: region, Subject: subject, From: 20261122, Retired: 20261122, Source: "test"}
	m, _ = Merge(base, Tables{Offered: []Offering{gone}})
	if c, err = New(m); err != nil {
		t.Fatal(err)
	}
	if l := c.Sold(region, subject, 0); l.State != Retired || l.From == 20261122 {
		t.Errorf("retired by an update, with the first day that base knows: %+v", l)
	}
}

func TestDiff(t *testing.T) {
	base := smallTables()
	base.Prices = []Price{price(OnDemand, "0.17", 20190405, Observed), price(Spot, "0.05", 20190405, Observed)}
	a, err := New(base)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Changes{}, Diff(a, a, nil)); d != "" {
		t.Errorf("a catalogue differs from itself:\n%s", d)
	}
	later := price(OnDemand, "0.17", 20261122, Observed)
	m, _ := Merge(base, Tables{Prices: []Price{later}})
	same, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Changes{}, Diff(a, same, nil)); d != "" {
		t.Errorf("the same price on another day is a change:\n%s", d)
	}
	other := base
	other.Prices = []Price{price(OnDemand, "0.34", 20261122, Observed)}
	b, err := New(other)
	if err != nil {
		t.Fatal(err)
	}
	changes := Diff(a, b, nil)
	if len(changes.Prices) != 2 || len(changes.Lifecycles) != 0 {
		t.Fatalf("%+v", changes)
	}
	if p, ok := changes.Prices[0].Percent(); !ok || p != 100 {
		t.Errorf("twice the price is %v%%, %v", p, ok)
	}
	if p := changes.Prices[1]; p.Purchase.Option != Spot || p.New != nil || p.Old == nil {
		t.Errorf("a price that is gone: %+v", p)
	}
	if got := Diff(a, b, func(region, _ string) bool { return region == "nowhere" }); len(got.Prices) != 0 {
		t.Errorf("prices outside of what is compared: %+v", got.Prices)
	}
}

// What is written is read back, so that a catalogue's own sheet changes nothing.
func TestSheetRoundTrip(t *testing.T) {
	tables := Snapshot().Tables()
	want := slices.DeleteFunc(tables.Prices, func(p Price) bool { return p.Region != "us-east-1" })
	var b bytes.Buffer
	if err := WriteSheet(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSheetCSV(&b, SheetDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSheetCSVAndYAMLAgree(t *testing.T) {
	d := SheetDefaults{Source: "our contract", AsOf: 20261101}
	fromCSV, err := ReadSheetCSV(strings.NewReader(`name,region,option,term,payment,class,upfrontUsd,hourlyUsd,asOf,caveat
c5.xlarge,us-east-1,on-demand,,,,,0.1499999999,2026-11-22,
c5.xlarge,us-east-1,reserved,3y,partial-upfront,standard,700,0.03,,"private, of 2026"
`), d)
	if err != nil {
		t.Fatal(err)
	}
	fromYAML, err := ReadSheetYAML(strings.NewReader(`apiVersion: eiplan/v1
kind: PriceSheet
prices:
  - {name: c5.xlarge, region: us-east-1, option: on-demand, hourlyUsd: 0.1499999999, asOf: 2026-11-22, term: null}
  - name: c5.xlarge
    region: us-east-1
    option: reserved
    term: 3y
    payment: partial-upfront
    class: standard
    upfrontUsd: 700
    hourlyUsd: 0.03
    caveat: private, of 2026
`), d)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fromCSV, fromYAML); d != "" {
		t.Errorf("(-CSV +YAML):\n%s", d)
	}
	want := Price{"us-east-1", "c5.xlarge", Purchase{Reserved, ThreeYears, PartialUpfront, Standard}, 700 * nano, 30_000_000,
		Provenance{Source: "our contract", AsOf: 20261101, Quality: Observed, Caveat: "private, of 2026"}}
	if d := cmp.Diff(want, fromCSV[1]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if fromCSV[0].AsOf != 20261122 || fromCSV[0].Recurring != 150_000_000 {
		t.Errorf("%+v", fromCSV[0])
	}
}

func TestSheetRefuses(t *testing.T) {
	const head = "region,name,option,hourlyUsd,asOf\n"
	const yamlHead = "apiVersion: eiplan/v1\nkind: PriceSheet\nprices:\n"
	for _, tt := range []struct{ reason, text, says string }{
		{"nothing", "", "header"},
		{"an unknown column", "region,name,option,hourlyUSD\n", `: unknown column "hourlyUSD" (near: hourlyUsd)`},
		{"no name", head + "us-east-1,,on-demand,1,2026-01-01\n", ": no name"},
		{"a way to buy that is none", head + "us-east-1,c5.xlarge,spot,1,2026-01-01\nus-east-1,c5.xlarge,rent,1,2026-01-01\n", `: option: "rent"`},
		{"a price that is none", head + "us-east-1,c5.xlarge,spot,cheap,2026-01-01\n", `: hourlyUsd: "cheap"`},
		{"a price of zero", head + "us-east-1,c5.xlarge,spot,0,2026-01-01\n", ": price of"},
		{"no price", head + "us-east-1,c5.xlarge,spot,,2026-01-01\n", ": price of"},
		{"no date", head + "us-east-1,c5.xlarge,spot,1,\n", ": no asOf"},
		{"a commitment without term", head + "us-east-1,c5.xlarge,reserved,1,2026-01-01\n", "no way to buy"},
		{"a row too short", head + "us-east-1,c5.xlarge,spot\n", "line 2"},
		{"YAML of another kind", "apiVersion: eiplan/v1\nkind: PriceList\nprices: []\n", `kind "PriceList"`},
		{"YAML with an unknown key", yamlHead + "  - {region: us-east-1, nmae: c5.xlarge}\n", `: unknown column "nmae" (near: name)`},
		{"YAML with a list for a value", yamlHead + "  - {region: [us-east-1], name: c5.xlarge}\n", ": region is not a plain value"},
		{"YAML with plain text for a price", yamlHead + "  - 0.17\n", ": not a price"},
	} {
		read := ReadSheetCSV
		if strings.HasPrefix(tt.text, "apiVersion") {
			read = ReadSheetYAML
		}
		if _, err := read(strings.NewReader(tt.text), SheetDefaults{Source: "test"}); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", tt.reason, err, tt.says)
		}
	}
}
