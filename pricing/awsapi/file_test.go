package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eiplan/eiplan/pricing"
)

// priceListJSON is a price-list file with a record of c5.xlarge as AWS published
// it (effective 2020-04-01), and with what must be passed over.
const priceListJSON = `{"formatVersion":"v1.0","disclaimer":"…","offerCode":"AmazonEC2","version":"20261120","publicationDate":"2026-11-20T20:01:02Z",
"products":{
"35AEEWH98DECPC35":{"sku":"35AEEWH98DECPC35","productFamily":"Compute Instance","attributes":{"location":"US East (N. Virginia)","locationType":"AWS Region","instanceType":"c5.xlarge","operatingSystem":"Linux","tenancy":"Shared","preInstalledSw":"NA","capacitystatus":"Used","licenseModel":"No License required"}},
"WINDOWS":{"sku":"WINDOWS","productFamily":"Compute Instance","attributes":{"location":"US East (N. Virginia)","instanceType":"c5.xlarge","operatingSystem":"Windows","tenancy":"Shared","preInstalledSw":"NA","capacitystatus":"Used","licenseModel":"No License required"}},
"LOCAL":{"sku":"LOCAL","productFamily":"Compute Instance","attributes":{"location":"US West (Los Angeles)","locationType":"AWS Local Zone","instanceType":"c5.xlarge","operatingSystem":"Linux","tenancy":"Shared","preInstalledSw":"NA","capacitystatus":"Used","licenseModel":"No License required"}},
"EBS":{"sku":"EBS","productFamily":"Storage","attributes":{"location":"US East (N. Virginia)"}}},
"terms":{"OnDemand":{
"35AEEWH98DECPC35":{"35AEEWH98DECPC35.JRTCKXETXF":{"effectiveDate":"2026-11-01T00:00:00Z","priceDimensions":{"d":{"unit":"Hrs","pricePerUnit":{"USD":"0.1700000000"}}},"termAttributes":{}},
 "35AEEWH98DECPC35.OLD":{"effectiveDate":"2019-11-01T00:00:00Z","priceDimensions":{"d":{"unit":"Hrs","pricePerUnit":{"USD":"0.1900000000"}}},"termAttributes":{}}},
"WINDOWS":{"WINDOWS.JRTCKXETXF":{"priceDimensions":{"d":{"unit":"Hrs","pricePerUnit":{"USD":"0.35"}}},"termAttributes":{}}}},
"Reserved":{
"35AEEWH98DECPC35":{"35AEEWH98DECPC35.HU7G6KETJZ":{"offerTermCode":"HU7G6KETJZ","sku":"35AEEWH98DECPC35","priceDimensions":{"35AEEWH98DECPC35.HU7G6KETJZ.2TG2D8R56U":{"unit":"Quantity","description":"Upfront Fee","pricePerUnit":{"USD":"447"}},"35AEEWH98DECPC35.HU7G6KETJZ.6YS6EN2CT7":{"unit":"Hrs","beginRange":"0","endRange":"Inf","pricePerUnit":{"USD":"0.0510000000"}}},"termAttributes":{"LeaseContractLength":"1yr","OfferingClass":"standard","PurchaseOption":"Partial Upfront"}}}},
"FlatRate":{"X":{"X.Y":{}}}},
"attributesList":{}}`

