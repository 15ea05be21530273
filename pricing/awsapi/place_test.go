package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/eiplan/eiplan/pricing"
)

// damaged is a file with one part of it replaced by another, in which a mark
// shows what is wrong.
func damaged(t *testing.T, file, part, by string) (text string, line int, offset int64) {
	t.Helper()
	if strings.Count(file, part) != 1 || strings.Count(by, "→") != 1 {
		t.Fatalf("%q is not in the file once, or %q has not one mark", part, by)
	}
	before, after, _ := strings.Cut(strings.Replace(file, part, by, 1), "→")
	return before + after, 1 + strings.Count(before, "\n"), int64(len(before))
}

// What is wrong with a file of AWS is placed at its byte, however it arrives,
// and no row of the file comes.
func TestFileErrorsNameTheirPlace(t *testing.T) {
	const product = `"35AEEWH98DECPC35":{"sku":"35AEEWH98DECPC35","productFamily":"Compute Instance","attributes":{"location":"US East (N. Virginia)","locationType":"AWS Region","instanceType":"c5.xlarge",`
	const hourly = `"35AEEWH98DECPC35","HU7G6KETJZ","d","Reserved"`
	for _, tt := range []struct{ reason, file, part, by, says string }{
		{"a list cut off within a string", priceListJSON[:600] + "¶", "¶", "→", "the file is cut off"},
		{"a list cut off between values", priceListJSON[:strings.Index(priceListJSON, `"WINDOWS"`)] + "¶", "¶", "→", "the file is cut off"},
		{"a letter within a value", priceListJSON, `"0.1700000000"}`, `→x}`, "invalid character 'x'"},
		{"a letter between values", priceListJSON, `"WINDOWS":{"sku"`, `→x"WINDOWS":{"sku"`, "invalid character 'x'"},
		{"a comma too many", priceListJSON, `"attributesList":{}`, `→,`, "invalid character ','"},
		{"a list where an object must stand", priceListJSON, `"terms":{"OnDemand":{`, `"terms":→[{`, "[ where an object must stand"},
		{"something behind it", priceListJSON + "¶", "¶", "\n→{}", "something follows the document"},
		{"a negative price", priceListJSON, `"0.0510000000"`, `→"-0.051"`, `price of c5.xlarge in us-east-1 (SKU 35AEEWH98DECPC35): "-0.051" is negative`},
		{"a price that is none", priceListJSON, `"0.0510000000"`, `→"NaN"`, `"NaN" is not a plain number`},
		{"a date that is none", priceListJSON, `"2026-11-20T20:01:02Z"`, `→"20 November"`, "date of publication"},
		{"a number for a name", priceListJSON, `"instanceType":"c5.xlarge","operatingSystem":"Windows"`, `"instanceType":→5,"operatingSystem":"Windows"`, "cannot unmarshal number"},
		{"Latin-1", priceListJSON, `"disclaimer":"…"`, "\"disclaimer\":\"→\xa9\"", "not UTF-8"},
		{"Latin-1 in what is not wanted", priceListJSON, `"productFamily":"Storage"`, "\"productFamily\":\"→\xff\"", "not UTF-8"},
		{"a key of the list twice", priceListJSON, `"attributesList":{}`, `→"products":{}`, `key "products" twice`},
		{"a key of a product twice", priceListJSON, product, product + `→"instanceType":"c5.large",`, `key "instanceType" twice`},
		{"a key twice, once in escapes", priceListJSON, product, product + `→"\u0069nstanceType":"c5.large",`, `twice`},
		{"a SKU twice, as other types", priceListJSON, `"WINDOWS":{"sku"`, strings.Replace(product, `"35AEEWH98DECPC35":{`, `"35AEEWH98DECPC35":→{`, 1) + `"tenancy":"Host"}},"WINDOWS":{"sku"`, "SKU 35AEEWH98DECPC35: listed twice, and not alike"},
		{"a term twice, at other prices", priceListJSON, ` "35AEEWH98DECPC35.OLD":{"eff`, ` "35AEEWH98DECPC35.JRTCKXETXF":→{"eff`, "term 35AEEWH98DECPC35.JRTCKXETXF: listed twice, and not alike"},

		{"an Advisor with a range that is none", advisorJSON, `{"s":62,"r":1}`, `→{"s":62,"r":7}`, "c5.xlarge in us-east-1: range 7 is none of the file's (0, 1)"},
		{"an Advisor with a range that is text", advisorJSON, `{"s":62,"r":1}`, `{"s":62,"r":→"1"}`, "cannot unmarshal string"},
		{"an Advisor with an unknown label", strings.Replace(advisorJSON, `"label":"5-10%"`, `"label":"often"`, 1), `{"s":62,"r":1}`, `→{"s":62,"r":1}`, `range 1 has the unknown label "often"`},
		{"an Advisor with a region twice", advisorJSON, `"eu-west-1"`, `→"us-east-1"`, `key "us-east-1" twice`},
		{"an Advisor with a type twice", advisorJSON, `"c5.large":{`, `→"c5.xlarge":{`, `key "c5.xlarge" twice`},

		{"a CSV list with a row cut off", priceListCSV, hourly, "→" + strings.Replace(hourly, ",", "\n\"", 1), "fields under 21 columns"},
		{"a CSV list with a quote in a field", priceListCSV, `"d","Reserved"`, `"d→"d,"Reserved"`, `missing "`},
		{"a CSV list with a negative price", priceListCSV, `"0.0510000000"`, `→"-0.051"`, `price of c5.xlarge in us-east-1 (SKU 35AEEWH98DECPC35): "-0.051" is negative`},
		{"a CSV list with a price that is none", priceListCSV, `"447"`, `→"n/a"`, `"n/a" is not a plain number`},
		{"a CSV list with a column twice", priceListCSV, `"PriceDescription"`, `→"SKU"`, `column "SKU" twice`},
		{"a CSV list without a column", priceListCSV, `"SKU","OfferTermCode","RateCode"`, `→"SKU","OfferTermCode","Rate"`, `no column "RateCode"`},
		{"a CSV list of no date", priceListCSV, `"2026-11-20T20:01:02Z"`, `→"soon"`, "date of publication"},
		{"a CSV list with a rate twice", priceListCSV, `"d","Reserved","hourly","2020-04-01","Hrs","0.0510000000"`, `"b","Reserved","hourly","2020-04-01","Quantity",→"0.051"`, "rate b of SKU 35AEEWH98DECPC35 listed twice"},
		{"a CSV list with a SKU as other types", priceListCSV, hourly + `,"hourly","2020-04-01","Hrs","0.0510000000","USD","1yr","Partial Upfront","standard","Compute Instance","US East (N. Virginia)","AWS Region","c5.xlarge"`, "→" + hourly + `,"hourly","2020-04-01","Hrs","0.0510000000","USD","1yr","Partial Upfront","standard","Compute Instance","US East (N. Virginia)","AWS Region","c5.large"`, "SKU 35AEEWH98DECPC35: listed twice"},
		{"Latin-1 in a CSV list", priceListCSV, "informational", "informational→\xe9", "not UTF-8"},
	} {
		text, line, offset := damaged(t, tt.file, tt.part, tt.by)
		if !strings.HasPrefix(text, `"FormatVersion`) {
			line = 0
		}
		for _, mark := range []string{"", "\ufeff"} {
			for _, by := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
				tables, _, _, err := File{Name: "f", AsOf: 20261101}.Read(context.Background(), by(strings.NewReader(mark+text)))
				var got *pricing.FileError
				if !errors.As(err, &got) || got.Line != line || got.Offset != offset+int64(len(mark)) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: error %v is not at line %d, byte %d, and of %q", tt.reason, err, line, offset+int64(len(mark)), tt.says)
				}
				if len(tables.Prices)+len(tables.Bands) > 0 {
					t.Errorf("%s: rows of a broken file", tt.reason)
				}
			}
		}
	}
}

