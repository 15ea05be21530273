package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

func newCatalog(a *app) *cobra.Command {
	c := newCatalogList(a)
	c.Use, c.Short = "catalog", "List, show and check what eiplan knows of instances and accelerators"
	c.AddCommand(newCatalogDiff(a), newCatalogList(a), newCatalogShow(a), newCatalogValidate(a))
	return c
}

func newCatalogList(a *app) *cobra.Command {
	var f catalogFilter
	c := &cobra.Command{
		Use:   "list",
		Short: "List instance types and accelerators that meet filters",
		Long: `list names what the catalogue knows of instance types and Elastic Inference accelerators in a region, and what of it
is sold. Filters are those of EC2's instance selector and of the Spot Instance Advisor; all of them must hold. A figure that is
not known meets none.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cat, err := openCatalog(f.catalog)
			if err != nil {
				return err
			}
			if f.region, err = cat.Region(f.region); err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			d, rows := catalogDocument(a, cat, &f)
			if rows == 0 {
				e := usageError("no instance type or accelerator meets all of the filters")
				e.hint = "--instance takes globs, such as 'c5.*' or '*.xlarge'; leave filters out one by one"
				return e
			}
			return a.emit(d)
		},
	}
	f.add(c.Flags())
	return c
}

// catalogFilter leaves rows out. Its zero value leaves nothing out.
type catalogFilter struct {
	catalog, region         string
	instances, accelerators []string // globs
	arch                    []string
	vcpuMin                 int
	memoryMin               memorySize
	networkMin              gigabits
	savingsMin              percent
	maxInterruption         percent
	onSale                  bool
}

func (f *catalogFilter) add(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringSliceVar(&f.instances, "instance", nil, "names to list, as globs: 'c5.*' or 'eia2.*'")
	fs.StringVar(&f.region, "region", "us-east-1", "region whose offer, lifecycle and prices to show")
	fs.StringSliceVar(&f.arch, "arch", nil, "amd64, arm64")
	fs.IntVar(&f.vcpuMin, "vcpu-min", 0, "the fewest vCPU")
	fs.Var(&f.memoryMin, "memory-min", "the least memory: 16GiB")
	fs.StringSliceVar(&f.accelerators, "accelerator", nil, "accelerators, as globs: 'T4*', or none")
	fs.Var(&f.networkMin, "network-min", "the least sustained bandwidth: 10Gbps")
	fs.Var(&f.savingsMin, "savings-min", "the least that Spot is below On-Demand, by the Spot Instance Advisor: 70%")
	fs.Var(&f.maxInterruption, "max-interruption", "highest interruption band for Spot: 10%")
	fs.BoolVar(&f.onSale, "current", false, "only what anyone can buy there today")
	addCatalogFlag(fs, &f.catalog)
}

// admits tells whether a row meets every filter.
func (f *catalogFilter) admits(r *catalogRow) bool {
	none := func(key string) string {
		if key == "" {
			return "none"
		}
		return key
	}
	switch {
	case !anyGlob(f.instances, r.Name), len(f.accelerators) > 0 && !anyGlob(f.accelerators, none(r.accelerator)):
		return false
	case len(f.arch) > 0 && !slices.Contains(f.arch, r.Arch):
		return false
	case r.VCPU < f.vcpuMin, r.MemoryGiB < float64(f.memoryMin), r.BaselineGbps < float64(f.networkMin):
		return false
	case f.savingsMin > 0 && (r.SavingsPercent == nil || float64(*r.SavingsPercent) < float64(f.savingsMin)):
		return false
	case f.maxInterruption > 0 && (r.InterruptionBand == nil || float64(r.mostInterrupted) > float64(f.maxInterruption)):
		return false
	case f.onSale && r.State != pricing.Current.String():
		return false
	}
	return true
}

// catalogRow is one type or accelerator.
type catalogRow struct {
	Name             string              `json:"name"`
	Kind             string              `json:"kind"` // instance or accelerator
	Arch             string              `json:"arch,omitempty"`
	VCPU             int                 `json:"vcpu,omitempty"`
	MemoryGiB        float64             `json:"memoryGiB"`
	Devices          string              `json:"devices,omitempty"`
	Processor        string              `json:"processor,omitempty"`
	BaselineGbps     float64             `json:"baselineGbps,omitempty"`
	BurstGbps        float64             `json:"burstGbps,omitempty"`
	State            string              `json:"state"`
	OnDemand         *pricing.USDPerHour `json:"onDemandUsd"` // null where it is not known, and so below
	Spot             *pricing.USDPerHour `json:"spotUsd"`
	SavingsPercent   *int                `json:"savingsPercent"`   // of Spot below On-Demand, by the Spot Instance Advisor
	InterruptionBand *string             `json:"interruptionBand"` // of Spot, by the same
	Source           string              `json:"source,omitempty"`

	accelerator     string // key; empty for none
	mostInterrupted int    // upper bound of InterruptionBand in percent
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

// catalogRows are all types and accelerators in a region.
func catalogRows(cat *pricing.Catalog, region string) []catalogRow {
	var rows []catalogRow
	add := func(r catalogRow) {
		l := cat.Sold(region, r.Name, cat.AsOf())
		r.State, r.Source = l.State.String(), l.Source
		for _, o := range cat.Offers(pricing.Query{Region: region, Subject: r.Name}) {
			switch o.Purchase.Option {
			case pricing.OnDemand:
				r.OnDemand = &o.Hourly
			case pricing.Spot:
				r.Spot = &o.Hourly
			}
		}
		if b := cat.Band(region, r.Name, 0); b != nil {
			r.SavingsPercent, r.InterruptionBand, r.mostInterrupted = &b.SavingsPercent, &b.Label, b.MaxPercent
		}
		rows = append(rows, r)
	}
	for _, t := range cat.Instances() {
		r := catalogRow{Name: t.Name, Kind: "instance", Arch: t.Arch, VCPU: t.VCPU, MemoryGiB: float64(t.MemoryBytes) / gib, Processor: t.Processor,
			BaselineGbps: float64(t.Network.BaselineBitsPerSecond) / 1e9, BurstGbps: float64(t.Network.BurstBitsPerSecond) / 1e9}
		for _, d := range t.Devices {
			r.Devices += fmt.Sprintf("%g x %s ", d.Count, d.Accelerator)
			r.accelerator = d.Accelerator
		}
		r.Devices = strings.TrimSpace(r.Devices)
		add(r)
	}
	for _, acc := range cat.Accelerators() {
		add(catalogRow{Name: acc.Name, Kind: "accelerator", MemoryGiB: float64(acc.MemoryBytes) / gib, accelerator: acc.Name})
	}
	return rows
}

func catalogDocument(a *app, cat *pricing.Catalog, f *catalogFilter) (report.Document, int) {
	rows := slices.DeleteFunc(catalogRows(cat, f.region), func(r catalogRow) bool { return !f.admits(&r) })
	t := report.Table{Columns: report.Columns("NAME", "KIND", "ARCH", ">VCPU", ">GIB", "DEVICES", "+PROCESSOR", ">+BASE GBIT/S", ">+BURST GBIT/S", "STATE", ">ON-DEMAND", ">SPOT", ">SAVINGS", "INTERRUPTED", "+SOURCE")}
	for _, r := range rows {
		t.Rows = append(t.Rows, r.cells())
	}
	answer := fmt.Sprintf("%d types and accelerators in %s, catalogue %.8s as of %v", len(rows), f.region, cat.SHA256(), cat.AsOf())
	env := a.envelope("Catalog", catalogSpec{f.region}, catalogStatus{rows})
	env.Metadata.Catalog = catalogOrigin(cat)
	return report.Document{Tables: []report.Table{t}, Tail: []string{answer}, Answer: answer, Value: env}, len(rows)
}

func (r *catalogRow) cells() []string {
	rate := func(h *pricing.USDPerHour) string {
		if h == nil {
			return "unknown"
		}
		return report.Rate(h.DollarsPerHour())
	}
	savings, band := "", ""
	if r.SavingsPercent != nil {
		savings, band = fmt.Sprintf("%d%%", *r.SavingsPercent), *r.InterruptionBand
	}
	return []string{r.Name, r.Kind, r.Arch, positive(float64(r.VCPU)), positive(r.MemoryGiB), r.Devices, r.Processor, positive(r.BaselineGbps), positive(r.BurstGbps), r.State,
		rate(r.OnDemand), rate(r.Spot), savings, band, r.Source}
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
