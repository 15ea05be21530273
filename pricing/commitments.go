package pricing

import (
	"errors"
	"fmt"
	"strings"
)

// Commitments are what a buyer already pays for, used or not: the spec of kind
// Commitments. They are for Linux on shared tenancy.
type Commitments struct {
	Reserved     []OwnedReserved `json:"reserved,omitempty" yaml:"reserved"`
	SavingsPlans []OwnedPlan     `json:"savingsPlans,omitempty" yaml:"savingsPlans"`
}

// OwnedReserved are Reserved Instances of one type, bought together.
type OwnedReserved struct {
	ID        string     `json:"id" yaml:"id"`
	Instance  string     `json:"instance" yaml:"instance"`
	Region    string     `json:"region" yaml:"region"`
	Zone      string     `json:"zone,omitempty" yaml:"zone"` // of a zonal one; empty: regional
	Count     int        `json:"count" yaml:"count"`
	InUse     Decimal    `json:"inUse,omitempty" yaml:"inUse"` // how many of them other instances use up; half of one that covers a smaller size
	Term      Term       `json:"term" yaml:"term"`
	Upfront   USD        `json:"upfrontUsd,omitempty" yaml:"upfrontUsd"` // paid for each
	Recurring USDPerHour `json:"hourlyUsd,omitempty" yaml:"hourlyUsd"`   // paid for each
	Expires   Date       `json:"expires" yaml:"expires"`                 // last day
}

// OwnedPlan is a Savings Plan. Of its commitment, a use of an instance spends the
// plan's rate for it, which the catalogue must know: as the offer of a Savings
// Plan of this class, term and payment.
type OwnedPlan struct {
	ID         string     `json:"id" yaml:"id"`
	Class      Class      `json:"class" yaml:"class"`             // Compute or EC2Instance
	Family     string     `json:"family,omitempty" yaml:"family"` // of EC2Instance: "c5"
	Region     string     `json:"region,omitempty" yaml:"region"` // of EC2Instance
	Term       Term       `json:"term" yaml:"term"`
	Payment    Payment    `json:"payment" yaml:"payment"`
	Commitment USDPerHour `json:"commitmentUsdPerHour" yaml:"commitmentUsdPerHour"`
	InUse      USDPerHour `json:"inUseUsdPerHour,omitempty" yaml:"inUseUsdPerHour"` // what other instances spend of it
	Expires    Date       `json:"expires" yaml:"expires"`                           // last day
}

// mostOwned bounds a count far above any that is bought.
const mostOwned = 1_000_000

// Effective is what one of the Reserved Instances costs an hour, its upfront fee
// spread over the term.
func (r *OwnedReserved) Effective() USDPerHour { return r.Term.Effective(r.Upfront, r.Recurring) }

// Whole is Count, as a Decimal.
func (r *OwnedReserved) Whole() Decimal { return Decimal(r.Count) * nano }

// Purchase is the way in which the catalogue prices what a plan pays for.
func (s *OwnedPlan) Purchase() Purchase { return Purchase{SavingsPlan, s.Term, s.Payment, s.Class} }

// Check holds commitments against a catalogue. The error names the entry that is
// malformed or names what the catalogue does not have.
func (c *Commitments) Check(catalog *Catalog) error {
	ids := map[string]bool{}
	unique := func(id string) error {
		switch {
		case id == "":
			return errors.New("has no id")
		case ids[id]:
			return fmt.Errorf("id %q is taken", id)
		}
		ids[id] = true
		return nil
	}
	for i := range c.Reserved {
		r := &c.Reserved[i]
		if err := errors.Join(unique(r.ID), r.check(catalog)); err != nil {
			return fmt.Errorf("reserved[%d]: %w", i, err)
		}
	}
	for i := range c.SavingsPlans {
		s := &c.SavingsPlans[i]
		if err := errors.Join(unique(s.ID), s.check(catalog)); err != nil {
			return fmt.Errorf("savingsPlans[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *OwnedReserved) check(c *Catalog) error {
	if _, err := c.Region(r.Region); err != nil {
		return err
	}
	if _, err := c.Instance(r.Instance); err != nil {
		return err
	}
	switch {
	case r.Zone != "" && !strings.HasPrefix(r.Zone, r.Region):
		return fmt.Errorf("zone %q is not in %s", r.Zone, r.Region)
	case r.Count <= 0 || r.Count > mostOwned || r.InUse < 0 || r.InUse > r.Whole():
		return fmt.Errorf("count %d with %s in use", r.Count, r.InUse)
	case r.Term == 0 || r.Expires == 0:
		return errors.New("needs a term, 1y or 3y, and the day on which it expires")
	case r.Upfront < 0 || r.Recurring < 0 || r.Upfront == 0 && r.Recurring == 0:
		return errors.New("needs what was paid: upfrontUsd, hourlyUsd or both")
	}
	return nil
}

func (s *OwnedPlan) check(c *Catalog) error {
	switch {
	case s.Class == EC2Instance:
		if _, err := c.Region(s.Region); err != nil {
			return err
		}
		if err := c.family(s.Family); err != nil {
			return err
		}
	case s.Class != Compute:
		return fmt.Errorf("class %q is neither %s nor %s", s.Class, Compute, EC2Instance)
	case s.Family != "" || s.Region != "":
		return fmt.Errorf("a plan of class %s has neither family nor region", Compute)
	}
	switch {
	case s.Commitment <= 0 || s.InUse < 0 || s.InUse > s.Commitment:
		return fmt.Errorf("commitment of %s USD/h with %s in use", s.Commitment, s.InUse)
	case s.Term == 0 || s.Payment == 0 || s.Expires == 0:
		return errors.New("needs a term, 1y or 3y, a payment, such as no-upfront, and the day on which it expires")
	}
	return nil
}

// family reports an error for a family of which no instance type is.
func (c *Catalog) family(name string) error {
	_, err := (&Selector{Families: []string{name}}).subjects(c)
	return err
}
