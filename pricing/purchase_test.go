package pricing

import (
	"encoding"
	"fmt"
	"testing"
)

// Every way has a row that holds together, so that code may ask its properties.
func TestWays(t *testing.T) {
	seen := map[Option]bool{}
	texts := map[string]bool{}
	for _, w := range Ways() {
		if seen[w.Option] {
			t.Errorf("%s has two rows", w.Name)
		}
		seen[w.Option] = true
		if w.Name == "" || w.Source == "" || w.MinimumSecs <= 0 {
			t.Errorf("%s: name, source or minimum is missing", w.Option)
		}
		choices := len(w.Terms) * len(w.Payments) * len(w.Classes)
		if w.Commits && choices == 0 || !w.Commits && len(w.Terms)+len(w.Payments) != 0 {
			t.Errorf("%s: commits is %t, choices are %d", w.Name, w.Commits, choices)
		}
		if w.Covered && (w.Commits || w.Interruptible || w.Ends) {
			t.Errorf("%s: a commitment pays for On-Demand use alone", w.Name)
		}
		if w.Commits && w.Interruptible {
			t.Errorf("%s: paid for when interrupted", w.Name)
		}
		for _, p := range w.Purchases() {
			if text := p.String(); texts[text] {
				t.Errorf("two purchases read %q", text)
			} else {
				texts[text] = true
			}
		}
	}
	if len(seen) != len(optionNames)-1 {
		t.Errorf("%d options have a name, %d a row", len(optionNames)-1, len(seen))
	}
}

func TestPurchaseText(t *testing.T) {
	for _, tt := range []struct {
		purchase Purchase
		want     string
	}{
		{Purchase{Option: OnDemand}, "On-Demand"},
		{Purchase{Option: Spot}, "Spot"},
		{Purchase{Reserved, OneYear, NoUpfront, Standard}, "Reserved 1y no upfront"},
		{Purchase{Reserved, ThreeYears, AllUpfront, Convertible}, "Reserved 3y all upfront convertible"},
		{Purchase{Option: SpotBlock, Class: ThreeHours}, "Spot block 3h"},
		{Purchase{Option: CapacityBlock}, "Capacity Block"},
		{Purchase{SavingsPlan, OneYear, PartialUpfront, EC2Instance}, "Savings Plan (EC2 Instance) 1y partial upfront"},
	} {
		if got := tt.purchase.String(); got != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.purchase, got, tt.want)
		}
	}
}

func TestWaySold(t *testing.T) {
	for _, tt := range []struct {
		reason string
		option Option
		at     Date
		want   State
	}{
		{"Spot blocks in the days of Elastic Inference", SpotBlock, 20200601, Current},
		{"closed to new customers", SpotBlock, 20210701, Closed},
		{"ended", SpotBlock, 20221231, Retired},
		{"today", SpotBlock, 0, Retired},
		{"before Savings Plans were announced", SavingsPlan, 20190601, NotOffered},
		{"and since", SavingsPlan, 20191106, Current},
		{"Scheduled Reserved Instances are no longer sold", ScheduledReserved, 0, Retired},
		{"and were when Elastic Inference was new", ScheduledReserved, 20190601, Current},
		{"Capacity Blocks came later", CapacityBlock, 20220101, NotOffered},
		{"On-Demand always was", OnDemand, 20180101, Current},
	} {
		if got := WayOf(tt.option).Sold(tt.at).State; got != tt.want {
			t.Errorf("%s: %s at %s is %s, want %s", tt.reason, tt.option, tt.at, got, tt.want)
		}
	}
}

// Every text of every enumeration reads back as its value, and nothing else does.
func TestNames(t *testing.T) {
	type named interface {
		encoding.TextMarshaler
		fmt.Stringer
	}
	check := func(names []string, value func(int) (named, encoding.TextUnmarshaler)) {
		for i, name := range names {
			if i != 0 && name == "" {
				continue // Term counts years, so that 2 is no term
			}
			v, into := value(i)
			text, err := v.MarshalText()
			if err != nil || string(text) != name {
				t.Errorf("%T %d writes %q, want %q", v, i, text, name)
			}
			if err := into.UnmarshalText(text); err != nil || fmt.Sprint(into) != name {
				t.Errorf("%T %q reads back as %v: %v", v, text, into, err)
			}
			if err := into.UnmarshalText([]byte(name + "?")); err == nil {
				t.Errorf("%T reads %q", v, name+"?")
			}
		}
	}
	check(optionNames[:], func(i int) (named, encoding.TextUnmarshaler) { return Option(i), new(Option) })
	check(termNames[:], func(i int) (named, encoding.TextUnmarshaler) { return Term(i), new(Term) })
	check(paymentNames[:], func(i int) (named, encoding.TextUnmarshaler) { return Payment(i), new(Payment) })
	check(classNames[:], func(i int) (named, encoding.TextUnmarshaler) { return Class(i), new(Class) })
	check(qualityNames[:], func(i int) (named, encoding.TextUnmarshaler) { return Quality(i), new(Quality) })
	check(stateNames[:], func(i int) (named, encoding.TextUnmarshaler) { return State(i), new(State) })
	check(kindNames[:], func(i int) (named, encoding.TextUnmarshaler) { return Kind(i), new(Kind) })
}
