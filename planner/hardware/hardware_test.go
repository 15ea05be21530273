package hardware

import (
	"math"
	"slices"
	"testing"
)

func TestPeaks(t *testing.T) {
	table := Default()
	for _, c := range []struct {
		reason, processor string
		cores             int
		ghz, want         float64
	}{
		{"c5.xlarge: two cores with two 512-bit FMA units", "cascade-lake", 2, 3.4, 2 * 64 * 3.4},
		{"c7g.xlarge: four cores with four 128-bit FMA units", "graviton3", 4, 2.6, 4 * 32 * 2.6},
		{"c6a.xlarge: two cores with two 256-bit FMA units", "zen3", 2, 3.6, 2 * 32 * 3.6},
	} {
		p, ok := table.Processor(c.processor)
		if !ok {
			t.Fatalf("%s: no processor %s", c.reason, c.processor)
		}
		if got := p.PeakGFLOPS(FP32, c.cores, c.ghz); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %g GFLOPS, want %g", c.reason, got, c.want)
		}
		if got := p.DenseGFLOPS(FP32, c.cores, c.ghz); got > c.want {
			t.Errorf("%s: dense code runs above the peak: %g", c.reason, got)
		}
	}
}

// TestRows holds what every row must have.
func TestRows(t *testing.T) {
	table := Default()
	qualities := []Quality{Stated, Recalled, Assumed}
	for key, p := range table.processors {
		if p.PerCycle[FP32] <= 0 || p.SocketGBs <= 0 || p.SocketCores <= 0 || p.CoreMarkPer <= 0 || p.DenseClock <= 0 || p.DenseClock > 1 {
			t.Errorf("processor %s lacks a figure: %+v", key, p)
		}
		if p.VCPUPerCore != 1 && p.VCPUPerCore != 2 || p.Arch == "arm64" && p.VCPUPerCore != 1 {
			t.Errorf("processor %s: %d vCPU a core on %s", key, p.VCPUPerCore, p.Arch)
		}
		if p.Source == "" || p.AsOf == "" || !slices.Contains(qualities, p.Quality) {
			t.Errorf("processor %s: provenance %+v", key, p.Provenance)
		}
	}
	for key, rows := range table.devices {
		for _, d := range rows {
			if d.TFLOPS[FP32] <= 0 && d.TFLOPS[BF16] <= 0 || d.MemoryGB <= 0 || d.BandwidthGBs <= 0 || d.Cores < 1 {
				t.Errorf("device %s lacks a figure: %+v", key, d)
			}
			if (d.Kind == EI) != (d.LinkGBs(0) == 0) {
				t.Errorf("device %s: a link of %g GB/s on a %s", key, d.LinkGBs(0), d.Kind)
			}
			if d.Source == "" || d.AsOf == "" || !slices.Contains(qualities, d.Quality) {
				t.Errorf("device %s: provenance %+v", key, d.Provenance)
			}
		}
	}
}

// TestElasticInferenceTable is the table of both generations as AWS published it: FP32 and FP16 TFLOPS, gigabytes.
func TestElasticInferenceTable(t *testing.T) {
	for key, want := range map[string][3]float64{
		"eia1.medium": {1, 8, 1}, "eia1.large": {2, 16, 2}, "eia1.xlarge": {4, 32, 4},
		"eia2.medium": {1, 8, 2}, "eia2.large": {2, 16, 4}, "eia2.xlarge": {4, 32, 8},
	} {
		d, ok := Default().Device(key, 0)
		if !ok || [3]float64{d.TFLOPS[FP32], d.TFLOPS[FP16], d.MemoryGB} != want {
			t.Errorf("%s: %+v, want %v", key, d, want)
		}
	}
}

func TestIdentify(t *testing.T) {
	table := Default()
	for _, c := range []struct{ reason, model, level, want string }{
		{"by its name", "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "avx512vnni", "ice-lake-sp"},
		{"a name beats the instruction sets", "AMD EPYC 9R14", "avx2", "zen4"},
		{"a hidden name, by the instruction sets", "Intel(R) Xeon(R) Processor", "amx", "sapphire-rapids"},
		{"tiles hidden too", "Intel(R) Xeon(R) Processor", "avx512fp16", "sapphire-rapids"},
		{"nothing to go by", "some machine", "generic", ""},
	} {
		key := ""
		if p, ok := table.Identify(c.model, c.level); ok {
			key = p.Key
		}
		if key != c.want {
			t.Errorf("%s: %q, want %q", c.reason, key, c.want)
		}
	}
}

func TestLinks(t *testing.T) {
	d, _ := Default().Device("T4", 0)
	if whole, half := d.LinkGBs(0), d.LinkGBs(8); whole != 2*half || half < 7 || half > 8 {
		t.Errorf("PCIe 3.0: %g GB/s over 16 lanes, %g over 8", whole, half)
	}
	if _, err := ParseFormat("fp64"); err == nil {
		t.Error("fp64 was read as a format")
	}
}
