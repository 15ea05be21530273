package fence

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAVX2IsNoMore reads all generated assembly: a function for AVX2 that names
// a register or an instruction of AVX-512 would stop on the machines it is for.
func TestAVX2IsNoMore(t *testing.T) {
	files, err := filepath.Glob("../*/*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly found: %v", err)
	}
	beyond := regexp.MustCompile(`\b([XY](1[6-9]|2[0-9]|3[01])|Z[0-9]+|K[1-7])\b|\bV(RNDSCALE|SCALEF|BLENDM|PTERNLOG|GETEXP|GETMANT)`)
	functions := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		function := ""
		for number, line := range strings.Split(string(text), "\n") {
			if name, found := strings.CutPrefix(line, "TEXT ·"); found {
				function, _, _ = strings.Cut(name, "(")
				if strings.Contains(function, "AVX2") {
					functions++
				}
			}
			if strings.Contains(function, "AVX2") && beyond.MatchString(line) {
				t.Errorf("%s:%d: %s uses AVX-512: %s", file, number+1, function, strings.TrimSpace(line))
			}
		}
	}
	if functions == 0 {
		t.Error("no function for AVX2 found: has their naming changed?")
	}
}
