package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// The bound, the doubts, the cost and the load that --explain prints follow from the figures that it prints before them.
func TestExplanationsAddUp(t *testing.T) {
	csv := filed(t, "cpu.csv", "device,model,precision,batch,ms,runtime\nc5.2xlarge,zoo:resnet50,fp32,1,40,onnxruntime\n")
	calibration := filed(t, "calibration.yaml", printed(t, exitFeasible, "calibrate", csv, "-o", "yaml"))
	for _, args := range []string{
		"--latency 100ms", "--latency 100ms --confidence 0.5", "--latency 200ms --percentile p50 --confidence 0.95 --purchase on-demand",
		"--latency 100ms --rate 40/s --instance c5.*,m5.*", "--latency 100ms --rate 700/s --objective per-million --accelerator gpu,neuron", "--latency 100ms --scaling tflops", "--latency 100ms --scaling efficiency",
		"--latency 100ms --lifecycle any --accelerator eia2.*", "--latency 100ms --runtime tensorrt", "--latency 100ms --commitments ../../testdata/prices/owned.yaml",
		"--latency 500ms --accelerator none --calibration " + calibration,
	} {
		t.Run(args, func(t *testing.T) {
			text := printed(t, exitFeasible, append(planned(args), "--explain", "--top", "10", "-o", "json")...)
			r, err := sizing.Read([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range append(r.Status.Plans, r.Status.AlternativePlans...) {
				d, err := r.Document(sizing.Show{Explain: strconv.Itoa(c.Rank)})
				if err != nil {
					t.Fatal(err)
				}
				tables := map[string]report.Table{}
				for _, table := range d.Tables {
					name, _, _ := strings.Cut(table.Title, " of ")
					tables[name] = table
				}
				name := fmt.Sprintf("rank %d, %s", c.Rank, c.Instance)
				held := addsUp(t, name, tables["Latency"])
				if held["= centre"]*held["= bound"] == 0 || held["p99 ≤"]+held["p50 ≤"] == 0 {
					t.Errorf("%s: no bound was worked out: %v", name, held)
				}
				if c.Owned == nil {
					if held := addsUp(t, name, tables["Cost"]); held["x 730 hours"] == 0 {
						t.Errorf("%s: no cost was worked out: %v", name, held)
					}
				}
				doubtsAddUp(t, name, tables["Doubts"], held)
				loadAddsUp(t, name, tables["Load and memory"])
			}
		})
	}
}

// near holds figures of six digits to each other, after a few operations.
func near(a, b float64) bool { return math.Abs(a-b) <= 3e-5*math.Abs(b) }

// addsUp works a column of figures out: + adds, x multiplies, = and ≤ are held against what came of it. It returns the figures held, by their row.
func addsUp(t *testing.T, name string, table report.Table) map[string]float64 {
	t.Helper()
	held, figures := map[string]float64{}, map[string]float64{}
	sum := 0.0
	for _, row := range table.Rows {
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", name, row, err)
		}
		figures[row[0]] = v
		what := row[0]
		if factor, product, ok := strings.Cut(what, " = "); ok { // x 4 = in all
			n, err := strconv.ParseFloat(strings.TrimPrefix(factor, "x "), 64)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, row, err)
			}
			sum, what = sum*n, "= "+product
		}
		if what == "x 730 hours" {
			sum, what = sum*730, "= "+what
		}
		switch {
		case strings.HasPrefix(what, "= "), strings.HasSuffix(what, " ≤"):
			if !near(sum, v) {
				t.Errorf("%s: %s is %g, but %g comes of what is printed", name, row[0], v, sum)
			}
			held[row[0]], sum = v, v
		case strings.HasPrefix(what, "+ "):
			sum += v
		case strings.HasPrefix(what, "x "):
			sum *= v
			held[row[0]] = v
		case what == "compute":
			if figures["x runtime"] > 0 && !near(sum, v+overhead(table)) {
				t.Errorf("%s: the scaled measurement is %g, compute and overhead are %g", name, sum, v+overhead(table))
			}
			sum = v
		case sum == 0:
			sum = v
		}
	}
	return held
}

func overhead(table report.Table) float64 {
	for _, row := range table.Rows {
		if row[0] == "+ overhead" {
			v, _ := strconv.ParseFloat(row[1], 64)
			return v
		}
	}
	return 0
}

// doubtsAddUp combines the doubts and holds their p90 against the factor of the confidence.
func doubtsAddUp(t *testing.T, name string, table report.Table, held map[string]float64) {
	t.Helper()
	if len(table.Rows) < 3 {
		t.Fatalf("%s: doubts %q", name, table.Rows)
	}
	last := table.Rows[len(table.Rows)-1]
	power := 1.0
	if _, text, ok := strings.Cut(last[3], "to the power "); ok {
		power, _ = strconv.ParseFloat(figure.FindString(text), 64)
	}
	var squares [2]float64
	for i, row := range table.Rows {
		for k, cell := range row[1:3] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, row, err)
			}
			if i < len(table.Rows)-1 {
				l := math.Log(v)
				if i < len(table.Rows)-2 {
					l *= power
				}
				squares[k] += l * l
				continue
			}
			if want := math.Sqrt(squares[k]); !near(math.Abs(math.Log(v)), want) && math.Abs(want) > 1e-4 {
				t.Errorf("%s: the doubts together are %g, not %g", name, v, math.Exp(want))
			}
			factor := held["x confidence"]
			if k == 1 && !near(factor, v) && !near(factor, math.Pow(v, 1.6448536/1.2815516)) && !near(factor, 1) {
				t.Errorf("%s: the doubts' p90 is %g, the factor of the confidence %g", name, v, factor)
			}
		}
	}
}

// figure is a number within a sentence.
var figure = regexp.MustCompile(`[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?`)

// loadAddsUp divides what is needed by what there is, and works the cost of a million requests out.
func loadAddsUp(t *testing.T, name string, table report.Table) {
	t.Helper()
	for _, row := range table.Rows {
		if row[0] == "a million requests" {
			var v []float64
			for _, text := range figure.FindAllString(row[4], -1) {
				f, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				v = append(v, f)
			}
			want := v[1] / v[2] * v[3] * v[4] // an hour's cost over its seconds, times the time of one, times a million over the milliseconds of a second
			if strings.Contains(row[4], "requests a second") {
				want = v[1] / (v[2] * v[3]) * v[4]
			}
			if !near(v[0], want) {
				t.Errorf("%s: %s: %g comes of it", name, row[4], want)
			}
			continue
		}
		var v [3]float64
		for i := range v {
			f, err := strconv.ParseFloat(figure.FindString(row[1+i]), 64)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, row, err)
			}
			v[i] = f
		}
		if !near(100*v[0]/v[1], v[2]) {
			t.Errorf("%s: %q: the share is %g%%", name, row, 100*v[0]/v[1])
		}
	}
}
