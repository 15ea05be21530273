package zoo_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/models/zoo"
)

// TestNames reads a name in the spellings of those who publish models.
func TestNames(t *testing.T) {
	for _, c := range []struct{ reason, ref, want string }{
		{"canonical", "resnet50", "resnet50@224"},
		{"a hyphen, and a publisher: Hugging Face", "microsoft/resnet-50", "resnet50@224"},
		{"a set of weights: timm", "resnet50.a1_in1k", "resnet50@224"},
		{"capitals: PaddleClas", "ResNeXt101_vd_32x4d", "resnext101_vd_32x4d@224"},
		{"no underscore: torchvision and timm", "seresnext50_32x4d", "se_resnext50_32x4d@224"},
		{"a width as PaddleClas writes it", "MobileNetV3_large_x0_35", "mobilenet_v3_large_x0.35@224"},
		{"a width in hundredths: timm", "mobilenetv2_050", "mobilenet_v2_x0.5@224"},
		{"a width of no measured model", "mobilenet_v1_x0.6", "mobilenet_v1_x0.6@224"},
		{"a width alone: torchvision", "shufflenet_v2_x1_5", "shufflenet_v2_x1.5@224"},
		{"a size in the name", "resnet50_vd_320", "resnet50_vd@320"},
		{"a size in the name that is the name's own", "vit_base_patch16_384", "vit_base_patch16_384@384"},
		{"a size after the name wins", "resnet50_vd_320@192", "resnet50_vd@192"},
		{"a size of two sides", "fcn_resnet50_512x1024", "fcn_resnet50@512x1024"},
		{"an input as the published table spells it", "resnet50@224x224", "resnet50@224"},
		{"an input with its channels", "resnet50@3x192x160", "resnet50@192x160"},
		{"an input with its batch", "resnet50@1x3x224x224", "resnet50@224"},
		{"a sequence", "bert-base-uncased@seq384", "bert_base@384"},
		{"a sequence by its number", "sentence-transformers/all-MiniLM-L6-v2@64", "minilm_l6_h384@64"},
		{"any depth and width", "bert_3l_256", "bert_3l_256@128"},
		{"the default of a choice", "EfficientNetB3", "efficientnet_b3@300"},
		{"torchvision's letters", "vit-b-16", "vit_base_patch16_224@224"},
		{"a short name", "squeezenet", "squeezenet1_1@224"},
		{"a transformer that PaddleClas spells out", "SwinTransformer_tiny_patch4_window7_224", "swin_tiny_patch4_window7_224@224"},
		{"PaddleClas' classifier", "HRNet_W48_C", "hrnet_w48@224"},
	} {
		m, err := zoo.Outline(c.ref)
		if err != nil {
			t.Errorf("%s: %s: %v", c.reason, c.ref, err)
			continue
		}
		if got := strings.TrimPrefix(m.Path, "zoo:"); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.reason, c.ref, got, c.want)
		}
	}
}

func TestWrongNames(t *testing.T) {
	for _, c := range []struct{ reason, ref, want string }{
		{"a depth that no network has", "resnet51", "near it are resnet50"},
		{"a letter too few", "mobilnet_v2_x1.0", "mobilenet_v2_x{width}"},
		{"nothing like it", "zzzzzzzzzzzzzzzzzzzz", `no model "zzzzzzzzzzzzzzzzzzzz" in the zoo`},
		{"no size", "resnet50@big", `input "big" is not the sides of an image`},
		{"too long a sequence", "bert_base@seq513", "a length from 1 to 512"},
		{"an image in place of a sequence", "bert_base@224x224", "a length from 1 to 512"},
		{"no number of patches", "vit_base_patch16_224@230", "patches of 16×16"},
		{"an image that shrinks to nothing", "inception_v3@32", "the image is too small"},
		{"no multiple of the stride", "yolov8n@321", "multiples of 32"},
		{"heads that don't divide the width", "minilm_l6_h100", "none that an encoder has"},
		{"too many weights", "bert_90l_8000", "more than 2000 million weights"},
		{"no layers", "bert_0l_768", "none that an encoder has"},
	} {
		if _, err := zoo.Outline(c.ref); err == nil {
			t.Errorf("%s: %s is taken", c.reason, c.ref)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s: %q does not say %q", c.reason, c.ref, err, c.want)
		}
	}
}

// TestListedNames builds every name that the zoo lists.
func TestListedNames(t *testing.T) {
	for _, e := range zoo.List() {
		if m, err := zoo.Outline(e.Name); err != nil {
			t.Error(err)
		} else if want := "zoo:" + e.Name + "@"; !strings.HasPrefix(m.Path, want) {
			t.Errorf("%s builds %s", e.Name, m.Path)
		}
	}
}

// TestPublishedRows builds the model of every published measurement that predictions are judged by.
func TestPublishedRows(t *testing.T) {
	dir := os.Getenv("EIPLAN_SHARED")
	if dir == "" {
		t.Skip("SKIPPED: EIPLAN_SHARED names no folder of collected figures")
	}
	f, err := os.Open(filepath.Join(dir, "latency", "public.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	missing, built, all, covered := map[string]error{}, map[string]bool{}, 0, 0
	for _, row := range rows[1:] {
		ref := row[column["model"]] + "@" + row[column["input"]]
		if row[column["fit_ok"]] != "1" {
			continue
		}
		all++
		if !built[ref] && missing[ref] == nil {
			if _, err := zoo.Outline(ref); err != nil {
				missing[ref] = err
			}
			built[ref] = missing[ref] == nil
		}
		if built[ref] {
			covered++
		}
	}
	t.Logf("%d of %d rows", covered, all)
	for ref, err := range missing {
		t.Errorf("%s: %v", ref, err)
	}
}
