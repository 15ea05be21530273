package pricing

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// layered is the snapshot under overlays that must be sound.
func layered(t testing.TB, overlays ...*Overlay) *Catalog {
	t.Helper()
	c, warnings, err := Snapshot().With(overlays...)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, warnings %q", err, warnings)
	}
	return c
}

func decimal(t testing.TB, text string) *Decimal {
	t.Helper()
	var d Decimal
	if err := d.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return &d
}

// offered is the offer of a purchase, nil where there is none.
func offered(c *Catalog, q Query, p Purchase) *Offer {
	for _, o := range c.Offers(q) {
		if o.Purchase == p {
			return &o
		}
	}
	return nil
}

// The amounts are worked by hand from list prices: c5.xlarge 0.17 On-Demand,
// 447 + 0.051 Reserved for a year, partly upfront.
func TestOverlayAmounts(t *testing.T) {
	euro := &Currency{Code: "EUR", USD: 1_080_000_000}
	onDemand, partial := Purchase{Option: OnDemand}, Purchase{Reserved, OneYear, PartialUpfront, Standard}
	less := func(text string, m Selector) Change { return Change{Match: m, Percent: decimal(t, text)} }
	for _, tt := range []struct {
		reason        string
		overlays      []*Overlay
		subject       string
		purchase      Purchase
		hourly, by    string
		upfront, rule string
	}{
		{"12% off 0.17", []*Overlay{{Name: "edp.yaml", Changes: []Change{less("-12", Selector{})}}}, "c5.xlarge", onDemand, "0.1496", "edp.yaml", "0", "-12% by edp.yaml"},
		{"10% off the fee, 402.3, and the hours, 0.0459: 402.3 / 8760 + 0.0459", []*Overlay{{Name: "ri.yaml", Changes: []Change{less("-10", Selector{Purchase: []Option{Reserved}})}}},
			"c5.xlarge", partial, "0.091824658", "ri.yaml", "402.3", "-10% by ri.yaml"},
		{"a way to buy that is not selected", []*Overlay{{Name: "ri.yaml", Changes: []Change{less("-10", Selector{Purchase: []Option{Reserved}})}}}, "c5.xlarge", onDemand, "0.17", "", "0", ""},
		{"in the order written: (0.17 × 0.9) + 0.01", []*Overlay{{Name: "two.yaml", Changes: []Change{less("-10", Selector{Families: []string{"c5"}}),
			{Match: Selector{Instances: []string{"c5.*"}}, PerHour: decimal(t, "0.01")}}}}, "c5.xlarge", onDemand, "0.163", "two.yaml", "0", "-10% by two.yaml; +0.01 USD/h by two.yaml"},
		{"a later file on the result of the first: 0.17 × 0.9 × 0.9", []*Overlay{{Name: "a.yaml", Changes: []Change{less("-10", Selector{})}}, {Name: "b.yaml", Changes: []Change{less("-10", Selector{})}}},
			"c5.xlarge", onDemand, "0.1377", "a.yaml, b.yaml", "0", "-10% by a.yaml; -10% by b.yaml"},
		{"0.1 EUR at 1.08 USD, untouched by the file's own discount", []*Overlay{{Name: "eu.yaml", AsOf: 20261101, Currency: euro, Changes: []Change{less("-50", Selector{})},
			Prices: []PrivatePrice{{Name: "c5.xlarge", Region: "us-east-1", PerHour: *decimal(t, "0.1"), Note: "contract 7"}}}}, "c5.xlarge", onDemand, "0.108", "eu.yaml", "0", "0.1 EUR/h at 1.08 USD as written by eu.yaml: contract 7"},
		{"added in euros: 0.17 - 0.05 × 1.08", []*Overlay{{Name: "eu.yaml", Currency: euro, Changes: []Change{{Match: Selector{Instances: []string{"c5.xlarge"}, Purchase: []Option{OnDemand}}, PerHour: decimal(t, "-0.05")}}}},
			"c5.xlarge", onDemand, "0.116", "eu.yaml", "0", "-0.05 EUR/h at 1.08 USD by eu.yaml"},
		{"Elastic Inference by its accelerator: 0.12 × 0.75", []*Overlay{{Name: "ei.yaml", Changes: []Change{less("-25", Selector{Accelerators: []string{"eia2.*"}})}}}, "eia2.medium", onDemand, "0.09", "ei.yaml", "0", "-25% by ei.yaml"},
		{"an instance by its GPU, in small letters: 0.526 × 0.5", []*Overlay{{Name: "gpu.yaml", Changes: []Change{less("-50", Selector{Accelerators: []string{"t4"}})}}}, "g4dn.xlarge", onDemand, "0.263", "gpu.yaml", "0", "-50% by gpu.yaml"},
		{"and not one without", []*Overlay{{Name: "gpu.yaml", Changes: []Change{less("-50", Selector{Accelerators: []string{"T4"}})}}}, "c5.xlarge", onDemand, "0.17", "", "0", ""},
		{"dearer too: 0.17 × 1.2", []*Overlay{{Name: "tax.yaml", Changes: []Change{less("20", Selector{Regions: []string{"us-east-1"}})}}}, "c5.xlarge", onDemand, "0.204", "tax.yaml", "0", "+20% by tax.yaml"},
		{"another region's", []*Overlay{{Name: "tax.yaml", Changes: []Change{less("20", Selector{Regions: []string{"eu-west-1"}})}}}, "c5.xlarge", onDemand, "0.17", "", "0", ""},
		{"ended before", []*Overlay{{Name: "old.yaml", Changes: []Change{{Percent: decimal(t, "-20"), Until: 20251231}}}}, "c5.xlarge", onDemand, "0.17", "", "0", ""},
	} {
		c := layered(t, tt.overlays...)
		o := offered(c, Query{Region: "us-east-1", Subject: tt.subject, At: 20261101}, tt.purchase)
		if o == nil {
			t.Errorf("%s: no offer", tt.reason)
			continue
		}
		if o.Hourly.String() != tt.hourly || o.Upfront.String() != tt.upfront || o.Overlay != tt.by || !strings.HasSuffix(o.Rule, tt.rule) || !strings.Contains(o.Source, strings.Split(tt.by, ",")[0]) {
			t.Errorf("%s: %s USD/h, %s upfront, by %q, rule %q, source %q", tt.reason, o.Hourly, o.Upfront, o.Overlay, o.Rule, o.Source)
		}
	}
}

