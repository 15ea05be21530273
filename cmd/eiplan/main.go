// Command eiplan plans what to buy on AWS to serve a model within a latency budget: it measures the model here with its own engine, predicts every
// machine that AWS sells, prices each way to buy it and names the cheapest that holds.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// commands is what eiplan can be asked, in the order of its help.
var commands = []func(*app) *cobra.Command{
	newSize,
	newPlan,
	newReport,
	newCheck,
	newDiff,
	newBench,
	newInspect,
	newRun,
	newVerify,
	newCalibrate,
	newValidate,
	newCatalog,
	newPrices,
	newLock,
	newZoo,
	newKernels,
	newSchema,
	newVersion,
}

// app is what every command shares: where it writes, and the flags that all of them have.
type app struct {
	stdout, stderr io.Writer
	args           []string // as given, for the report
	format         string
	out            string
	open           bool
	quiet          bool
	verbose        bool
	color          string
	config         string
}

// run is the whole program: it returns the exit code that exit.go explains.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	a := &app{stdout: stdout, stderr: stderr, args: args}
	root := newRoot(a)
	root.SetArgs(joinExplain(args))
	err := a.guarded(func() error { return root.ExecuteContext(ctx) })
	if ctx.Err() != nil {
		err = &exitError{code: exitInterrupted, err: fmt.Errorf("interrupted")}
	}
	return conclude(stderr, err)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "eiplan",
		Short: "Plan the cheapest AWS hardware that serves a model within a latency budget",
		Long: `eiplan measures a model on this machine, predicts it on every instance and accelerator
that AWS sells, prices every way to buy them, and names the cheapest that holds.

  eiplan size model.onnx --latency 100ms
  eiplan size zoo:resnet50 --total 300ms --reserve preprocess=200ms --rate 40/s

Exit codes:
` + exitTable(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noSuchCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.settle(cmd) },
	}
	cobra.EnableCommandSorting = false
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	f := root.PersistentFlags()
	f.StringVarP(&a.format, "output", "o", "table", "format: "+formatList())
	f.StringVar(&a.out, "out", "", "write the result to this file instead of standard output")
	f.BoolVar(&a.open, "open", false, "with -o html: show the page in a browser")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print the answer alone, in one line")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say on standard error what is being done")
	f.StringVar(&a.color, "color", "auto", "auto, always or never; NO_COLOR is honoured")
	f.StringVar(&a.config, "config", "", "configuration file (default .eiplan.yaml, if there is one)")
	root.SetFlagErrorFunc(flagError)
	for _, c := range commands {
		root.AddCommand(c(a))
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Args, c.RunE = noSuchCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	return root
}
