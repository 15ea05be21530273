package latency

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// Published is a measured latency as a table of them states it.
type Published struct {
	ID        string
	Model     string
	Input     string // 224x224, seq128
	Framework string
	Runtime   string // trt, trt_served, ort, eager, torchscript, inductor, graph, xla, neuron, ei
	Device    string
	Kind      hardware.Kind
	Precision string
	Batch     int
	Ms        float64 // of a request of the whole batch
	Source    string
	Doubtful  string // why the table itself would not fit on the row; empty: it would
}

// ReadPublished reads a table of measurements: CSV with the columns id, model, input, framework, runtime_class, device, device_kind, precision, batch,
// latency_ms and source, in any order, and if it likes fit_ok, 0 for rows not to be judged by. Rows whose figures can't be are doubtful; an error is that the
// table can't be read, and names the line.
func ReadPublished(r io.Reader) ([]Published, error) {
	table := csv.NewReader(r)
	header, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	for _, name := range []string{"id", "model", "input", "framework", "runtime_class", "device", "device_kind", "precision", "batch", "latency_ms", "source"} {
		if !slices.Contains(header, name) {
			return nil, fmt.Errorf("no column %q; it has %s", name, strings.Join(header, ", "))
		}
	}
	var rows []Published
	for {
		record, err := table.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		of := func(name string) string {
			if i := slices.Index(header, name); i >= 0 {
				return record[i]
			}
			return ""
		}
		p := Published{
			ID: of("id"), Model: of("model"), Input: of("input"), Framework: of("framework"), Runtime: of("runtime_class"), Device: of("device"),
			Kind: hardware.Kind(of("device_kind")), Precision: of("precision"), Source: of("source"),
		}
		p.figures(of)
		rows = append(rows, p)
	}
}

// The figures of a row that can be judged. A request of a day, or of less than a nanosecond, is a slip of the pen.
const (
	mostBatch     = 1 << 20
	leastMs       = 1e-6
	mostMs        = 86_400_000
	longestReason = 80 // bytes of a cell that a reason quotes
)

// figures reads the batch and the latency. A row whose figures are missing or can't be is doubtful.
func (p *Published) figures(of func(column string) string) {
	batch, ms := of("batch"), of("latency_ms")
	var batchErr, msErr error
	p.Batch, batchErr = strconv.Atoi(batch)
	p.Ms, msErr = strconv.ParseFloat(ms, 64)
	quoted := func(cell string) string { return strconv.Quote(cell[:min(len(cell), longestReason)]) }
	switch {
	case of("fit_ok") == "0":
		p.Doubtful = "marked as unfit in the table"
	case batch == "":
		p.Doubtful = "no batch size"
	case ms == "":
		p.Doubtful = "no latency"
	case batchErr != nil || p.Batch < 1 || p.Batch > mostBatch:
		p.Doubtful = "batch " + quoted(batch) + " is no positive whole number up to a million"
	case msErr != nil || !(p.Ms >= leastMs && p.Ms <= mostMs):
		p.Doubtful = "latency_ms " + quoted(ms) + " is no plausible number of milliseconds"
	}
}

// Machine is what a table calls a piece of hardware that the hardware table knows under another name, or a processor of which it uses some cores.
type Machine struct {
	Name      string  `json:"name"`
	Device    string  `json:"device"`    // key of an accelerator; one part of it
	Processor string  `json:"processor"` // key of a processor
	Cores     int     `json:"cores"`     // physical, of the processor
	GHz       float64 `json:"ghz"`       // its stated clock
}

// Software tells from a row which software stack it was measured on: the first whose texts occur in the row's columns. An empty text occurs anywhere.
type Software struct {
	Kind      hardware.Kind `json:"kind"`
	Source    string        `json:"source"`
	Framework string        `json:"framework"`
	Runtime   string        `json:"runtime"` // of class, whole
	Precision string        `json:"precision"`
	Device    string        `json:"device"`
	Stack     string        `json:"stack"`
}

func (s *Software) matches(p *Published) bool {
	return (s.Kind == "" || s.Kind == p.Kind) && strings.Contains(p.Source, s.Source) && strings.Contains(p.Framework, s.Framework) &&
		(s.Runtime == "" || s.Runtime == p.Runtime) && (s.Precision == "" || s.Precision == p.Precision) && (s.Device == "" || s.Device == p.Device)
}

// Observe makes a row ready to be predicted. It fails where the device's speed in the row's precision is not known, or the class of its runtime.
func (c *Coefficients) Observe(p Published, w *engine.Workload, table *hardware.Table) (*Observation, error) {
	o := &Observation{Published: p, Work: w, Stack: p.Runtime}
	if i := slices.IndexFunc(c.Software, func(s Software) bool { return s.matches(&p) }); i >= 0 {
		o.Stack = c.Software[i].Stack
	}
	o.Class, o.Group = classOf(p)
	if c.Classes[o.Class] == nil {
		return nil, fmt.Errorf("runtime class %q on a %s is unknown", p.Runtime, p.Kind)
	}
	format, err := hardware.ParseFormat(p.Precision)
	if err != nil {
		return nil, err
	}
	if o.Target, err = c.place(p.Device, format, table); err != nil {
		return nil, err
	}
	if o.Target.Kind != p.Kind {
		return nil, fmt.Errorf("device %q is a %s, not a %s", p.Device, o.Target.Kind, p.Kind)
	}
	return o, nil
}

// classOf is the class of runtimes that is fitted together, and the one by which errors are told.
func classOf(p Published) (class, group string) {
	if p.Kind != hardware.GPU {
		return string(p.Kind), string(p.Kind)
	}
	switch p.Runtime {
	case "trt":
		return "tensorrt", "tensorrt"
	case "trt_served":
		return "tensorrt", "served"
	case "ort":
		return "tensorrt", "ort"
	case "eager", "torchscript", "inductor":
		return "eager", "eager"
	case "graph", "xla":
		return "graph", "graph"
	}
	return "", ""
}

// place is the target that a table's name stands for.
func (c *Coefficients) place(name string, f hardware.Format, table *hardware.Table) (Target, error) {
	key := name
	var t Target
	if i := slices.IndexFunc(c.Machines, func(m Machine) bool { return m.Name == name }); i >= 0 {
		m := &c.Machines[i]
		key = m.Device
		if m.Processor != "" {
			p, ok := table.Processor(m.Processor)
			if !ok {
				return t, fmt.Errorf("machine %s: processor %q is unknown", name, m.Processor)
			}
			t = OnProcessor(p, "", f, m.Cores, m.GHz, 0)
		}
	}
	if t.Kind == "" {
		d, ok := table.Device(key, 0)
		if !ok {
			return t, fmt.Errorf("device %q is unknown", name)
		}
		t = OnDevice(d, "", f, 1, 0)
		t.LinkGBs = 0 // published figures leave the transfer out
	}
	if t.TFLOPS <= 0 {
		return t, fmt.Errorf("the speed of %s in %s is not known", name, f)
	}
	t.Name = name
	return t, nil
}
