package pricing

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEncodeIgnoresOrder(t *testing.T) {
	tables := smallTables()
	tables.Prices = []Price{
		price(OnDemand, "0.17", 20190405, Observed), price(OnDemand, "0.18", 20260720, Observed), price(Spot, "0.06", 20250613, Derived),
	}
	want, err := Encode(tables)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(tables.Prices)
	slices.Reverse(tables.Bands)
	slices.Reverse(tables.Offered)
	got, err := Encode(tables)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the same rows in another order make another catalogue (%v)", err)
	}
	tables.Prices[0].Recurring++
	other, err := New(tables)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Open(want); err != nil || c.SHA256() == other.SHA256() {
		t.Errorf("another price leaves the identity as it was (%v)", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		reason string
		change func(*Tables)
		says   string
	}{
		{"a price of zero", func(t *Tables) { t.Prices[0].Recurring = 0 }, "0 USD/h"},
		{"a negative price", func(t *Tables) { t.Prices[0].Recurring = -1 }, "-0.000000001 USD/h"},
		{"a fee that no term spreads", func(t *Tables) { t.Prices[0].Upfront = 1 }, "without a term"},
		{"a way to buy that has no row", func(t *Tables) { t.Prices[0].Purchase = Purchase{Reserved, 2, NoUpfront, Standard} }, "no way to buy"},
		{"a price without source", func(t *Tables) { t.Prices[0].Source = "" }, `source ""`},
		{"a price without date", func(t *Tables) { t.Prices[0].AsOf = 0 }, `date ""`},
		{"a derived price without rule", func(t *Tables) { t.Prices[0].Quality, t.Prices[0].Rule = Derived, "" }, "by no rule"},
		{"a price of nothing", func(t *Tables) { t.Prices[0].Subject = "c5.9xlarge" }, `"c5.9xlarge"`},
		{"a price nowhere", func(t *Tables) { t.Prices[0].Region = "" }, "no region"},
		{"two prices of one day", func(t *Tables) { t.Prices = append(t.Prices, t.Prices[0]) }, "two observed prices of 2019-04-05"},
		{"two bands of one day", func(t *Tables) { t.Bands[1].AsOf = t.Bands[0].AsOf }, "two interruption bands"},
		{"a band upside down", func(t *Tables) { t.Bands[0].MinPercent = 20 }, "interruption band"},
		{"two offerings of one thing", func(t *Tables) { t.Offered = append(t.Offered, t.Offered[0]) }, "2 offerings"},
		{"retired before it was sold", func(t *Tables) { t.Offered[1].Retired = 20190101 }, "retired 2019-01-01"},
		{"a type listed twice", func(t *Tables) { t.Instances = append(t.Instances, t.Instances[0]) }, "listed twice"},
		{"an architecture no image has", func(t *Tables) { t.Instances[0].Arch = "x86_64" }, `"x86_64"`},
		{"more cores than vCPU", func(t *Tables) { t.Instances[0].PhysicalCores = 8 }, "4 vCPU on 8 cores"},
		{"an accelerator without memory", func(t *Tables) { t.Accelerators[0].MemoryBytes = 0 }, "0 bytes"},
	} {
		tables := smallTables()
		tables.Prices = []Price{price(OnDemand, "0.17", 20190405, Observed)}
		tt.change(&tables)
		if _, err := Encode(tables); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", tt.reason, err, tt.says)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good, err := Encode(smallTables())
	if err != nil {
		t.Fatal(err)
	}
	const negative = firstLine + `{"sections":[{"name":"shared","size":-1}]}` + "\n"
	line, _, _ := strings.Cut(string(good[len(firstLine):]), "\n")
	var index contents
	if err := json.Unmarshal([]byte(line), &index); err != nil {
		t.Fatal(err)
	}
	last := index.Sections[len(index.Sections)-1]
	for _, tt := range []struct {
		reason string
		stored []byte
		says   string
		at     int // byte; -1 where it is no one place
	}{
		{"empty", nil, "not a catalogue", -1},
		{"another format", []byte("PK\x03\x04"), "not a catalogue", -1},
		{"cut off in the index", good[:len(firstLine)+10], "cut off in its index", len(firstLine) + 10},
		{"cut off in a section", good[:len(good)-1], "in section", len(good) - 1},
		{"something behind it", append(slices.Clone(good), 0), "1 bytes after the last section", len(good)},
		{"an index that is none", []byte(firstLine + "[]\n"), "catalogue index", len(firstLine)},
		{"an index of nothing", []byte(firstLine + "{}\n"), "no shared section", len(firstLine)},
		{"a negative size", []byte(negative), "in section", len(negative)},
		{"a flipped bit", flipped(good, len(good)-4), "section", len(good) - last.Size},
	} {
		_, err := Open(tt.stored)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", tt.reason, err, tt.says)
		}
		at := -1
		if placed := (*FileError)(nil); errors.As(err, &placed) {
			at = int(placed.Offset)
		}
		if at != tt.at {
			t.Errorf("%s: error %v is not at byte %d", tt.reason, err, tt.at)
		}
	}
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// A section may be hostile and yet have the hash that its index names.
func TestReadBookRefuses(t *testing.T) {
	tables := &shared{Provenances: make([]Provenance, 1), Bands: make([]Band, 1), Offerings: make([]Offering, 1)}
	varints := func(n ...uint64) (b []byte) {
		for _, n := range n {
			b = binary.AppendUvarint(b, n)
		}
		return b
	}
	for _, tt := range []struct {
		reason string
		raw    []byte
		says   string
	}{
		{"nothing", nil, "cut off"},
		{"more shelves than bytes", varints(1 << 40), "items in 0 bytes"},
		{"a name longer than the rest", varints(1, 200, 1), "items in 1 bytes"},
		{"an offering that no table has", varints(1, 0, 1, 7), "entry 7 of a table of 1"},
		{"a series without its purchase", varints(1, 0, 0, 1, 1), "cut off"},
		{"a provenance that no table has", varints(1, 0, 0, 1, 1, 0, 0, 0, 1, 9), "entry 9 of a table of 1"},
		{"a varint that does not end", []byte{0xff, 0xff, 0xff}, "cut off"},
		{"bytes behind the last shelf", varints(0, 0), "1 bytes after the last shelf"},
	} {
		sum := sha256.Sum256(tt.raw)
		s := section{Name: "us-east-1", SHA256: hex.EncodeToString(sum[:])}
		if _, err := readBook(s, deflate(tt.raw), tables); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", tt.reason, err, tt.says)
		}
	}
}

