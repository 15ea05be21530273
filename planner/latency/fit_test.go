package latency

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/planner/hardware"
)

// TestFitFindsWhatMadeTheRows: rows computed from known coefficients with a tenth of noise give them back.
func TestFitFindsWhatMadeTheRows(t *testing.T) {
	rows := syntheticRows(t, 0.1)
	truth := syntheticTruth()
	found := Fit(rows)["tensorrt"]
	for key, want := range map[string]float64{"e_dense[fp16]": truth[roleDense], "c_ms[made]": truth[roleLaunch], "kappa[tc]": truth[roleKappa]} {
		got := found[key]
		if math.Abs(math.Log(got.Value/want)) > 0.25 {
			t.Errorf("%s: %g, made with %g", key, got.Value, want)
		}
		if !(got.P10 < got.Value && got.Value < got.P90) || got.Rows != len(rows) {
			t.Errorf("%s: %+v", key, got)
		}
	}
}

// TestCrossValidateSeesNoTestRows: a model whose rows are all ten times slower is predicted as if they were not.
func TestCrossValidateSeesNoTestRows(t *testing.T) {
	rows := syntheticRows(t, 0.05)
	for _, o := range rows {
		if o.Model == "m3" {
			o.Ms *= 10
		}
	}
	ratios := map[string][]float64{}
	for _, p := range CrossValidate(rows, ByModel) {
		ratios[p.Model] = append(ratios[p.Model], p.Ms/p.PredictedMs)
	}
	if len(ratios) != 12 {
		t.Fatalf("%d models came back", len(ratios))
	}
	for _, r := range ratios["m3"] {
		if r < 7 || r > 14 {
			t.Errorf("a row of the slow model was predicted %g times too fast, want about 10", r)
		}
	}
}

func syntheticTruth() values {
	v := neutral
	for r := range roles {
		v[r] = parameters[r].usual
	}
	v[roleDense], v[roleLaunch], v[roleKappa], v[roleHost], v[roleWire] = 0.7, 0.009, 1.1, 0, 0
	return v
}

// syntheticRows are of twelve models of products of many sizes, on two devices at four batches.
func syntheticRows(t *testing.T, noise float64) []*Observation {
	truth := syntheticTruth()
	r := rand.New(rand.NewPCG(1, 2))
	var rows []*Observation
	for m := range 12 {
		w := &engine.Workload{}
		for k := range 4 + 3*m {
			one := product(16<<(m%5), 64<<(k%5), 128<<((k+m)%4))
			w.Steps = append(w.Steps, one.Steps...)
			w.FLOPs += one.FLOPs
		}
		for _, key := range []string{"T4", "V100"} {
			for _, batch := range []int{1, 4, 16, 64} {
				target := OnDevice(device(t, key), "", hardware.FP16, 1, 0)
				o := &Observation{
					Published: Published{ID: fmt.Sprint(m, key, batch), Model: fmt.Sprintf("m%d", m), Device: key, Kind: hardware.GPU, Batch: batch},
					Class:     "tensorrt", Group: "tensorrt", Stack: "made", Target: target, Work: w,
				}
				o.Ms = truth.time(o, pack(w, batch)) * math.Exp(noise*r.NormFloat64())
				rows = append(rows, o)
			}
		}
	}
	return rows
}

// TestRefitIsRead: what a fit writes is what Read takes.
func TestRefitIsRead(t *testing.T) {
	fit := Refit(syntheticRows(t, 0.1), "hash")
	b, err := Write(fit)
	if err != nil {
		t.Fatal(err)
	}
	var back Fitting
	if err := strictly(b, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Classes["tensorrt"]) != len(fit.Classes["tensorrt"]) || len(back.Intervals) != len(fit.Intervals) || back.Training.SHA256 != "hash" {
		t.Errorf("%d coefficients and %d intervals came back", len(back.Classes["tensorrt"]), len(back.Intervals))
	}
	for _, i := range fit.Intervals {
		if !(i.Low < i.High) {
			t.Errorf("%+v", i)
		}
	}
}

// TestReadPublished: columns in any order; what a row lacks, or what is no figure of it, makes it doubtful.
func TestReadPublished(t *testing.T) {
	const header = "latency_ms,id,model,input,framework,runtime_class,device,device_kind,precision,batch,source,fit_ok\n"
	for _, c := range []struct{ why, table, fails, doubt string }{
		{"a good row", header + "1.5,a,resnet50,224x224,TensorRT,trt,T4,gpu,fp16,8,here,1\n", "", ""},
		{"marked", header + "1.5,a,resnet50,224x224,TensorRT,trt,T4,gpu,fp16,8,here,0\n", "", "unfit"},
		{"no batch", header + "1.5,a,resnet50,224x224,TensorRT,trt,T4,gpu,fp16,,here,1\n", "", "no batch"},
		{"batch of words", header + "1.5,a,resnet50,224x224,TensorRT,trt,T4,gpu,fp16,many,here,1\n", "", `batch "many"`},
		{"negative time", header + "-1,a,resnet50,224x224,TensorRT,trt,T4,gpu,fp16,1,here,1\n", "", `latency_ms "-1"`},
		{"an endless time", header + "Inf,a,resnet50,224x224,TensorRT,trt,T4,gpu,fp16,1,here,1\n", "", `latency_ms "Inf"`},
		{"a row cut off", header + "1.5,a,resnet50\n", "line 2", ""},
		{"no header", "", "header", ""},
		{"a column less", "id,model\nx,y\n", `no column "input"`, ""},
	} {
		rows, err := ReadPublished(strings.NewReader(c.table))
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v", c.why, err)
			}
		case err != nil || len(rows) != 1:
			t.Errorf("%s: %d rows, %v", c.why, len(rows), err)
		case c.doubt == "" && rows[0].Doubtful != "" || !strings.Contains(rows[0].Doubtful, c.doubt):
			t.Errorf("%s: doubtful %q", c.why, rows[0].Doubtful)
		}
	}
}

// TestScore holds the figures against ones worked by hand.
func TestScore(t *testing.T) {
	s := ScoreOf([]float64{1, 4, 3}, []float64{2, 4, 6})
	if s.Rows != 3 || !near(s.MAPE, 100.0/3) || !near(s.Median, 50) || !near(s.GeoFactor, math.Pow(4, 1.0/3)) || !near(s.Spearman, 0.5) {
		t.Errorf("%+v", s)
	}
	if s := ScoreOf([]float64{1, 1, 1}, []float64{2, 4, 6}); s.Spearman != 0 {
		t.Errorf("predictions that are all alike have ranks: %g", s.Spearman)
	}
	if got := ranks([]float64{5, 1, 5, 0}); got[0] != 2.5 || got[2] != 2.5 || got[3] != 0 {
		t.Errorf("ranks of a tie: %v", got)
	}
}