// The published run of Elastic Inference in us-west-2 in July 2019 paid 0.13, 0.26 and 0.52 USD/h, which the snapshot does not know there.
func TestOverlayAddsWhatIsMissing(t *testing.T) {
	c := layered(t, &Overlay{Name: "oregon.yaml", AsOf: 20190701, Prices: []PrivatePrice{
		{Name: "eia1.medium", Region: "us-west-2", PerHour: *decimal(t, "0.13")}, {Name: "eia1.large", Region: "us-west-2", PerHour: *decimal(t, "0.26")},
		{Name: "eia1.xlarge", Region: "us-west-2", PerHour: *decimal(t, "0.52")},
	}})
	for name, want := range map[string]string{"eia1.medium": "0.13", "eia1.large": "0.26", "eia1.xlarge": "0.52"} {
		q := Query{Region: "us-west-2", Subject: name, At: 20190701}
		if n := len(Snapshot().Offers(q)); n != 0 {
			t.Fatalf("%s: the snapshot has %d offers by itself", name, n)
		}
		o := offered(c, q, Purchase{Option: OnDemand})
		if o == nil || o.Hourly.String() != want || o.AsOf != 20190701 || o.Quality != Observed || o.Source != "oregon.yaml" || o.Caveat != "" {
			t.Errorf("%s: %+v, want %s USD/h", name, o, want)
		}
		for _, g := range c.Gaps(q) {
			if g.Purchase.Option == OnDemand {
				t.Errorf("%s: a gap where there is a price: %s", name, g.Reason)
			}
		}
		q.At = 20190101
		if o := offered(c, q, Purchase{Option: OnDemand}); o == nil || !strings.Contains(o.Caveat, "known only from 2019-07-01 on") {
			t.Errorf("%s before its date: %+v", name, o)
		}
	}
	if o := offered(c, Query{Region: "us-east-1", Subject: "eia1.medium", At: 20190701}, Purchase{Option: OnDemand}); o == nil || o.Overlay != "" {
		t.Errorf("us-east-1: %+v", o)
	}
}

