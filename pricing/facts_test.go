package pricing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// Prices that four or five independent sources agree on, those of Elastic
// Inference as AWS's slides print them, and the cuts of 2025.
func TestKnownPrices(t *testing.T) {
	c := Snapshot()
	onDemand := Purchase{Option: OnDemand}
	for _, tt := range []struct {
		region, subject string
		purchase        Purchase
		at              Date
		want            string
	}{
		{"us-east-1", "c5.large", onDemand, 0, "0.085"},
		{"us-east-1", "c5.xlarge", onDemand, 0, "0.17"},
		{"us-east-1", "c5.xlarge", onDemand, 20200601, "0.17"},
		{"us-east-1", "m5.large", onDemand, 0, "0.096"},
		{"us-east-1", "c4.xlarge", onDemand, 0, "0.199"},
		{"us-east-1", "m4.xlarge", onDemand, 0, "0.2"},
		{"us-east-1", "t3.medium", onDemand, 0, "0.0416"},
		{"us-east-1", "p2.xlarge", onDemand, 0, "0.9"},
		{"us-east-1", "p3.2xlarge", onDemand, 0, "3.06"},
		{"us-east-1", "g3s.xlarge", onDemand, 0, "0.75"},
		{"us-east-1", "g3.4xlarge", onDemand, 0, "1.14"},
		{"us-east-1", "g4dn.xlarge", onDemand, 0, "0.526"},
		{"us-east-1", "g5.xlarge", onDemand, 0, "1.006"},
		{"us-east-1", "inf1.xlarge", onDemand, 0, "0.228"},
		{"us-east-1", "c6i.xlarge", onDemand, 0, "0.17"},
		{"us-east-1", "inf2.xlarge", onDemand, 0, "0.7582"},
		{"us-east-1", "c7g.xlarge", onDemand, 0, "0.145"},
		{"us-east-1", "g6.xlarge", onDemand, 0, "0.8048"},
		{"us-east-1", "c6g.metal", onDemand, 0, "2.176"},
		{"us-east-1", "p4d.24xlarge", onDemand, 0, "21.957642"},
		{"us-east-1", "p4d.24xlarge", onDemand, 20240601, "32.7726"},
		{"us-east-2", "p4d.24xlarge", onDemand, 0, "21.957642"},
		{"us-east-2", "p5.48xlarge", onDemand, 0, "55.04"},
		{"us-east-1", "eia1.medium", onDemand, 0, "0.13"},
		{"us-east-1", "eia1.large", onDemand, 0, "0.26"},
		{"us-east-1", "eia1.xlarge", onDemand, 0, "0.52"},
		{"us-east-1", "eia2.medium", onDemand, 20200601, "0.12"},
		{"us-east-1", "eia2.large", onDemand, 20200601, "0.24"},
		{"us-east-1", "eia2.xlarge", onDemand, 20200601, "0.34"},
		{"us-west-2", "eia2.medium", onDemand, 20200601, "0.12"},
		{"us-west-2", "eia1.medium", onDemand, 20200601, ""},
		{"eu-west-1", "eia2.medium", onDemand, 20200601, ""},
		{"us-east-1", "c5.xlarge", Purchase{Reserved, OneYear, NoUpfront, Standard}, 0, "0.107"},
		{"us-east-1", "c5.xlarge", Purchase{Reserved, OneYear, PartialUpfront, Standard}, 0, "0.102027397"},
		{"us-east-1", "c5.xlarge", Purchase{Reserved, OneYear, PartialUpfront, Convertible}, 0, "0.117675799"},
		{"us-east-1", "m5.large", Purchase{SavingsPlan, OneYear, NoUpfront, EC2Instance}, 0, "0.06"},
	} {
		got := ""
		for _, o := range c.Offers(Query{Region: tt.region, Subject: tt.subject, At: tt.at}) {
			if o.Purchase == tt.purchase {
				got = o.Hourly.String()
			}
		}
		if got != tt.want {
			t.Errorf("%s in %s, %s, at %q: %q, want %q", tt.subject, tt.region, tt.purchase, tt.at, got, tt.want)
		}
	}
}

// Upfront and hourly parts that were solved back from effective rates, against
// records of AWS's own price list.
func TestReservedParts(t *testing.T) {
	c := Snapshot()
	for _, tt := range []struct {
		instance  string
		term      Term
		class     Class
		recurring string
	}{
		{"c5.xlarge", OneYear, Standard, "0.051"},
		{"c5.xlarge", OneYear, Convertible, "0.059"},
		{"t3.medium", OneYear, Standard, "0.0124"},
		{"t3.medium", ThreeYears, Standard, "0.0083"},
		{"t3.medium", OneYear, Convertible, "0.0143"},
		{"t3.medium", ThreeYears, Convertible, "0.0096"},
	} {
		p := Purchase{Reserved, tt.term, PartialUpfront, tt.class}
		got := "no offer"
		for _, o := range c.Offers(Query{Region: "us-east-1", Subject: tt.instance, At: 20200601}) {
			if o.Purchase == p {
				got = o.Recurring.String()
			}
		}
		if got != tt.recurring {
			t.Errorf("%s, %s: %s an hour, want %s", tt.instance, p, got, tt.recurring)
		}
	}
}

