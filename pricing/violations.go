package pricing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// eras are the dates at which data are tested: now, and where another
// vintage answers each time.
var eras = []Date{0, 20190601, 20200601, 20210601, 20220601, 20240601}

// A Violation is something that should hold of a price list and does not.
type Violation struct {
	Where  string `json:"where"` // a type, or a region and a type
	What   string `json:"what"`
	Excuse string `json:"excuse,omitempty"` // why it is so all the same; empty where nobody knows
}

// Violations tests what the catalogue holds: known processors and networks, Reserved
// and Spot no dearer than On-Demand, more upfront no dearer than less, offers only of what is
// offered. They are sorted, and hold nothing that [Tables.Check] would have refused.
func (c *Catalog) Violations() []Violation {
	all := c.violations()
	known := excuses()
	for i := range all {
		all[i].Excuse = known[all[i]]
	}
	slices.SortFunc(all, func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Where, b.Where), strings.Compare(a.What, b.What))
	})
	return all
}

func (c *Catalog) violations() []Violation {
	var all []Violation
	for i := range c.Instances() {
		in := &c.Instances()[i]
		fail := func(format string, args ...any) {
			all = append(all, Violation{Where: in.Name, What: fmt.Sprintf(format, args...)})
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
					all = append(all, Violation{Where: region + " " + a.Name, What: "can be had as " + o.Purchase.String()})
				}
			}
		}
	}
	return all
}

func priceViolations(c *Catalog, region, subject string) []Violation {
	var all []Violation
	for _, at := range eras {
		by := map[Purchase]Offer{}
		fail := func(format string, args ...any) {
			v := Violation{Where: region + " " + subject, What: fmt.Sprintf(format, args...)}
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

// excuses are the violations that are facts, each with the reason.
func excuses() map[Violation]string {
	all := map[Violation]string{
		{Where: "p2.xlarge", What: "network of 0 to 0 bit/s"}: `AWS says "High"`,
	}
	for _, name := range []string{
		"p5en.48xlarge", "r6in.metal", "trn2.3xlarge", "trn2.48xlarge",
		"r7iz.large", "r7iz.xlarge", "r7iz.2xlarge", "r7iz.4xlarge", "r7iz.8xlarge", "r7iz.12xlarge",
		"r7iz.16xlarge", "r7iz.32xlarge", "r7iz.metal-16xl", "r7iz.metal-32xl",
	} {
		all[Violation{Where: name, What: "processor is unknown"}] = "no source names it"
	}
	for _, region := range []string{"eu-central-1", "us-gov-west-1"} {
		all[Violation{Where: region + " t2.micro", What: "Reserved 1y all upfront costs more than Reserved 1y partial upfront"}] =
			"published so in 2019: 77 USD, against 39 USD and 0.004 USD/h"
	}
	return all
}
