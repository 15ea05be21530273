package commit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/pricing"
)

const usd = 1_000_000_000

// ri is a no-upfront Reserved Instance of a year at an hourly rate in thousandths of a dollar.
func ri(id, instance string, count int, mills int64) pricing.OwnedReserved {
	return pricing.OwnedReserved{ID: id, Instance: instance, Region: "us-east-1", Count: count, Term: pricing.OneYear, Recurring: pricing.USDPerHour(mills * usd / 1000), Expires: 20270301}
}

func plan(id string, class pricing.Class, family string, mills int64) pricing.OwnedPlan {
	p := pricing.OwnedPlan{ID: id, Class: class, Family: family, Term: pricing.OneYear, Payment: pricing.NoUpfront, Commitment: pricing.USDPerHour(mills * usd / 1000), Expires: 20270630}
	if class == pricing.EC2Instance {
		p.Region = "us-east-1"
	}
	return p
}

// rates are those of plans for any instance, by class, in thousandths of a dollar.
func rates(mills map[pricing.Class]int64) func(pricing.Purchase) (pricing.USDPerHour, bool) {
	return func(p pricing.Purchase) (pricing.USDPerHour, bool) {
		r, ok := mills[p.Class]
		return pricing.USDPerHour(r * usd / 1000), ok && p.Option == pricing.SavingsPlan
	}
}

