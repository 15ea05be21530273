package main

import (
	"context"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

func compiled(t *testing.T, ref string) (*models.Model, *engine.Program) {
	t.Helper()
	m, err := openModel(ref)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(m, engine.Options{Features: cpu.Detect(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

// samples is a small model of each family of the zoo.
var samples = map[string]string{
	"resnet": "resnet18@64", "res2net": "res2net50_26w_4s@64", "senet": "senet154@64", "resnest": "resnest26@64", "regnet": "regnety_002@64", "dla": "dla46_c@64",
	"vgg": "vgg11@224", "alexnet": "alexnet@224", "squeezenet": "squeezenet1_1@64", "darknet": "darknet53@64",
	"mobilenet": "mobilenet_v3_small_x0.5@64", "mnasnet": "mnasnet_x0.5@64", "pplcnet": "pplcnet_x0.5@64", "shufflenet": "shufflenet_v2_x0.5@64", "ghostnet": "ghostnet_050@64",
	"mixnet": "mixnet_s@64", "rexnet": "rexnet_100@64", "densenet": "densenet121@64", "dpn": "dpn68@64", "hrnet": "hrnet_w18@64", "efficientnet": "efficientnet_b0@64",
	"bert": "bert_mini@32", "distilbert": "distilbert_base@16", "minilm": "minilm_l6_h384@128", "albert": "albert_base@16", "electra": "electra_small@32", "roberta": "roberta_base@16",
	"googlenet": "googlenet@64", "inception": "inception_v4@107", "xception": "xception41@64",
	"vit": "vit_tiny_patch16_64", "beit": "beit_base_patch16_64", "swin": "swin_tiny_patch4_window7_224", "twins": "twins_svt_small@224", "convnext": "convnext_tiny@64",
	"faster_rcnn": "faster_rcnn_resnet50@96x128", "yolo": "yolov8n@64", "yolov3": "yolov3@64", "retinanet": "retinanet_resnet50@128", "fcn": "fcn_resnet50@64", "deeplab": "deeplabv3_resnet50@64x96", "unet": "unet_med@188",
}

// TestZooRuns runs a model of each family: its outputs are numbers, and not all the same.
func TestZooRuns(t *testing.T) {
	for _, f := range zoo.Families() {
		t.Run(f.Name, func(t *testing.T) {
			if samples[f.Name] == "" {
				t.Fatal("no sample")
			}
			m, p := compiled(t, zooPrefix+samples[f.Name])
			defer m.Close()
			s := p.NewSession()
			defer s.Close()
			out := make([]tensor.Tensor, len(p.Outputs))
			if err := s.Run(p.SeededInputs(1), out); err != nil {
				t.Fatal(err)
			}
			for i, o := range out {
				low, high := math.Inf(1), math.Inf(-1)
				for _, v := range tensor.Data[float32](o) {
					low, high = min(low, float64(v)), max(high, float64(v))
				}
				if !(high > low) || math.IsInf(low, 0) || math.IsInf(high, 0) {
					t.Errorf("output %s is from %g to %g", p.Outputs[i].Name, low, high)
				}
			}
		})
	}
}

// TestZooAgreesWithONNXRuntime exports a model of each family, runs the file with ONNX Runtime and compares with the engine.
func TestZooAgreesWithONNXRuntime(t *testing.T) {
	families := zoo.Families()
	if os.Getenv("ORT_NODE") == "" {
		t.Skipf("SKIPPED %d models: ORT_NODE names no folder of the npm package onnxruntime-node", len(families))
	}
	for _, f := range families {
		t.Run(f.Name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "model.onnx")
			if code := run(context.Background(), []string{"zoo", "export", samples[f.Name], "-o", file}, io.Discard, os.Stderr); code != 0 {
				t.Fatalf("export exited with %d", code)
			}
			m, p := compiled(t, file)
			defer m.Close()
			in := p.SeededInputs(1)
			for i := range in {
				if p.Inputs[i].Name == "attention_mask" {
					in[i].Bytes[len(in[i].Bytes)-8] = 0 // the last token is padding
				}
			}
			data := make([]models.Datum, len(in))
			for i, x := range in {
				data[i] = models.Datum{Name: p.Inputs[i].Name, Tensor: x}
			}
			if err := writeExchange(dir, "inputs", data); err != nil {
				t.Fatal(err)
			}
			script, err := filepath.Abs("../../testdata/onnxruntime/run.js")
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("node", script, file, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			s := p.NewSession()
			defer s.Close()
			got := make([]tensor.Tensor, len(p.Outputs))
			if err := s.Run(in, got); err != nil {
				t.Fatal(err)
			}
			want, err := readExchange(dir, "outputs")
			if err != nil || len(want) != len(got) {
				t.Fatalf("%d outputs, want %d; %v", len(got), len(want), err)
			}
			for i := range got {
				d, err := engine.Compare(got[i], want[i], engine.ToleranceOf(tensor.Float32))
				if err != nil {
					t.Fatal(err)
				}
				if d.RelativeRMS > 1e-4 {
					t.Errorf("output %s: element %d is %g, want %g; relative RMS error %.2g", p.Outputs[i].Name, d.Worst, d.Got, d.Want, d.RelativeRMS)
				}
			}
		})
	}
}