func TestOverlayIsRefused(t *testing.T) {
	price := PrivatePrice{Name: "c5.xlarge", Region: "us-east-1", PerHour: *decimal(t, "0.1"), AsOf: 20261101}
	with := func(edit func(*PrivatePrice)) Overlay {
		p := price
		edit(&p)
		return Overlay{Prices: []PrivatePrice{p}}
	}
	change := func(c Change) Overlay { return Overlay{Changes: []Change{c}} }
	match := func(m Selector) Overlay { return change(Change{Match: m, Percent: decimal(t, "-1")}) }
	for reason, tt := range map[string]struct {
		overlay Overlay
		want    string
	}{
		"neither percent nor amount":     {change(Change{}), "changes[0]: needs percent or perHour"},
		"both":                           {change(Change{Percent: decimal(t, "-1"), PerHour: decimal(t, "1")}), "only one of them"},
		"everything off":                 {change(Change{Percent: decimal(t, "-100")}), "percent -100 leaves no price"},
		"more off than there is":         {change(Change{Match: Selector{Instances: []string{"c5.large"}, Regions: []string{"us-east-1"}}, PerHour: decimal(t, "-0.09")}), "of c5.large in us-east-1, "},
		"a region that is none":          {match(Selector{Regions: []string{"us-east-l"}}), `unknown region "us-east-l" (near: us-east-1`},
		"a family that is none":          {match(Selector{Families: []string{"c55"}}), `unknown family "c55" (near: c5`},
		"a type that is none":            {match(Selector{Instances: []string{"c5.xlrage"}}), `unknown instance type "c5.xlrage" (near: c5.xlarge`},
		"a glob that matches nothing":    {match(Selector{Instances: []string{"q9.*"}}), `unknown instance type "q9.*"`},
		"a broken glob":                  {match(Selector{Instances: []string{"c5.["}}), "syntax error in pattern"},
		"an accelerator that is none":    {match(Selector{Accelerators: []string{"eia3.*"}}), `unknown accelerator "eia3.*" (near: eia1.*, eia2.*)`},
		"lists that exclude each other":  {match(Selector{Families: []string{"c5"}, Accelerators: []string{"T4"}}), "in all of the match's lists"},
		"days the wrong way round":       {change(Change{Percent: decimal(t, "-1"), From: 20260101, Until: 20250101}), "until 2025-01-01 is before from 2026-01-01"},
		"a currency without a rate":      {Overlay{Currency: &Currency{Code: "EUR"}}, "currency: needs a code"},
		"a price of nothing known":       {with(func(p *PrivatePrice) { p.Name = "c5.xlrage" }), `prices[0]: unknown instance type or accelerator "c5.xlrage" (near: c5.xlarge`},
		"a price of 0":                   {with(func(p *PrivatePrice) { p.PerHour = 0 }), "0 USD and 0 USD/h"},
		"a price without a date":         {with(func(p *PrivatePrice) { p.AsOf = 0 }), "asOf is needed"},
		"a way to buy that is none":      {with(func(p *PrivatePrice) { p.Purchase = &Purchase{Option: Reserved} }), "no way to buy"},
		"an accelerator on Spot":         {with(func(p *PrivatePrice) { p.Name, p.Purchase = "eia2.medium", &Purchase{Option: Spot} }), "eia2.medium is not sold Spot"},
		"a block of what is sold freely": {with(func(p *PrivatePrice) { p.Purchase = &Purchase{Option: CapacityBlock} }), "c5.xlarge is not sold Capacity Block"},
		"a fee without a term":           {with(func(p *PrivatePrice) { p.Upfront = 1 }), "upfront without a term"},
		"two prices of one thing":        {Overlay{Prices: []PrivatePrice{price, price}}, "prices[1]: a second On-Demand price of c5.xlarge"},
	} {
		tt.overlay.Name = "bad.yaml"
		_, _, err := Snapshot().With(&tt.overlay)
		if err == nil || !strings.HasPrefix(err.Error(), "bad.yaml: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", reason, err, tt.want)
		}
	}
}

