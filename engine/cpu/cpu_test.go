package cpu

import (
	"runtime"
	"strings"
	"testing"
)

// all is every feature that has a name.
const all = Features(1<<len(names)) - 1

func TestNamesAreDistinct(t *testing.T) {
	if SVE != 1<<(len(names)-1) {
		t.Fatalf("the last feature is bit %b, but there are %d names", SVE, len(names))
	}
	seen := map[string]bool{}
	for bit, name := range names {
		if got := Features(1 << bit).String(); got != name || seen[name] {
			t.Errorf("bit %d is called %q, want %q, once", bit, got, name)
		}
		seen[name] = true
	}
}

func TestStringOrder(t *testing.T) {
	for want, f := range map[string]Features{
		"generic":        0,
		"avx2 fma":       FMA | AVX2,
		"avx512 amxbf16": AMXBF16 | AVX512,
	} {
		if got := f.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

func TestHas(t *testing.T) {
	cases := []struct {
		reason  string
		f, want Features
		has     bool
	}{
		{"every set has the empty one", 0, 0, true},
		{"all of several", AVX2 | FMA | F16C, AVX2 | FMA, true},
		{"one of several is not enough", AVX2, AVX2 | FMA, false},
	}
	for _, c := range cases {
		if got := c.f.Has(c.want); got != c.has {
			t.Errorf("%s: (%v).Has(%v) = %v", c.reason, c.f, c.want, got)
		}
	}
}

func TestLadder(t *testing.T) {
	for _, rung := range ladder {
		if !rung.keeps.Has(rung.needs) {
			t.Errorf("%s: a cap drops %v, which the level needs", rung.level, rung.needs&^rung.keeps)
		}
		capped := all.Cap(rung.level)
		if capped != rung.keeps {
			t.Errorf("%s: Cap left %v, want %v", rung.level, capped, rung.keeps)
		}
		if got := rung.needs.Level(); got != rung.level {
			t.Errorf("a machine with just %v is on level %s, want %s", rung.needs, got, rung.level)
		}
		if got := Features(0).Cap(rung.level); got != 0 {
			t.Errorf("%s: Cap of a plain machine added %v", rung.level, got)
		}
		if level, err := ParseLevel(string(rung.level)); err != nil || level != rung.level {
			t.Errorf("ParseLevel(%q) = %q, %v", rung.level, level, err)
		}
	}
	if got := (AVX2 | FMA).Level(); got != Generic {
		t.Errorf("AVX2 without F16C is on level %s, want generic", got)
	}
}

func TestFromEnv(t *testing.T) {
	t.Setenv(EnvCap, "")
	if got, err := FromEnv(); err != nil || got != Detect() {
		t.Errorf("without a cap: %v, %v; want %v", got, err, Detect())
	}
	for _, level := range Levels() {
		t.Setenv(EnvCap, string(level))
		if got, err := FromEnv(); err != nil || got != Detect().Cap(level) {
			t.Errorf("%s=%s: %v, %v; want %v", EnvCap, level, got, err, Detect().Cap(level))
		}
	}
	t.Setenv(EnvCap, "avx1024")
	_, err := FromEnv()
	if err == nil {
		t.Fatal("an unknown level is accepted")
	}
	for _, part := range append([]Level{EnvCap, "avx1024"}, Levels()...) {
		if !strings.Contains(err.Error(), string(part)) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
}

func TestDetectIsOfThisArchitecture(t *testing.T) {
	f := Detect()
	onARM := f&(NEON|ASIMDHP|ASIMDDP|I8MM|BF16|SVE) != 0
	onX86 := f&(AVX2|FMA|F16C|AVX512) != 0
	if onARM && runtime.GOARCH != "arm64" || onX86 && runtime.GOARCH != "amd64" {
		t.Errorf("on %s: %v", runtime.GOARCH, f)
	}
	if runtime.GOARCH == "arm64" && !f.Has(NEON) {
		t.Error("arm64 without NEON")
	}
	if f&(AVX512BF16|AVX512VNNI|AVX512FP16|AMXBF16) != 0 && !f.Has(AVX512) {
		t.Errorf("an extension of AVX-512 without it: %v", f)
	}
}