// The worked example of the first screen: only the host's part depends on how
// the host is bought.
func TestHostWithAccelerator(t *testing.T) {
	c := Snapshot()
	accelerator := c.Offers(Query{Region: "us-east-1", Subject: "eia2.medium", At: 20200601})
	if len(accelerator) != 1 || accelerator[0].Purchase.Option != OnDemand {
		t.Fatalf("eia2.medium has offers %+v", accelerator)
	}
	for _, host := range c.Offers(Query{Region: "us-east-1", Subject: "c5.xlarge", At: 20200601}) {
		sum := host.Hourly + accelerator[0].Hourly
		if host.Purchase.Option == OnDemand && sum.String() != "0.29" {
			t.Errorf("On-Demand the pair costs %s, want 0.29", sum)
		}
		if sum-host.Hourly != 120_000_000 {
			t.Errorf("%s: the accelerator costs %s, want 0.12", host.Purchase, sum-host.Hourly)
		}
	}
}

func TestLifecycles(t *testing.T) {
	c := Snapshot()
	for i := range c.Instances() {
		in := &c.Instances()[i]
		now := c.Sold("", in.Name, 0).State
		want := Current
		if slices.Contains([]string{"g2", "g3", "g3s", "p2", "p3"}, in.Family) {
			want = Retired
		}
		if now != want {
			t.Errorf("%s is %s, want %s", in.Name, now, want)
		}
	}
	for _, tt := range []struct {
		reason          string
		region, subject string
		at              Date
		want            State
	}{
		{"p2 has a price of 2026, and is not sold", "us-east-1", "p2.xlarge", 0, Retired},
		{"p3 in GovCloud, whose offer nobody recorded", "us-gov-west-1", "p3.2xlarge", 0, Retired},
		{"p2 in the days of Elastic Inference", "us-east-1", "p2.xlarge", 20200601, Current},
		{"g4dn in its first year", "us-east-1", "g4dn.xlarge", 20200601, Current},
		{"g4dn before its launch", "us-east-1", "g4dn.xlarge", 20190601, NotOffered},
		{"c6i before it was seen", "us-east-1", "c6i.large", 20200601, NotOffered},
		{"c4 is old and sold", "us-east-1", "c4.xlarge", 0, Current},
		{"m4 is old and sold", "eu-west-1", "m4.xlarge", 0, Current},
		{"offered, with no price known", "ap-southeast-5", "c7i.large", 0, Current},
		{"g2 is not even described", "us-east-1", "g2.2xlarge", 0, NotOffered},
		{"Elastic Inference today", "us-east-1", "eia2.medium", 0, Retired},
		{"open to all", "us-east-1", "eia2.medium", 20200601, Current},
		{"closed to new customers", "us-east-1", "eia2.medium", 20230415, Closed},
		{"the first generation from the first day", "ap-northeast-1", "eia1.medium", 20181128, Current},
		{"Tokyo never had the second", "ap-northeast-1", "eia2.medium", 20200601, NotOffered},
		{"nor Frankfurt any", "eu-central-1", "eia1.medium", 20200601, NotOffered},
	} {
		if got := c.Sold(tt.region, tt.subject, tt.at); got.State != tt.want || tt.want != NotOffered && got.Source == "" {
			t.Errorf("%s: %+v, want %s", tt.reason, got, tt.want)
		}
	}
	for _, name := range []string{"c4.xlarge", "m4.xlarge"} {
		in, err := c.Instance(name)
		if err != nil || !in.PreviousGeneration(0) {
			t.Errorf("%s is not previous generation (%v)", name, err)
		}
	}
}

