package pricing

import (
	"slices"
	"testing"
)

func TestSnapshotIntegrity(t *testing.T) {
	found := map[Violation]bool{}
	for _, v := range Snapshot().Violations() {
		if v.Excuse == "" {
			t.Errorf("%s: %s", v.Where, v.What)
		}
		v.Excuse = ""
		found[v] = true
	}
	for v := range excuses() {
		if !found[v] {
			t.Errorf("%s: %s: excused, and no longer so", v.Where, v.What)
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
	want := []Violation{
		{"us-east-1 c5.xlarge", "Reserved 1y all upfront costs more than Reserved 1y partial upfront", ""},
		{"us-east-1 c5.xlarge", "Spot costs more than On-Demand", ""},
	}
	got := c.Violations()
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
