package hardware

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

func read(dir fs.FS) (*Table, error) {
	t := &Table{processors: map[string]*Processor{}, devices: map[string][]*Device{}}
	err := rows(dir, "processors.csv", func(r *row) {
		p := &Processor{
			Key: r.text("key"), Arch: r.text("architecture"), Models: strings.Split(r.text("models"), "|"), Levels: strings.Split(r.text("levels"), "|"),
			DenseClock: r.number("dense_clock"), SocketCores: r.count("socket_cores"), SocketGBs: r.number("socket_gb_s"),
			VCPUPerCore: r.count("vcpu_per_core"), CoreMarkPer: r.number("coremark_per_vcpu"), Provenance: r.provenance(),
		}
		p.PerCycle[FP32], p.PerCycle[BF16], p.PerCycle[INT8] = r.number("fp32"), r.number("bf16"), r.number("int8")
		t.processors[p.Key] = p
		t.order = append(t.order, p)
	})
	if err != nil {
		return nil, err
	}
	err = rows(dir, "devices.csv", func(r *row) {
		d := &Device{
			Key: r.text("key"), Kind: Kind(r.text("kind")), Architecture: r.text("architecture"), MemoryGB: r.number("memory_gb"),
			BandwidthGBs: r.number("bandwidth_gb_s"), Tensor: r.number("tensor") == 1, Tiles: r.number("tiles"), Cores: r.count("cores"), Lanes: r.count("lanes"),
			LaneGBs: r.number("lane_gb_s"), FittedAs: r.text("fitted_as"), Provenance: r.provenance(),
		}
		for f := range formats {
			d.TFLOPS[f] = r.number(f.String())
		}
		t.devices[d.Key] = append(t.devices[d.Key], d)
	})
	return t, err
}

// row is a line of a table whose first line names the columns. The first thing wrong with it stays in err.
type row struct {
	file   string
	line   int
	column map[string]int
	cells  []string
	err    error
}

func rows(dir fs.FS, name string, visit func(*row)) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	column := map[string]int{}
	for i, cell := range lines[0] {
		column[cell] = i
	}
	for i, cells := range lines[1:] {
		r := &row{file: name, line: i + 2, column: column, cells: cells}
		if visit(r); r.err != nil {
			return r.err
		}
	}
	return nil
}

func (r *row) text(name string) string {
	i, ok := r.column[name]
	if !ok {
		r.fail(name, fmt.Errorf("no such column"))
		return ""
	}
	return r.cells[i]
}

func (r *row) number(name string) float64 {
	v, err := strconv.ParseFloat(r.text(name), 64)
	r.fail(name, err)
	return v
}

func (r *row) count(name string) int {
	v, err := strconv.Atoi(r.text(name))
	r.fail(name, err)
	return v
}

func (r *row) provenance() Provenance {
	return Provenance{Source: r.text("source"), AsOf: r.text("as_of"), Quality: Quality(r.text("quality"))}
}

func (r *row) fail(name string, err error) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s:%d: %s: %w", r.file, r.line, name, err)
	}
}
