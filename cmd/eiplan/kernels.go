package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/report"
)

// kernelsStatus is the status of kind Kernels.
type kernelsStatus struct {
	Host    engine.Peaks         `json:"host"`
	Kernels []engine.KernelSpeed `json:"kernels"`
}

func newKernels(a *app) *cobra.Command {
	var m modelFlags
	budget := duration(5 * time.Millisecond)
	c := &cobra.Command{
		Use:   "kernels",
		Short: "List the engine's kernels with their share of this machine's measured peak",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			features, info, err := m.machine()
			if err != nil {
				return err
			}
			host := engine.MeasurePeaks(info, 1)
			rows, err := engine.Kernels(features, time.Duration(budget))
			if err != nil {
				return err
			}
			t := report.Table{Columns: report.Columns("KERNEL", "NEEDS", "RUNS HERE", ">GFLOPS", ">OF PEAK")}
			for _, k := range rows {
				gflops, share := "", ""
				if k.Runnable {
					gflops, share = fmt.Sprintf("%.1f", k.GFLOPS), fmt.Sprintf("%.0f%%", 100*k.GFLOPS/host.Of(k.Mixed))
				}
				t.Rows = append(t.Rows, []string{k.Name, k.Needs, yes(k.Runnable), gflops, share})
			}
			lead := fmt.Sprintf("%s, %s. Peaks of one thread measured here: %.0f GFLOPS FP32, %.0f mixed (%s), %.1f GB/s.", info.Model, info.ISA, host.FP32GFLOPS, host.MixedGFLOPS, host.MixedKind, host.BandwidthGBs)
			return a.emit(report.Document{Lead: []string{lead}, Tables: []report.Table{t}, Answer: fmt.Sprintf("%d kernels", len(rows)),
				Value: a.envelope("Kernels", nil, kernelsStatus{host, rows})})
		},
	}
	c.Flags().Var(&budget, "time", "time for measuring each kernel")
	return c
}