const priceListCSV = `"FormatVersion","v1.0"
"Disclaimer","This pricing list is for informational purposes only."
"Publication Date","2026-11-20T20:01:02Z"
"Version","20261120"
"OfferCode","AmazonEC2"
"SKU","OfferTermCode","RateCode","TermType","PriceDescription","EffectiveDate","Unit","PricePerUnit","Currency","LeaseContractLength","PurchaseOption","OfferingClass","Product Family","Location","Location Type","Instance Type","Tenancy","Operating System","License Model","CapacityStatus","Pre Installed S/W"
"35AEEWH98DECPC35","JRTCKXETXF","a","OnDemand","$0.17, on demand","2026-11-01","Hrs","0.1700000000","USD","","","","Compute Instance","US East (N. Virginia)","AWS Region","c5.xlarge","Shared","Linux","No License required","Used","NA"
"35AEEWH98DECPC35","HU7G6KETJZ","b","Reserved","Upfront Fee","2020-04-01","Quantity","447","USD","1yr","Partial Upfront","standard","Compute Instance","US East (N. Virginia)","AWS Region","c5.xlarge","Shared","Linux","No License required","Used","NA"
"UNUSED","JRTCKXETXF","c","OnDemand","unused","2026-11-01","Hrs","0.0000000000","USD","","","","Compute Instance","US East (N. Virginia)","AWS Region","c5.xlarge","Shared","Linux","No License required","UnusedCapacityReservation","NA"
"35AEEWH98DECPC35","HU7G6KETJZ","d","Reserved","hourly","2020-04-01","Hrs","0.0510000000","USD","1yr","Partial Upfront","standard","Compute Instance","US East (N. Virginia)","AWS Region","c5.xlarge","Shared","Linux","No License required","Used","NA"
`

const elasticJSON = `{"offerCode":"AmazonEI","publicationDate":"2021-05-14T00:00:00Z","products":{"E":{"sku":"E","productFamily":"Elastic Inference","attributes":{"location":"US West (Oregon)","usagetype":"USW2-EI:eia1.medium"}}},
"terms":{"OnDemand":{"E":{"E.JRTCKXETXF":{"priceDimensions":{"d":{"unit":"Hrs","pricePerUnit":{"USD":"0.13"}}}}}}}}`

