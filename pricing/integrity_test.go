package pricing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// eras are the dates at which the data are tested: now, and where another
// vintage answers each time.
var eras = []Date{0, 20190601, 20200601, 20210601, 20220601, 20240601}

// violation is something that should hold of a price list and does not.
type violation struct{ where, what string }

// violations tests the data of any catalogue. It returns nothing that
// [Tables.Check] would have refused.
func violations(c *Catalog) []violation {
	var all []violation
	for i := range c.Instances() {
		in := &c.Instances()[i]
		fail := func(format string, args ...any) {
			all = append(all, violation{in.Name, fmt.Sprintf(format, args...)})
		}
		if in.Processor == "" {
			fail("processor is unknown")
		}
		if in.Network.BaselineBitsPerSecond <= 0 || in.Network.BurstBitsPerSecond < in.Network.BaselineBitsPerSecond {
			fail("network of %d to %d bit/s", in.Network.BaselineBitsPerSecond, in.Network.BurstBitsPerSecond)
		}
		if in.ClockGHz < 1 || in.ClockGHz > 6 {
			fail("clock of %g GHz", in.ClockGHz)
		}
		if family, _, _ := strings.Cut(in.Name, "."); family != in.Family {
			fail("family %q", in.Family)
		}
		if in.VCPU%in.PhysicalCores != 0 {
			fail("%d vCPU on %d cores", in.VCPU, in.PhysicalCores)
		}
		for _, d := range in.Devices {
			if d.Accelerator == "" || d.Count <= 0 || d.MemoryBytes <= 0 || (d.Kind == Neuron) != (d.NeuronCores > 0) {
				fail("device %+v", d)
			}
		}
	}
	for _, region := range c.Regions() {
		for i := range c.Instances() {
			all = append(all, priceViolations(c, region, c.Instances()[i].Name)...)
		}
		for _, a := range c.Accelerators() {
			all = append(all, priceViolations(c, region, a.Name)...)
			for _, o := range c.Offers(Query{Region: region, Subject: a.Name}) {
				if !o.Purchase.Way().Accelerators {
					all = append(all, violation{region + " " + a.Name, "can be had as " + o.Purchase.String()})
				}
			}
		}
	}
	return all
}

func priceViolations(c *Catalog, region, subject string) []violation {
	var all []violation
	for _, at := range eras {
		by := map[Purchase]Offer{}
		fail := func(format string, args ...any) {
			v := violation{region + " " + subject, fmt.Sprintf(format, args...)}
			if !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
		for _, o := range c.Offers(Query{Region: region, Subject: subject, At: at}) {
			by[o.Purchase] = o
			if o.Hourly <= 0 {
				fail("%s costs %s", o.Purchase, o.Hourly)
			}
			if o.AsOf < 20181128 || c.AsOf().DaysUntil(o.AsOf) > 180 {
				fail("%s is of %s", o.Purchase, o.AsOf)
			}
			if c.Sold(region, subject, 0).State == NotOffered {
				fail("%s of something not offered", o.Purchase)
			}
		}
		if onDemand, ok := by[Purchase{Option: OnDemand}]; ok {
			for p, o := range by {
				if o.Hourly > onDemand.Hourly {
					fail("%s costs more than On-Demand", p)
				}
			}
		}
		for p, o := range by {
			cheaper := p
			cheaper.Payment++
			if next, ok := by[cheaper]; ok && p.Payment != 0 && next.Hourly > o.Hourly+roundedDollars(p.Term) {
				fail("%s costs more than %s", cheaper, p)
			}
		}
	}
	return all
}

// roundedDollars is by how much two rates may be out of order: upfront fees are
// whole dollars and hourly rates have four decimals in some sources.
func roundedDollars(t Term) USDPerHour { return (1 * USD(nano)).Spread(t.Hours()) + 100_000 }

// excused are the violations that are facts, each with the reason. One that no
// longer happens fails the test.
func excused() map[violation]string {
	all := map[violation]string{
		{"p2.xlarge", "network of 0 to 0 bit/s"}: `AWS says "High"`,
	}
	for _, name := range []string{
		"p5en.48xlarge", "r6in.metal", "trn2.3xlarge", "trn2.48xlarge",
		"r7iz.large", "r7iz.xlarge", "r7iz.2xlarge", "r7iz.4xlarge", "r7iz.8xlarge", "r7iz.12xlarge",
		"r7iz.16xlarge", "r7iz.32xlarge", "r7iz.metal-16xl", "r7iz.metal-32xl",
	} {
		all[violation{name, "processor is unknown"}] = "no source names it"
	}
	for _, region := range []string{"eu-central-1", "us-gov-west-1"} {
		all[violation{region + " t2.micro", "Reserved 1y all upfront costs more than Reserved 1y partial upfront"}] =
			"published so in 2019: 77 USD, against 39 USD and 0.004 USD/h"
	}
	return all
}

func TestSnapshotIntegrity(t *testing.T) {
	found := map[violation]bool{}
	excuses := excused()
	for _, v := range violations(Snapshot()) {
		found[v] = true
		if excuses[v] == "" {
			t.Errorf("%s: %s", v.where, v.what)
		}
	}
	for v := range excuses {
		if !found[v] {
			t.Errorf("%s: %s: excused, and no longer so", v.where, v.what)
		}
	}
}

// The integrity test sees what it is there for.
func TestViolationsAreFound(t *testing.T) {
	partial := price(OnDemand, "0.09", 20250613, Observed)
	partial.Purchase = Purchase{Reserved, OneYear, PartialUpfront, Standard}
	all := partial
	all.Purchase.Payment, all.Recurring = AllUpfront, 95_000_000
	tables := smallTables()
	tables.Instances[0].Processor, tables.Instances[0].ClockGHz = "skylake-sp", 3
	tables.Instances[0].Network = Network{1e9, 1e10, ""}
	tables.Prices = []Price{price(OnDemand, "0.17", 20250613, Observed), price(Spot, "0.18", 20250613, Observed), partial, all}
	tables.Prices[0].Caveat = "test"
	c, err := New(tables)
	if err != nil {
		t.Fatal(err)
	}
	want := []violation{
		{"us-east-1 c5.xlarge", "Reserved 1y all upfront costs more than Reserved 1y partial upfront"},
		{"us-east-1 c5.xlarge", "Spot costs more than On-Demand"},
	}
	got := violations(c)
	slices.SortFunc(got, func(a, b violation) int { return strings.Compare(a.what, b.what) })
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// What package hardware must explain: a new key here needs a row there.
func TestKeys(t *testing.T) {
	c := Snapshot()
	processors := []string{
		"broadwell", "cascade-lake", "emerald-rapids", "granite-rapids", "graviton1", "graviton2", "graviton3", "graviton4",
		"haswell", "ice-lake-sp", "sapphire-rapids", "skylake-sp", "zen1", "zen2", "zen3", "zen4", "zen5",
	}
	devices := []string{
		"A100", "A100-80GB", "A10G", "B200", "Gaudi HL-205", "H100", "H200", "Inferentia", "Inferentia2", "K80", "L4", "L40S",
		"M60", "Qualcomm AI100", "RTX PRO Server 6000", "Radeon Pro V520", "T4", "T4g", "Trainium", "Trainium2", "V100",
	}
	if got := c.Processors(); !slices.Equal(got, processors) {
		t.Errorf("processors %q", got)
	}
	if got := c.Devices(); !slices.Equal(got, devices) {
		t.Errorf("devices %q", got)
	}
}