// AWS lists zeros: parts of a price, and types that are free. What is listed
// twice, alike, is listed once.
func TestZerosAndRepeatsOfPriceLists(t *testing.T) {
	const code = `"35AEEWH98DECPC35.HU7G6KETJZ.6YS6EN2CT7"`
	twice := `"EBS":{"sku":"EBS","productFamily":"Storage","attributes":{"location":"US East (N. Virginia)"}}`
	row := priceListCSV[strings.Index(priceListCSV, `"35AEEWH98DECPC35","HU7G6KETJZ","d"`):]
	for _, tt := range []struct {
		reason, text string
		prices       int
		left         LeftOut
	}{
		{"all upfront, nothing by the hour", strings.NewReplacer("0.0510000000", "0.0000000000", "Partial Upfront", "All Upfront").Replace(priceListJSON), 2, LeftOut{}},
		{"all upfront in CSV", strings.NewReplacer("0.0510000000", "0.0000000000", "Partial Upfront", "All Upfront").Replace(priceListCSV), 2, LeftOut{}},
		{"a free type", strings.NewReplacer("0.1700000000", "0.0000000000", "0.1900000000", "0").Replace(priceListJSON), 1, LeftOut{"not a price above zero": 2}},
		{"all free", strings.NewReplacer("0.1700000000", "0", "0.0510000000", "0", `"447"`, `"0"`).Replace(priceListCSV), 0, LeftOut{"not a price above zero": 2}},
		{"a SKU twice, alike", strings.Replace(priceListJSON, twice, twice+","+twice, 1), 2, LeftOut{}},
		{"a row twice, alike", priceListCSV + row, 2, LeftOut{}},
		{"a rate by another name", strings.Replace(priceListJSON, code, `"x"`, 1), 2, LeftOut{}},
	} {
		tables, _, left, err := File{Name: "f"}.Read(context.Background(), strings.NewReader(tt.text))
		if err != nil || len(tables.Prices) != tt.prices || fmt.Sprint(left) != fmt.Sprint(tt.left) {
			t.Errorf("%s: %d prices, left out %v, %v", tt.reason, len(tables.Prices), left, err)
		}
	}
}