func TestReadFile(t *testing.T) {
	c5 := func(p pricing.Price) pricing.Price {
		p.Region, p.Subject = "us-east-1", "c5.xlarge"
		p.Provenance = pricing.Provenance{Source: "AWS price list of AmazonEC2", AsOf: 20261120, Quality: pricing.Observed}
		return p
	}
	listed := pricing.Tables{Prices: []pricing.Price{
		c5(pricing.Price{Purchase: pricing.Purchase{Option: pricing.OnDemand}, Recurring: 170_000_000}),
		c5(pricing.Price{Purchase: pricing.Purchase{Option: pricing.Reserved, Term: 1, Payment: pricing.PartialUpfront, Class: pricing.Standard}, Upfront: 447_000_000_000, Recurring: 51_000_000}),
	}}
	elastic := pricing.Tables{Prices: []pricing.Price{{Region: "us-west-2", Subject: "eia1.medium", Purchase: pricing.Purchase{Option: pricing.OnDemand}, Recurring: 130_000_000,
		Provenance: pricing.Provenance{Source: "AWS price list of AmazonEI", AsOf: 20210514, Quality: pricing.Observed}}}}
	band := func(region string, savings int, label string, low, high int) pricing.RegionBand {
		return pricing.RegionBand{Region: region, Instance: "c5.xlarge", Band: pricing.Band{Label: label, MinPercent: low, MaxPercent: high, SavingsPercent: savings, AsOf: 20261101, Source: "Spot Instance Advisor (advisor.json)"}}
	}
	sheet := pricing.Tables{Prices: []pricing.Price{{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.Spot}, Recurring: 60_000_000,
		Provenance: pricing.Provenance{Source: "ours.csv", AsOf: 20261101, Quality: pricing.Observed}}}}
	yaml := sheet
	yaml.Prices = append([]pricing.Price(nil), sheet.Prices...)
	yaml.Prices[0].Source = "ours.yml"
	for _, tt := range []struct {
		name, text string
		kind       FileKind
		want       pricing.Tables
	}{
		{"index.json", priceListJSON, PriceListJSON, listed},
		{"with a byte order mark.json", "\ufeff" + priceListJSON, PriceListJSON, listed},
		{"index.csv", priceListCSV, PriceListCSV, listed},
		{"elastic.json", elasticJSON, PriceListJSON, elastic},
		{"dir/advisor.json", advisorJSON, SpotAdvisor, pricing.Tables{Bands: []pricing.RegionBand{band("us-east-1", 62, "5-10%", 5, 10), band("eu-west-1", 50, "<5%", 0, 5)}}},
		{"dir/ours.csv", "region,name,option,hourlyUsd\nus-east-1,c5.xlarge,spot,0.06\n", SheetCSV, sheet},
		{"dir/ours.yml", "apiVersion: eiplan/v1\nkind: PriceSheet\nprices:\n- {region: us-east-1, name: c5.xlarge, option: spot, hourlyUsd: 0.06}\n", SheetYAML, yaml},
	} {
		got, kind, _, err := File{Name: tt.name, AsOf: 20261101}.Read(context.Background(), strings.NewReader(tt.text))
		if err != nil || kind != tt.kind {
			t.Errorf("%s: a %s, %v", tt.name, kind, err)
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestReadFileRefuses(t *testing.T) {
	undated := strings.Replace(priceListJSON, `"publicationDate":"2026-11-20T20:01:02Z",`, "", 1)
	for _, tt := range []struct{ reason, name, text, says string }{
		{"nothing", "f.json", " \n", "f.json: the file is empty"},
		{"JSON of another kind", "f.json", `{"kind":"Lock"}`, "f.json: neither a price list"},
		{"a list cut off", "f.json", priceListJSON[:len(priceListJSON)-300], "the file is cut off"},
		{"a list cut off between values", "f.json", priceListJSON[:strings.Index(priceListJSON, `"WINDOWS"`)], "the file is cut off"},
		{"something behind it", "f.json", priceListJSON + "{}", fmt.Sprintf("f.json: byte %d: something follows", len(priceListJSON))},
		{"a price that is none", "f.json", strings.Replace(priceListJSON, "0.0510000000", "NaN", 1), `(SKU 35AEEWH98DECPC35): "NaN"`},
		{"products that are a list", "f.json", `{"products":[]}`, "f.json: byte 12: [ where an object must stand"},
		{"terms before products", "f.json", `{"terms":{"OnDemand":{"A":{}}},"products":{}}`, "terms stand before products"},
		{"a list without date", "f.json", undated, "no date of publication"},
		{"a date that is none", "f.json", strings.Replace(priceListJSON, "2026-11-20T", "20 Nov 2026", 1), "date of publication"},
		{"a CSV list cut off", "f.csv", priceListCSV[:len(priceListCSV)-150], "f.csv: "},
		{"a CSV list cut off between fields", "f.csv", priceListCSV[:strings.LastIndex(priceListCSV, `,"Linux"`)] + "\n", "17 fields under 21 columns"},
		{"a CSV list without a column", "f.csv", strings.Replace(priceListCSV, "PricePerUnit", "Cost", 1), `no column "PricePerUnit"`},
		{"a CSV list without header", "f.csv", "\"FormatVersion\",\"v1.0\"\n", "no header"},
		{"an Advisor without date", "f.json", advisorJSON, "none is given for it"},
		{"an Advisor with an unknown range", "f.json", strings.Replace(advisorJSON, `"r":1`, `"r":7`, 1), ""},
		{"a sheet with an error", "f.csv", "region,name,option\n,,\n", "f.csv: line 2, byte 19: no region"},
		{"a damaged catalogue", "f.bin", "eiplan catalogue 1\n{}\n", "f.bin: byte 19: catalogue index"},
	} {
		file := File{Name: tt.name}
		if tt.says == "" {
			file.AsOf, tt.says = 20261101, "range 7 is none of the file's (0, 1)"
		}
		tables, _, _, err := file.Read(context.Background(), strings.NewReader(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", tt.reason, err, tt.says)
		}
		if len(tables.Prices)+len(tables.Bands) > 0 {
			t.Errorf("%s: rows of a broken file", tt.reason)
		}
	}
}

// bigList is a price-list file of any size: products and terms that are not
// wanted around a few that are. It makes its parts as they are read.
type bigList struct {
	parts int
	next  int
	rest  string
}

func (b *bigList) Read(p []byte) (int, error) {
	for b.rest == "" {
		if b.next > 2*b.parts+2 {
			return 0, io.EOF
		}
		b.rest = b.part(b.next)
		b.next++
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// part is a head, products, a middle, terms and an end.
func (b *bigList) part(i int) string {
	const system = "Windows"
	product := func(sku, system, comma string) string {
		return fmt.Sprintf(`%s"%s":{"sku":"%[2]s","productFamily":"Compute Instance","attributes":{"regionCode":"us-east-1","instanceType":"c5.xlarge","operatingSystem":"%s","tenancy":"Shared","preInstalledSw":"NA","capacitystatus":"Used","licenseModel":"No License required","more":"%s"}}`, comma, sku, system, strings.Repeat("x", 800))
	}
	price := func(sku, comma string) string {
		return fmt.Sprintf(`%s"%s":{"%[2]s.J":{"priceDimensions":{"d":{"unit":"Hrs","description":"%s","pricePerUnit":{"USD":"0.17"}}}}}`, comma, sku, strings.Repeat("y", 800))
	}
	switch {
	case i == 0:
		return `{"offerCode":"AmazonEC2","publicationDate":"2026-11-20","products":{` + product("WANTED", "Linux", "")
	case i <= b.parts:
		return product(fmt.Sprintf("P%09d", i), system, ",")
	case i == b.parts+1:
		return `},"terms":{"OnDemand":{` + price("WANTED", "")
	case i <= 2*b.parts+1:
		return price(fmt.Sprintf("P%09d", i-b.parts-1), ",")
	}
	return `},"Reserved":{}}}`
}

// peakHeap runs f and returns by how much the heap grew at most, as seen every
// so many bytes that are read.
func peakHeap(t testing.TB, f func(progress func(int64))) uint64 {
	t.Helper()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	var last int64
	f(func(read int64) {
		if read-last > 4<<20 {
			last = read
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	})
	return peak
}

func TestPriceListsAreReadInBoundedMemory(t *testing.T) {
	const parts, most = 30_000, 24 << 20 // 60 MB of file
	var size int64
	peak := peakHeap(t, func(progress func(int64)) {
		file := File{Name: "big.json", Progress: func(read int64) { size = read; progress(read) }}
		tables, _, _, err := file.Read(context.Background(), &bigList{parts: parts})
		if err != nil || len(tables.Prices) != 1 {
			t.Errorf("%d prices, %v", len(tables.Prices), err)
		}
	})
	if size < 2*most || peak > most {
		t.Errorf("a file of %d MiB took %d MiB of memory", size>>20, peak>>20)
	}
}

// repeat yields a text for ever.
type repeat string

func (r repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, tt := range []struct{ reason, name, start, body, says string }{
		{"a string that does not end", "f.json", `{"products":{"A":"`, "a", "one value takes more than"},
		{"an object that does not end", "f.json", `{"products":{"A":{"b":[`, "1,", "one value takes more than"},
		{"brackets that do not end", "f.json", `{"products":`, "[", "where an object must stand"},
		{"unknown brackets that do not end", "f.json", `{"more":`, "[", "exceeded max depth"},
		{"a quote that does not end", "f.csv", "\"FormatVersion\",\"v1.0\"\n\"Disclaimer\",\"", "a\n", "one value takes more than"},
		{"a sheet without end", "f.csv", "region,name,option,hourlyUsd,asOf,\"", "a", "more than"},
	} {
		_, _, _, err := File{Name: tt.name}.Read(context.Background(), io.MultiReader(strings.NewReader(tt.start), repeat(tt.body)))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", tt.reason, err, tt.says)
		}
	}
}

func TestReadFileIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	file := File{Name: "big.json", Progress: func(read int64) {
		if read > 1<<20 {
			cancel()
		}
	}}
	if _, _, _, err := file.Read(ctx, &bigList{parts: 1 << 30}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// BenchmarkPriceList reads a file of 300 MB and prints what it took of memory.
func BenchmarkPriceList(b *testing.B) {
	var size int64
	var peak uint64
	for b.Loop() {
		peak = max(peak, peakHeap(b, func(progress func(int64)) {
			file := File{Name: "big.json", Progress: func(read int64) { size = read; progress(read) }}
			if _, _, _, err := file.Read(context.Background(), &bigList{parts: 160_000}); err != nil {
				b.Error(err)
			}
		}))
	}
	b.SetBytes(size)
	b.ReportMetric(float64(size)/1e6, "MB-file")
	b.ReportMetric(float64(peak)/1e6, "MB-peak")
}
