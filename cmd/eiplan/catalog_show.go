package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

func newCatalogShow(a *app) *cobra.Command {
	var catalog string
	c := &cobra.Command{
		Use:   "show TYPE",
		Short: "Show all that is known of an instance type, with its sources, and where and since when it is sold",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cat, err := openCatalog(catalog)
			if err != nil {
				return err
			}
			in, err := cat.Instance(args[0])
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return a.emit(showDocument(a, cat, &in))
		},
	}
	addCatalogFlag(c.Flags(), &catalog)
	return c
}

// entrySpec is the spec of kind CatalogEntry.
type entrySpec struct {
	Name string `json:"name"`
}

// entryStatus is the status of kind CatalogEntry.
type entryStatus struct {
	Properties []property  `json:"properties"`
	Regions    []soldThere `json:"regions"`
}

// property is a figure of a type as people read it.
type property struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source,omitempty"`
}

// soldThere is a type's lifecycle in a region.
type soldThere struct {
	Region string `json:"region"`
	pricing.Lifecycle
}

// properties lists what is known; what is not says so.
func properties(in *pricing.InstanceType) []property {
	known := func(v string) string {
		if v == "" {
			return "unknown"
		}
		return v
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	n := &in.Network
	network := fmt.Sprintf("%g Gbit/s sustained, %g at most", float64(n.BaselineBitsPerSecond)/1e9, float64(n.BurstBitsPerSecond)/1e9)
	if n.BaselineBitsPerSecond == 0 {
		network = "unknown"
	}
	list := []property{
		{"family", in.Family, in.Source},
		{"architecture", in.Arch, ""},
		{"vCPU", fmt.Sprintf("%d on %d cores", in.VCPU, in.PhysicalCores), ""},
		{"memory", fmt.Sprintf("%g GiB", float64(in.MemoryBytes)/gib), ""},
		{"processor", strings.TrimSpace(known(in.Processor) + " " + in.ProcessorModel), in.ProcessorSource},
		{"clock", fmt.Sprintf("%g GHz", in.ClockGHz), ""},
		{"network", strings.TrimSuffix(network+" ("+n.Description+")", " ()"), ""},
	}
	for _, d := range in.Devices {
		list = append(list, property{"device", fmt.Sprintf("%g x %s, %.4g GiB in all", d.Count, d.Accelerator, float64(d.MemoryBytes)/gib), ""})
	}
	if m := &in.Measure; m.CoreMark > 0 {
		list = append(list, property{"CoreMark", fmt.Sprintf("%.0f a second on all vCPU", m.CoreMark), m.Source + " " + m.AsOf.String()})
	}
	previous := "no"
	if in.PreviousFrom != 0 {
		previous = "listed so from " + in.PreviousFrom.String()
	}
	return append(list, property{"sustained CPU", sustained(in), ""}, property{"burstable", yes(in.Burstable), ""}, property{"flex", yes(in.Flex), ""}, property{"bare metal", yes(in.BareMetal), ""},
		property{"Spot", yes(in.SpotSold), ""}, property{"previous generation", previous, ""})
}

// sustained is the share of its CPU that a type can use all the time.
func sustained(in *pricing.InstanceType) string {
	if in.SustainedCPU() == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%g%%", 100*in.SustainedCPU())
}

func showDocument(a *app, cat *pricing.Catalog, in *pricing.InstanceType) report.Document {
	status := entryStatus{Properties: properties(in), Regions: []soldThere{}}
	for _, region := range cat.Regions() {
		if l := cat.Sold(region, in.Name, cat.AsOf()); l.State != pricing.NotOffered {
			status.Regions = append(status.Regions, soldThere{region, l})
		}
	}
	facts := report.Table{Columns: report.Columns("PROPERTY", "VALUE", "SOURCE")}
	for _, p := range status.Properties {
		facts.Rows = append(facts.Rows, []string{p.Name, p.Value, p.Source})
	}
	sold := report.Table{Title: "Sold in", Columns: report.Columns("REGION", "STATE", "FROM", "CLOSED", "RETIRED", "SOURCE")}
	for _, r := range status.Regions {
		sold.Rows = append(sold.Rows, []string{r.Region, r.State.String(), r.From.String(), r.Closed.String(), r.Retired.String(), r.Source})
	}
	env := a.envelope("CatalogEntry", entrySpec{in.Name}, status)
	env.Metadata.Catalog = catalogOrigin(cat)
	answer := fmt.Sprintf("%s: %s, %d vCPU, %g GiB, known in %d regions", in.Name, in.Arch, in.VCPU, float64(in.MemoryBytes)/gib, len(status.Regions))
	return report.Document{Tables: []report.Table{facts, sold}, Answer: answer, Value: env}
}