func FuzzOpen(f *testing.F) {
	good, err := Encode(smallTables())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(firstLine + "{}\n"))
	f.Fuzz(func(t *testing.T, stored []byte) {
		if c, err := Open(stored); err == nil {
			c.Sold("", "c5.xlarge", 0)
		}
	})
}

func TestCatalogueSurvivesStorage(t *testing.T) {
	tables := smallTables()
	upfront := price(OnDemand, "0.051", 20190405, Observed)
	upfront.Purchase, upfront.Upfront, upfront.Caveat = Purchase{Reserved, OneYear, PartialUpfront, Standard}, 447*nano, "test"
	tables.Prices = []Price{price(OnDemand, "0.17", 20190405, Observed), upfront}
	c, err := New(tables)
	if err != nil {
		t.Fatal(err)
	}
	want := []Offer{
		{
			Subject: "c5.xlarge", Region: "us-east-1", Purchase: Purchase{Option: OnDemand}, Hourly: 170_000_000, Recurring: 170_000_000,
			Provenance: tables.Prices[0].Provenance,
		}, {
			Subject: "c5.xlarge", Region: "us-east-1", Purchase: upfront.Purchase, Hourly: 102_027_397, Recurring: 51_000_000, Upfront: 447 * nano,
			Provenance: upfront.Provenance, BreakEvenHours: HoursPerMonth * 102_027_397. / 170_000_000,
		},
	}
	if diff := cmp.Diff(want, c.Offers(Query{Region: "us-east-1", Subject: "c5.xlarge"})); diff != "" {
		t.Errorf("offers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tables.Instances, c.Instances()); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tables.Accelerators, c.Accelerators()); diff != "" {
		t.Errorf("accelerators (-want +got):\n%s", diff)
	}
	if c.AsOf() != 20190405 || c.Source() != "test" || !slices.Equal(c.Regions(), []string{"eu-west-1", "us-east-1"}) {
		t.Errorf("of %s, from %q, with %q", c.AsOf(), c.Source(), c.Regions())
	}
}

// The embedded catalogue is what the generator makes of the figures it names.
func TestSnapshotIsUpToDate(t *testing.T) {
	if os.Getenv("EIPLAN_SHARED") == "" {
		t.Skip("SKIPPED, NOT PASSED: EIPLAN_SHARED does not name the figures that the snapshot is made from")
	}
	out := filepath.Join(t.TempDir(), "snapshot.bin")
	if log, err := exec.Command("go", "run", "./_snapshot", "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("go run ./_snapshot: %v\n%s", err, log)
	}
	made, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := Open(made)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Snapshot().SHA256(), fresh.SHA256(); got != want {
		t.Fatalf("snapshot.bin holds catalogue %.8s, its figures make %.8s: run go generate ./pricing", got, want)
	}
	if !bytes.Equal(made, snapshot) {
		t.Error("snapshot.bin has the right content in other bytes: run go generate ./pricing")
	}
}

// Asking one question reads one region, so that start-up does not pay for all.
func TestSnapshotReadsLazily(t *testing.T) {
	c := Snapshot()
	read := map[string]bool{}
	for region, inner := range c.books {
		c.books[region] = func() (*book, error) { read[region] = true; return inner() }
	}
	c.Offers(Query{Region: "us-east-1", Subject: "c5.xlarge"})
	if len(read) != 1 || !read["us-east-1"] {
		t.Errorf("one question about us-east-1 read %v", read)
	}
}