// The amounts are worked by hand. Unless a case says otherwise it runs c5.xlarge at 0.17 On-Demand; Savings Plan rates are 0.1 of class
// EC2 Instance and 0.125 of class Compute.
func TestApply(t *testing.T) {
	zonal := ri("zonal", "c5.xlarge", 1, 120)
	zonal.Zone = "us-east-1a"
	expired, busy, oregon, upfront := ri("expired", "c5.xlarge", 1, 1), ri("busy", "c5.xlarge", 3, 100), ri("oregon", "c5.xlarge", 1, 1), ri("upfront", "c5.xlarge", 1, 51)
	expired.Expires, busy.InUse, oregon.Region, upfront.Upfront = 20261031, 2*whole, "us-west-2", 447*usd
	zonalLarge := ri("zonal-large", "c5.large", 2, 1)
	zonalLarge.Zone = "us-east-1b"
	spent := plan("spent", pricing.Compute, "", 250)
	spent.InUse = 250 * usd / 1000
	for _, tt := range []struct {
		reason            string
		reserved          []pricing.OwnedReserved
		plans             []pricing.OwnedPlan
		use               Use
		parts             string
		left              string
		marginal, blended string
	}{
		{reason: "nothing owned", use: Use{Count: 2}, left: "2", marginal: "0.34", blended: "0.34"},
		{reason: "one of two", reserved: []pricing.OwnedReserved{ri("a", "c5.xlarge", 1, 100)}, use: Use{Count: 2}, parts: "a 1 0.1", left: "1", marginal: "0.17", blended: "0.27"},
		{reason: "more than is used: what is used counts", reserved: []pricing.OwnedReserved{ri("a", "c5.xlarge", 5, 100)}, use: Use{Count: 2}, parts: "a 2 0.2", left: "0", marginal: "0", blended: "0.2"},
		{reason: "447 upfront over 8,760 hours and 0.051 an hour", reserved: []pricing.OwnedReserved{upfront}, use: Use{Count: 1}, parts: "upfront 1 0.102027397", left: "0", marginal: "0", blended: "0.102027397"},
		{reason: "two of three are used by others", reserved: []pricing.OwnedReserved{busy}, use: Use{Count: 2}, parts: "busy 1 0.1", left: "1", marginal: "0.17", blended: "0.27"},
		{reason: "expired the day before", reserved: []pricing.OwnedReserved{expired}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "of another region", reserved: []pricing.OwnedReserved{oregon}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "half of it by a size below: factor 4 of 8", reserved: []pricing.OwnedReserved{ri("small", "c5.large", 1, 50)}, use: Use{Count: 1}, parts: "small 0.5 0.05", left: "0.5", marginal: "0.085", blended: "0.135"},
		{reason: "two of them by a size above: factor 16 of 8, at half its price each", reserved: []pricing.OwnedReserved{ri("large", "c5.2xlarge", 1, 200)}, use: Use{Count: 3}, parts: "large 2 0.2", left: "1", marginal: "0.17", blended: "0.37"},
		{reason: "a zonal one has no size flexibility", reserved: []pricing.OwnedReserved{zonalLarge}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "another family", reserved: []pricing.OwnedReserved{ri("m", "m5.xlarge", 1, 100)}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "a family without size flexibility", reserved: []pricing.OwnedReserved{ri("g", "g4dn.2xlarge", 1, 400)}, use: Use{Instance: "g4dn.xlarge", Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "which covers its own size", reserved: []pricing.OwnedReserved{ri("g", "g4dn.xlarge", 1, 300)}, use: Use{Instance: "g4dn.xlarge", Count: 1}, parts: "g 1 0.3", left: "0", marginal: "0", blended: "0.3"},
		{reason: "bare metal has no factor", reserved: []pricing.OwnedReserved{ri("metal", "c5.metal", 1, 1)}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "zonal, then the regional one with the highest discount", reserved: []pricing.OwnedReserved{ri("dear", "c5.xlarge", 1, 110), ri("cheap", "c5.xlarge", 1, 90), zonal}, use: Use{Count: 2}, parts: "zonal 1 0.12, cheap 1 0.09", left: "0", marginal: "0", blended: "0.21"},
		{reason: "0.15 of commitment at 0.1 covers one and a half", plans: []pricing.OwnedPlan{plan("ec2", pricing.EC2Instance, "c5", 150)}, use: Use{Count: 2}, parts: "ec2 1.5 0.15", left: "0.5", marginal: "0.085", blended: "0.235"},
		{reason: "reserved, EC2 Instance plan, Compute plan, and the rest On-Demand", reserved: []pricing.OwnedReserved{ri("a", "c5.xlarge", 1, 100)},
			plans: []pricing.OwnedPlan{plan("compute", pricing.Compute, "", 125), plan("ec2", pricing.EC2Instance, "c5", 100)}, use: Use{Count: 4}, parts: "a 1 0.1, ec2 1 0.1, compute 1 0.125", left: "1", marginal: "0.17", blended: "0.495"},
		{reason: "a plan of another family", plans: []pricing.OwnedPlan{plan("ec2", pricing.EC2Instance, "m5", 150)}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
		{reason: "a plan that others spend", plans: []pricing.OwnedPlan{spent}, use: Use{Count: 1}, left: "1", marginal: "0.17", blended: "0.17"},
	} {
		use := tt.use
		if use.Instance == "" {
			use.Instance = "c5.xlarge"
		}
		use.Region, use.OnDemand, use.At = "us-east-1", 170*usd/1000, 20261101
		use.Rate = rates(map[pricing.Class]int64{pricing.EC2Instance: 100, pricing.Compute: 125})
		c := Apply(&pricing.Commitments{Reserved: tt.reserved, SavingsPlans: tt.plans}, use)
		var parts []string
		for _, p := range c.Parts {
			parts = append(parts, fmt.Sprintf("%s %s %s", p.ID, p.Instances, p.Hourly))
		}
		if got := strings.Join(parts, ", "); got != tt.parts || c.OnDemand.String() != tt.left || c.Marginal.String() != tt.marginal || c.Blended.String() != tt.blended {
			t.Errorf("%s: %q leaves %s, marginal %s, blended %s; want %q, %s, %s, %s", tt.reason, got, c.OnDemand, c.Marginal, c.Blended, tt.parts, tt.left, tt.marginal, tt.blended)
		}
	}
}

// A plan without a known rate is named, not guessed.
func TestUnratedPlan(t *testing.T) {
	owned := &pricing.Commitments{SavingsPlans: []pricing.OwnedPlan{plan("sp-1", pricing.Compute, "", 500)}}
	c := Apply(owned, Use{Region: "us-east-1", Instance: "c5.xlarge", Count: 1, OnDemand: 170 * usd / 1000, At: 20261101, Rate: rates(nil)})
	if len(c.Parts) != 0 || len(c.Unrated) != 1 || c.Unrated[0] != "sp-1" || c.Marginal != 170*usd/1000 {
		t.Errorf("%+v", c)
	}
}

// More owned never costs more; nothing covers more than there is; what is covered and what is left add up.
func TestOwnedNeverCostsMore(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	types := []string{"c5.large", "c5.xlarge", "c5.3xlarge", "c5.9xlarge", "c5.metal", "g4dn.xlarge", "m5.nano"}
	for range 2000 {
		use := Use{Region: "us-east-1", Instance: types[random.IntN(len(types))], Count: 1 + random.IntN(40), OnDemand: pricing.USDPerHour(1 + random.Int64N(10*usd)), At: 20261101}
		use.Rate = rates(map[pricing.Class]int64{pricing.EC2Instance: 1 + random.Int64N(5000), pricing.Compute: 1 + random.Int64N(5000)})
		var owned pricing.Commitments
		last := use.OnDemand.Times(use.Count)
		for n := range 6 {
			r := ri(fmt.Sprint("ri", n), types[random.IntN(len(types))], 1+random.IntN(9), 1+random.Int64N(3000))
			if random.IntN(2) == 0 {
				r.Zone = "us-east-1a"
			}
			owned.Reserved = append(owned.Reserved, r)
			owned.SavingsPlans = append(owned.SavingsPlans, plan(fmt.Sprint("sp", n), []pricing.Class{pricing.Compute, pricing.EC2Instance}[random.IntN(2)], "c5", 1+random.Int64N(9000)))
			c := Apply(&owned, use)
			sum := c.OnDemand
			for _, p := range c.Parts {
				sum += p.Instances
			}
			if c.Marginal > last || c.Marginal < 0 || c.Blended < c.Marginal || sum != pricing.Decimal(use.Count)*whole || c.OnDemand < 0 {
				t.Fatalf("%+v, %+v: %+v after %s", use, owned, c, last)
			}
			last = c.Marginal
		}
	}
}

// TestLeft uses a portfolio's commitments up, one use after the other: none is used twice, and nothing free is lost.
func TestLeft(t *testing.T) {
	for _, tt := range []struct {
		reason   string
		reserved []pricing.OwnedReserved
		plans    []pricing.OwnedPlan
		uses     []Use
		covered  string // instances of each use
		inUse    string // of every commitment, in the end
	}{
		{"whole instances", []pricing.OwnedReserved{ri("a", "c5.xlarge", 3, 100)}, nil, []Use{{Instance: "c5.xlarge", Count: 2}, {Instance: "c5.xlarge", Count: 2}}, "2 1", "3"},
		{"half of one covers a smaller size", []pricing.OwnedReserved{ri("a", "c5.xlarge", 1, 100)}, nil, []Use{{Instance: "c5.large", Count: 1}, {Instance: "c5.xlarge", Count: 1}}, "1 0.5", "1"},
		{"thirds leave no crumbs", []pricing.OwnedReserved{ri("a", "c5.xlarge", 1, 100)}, nil, []Use{{Instance: "c5.3xlarge", Count: 1}, {Instance: "c5.xlarge", Count: 1}}, "0.333333333 0", "1"},
		{"a plan: 0.15 of 0.15 USD/h at 0.1", nil, []pricing.OwnedPlan{plan("p", pricing.EC2Instance, "c5", 150)}, []Use{{Instance: "c5.xlarge", Count: 1}, {Instance: "c5.xlarge", Count: 1}}, "1 0.5", "0.15"},
		{"a plan at a rate that does not divide it", nil, []pricing.OwnedPlan{plan("p", pricing.Compute, "", 100)}, []Use{{Instance: "c5.xlarge", Count: 1}, {Instance: "c5.xlarge", Count: 1}}, "0.8 0", "0.1"},
		{"elsewhere: untouched", []pricing.OwnedReserved{ri("a", "m5.xlarge", 1, 100)}, nil, []Use{{Instance: "c5.xlarge", Count: 1}}, "0", "0"},
	} {
		owned := &pricing.Commitments{Reserved: tt.reserved, SavingsPlans: tt.plans}
		var covered, inUse []string
		for _, use := range tt.uses {
			use.Region, use.OnDemand, use.At, use.Rate = "us-east-1", 170*usd/1000, 20261101, rates(map[pricing.Class]int64{pricing.EC2Instance: 100, pricing.Compute: 125})
			c := Apply(owned, use)
			var n pricing.Decimal
			for _, part := range c.Parts {
				n += part.Instances
			}
			covered = append(covered, n.String())
			owned = Left(owned, &c)
		}
		for _, r := range owned.Reserved {
			inUse = append(inUse, r.InUse.String())
		}
		for _, s := range owned.SavingsPlans {
			inUse = append(inUse, s.InUse.String())
		}
		if got := strings.Join(covered, " "); got != tt.covered {
			t.Errorf("%s: covers %s, want %s", tt.reason, got, tt.covered)
		}
		if got := strings.Join(inUse, " "); got != tt.inUse {
			t.Errorf("%s: %s in use, want %s", tt.reason, got, tt.inUse)
		}
		for i := range tt.reserved {
			if tt.reserved[i].InUse != 0 {
				t.Errorf("%s: what is owned was written to", tt.reason)
			}
		}
	}
}