// What is well formed but does nothing is a warning.
func TestIdleOverlayIsNamed(t *testing.T) {
	_, warnings, err := Snapshot().With(&Overlay{Name: "idle.yaml", Changes: []Change{{Percent: decimal(t, "-1"), Match: Selector{Instances: []string{"p2.xlarge"}, Purchase: []Option{CapacityBlock}}}},
		Prices: []PrivatePrice{{Name: "eia2.medium", Region: "af-south-1", PerHour: *decimal(t, "0.2"), AsOf: 20200101}}})
	if err != nil || len(warnings) != 2 || !strings.Contains(warnings[0], "changes[0] matches no price") || !strings.Contains(warnings[1], "eia2.medium is not known to be sold in af-south-1") {
		t.Errorf("%v, %q", err, warnings)
	}
}

// A discount never raises a price, a markup never lowers one, and what is not
// selected stays as it is.
func TestOverlayDirection(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	plain := Snapshot()
	for range 12 {
		percent := Decimal(random.Int64N(199)*nano - 99*nano)
		m := Selector{Families: []string{plain.Instances()[random.IntN(len(plain.Instances()))].Family}, Purchase: []Option{[]Option{OnDemand, Reserved, Spot}[random.IntN(3)]}}
		c, _, err := plain.With(&Overlay{Name: "x.yaml", Changes: []Change{{Match: m, Percent: &percent}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range plain.Instances() {
			q := Query{Region: "us-east-1", Subject: in.Name, At: []Date{0, 20200601}[random.IntN(2)]}
			before, after := plain.Offers(q), c.Offers(q)
			if len(before) != len(after) {
				t.Fatalf("%s: %d offers, were %d", in.Name, len(after), len(before))
			}
			for i := range before {
				b, a := &before[i], &after[i]
				selected := in.Family == m.Families[0] && b.Purchase.Option == m.Purchase[0]
				if !selected && (a.Hourly != b.Hourly || a.Overlay != "") || percent <= 0 && a.Hourly > b.Hourly || percent >= 0 && a.Hourly < b.Hourly || a.Hourly <= 0 {
					t.Errorf("%s, %s: %s USD/h was %s, at %s%%", in.Name, b.Purchase, a.Hourly, b.Hourly, percent)
				}
				if a.Quality != b.Quality || a.AsOf != b.AsOf {
					t.Errorf("%s, %s: %s of %s became %s of %s", in.Name, b.Purchase, b.Quality, b.AsOf, a.Quality, a.AsOf)
				}
			}
		}
	}
}

// 0.17 less 45%, 42% … 30%.
func TestSpotBlocks(t *testing.T) {
	q := Query{Region: "us-east-1", Subject: "c5.xlarge", At: 20200601}
	for class, want := range map[Class]string{OneHour: "0.0935", TwoHours: "0.0986", ThreeHours: "0.1037", FourHours: "0.1088", FiveHours: "0.1139", SixHours: "0.119"} {
		o := offered(Snapshot(), q, Purchase{Option: SpotBlock, Class: class})
		if o == nil || o.Hourly.String() != want || o.Quality != Derived || strings.Contains(o.Rule, "interpolated") != (class != OneHour && class != SixHours) {
			t.Errorf("%s: %+v, want %s USD/h", class, o, want)
		}
	}
	for reason, q := range map[string]Query{
		"after the end":         {Region: "us-east-1", Subject: "c5.xlarge", At: 20230101},
		"today":                 {Region: "us-east-1", Subject: "c5.xlarge"},
		"observed prices alone": {Region: "us-east-1", Subject: "c5.xlarge", At: 20200601, Quality: Observed},
		"of an accelerator":     {Region: "us-east-1", Subject: "eia2.medium", At: 20200601},
	} {
		if o := offered(Snapshot(), q, Purchase{Option: SpotBlock, Class: OneHour}); o != nil {
			t.Errorf("%s: %+v", reason, o)
		}
	}
}
