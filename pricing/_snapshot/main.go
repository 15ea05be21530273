// Command _snapshot makes the catalogue that is embedded in package pricing.
//
// It reads the collected figures in $EIPLAN_SHARED/catalog and offered.csv
// beside this file, settles what they leave open, and writes pricing.Encode of
// the result. The same figures give the same rows. Rows that it leaves out are
// counted on standard error, with the reason.
//
// offered.csv holds what EC2's DescribeInstanceTypeOfferings answered in 30
// regions, for the instance types of the catalogue, as recorded in moto 5.2.1
// (Apache-2.0; ec2/resources/instance_type_offerings, 2026-05-20).
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/eiplan/eiplan/pricing"
)

//go:embed offered.csv
var offeredCSV []byte

func main() {
	out := flag.String("o", "", "write the catalogue to this `file`")
	flag.Parse()
	if err := run(os.Getenv("EIPLAN_SHARED"), *out, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "snapshot:", err)
		os.Exit(1)
	}
}

func run(folder, out string, log io.Writer) error {
	switch {
	case folder == "":
		return errors.New("EIPLAN_SHARED does not name the folder of collected figures")
	case out == "":
		return errors.New("-o names no file to write")
	}
	tables, left, err := collect(filepath.Join(folder, "catalog"))
	if err != nil {
		return err
	}
	for _, reason := range left.reasons() {
		fmt.Fprintf(log, "%6d rows left out: %s\n", left[reason], reason)
	}
	stored, err := pricing.Encode(tables)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%6d instance types, %d prices, %d interruption bands, %d offerings in %d bytes\n",
		len(tables.Instances), len(tables.Prices), len(tables.Bands), len(tables.Offered), len(stored))
	return os.WriteFile(out, stored, 0o644)
}

// leftOut counts the rows that did not make it into the catalogue, by reason.
type leftOut map[string]int

func (l leftOut) reasons() []string {
	var all []string
	for reason := range l {
		all = append(all, reason)
	}
	slices.Sort(all)
	return all
}

// collect reads everything and keeps what belongs together.
func collect(folder string) (pricing.Tables, leftOut, error) {
	left := leftOut{}
	t := pricing.Tables{Source: "eiplan snapshot of published figures"}
	var err error
	if t.Instances, err = readInstances(folder); err != nil {
		return t, nil, err
	}
	if t.Accelerators, err = readAccelerators(folder); err != nil {
		return t, nil, err
	}
	if t.Bands, err = readBands(folder, left); err != nil {
		return t, nil, err
	}
	list, err := readOnDemand(folder, left)
	if err != nil {
		return t, nil, err
	}
	t.Prices = list.prices
	for _, read := range []func(string, *onDemand, leftOut) ([]pricing.Price, error){
		readReserved, readSavingsPlans, readSpot, readElasticInference,
	} {
		prices, err := read(folder, list, left)
		if err != nil {
			return t, nil, err
		}
		t.Prices = append(t.Prices, prices...)
	}
	dropStrangers(&t, left)
	if t.Offered, err = offerings(folder, &t); err != nil {
		return t, nil, err
	}
	return t, left, nil
}

// dropStrangers leaves out rows of types that no source describes.
func dropStrangers(t *pricing.Tables, left leftOut) {
	known := map[string]bool{}
	for _, i := range t.Instances {
		known[i.Name] = true
	}
	for _, a := range t.Accelerators {
		known[a.Name] = true
	}
	stranger := func(name string) bool {
		if !known[name] {
			left["hardware of "+name+" is not described"]++
		}
		return !known[name]
	}
	t.Prices = slices.DeleteFunc(t.Prices, func(p pricing.Price) bool { return stranger(p.Subject) })
	t.Bands = slices.DeleteFunc(t.Bands, func(b pricing.RegionBand) bool { return stranger(b.Instance) })
}