// The regions of Elastic Inference, as AWS's slides list them.
func TestElasticInferenceRegions(t *testing.T) {
	c := Snapshot()
	first := []string{"ap-northeast-1", "ap-northeast-2", "eu-west-1", "us-east-1", "us-east-2", "us-west-2"}
	second := first[1:]
	for _, a := range c.Accelerators() {
		want := second
		if strings.HasPrefix(a.Name, "eia1.") {
			want = first
		}
		var got []string
		for _, r := range c.Regions() {
			if c.Sold(r, a.Name, 20210101).State == Current {
				got = append(got, r)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is sold in %q, want %q", a.Name, got, want)
		}
	}
	sizes := map[string]int64{"eia1.medium": 1e9, "eia1.large": 2e9, "eia1.xlarge": 4e9, "eia2.medium": 2e9, "eia2.large": 4e9, "eia2.xlarge": 8e9}
	if len(c.Accelerators()) != len(sizes) {
		t.Errorf("%d accelerators, want %d", len(c.Accelerators()), len(sizes))
	}
	for _, a := range c.Accelerators() {
		if a.MemoryBytes != sizes[a.Name] {
			t.Errorf("%s has %d bytes, want %d", a.Name, a.MemoryBytes, sizes[a.Name])
		}
	}
}

// What the headline of a report prints.
func TestVintages(t *testing.T) {
	c := Snapshot()
	for _, tt := range []struct {
		region string
		option Option
		at     Date
		want   string
	}{
		{"us-east-1", OnDemand, 0, "2026-07-20"},
		{"us-east-1", Reserved, 0, "2025-06-13"},
		{"us-east-1", Spot, 0, "2025-06-13"},
		{"us-east-1", Reserved, 20200601, "2019-04-05"},
		{"us-east-1", Spot, 20200601, "2021-04"},
		{"eu-west-1", OnDemand, 0, "2024-04-04"},
		{"eu-west-1", Spot, 0, "2025-07-28"},
		{"eu-west-1", SavingsPlan, 0, ""},
	} {
		if got := c.Vintage(tt.region, tt.option, tt.at).String(); got != tt.want {
			t.Errorf("%s in %s at %q is of %q, want %q", tt.option, tt.region, tt.at, got, tt.want)
		}
	}
}

// The Spot prices of C4 that AWS's slides of 2019 show, by zone a, b and c. Per vCPU a larger instance may be the cheaper one.
func TestPoolsPerVCPU(t *testing.T) {
	type pool struct {
		name    string
		dollars float64
	}
	var pools []pool
	for _, row := range []struct {
		size    string
		dollars [3]float64
	}{
		{"large", [3]float64{0.01, 0.01, 0.04}}, {"xlarge", [3]float64{0.04, 0.05, 0.04}}, {"2xlarge", [3]float64{0.08, 0.07, 0.08}},
		{"4xlarge", [3]float64{0.21, 0.30, 0.16}}, {"8xlarge", [3]float64{0.50, 0.27, 0.29}},
	} {
		in, err := Snapshot().Instance("c4." + row.size)
		if err != nil {
			t.Fatal(err)
		}
		for zone, dollars := range row.dollars {
			pools = append(pools, pool{row.size + "-1" + "abc"[zone:zone+1], dollars / float64(in.VCPU)})
		}
	}
	slices.SortStableFunc(pools, func(a, b pool) int { return cmp.Compare(a.dollars, b.dollars) })
	var got []string
	for _, p := range pools {
		got = append(got, fmt.Sprintf("%s %.4f", p.name, p.dollars))
	}
	want := []string{
		"large-1a 0.0050", "large-1b 0.0050", "8xlarge-1b 0.0075", "8xlarge-1c 0.0081", "2xlarge-1b 0.0088", "xlarge-1a 0.0100", "xlarge-1c 0.0100", "2xlarge-1a 0.0100",
		"2xlarge-1c 0.0100", "4xlarge-1c 0.0100", "xlarge-1b 0.0125", "4xlarge-1a 0.0131", "8xlarge-1a 0.0139", "4xlarge-1b 0.0187", "large-1c 0.0200",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A type that bursts sustains a share of its CPU that is known, and every other type all of it.
func TestSustainedCPU(t *testing.T) {
	c := Snapshot()
	for i := range c.Instances() {
		in := &c.Instances()[i]
		share := in.SustainedCPU()
		if bursts := in.Burstable || in.Flex; bursts != (0 < share && share < 1) || !bursts && share != 1 {
			t.Errorf("%s sustains %g of its CPU", in.Name, share)
		}
	}
	for name, want := range map[string]float64{"m7i-flex.large": 0.4, "c5.large": 1} {
		if in, err := c.Instance(name); err != nil || in.SustainedCPU() != want {
			t.Errorf("%s sustains %g of its CPU, want %g (%v)", name, in.SustainedCPU(), want, err)
		}
	}
}

// The guide defines the baseline by the credits that a type earns in an hour:
// credits / vCPU / 60. The credits are those of its table (EC2 user guide, "Earn CPU credits").
func TestSustainedCPUIsWhatCreditsPayFor(t *testing.T) {
	earned := map[string]float64{
		"t2.nano": 3, "t2.micro": 6, "t2.small": 12, "t2.medium": 24, "t2.large": 36, "t2.xlarge": 54, "t2.2xlarge": 81.6,
	}
	for _, family := range []string{"t3", "t3a", "t4g"} {
		for size, credits := range map[string]float64{"nano": 6, "micro": 12, "small": 24, "medium": 24, "large": 36, "xlarge": 96, "2xlarge": 192} {
			earned[family+"."+size] = credits
		}
	}
	c, tested := Snapshot(), 0
	for i := range c.Instances() {
		in := &c.Instances()[i]
		if !in.Burstable {
			continue
		}
		credits, ok := earned[in.Name]
		if want := credits / float64(in.VCPU) / 60; !ok || math.Abs(in.SustainedCPU()-want) > 1e-12 {
			t.Errorf("%s sustains %g of its CPU, its credits pay for %g", in.Name, in.SustainedCPU(), want)
		}
		tested++
	}
	if tested != len(earned) {
		t.Errorf("%d types tested, %d are in the guide", tested, len(earned))
	}
}
