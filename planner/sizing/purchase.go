package sizing

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/pricing"
)

// Title is what a choice buys, how and where: 2 x c5.large, On-Demand, in us-east-1.
func Title(c *planner.Choice) string {
	return fmt.Sprintf("%d x %s, %s, in %s", c.Replicas, Name(c), Way(&c.Purchase), c.Region)
}

// times is the number of instances, where it is not one.
func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("%d x ", n)
}

// Name is what is bought: the instance, and the accelerator that is billed apart from it.
func Name(c *planner.Choice) string {
	if c.Accelerator != nil && c.Cost.AcceleratorHourlyUsd > 0 {
		return c.Instance + " + " + *c.Accelerator
	}
	return c.Instance
}

// compact is a name without spaces, so that c5.large+eia2.medium is c5.large + eia2.medium.
func compact(name string) string { return strings.ReplaceAll(name, " ", "") }

// buyOf is the way to buy, as people say it.
func buyOf(c *planner.Choice) string {
	way := Way(&c.Purchase)
	switch {
	case c.Owned != nil:
		return way + ", " + coveredBy(c.Owned)
	case c.Purchase.InterruptionBand != nil:
		return fmt.Sprintf("%s (%s interrupted)", way, *c.Purchase.InterruptionBand)
	}
	return way
}

// Way names a purchase as pricing does. One that this version does not know keeps the words of the report.
func Way(p *planner.Purchase) string {
	var way pricing.Purchase
	known := true
	var words []string
	read := func(into interface{ UnmarshalText([]byte) error }, text *string) {
		if text != nil {
			known = known && into.UnmarshalText([]byte(*text)) == nil
			words = append(words, *text)
		}
	}
	read(&way.Option, &p.Option)
	read(&way.Term, p.Term)
	read(&way.Payment, p.Payment)
	read(&way.Class, p.Class)
	if !known || way.Option == 0 {
		return strings.Join(words, " ")
	}
	return way.String()
}

// OptionName names a way to buy as pricing does, or as the report does where that is unknown.
func OptionName(option string) string {
	var o pricing.Option
	if o.UnmarshalText([]byte(option)) != nil || o == 0 {
		return option
	}
	return pricing.WayOf(o).Name
}

// coveredBy names what is owned and how much of the choice it leaves to be paid.
func coveredBy(o *planner.Owned) string {
	ids := make([]string, len(o.Commitments))
	for i, c := range o.Commitments {
		ids[i] = c.ID
	}
	text := "covered by " + strings.Join(ids, " and ") + " (owned)"
	if o.OnDemandInstances > 0 {
		text += fmt.Sprintf(" but for %.4g", o.OnDemandInstances)
	}
	return text
}

// onSale reports whether all of a choice is sold.
func onSale(c *planner.Choice) bool {
	current := pricing.Current.String()
	return c.Lifecycle.Instance == current && (c.Lifecycle.Accelerator == nil || *c.Lifecycle.Accelerator == current)
}

// doubtfulPrices marks a cost of which a part was not observed.
func doubtfulPrices(c *planner.Choice) string {
	var parts []string
	for _, p := range c.Cost.Prices {
		if p.Quality != pricing.Observed.String() {
			parts = append(parts, p.Quality+" price of "+p.What)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
