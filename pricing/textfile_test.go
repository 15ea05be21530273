package pricing

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// marked is a text and the place in it that a mark shows.
func marked(t *testing.T, text string) (plain string, line int, offset int64) {
	t.Helper()
	before, after, ok := strings.Cut(text, "→")
	if !ok || strings.Contains(after, "→") {
		t.Fatalf("not one mark in %q", text)
	}
	return before + after, 1 + strings.Count(before, "\n"), int64(len(before))
}

// What is wrong with a sheet is placed at its byte, whatever stands before it,
// and however the file arrives.
func TestSheetErrorsNameTheirPlace(t *testing.T) {
	const head = "region,name,option,hourlyUsd,asOf\n"
	const row = "us-east-1,c5.xlarge,spot,0.1,2026-01-01\n"
	const yaml = "apiVersion: eiplan/v1\nkind: PriceSheet\nprices:\n"
	for _, tt := range []struct{ reason, text, says string }{
		{"nothing", "→", "no header"},
		{"an unknown column", "region,name,→nam,option\n", `unknown column "nam"`},
		{"a column twice", "region,name,→region,option\n", "column region twice"},
		{"behind a byte order mark", "\ufeff" + head + row + "us-east-1,c5.large,spot,→cheap,2026-01-01\n", `hourlyUsd: "cheap"`},
		{"lines that end as in Windows", strings.ReplaceAll(head+row, "\n", "\r\n") + "us-east-1,c5.large,spot,→cheap,2026-01-01\r\n", `hourlyUsd: "cheap"`},
		{"behind empty lines", head + "\n\n" + row + "us-east-1,c5.large,→rent,1,2026-01-01\n", `option: "rent"`},
		{"behind a field of two lines", "region,name,option,hourlyUsd,asOf,caveat\nus-east-1,c5.large,spot,1,2026-01-01,\"a\nb\"\nus-east-1,→,spot,1,2026-01-01,\n", "no name"},
		{"behind more than a buffer", head + strings.Repeat(row, 3000) + "us-east-1,c5.large,spot,→-1,2026-01-01\n", "hourlyUsd: -1 is negative"},
		{"a negative upfront fee", "region,name,option,term,payment,class,upfrontUsd,asOf\nus-east-1,c5.large,reserved,1y,all-upfront,standard,→-7,2026-01-01\n", "upfrontUsd: -7 is negative"},
		{"a price of zero", head + "→us-east-1,c5.large,spot,0,2026-01-01\n", "0 USD and 0 USD/h is not above zero"},
		{"a quote within a field", head + "us-east-1,c5→\"large,spot,1,2026-01-01\n", `bare "`},
		{"a quote that does not end", head + "us-east-1,c5.large,spot,1,\"2026→", `missing "`},
		{"a row too short", head + row + "→us-east-1,c5.large\n", "wrong number of fields"},
		{"Latin-1", head + row + "us-east-1,c5.large→\xe9,spot,1,2026-01-01\n", "not UTF-8"},
		{"cut within a character", head + row + "us-east-1,→\xe2\x82", "ends within a character"},
		{"a price twice", head + row + row + "→us-east-1,c5.xlarge,spot,0.2,2026-01-01\n", "of 2026-01-01: line 2 has another one"},

		{"YAML of another kind", "→apiVersion: eiplan/v1\nkind: PriceList\nprices: []\n", `kind "PriceList"`},
		{"YAML with an unknown key", yaml + "→price: 1\n", "key"},
		{"a key of YAML twice", yaml + "- {region: r, name: n}\n→kind: Other\n", `key "kind" twice`},
		{"a key of a price twice", yaml + "- {region: us-east-1, →region: eu-west-1}\n", `key "region" twice`},
		{"an unknown key of a price", yaml + "- region: us-east-1\n  →nmae: c5.large\n", `unknown column "nmae"`},
		{"letters of two bytes before it", yaml + "- {caveat: é€, region: us-east-1, name: c5.large, option: →rent}\n", `option: "rent"`},
		{"behind a byte order mark", "\ufeff" + yaml + "- {region: us-east-1, name: c5.large, option: spot, hourlyUsd: →-1, asOf: 2026-01-01}\n", "hourlyUsd: -1 is negative"},
		{"no mapping", yaml + "- →[us-east-1]\n", "not a price"},
		{"prices that are no list", yaml[:len(yaml)-1] + " →all\n", "prices is not a list"},
		{"a second document", yaml + "→---\na: 1\n", "a second document"},
		{"YAML that is none", "apiVersion: eiplan/v1\n→kind: [\n", "YAML: "},
		{"a control character", yaml + "- a→\x00b\n", "YAML has no character U+0000"},
		{"no UTF-8", yaml + "- a→\xffb\n", "not UTF-8"},
		{"only a comment", "→# apiVersion\n", "no document"},
	} {
		text, line, offset := marked(t, tt.text)
		read := ReadSheetCSV
		if strings.Contains(text, "apiVersion") {
			read = ReadSheetYAML
		}
		for _, by := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			prices, err := read(by(strings.NewReader(text)), SheetDefaults{Source: "test"})
			var got *FileError
			if !errors.As(err, &got) || got.Line != line || got.Offset != offset || !strings.Contains(err.Error(), tt.says) || prices != nil {
				t.Errorf("%s: error %v is not at line %d, byte %d, and of %q", tt.reason, err, line, offset, tt.says)
				break
			}
		}
	}
}

// A row that repeats another adds nothing.
func TestSheetRowsMayBeRepeated(t *testing.T) {
	row := "us-east-1,c5.xlarge,spot,0.1,2026-01-01\n"
	prices, err := ReadSheetCSV(strings.NewReader("region,name,option,hourlyUsd,asOf\n"+row+row), SheetDefaults{Source: "test"})
	if err != nil || len(prices) != 1 {
		t.Errorf("%d prices, %v", len(prices), err)
	}
}