// An object of many keys is looked through once for each, not for each pair.
func TestRepeatedKeysOfLargeObjects(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"a":[{"k1":1},{"k1":1}]`)
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"k%d":"k1"`, i)
	}
	var k keySets
	if key, at := k.repeated([]byte(b.String() + "}")); at >= 0 {
		t.Errorf("%s at %d", key, at)
	}
	if key, at := k.repeated([]byte(b.String() + `,"k70":1}`)); key != `"k70"` || at != b.Len()+1 {
		t.Errorf("%s at %d, want byte %d", key, at, b.Len()+1)
	}
}

// Whatever a file holds, its error is within it.
func FuzzFile(f *testing.F) {
	for name, text := range map[string]string{
		"f.json": priceListJSON, "f.csv": priceListCSV, "g.json": advisorJSON, "f.bin": "eiplan catalogue 1\n{}\n",
		"f.yaml": "apiVersion: eiplan/v1\nkind: PriceSheet\nprices:\n- {region: us-east-1, name: c5.xlarge, option: spot, hourlyUsd: 0.06}\n",
		"g.csv":  "region,name,option,hourlyUsd\nus-east-1,c5.xlarge,spot,0.06\n",
	} {
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		tables, _, _, err := File{Name: name, AsOf: 20261101}.Read(context.Background(), strings.NewReader(text))
		if err != nil && len(tables.Prices)+len(tables.Bands) > 0 {
			t.Errorf("rows beside %v", err)
		}
		var placed *pricing.FileError
		if errors.As(err, &placed) && (placed.Offset < 0 || placed.Offset > int64(len(text))) {
			t.Errorf("%v: of %d bytes", err, len(text))
		}
	})
}
