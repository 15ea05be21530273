package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// describe says what a model is, once it is compiled.
func describe(l *loaded, p *engine.Program) sizing.Model {
	w := p.Workload()
	m := sizing.Model{Notes: []string{}, Path: l.ref, Sha256: l.SHA256, Name: nameOfModel(l.ref), Format: l.Format, Opset: map[string]int{},
		Parameters: l.Parameters(), Flops: w.FLOPs, Macs: w.FLOPs / 2, WeightBytes: weightBytes(l.Graph), Dims: p.Dims}
	for domain, version := range l.Opsets {
		m.Opset[models.DomainName(domain)] = version
	}
	m.Inputs, m.Outputs = ports(p.Inputs), ports(p.Outputs)
	for _, note := range l.notes {
		m.Notes = append(m.Notes, report.Sentence(note))
	}
	if len(p.Defaults) > 0 {
		m.Notes = append(m.Notes, "By default "+strings.Join(p.Defaults, ", ")+" (--dim, --shape).")
	}
	for _, in := range p.Inputs {
		if _, given := l.given[in.Name]; !given && l.stated[in.Name] == "" && in.Case != 0 {
			m.Notes = append(m.Notes, fmt.Sprintf("Input %s is %d, a number that the model compares it with (--input %s=%[2]d).", in.Name, in.Case, in.Name))
		}
	}
	if len(w.Unknown) > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("The work of %d operators is not in the figures, for only a run tells their shapes: %s.", len(w.Unknown), strings.Join(distinct(w.Unknown), ", ")))
	}
	return m
}

// nameOfModel is what follows zoo:, or the file's name without its ending; a file named model is known by its folder.
func nameOfModel(ref string) string {
	if name, ok := strings.CutPrefix(ref, zooPrefix); ok {
		return name
	}
	name := strings.TrimSuffix(filepath.Base(ref), filepath.Ext(ref))
	if name == "model" {
		if path, err := filepath.Abs(ref); err == nil {
			name = filepath.Base(filepath.Dir(path))
		}
	}
	return name
}

func ports(list []engine.Port) []sizing.Port {
	out := make([]sizing.Port, len(list))
	for i, p := range list {
		out[i] = sizing.Port{Name: p.Name, Dtype: p.Type(), Shape: append([]int{}, p.Shape...)}
		if p.Kind != models.TensorKind {
			out[i].Shape = []int{tensor.Unknown}
		}
	}
	return out
}

func typeAndShape(p engine.Port) string {
	if p.Kind != models.TensorKind {
		return p.Type()
	}
	return fmt.Sprintf("%s %v", p.Type(), p.Shape)
}

func distinct(list []string) []string {
	sorted := slices.Sorted(slices.Values(list))
	return slices.Compact(sorted)
}

func weightBytes(g *models.Graph) int {
	n := 0
	for _, t := range g.Initializers {
		n += len(t.Bytes)
	}
	for _, node := range g.Nodes {
		for _, sub := range node.Subgraphs() {
			n += weightBytes(sub)
		}
	}
	return n
}

// inspection is the status of kind Inspection.
type inspection struct {
	Operators []operatorCount `json:"operators"`
	Workload  engine.Workload `json:"workload"`
}

type operatorCount struct {
	Op    string `json:"op"`
	Nodes int    `json:"nodes"`
}

// operatorsStatus is the status of kind Operators.
type operatorsStatus struct {
	Operators []string `json:"operators"`
}

// inspectFlags say what of a model to show.
type inspectFlags struct {
	modelFlags
	stage     string
	precision string
	coverage  bool
}

func newInspect(a *app) *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show a model's operators, parameters, FLOPs and bytes",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.coverage {
				return cobra.NoArgs(cmd, args)
			}
			return oneModel(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if f.coverage {
				return a.emit(operatorCoverage(a))
			}
			if err := f.checkStage(a); err != nil {
				return err
			}
			l, err := f.load(args[0])
			if err != nil {
				return err
			}
			defer l.Close()
			return f.inspect(a, l)
		},
	}
	f.modelFlags.add(c.Flags())
	c.Flags().StringVar(&f.stage, "stage", "", "print one stage of compiling as text: "+strings.Join(stages, ", "))
	c.Flags().StringVar(&f.precision, "precision", "fp32", "what to compile for: fp32 or mixed")
	c.Flags().BoolVar(&f.coverage, "ops", false, "list the operators that the engine runs")
	return c
}

