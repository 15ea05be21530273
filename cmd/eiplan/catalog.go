package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

func newCatalog(a *app) *cobra.Command {
	var instances []string
	var region, catalog string
	c := &cobra.Command{
		Use:   "catalog",
		Short: "List the instances and accelerators that eiplan knows",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cat, err := openCatalog(catalog)
			if err != nil {
				return err
			}
			region, err := cat.Region(region)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			d, rows := catalogDocument(a, cat, region, instances)
			if rows == 0 {
				e := usageError("no instance type or accelerator matches %s", strings.Join(instances, ", "))
				e.hint = "--instance takes globs, such as 'c5.*' or '*.xlarge'"
				return e
			}
			return a.emit(d)
		},
	}
	c.Flags().StringSliceVar(&instances, "instance", nil, "names to list, as globs: 'c5.*' or 'eia2.*'")
	c.Flags().StringVar(&region, "region", "us-east-1", "region whose offer and lifecycle to show")
	addCatalogFlag(c.Flags(), &catalog)
	c.AddCommand(newCatalogDiff(a))
	return c
}

// catalogRow is one type or accelerator.
type catalogRow struct {
	Name         string  `json:"name"`
	Kind         string  `json:"kind"` // instance or accelerator
	Arch         string  `json:"arch,omitempty"`
	VCPU         int     `json:"vcpu,omitempty"`
	MemoryGiB    float64 `json:"memoryGiB"`
	Devices      string  `json:"devices,omitempty"`
	Processor    string  `json:"processor,omitempty"`
	BaselineGbps float64 `json:"baselineGbps,omitempty"`
	BurstGbps    float64 `json:"burstGbps,omitempty"`
	State        string  `json:"state"`
	Source       string  `json:"source,omitempty"`
}

// catalogSpec is the spec of kind Catalog.
type catalogSpec struct {
	Region string `json:"region"`
}

// catalogStatus is the status of kind Catalog.
type catalogStatus struct {
	Items []catalogRow `json:"items"`
}

const gib = 1 << 30

func catalogDocument(a *app, cat *pricing.Catalog, region string, globs []string) (report.Document, int) {
	var rows []catalogRow
	for _, t := range cat.Instances() {
		if !anyGlob(globs, t.Name) {
			continue
		}
		r := catalogRow{Name: t.Name, Kind: "instance", Arch: t.Arch, VCPU: t.VCPU, MemoryGiB: float64(t.MemoryBytes) / gib, Processor: t.Processor,
			BaselineGbps: float64(t.Network.BaselineBitsPerSecond) / 1e9, BurstGbps: float64(t.Network.BurstBitsPerSecond) / 1e9}
		for _, d := range t.Devices {
			r.Devices += fmt.Sprintf("%g x %s ", d.Count, d.Accelerator)
		}
		r.Devices = strings.TrimSpace(r.Devices)
		l := cat.Sold(region, t.Name, cat.AsOf())
		r.State, r.Source = l.State.String(), l.Source
		rows = append(rows, r)
	}
	for _, acc := range cat.Accelerators() {
		if anyGlob(globs, acc.Name) {
			l := cat.Sold(region, acc.Name, cat.AsOf())
			rows = append(rows, catalogRow{Name: acc.Name, Kind: "accelerator", MemoryGiB: float64(acc.MemoryBytes) / gib, State: l.State.String(), Source: l.Source})
		}
	}
	t := report.Table{Columns: report.Columns("NAME", "KIND", "ARCH", ">VCPU", ">GIB", "DEVICES", "+PROCESSOR", ">+BASE GBIT/S", ">+BURST GBIT/S", "STATE", "+SOURCE")}
	for _, r := range rows {
		t.Rows = append(t.Rows, []string{r.Name, r.Kind, r.Arch, positive(float64(r.VCPU)), positive(r.MemoryGiB), r.Devices, r.Processor, positive(r.BaselineGbps), positive(r.BurstGbps), r.State, r.Source})
	}
	answer := fmt.Sprintf("%d types and accelerators in %s, catalogue %.8s as of %v", len(rows), region, cat.SHA256(), cat.AsOf())
	env := a.envelope("Catalog", catalogSpec{region}, catalogStatus{rows})
	env.Metadata.Catalog = catalogOrigin(cat)
	return report.Document{Tables: []report.Table{t}, Tail: []string{answer}, Answer: answer, Value: env}, len(rows)
}

// positive formats a figure of which 0 means that there is none.
func positive(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.5g", v)
}

func catalogOrigin(cat *pricing.Catalog) *report.Origin {
	return &report.Origin{AsOf: cat.AsOf().String(), Source: cat.Source(), SHA256: cat.SHA256()}
}

// anyGlob reports whether a name matches one of the globs, or there are none.
func anyGlob(globs []string, name string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
	}
	return len(globs) == 0
}