func operatorCoverage(a *app) report.Document {
	t := report.Table{Columns: report.Columns("OPERATOR")}
	list := engine.Operators()
	for _, op := range list {
		t.Rows = append(t.Rows, []string{op})
	}
	total := fmt.Sprintf("%d operators", len(list))
	return report.Document{Tables: []report.Table{t}, Tail: []string{total}, Answer: total, Value: a.envelope("Operators", nil, operatorsStatus{list})}
}

// inspect prints a stage, or the summary.
func (f *inspectFlags) inspect(a *app, l *loaded) error {
	features, _, err := f.machine()
	if err != nil {
		return err
	}
	precision, err := parsePrecision(f.precision)
	if err != nil {
		return err
	}
	p, err := f.compile(l, features, precision)
	if err != nil {
		return err
	}
	if f.stage != "" {
		return a.write([]byte(stageText(l, p, f.stage)))
	}
	info := describe(l, p)
	status := inspection{Operators: countOperators(l.Graph), Workload: p.Workload()}
	ops := report.Table{Columns: report.Columns("OPERATOR", ">NODES")}
	for _, o := range status.Operators {
		ops.Rows = append(ops.Rows, []string{o.Op, fmt.Sprint(o.Nodes)})
	}
	lead := []string{
		fmt.Sprintf("%s: %s, opset %v, %s parameters, %.4g MB of weights", info.Name, info.Format, l.Opsets[""], millions(info.Parameters), float64(info.WeightBytes)/1e6),
		fmt.Sprintf("%.4g GFLOP (%.4g GMAC) a run, in %d launches after fusion, %d before; %.3g MB of activations at once in FP32", info.Flops/1e9, info.Macs/1e9,
			len(status.Workload.Steps), status.Workload.Unfused, status.Workload.Peak*4/1e6),
	}
	for _, in := range p.Inputs {
		lead = append(lead, fmt.Sprintf("input %s: %s", in.Name, typeAndShape(in)))
	}
	for _, out := range p.Outputs {
		lead = append(lead, fmt.Sprintf("output %s: %s", out.Name, typeAndShape(out)))
	}
	return a.emit(report.Document{Lead: lead, Tables: []report.Table{ops}, Tail: info.Notes, Answer: fmt.Sprintf("%.4g GFLOP", info.Flops/1e9),
		Value: a.envelope("Inspection", benchSpec{info}, status)})
}

// countOperators counts the nodes of each operator, subgraphs included, the most frequent first.
func countOperators(g *models.Graph) []operatorCount {
	counts := map[string]int{}
	var walk func(*models.Graph)
	walk = func(g *models.Graph) {
		for _, n := range g.Nodes {
			key := n.Op
			if n.Domain != "" {
				key = n.Domain + "." + n.Op
			}
			counts[key]++
			for _, sub := range n.Subgraphs() {
				walk(sub)
			}
		}
	}
	walk(g)
	var list []operatorCount
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, operatorCount{Op: op, Nodes: counts[op]})
	}
	slices.SortStableFunc(list, func(a, b operatorCount) int { return b.Nodes - a.Nodes })
	return list
}

// stages can be printed, in the order of compiling.
var stages = []string{"model", "graph", "program", "workload"}

// checkStage refuses stages that there are not, and formats that a stage has not.
func (f *inspectFlags) checkStage(a *app) error {
	switch {
	case f.stage == "":
		return nil
	case !slices.Contains(stages, f.stage):
		return usageError("--stage %q is not %s", f.stage, strings.Join(stages, ", "))
	case a.format != "table":
		e := usageError("--stage prints text, not %s", a.format)
		e.hint = "without --stage, -o json and yaml hold the workload"
		return e
	}
	return nil
}

// stageText is what a model is at one stage.
func stageText(l *loaded, p *engine.Program, stage string) string {
	var b strings.Builder
	switch stage {
	case "model":
		for _, n := range l.Graph.Nodes {
			fmt.Fprintf(&b, "%s = %s(%s)  # %s\n", strings.Join(n.Outputs, ", "), n.Op, strings.Join(n.Inputs, ", "), n.Name)
		}
	case "graph":
		return p.Graph()
	case "program":
		return p.String()
	case "workload":
		for _, s := range p.Workload().Steps {
			op := strings.Join(append([]string{s.Op}, s.Fused...), "+")
			fmt.Fprintf(&b, "%-14v %10.4g MFLOP  weights %9.0f  reads %9.0f  writes %9.0f  %dx%dx%d  %s  # %s\n", s.Kind, s.FLOPs/1e6, s.Weights, s.Reads, s.Writes, s.M, s.N, s.K, op, s.Name)
		}
	}
	return b.String()
}
