package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/eiplan/eiplan/pricing"
)

// cloud answers on loopback in the shapes of AWS. Each operation has a list of
// answers, of which the last is repeated; a status other than 200 leads the text.
type cloud struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string][]string
	asked   map[string][]string // bodies
}

func newCloud(t *testing.T, answers map[string][]string) *cloud {
	c := &cloud{answers: answers, asked: map[string][]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	operation := r.URL.Path
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, operation, _ = strings.Cut(target, ".")
	}
	for field := range strings.SplitSeq(string(body), "&") {
		if action, ok := strings.CutPrefix(field, "Action="); ok {
			operation = action
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[operation] = append(c.asked[operation], string(body))
	list := c.answers[operation]
	if len(list) == 0 {
		http.Error(w, "nothing at "+operation, http.StatusNotFound)
		return
	}
	text := list[min(len(c.asked[operation]), len(list))-1]
	var status int
	if n, _ := fmt.Sscanf(text, "%d ", &status); n == 1 {
		w.WriteHeader(status)
		text = text[4:]
	}
	if cut, ok := strings.CutSuffix(text, "…"); ok { // promise more than comes
		w.Header().Set("Content-Length", fmt.Sprint(len(cut)+1000))
		text = cut
	}
	io.WriteString(w, text)
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// sources asks the cloud, with credentials that open nothing and retries that do not wait.
func (c *cloud) sources() *Sources {
	return &Sources{
		Config: aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String(c.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "test", ""),
			Retryer: func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
			},
		},
		SpotAdvisorURL: c.URL + "/spot-advisor-data.json", PriceListURL: c.URL + "/offers/region_index.json", At: noon,
	}
}

func spotPage(next string, rows ...string) string {
	items := ""
	for _, r := range rows {
		f := strings.Fields(r)
		items += fmt.Sprintf("<item><instanceType>%s</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>%s</spotPrice>"+
			"<timestamp>2026-11-22T11:05:00.000Z</timestamp><availabilityZone>%s</availabilityZone></item>", f[0], f[1], f[2])
	}
	return fmt.Sprintf(`<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>
<spotPriceHistorySet>%s</spotPriceHistorySet><nextToken>%s</nextToken></DescribeSpotPriceHistoryResponse>`, items, next)
}

const ec2Throttled = `503 <Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors><RequestID>1</RequestID></Response>`

func reservedPage(next string, items ...string) string {
	return fmt.Sprintf(`<DescribeReservedInstancesOfferingsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>
<reservedInstancesOfferingsSet>%s</reservedInstancesOfferingsSet><nextToken>%s</nextToken></DescribeReservedInstancesOfferingsResponse>`, strings.Join(items, ""), next)
}

func reservedItem(duration, offeringType, fixed, hourly string) string {
	return fmt.Sprintf(`<item><instanceType>c5.xlarge</instanceType><duration>%s</duration><fixedPrice>%s</fixedPrice><usagePrice>0.0</usagePrice>
<productDescription>Linux/UNIX</productDescription><currencyCode>USD</currencyCode><offeringClass>standard</offeringClass><offeringType>%s</offeringType>
<recurringCharges><item><frequency>Hourly</frequency><amount>%s</amount></item></recurringCharges><scope>Region</scope></item>`, duration, fixed, offeringType, hourly)
}

func typesPage(next string, items ...string) string {
	return fmt.Sprintf(`<DescribeInstanceTypesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>
<instanceTypeSet>%s</instanceTypeSet><nextToken>%s</nextToken></DescribeInstanceTypesResponse>`, strings.Join(items, ""), next)
}

const (
	typeC5 = `<item><instanceType>c5.xlarge</instanceType><currentGeneration>true</currentGeneration><supportedUsageClasses><item>on-demand</item><item>spot</item></supportedUsageClasses>
<processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures><sustainedClockSpeedInGhz>3.4</sustainedClockSpeedInGhz></processorInfo>
<vCpuInfo><defaultVCpus>4</defaultVCpus><defaultCores>2</defaultCores></vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo>
<networkInfo><networkPerformance>Up to 10 Gigabit</networkPerformance><networkCards><item><baselineBandwidthInGbps>1.25</baselineBandwidthInGbps><peakBandwidthInGbps>10.0</peakBandwidthInGbps></item></networkCards></networkInfo></item>`
	typeG6f = `<item><instanceType>g6f.large</instanceType><currentGeneration>true</currentGeneration><supportedUsageClasses><item>on-demand</item></supportedUsageClasses>
<processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo>
<vCpuInfo><defaultVCpus>2</defaultVCpus><defaultCores>1</defaultCores></vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo>
<gpuInfo><gpus><item><name>L4</name><manufacturer>NVIDIA</manufacturer><count>0</count><logicalGpuCount>1</logicalGpuCount><gpuPartitionSize>0.125</gpuPartitionSize></item></gpus><totalGpuMemoryInMiB>2861</totalGpuMemoryInMiB></gpuInfo></item>`
	typeMac = `<item><instanceType>mac2.metal</instanceType><processorInfo><supportedArchitectures><item>arm64_mac</item></supportedArchitectures></processorInfo></item>`
)

func productPage(t *testing.T, next string, records ...string) string {
	b, err := json.Marshal(map[string]any{"FormatVersion": "aws_v1", "NextToken": next, "PriceList": records})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// record is an element of GetProducts' PriceList.
func record(sku, instance, capacity, usd string) string {
	return fmt.Sprintf(`{"product":{"productFamily":"Compute Instance","attributes":{"regionCode":"us-east-1","location":"US East (N. Virginia)","locationType":"AWS Region",
"instanceType":%q,"operatingSystem":"Linux","tenancy":"Shared","preInstalledSw":"NA","capacitystatus":%q,"licenseModel":"No License required","usagetype":"BoxUsage"},"sku":%q},
"serviceCode":"AmazonEC2","terms":{"OnDemand":{"%s.JRTCKXETXF":{"priceDimensions":{"%[3]s.JRTCKXETXF.6YS6EN2CT7":{"unit":"Hrs","beginRange":"0","endRange":"Inf","pricePerUnit":{"USD":%[5]q}}},
"sku":%[3]q,"effectiveDate":"2026-11-01T00:00:00Z","offerTermCode":"JRTCKXETXF","termAttributes":{}}}},"version":"20261120","publicationDate":"2026-11-20T00:00:00Z"}`, instance, capacity, sku, sku, usd)
}

const planRates = `{"nextToken":%q,"searchResults":[{"savingsPlanOffering":{"offeringId":"o","paymentOption":%q,"planType":"EC2Instance","durationSeconds":94608000,"currency":"USD"},
"rate":"0.0601","unit":"Hrs","productType":"EC2","serviceCode":"AmazonEC2","usageType":"BoxUsage:c5.xlarge","operation":"RunInstances",
"properties":[{"name":"region","value":"us-east-1"},{"name":"instanceType","value":"c5.xlarge"},{"name":"tenancy","value":"shared"}]}]}`

const advisorJSON = `{"global_rate":"<10%","instance_types":{"c5.xlarge":{"cores":4,"emr":true,"ram_gb":8.0}},
"ranges":[{"index":0,"label":"<5%","dots":0,"max":5},{"index":1,"label":"5-10%","dots":1,"max":11}],
"spot_advisor":{"us-east-1":{"Linux":{"c5.xlarge":{"s":62,"r":1},"c5.large":{"s":-1,"r":0}},"Windows":{"c5.xlarge":{"s":20,"r":0}}},"eu-west-1":{"Linux":{"c5.xlarge":{"s":50,"r":0}}}}}`

func TestRefreshReadsEveryFeed(t *testing.T) {
	c := newCloud(t, map[string][]string{
		"DescribeInstanceTypes":              {typesPage("more", typeC5), typesPage("", typeG6f, typeMac)},
		"GetProducts":                        {`400 {"__type":"ThrottlingException","message":"Rate exceeded"}`, productPage(t, "more", record("A", "c5.xlarge", "Used", "0.1700000000")), productPage(t, "", record("B", "c5.large", "Used", "0.0850000000"), record("C", "c5.large", "UnusedCapacityReservation", "0.0000000000"))},
		"DescribeReservedInstancesOfferings": {reservedPage("more", reservedItem("31536000", "Partial Upfront", "447.0", "0.051")), reservedPage("", reservedItem("94608000", "All Upfront", "1523.0", "0.0"), reservedItem("31536000", "Heavy Utilization", "10", "0.1"))},
		"/DescribeSavingsPlansOfferingRates": {fmt.Sprintf(planRates, "more", "No Upfront"), fmt.Sprintf(planRates, "", "Partial Upfront")},
		"DescribeSpotPriceHistory":           {ec2Throttled, spotPage("more", "c5.xlarge 0.0700 us-east-1a", "c5.xlarge 0.0680 us-east-1b"), spotPage("", "c5.large 0.0312 us-east-1a")},
		"/spot-advisor-data.json":            {"503 slow down", advisorJSON},
	})
	s := c.sources()
	s.Offered = []pricing.Offering{{Region: "us-east-1", Subject: "c3.large", Source: "test"}, {Region: "us-east-1", Subject: "eia2.medium", Source: "test"}, {Region: "eu-west-1", Subject: "c3.large", Source: "test"}}
	reports := map[Feed]int{}
	s.Progress = func(p Progress) { reports[p.Feed]++ }
	tables, outcomes, err := s.Refresh(context.Background(), []string{"us-east-1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Err != nil {
			t.Errorf("%s from %s: %v", o.Feed, o.From, o.Err)
		}
	}
	for _, f := range Feeds() {
		if reports[f] == 0 {
			t.Errorf("no progress told of %s", f)
		}
	}
	today := func(source, rule string) pricing.Provenance {
		return pricing.Provenance{Source: source, AsOf: 20261122, Quality: pricing.Observed, Rule: rule}
	}
	const nano = 1_000_000_000
	want := []pricing.Price{
		{Region: "us-east-1", Subject: "c5.large", Purchase: pricing.Purchase{Option: pricing.OnDemand}, Recurring: 85_000_000, Provenance: today("Pricing GetProducts", "")},
		{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.OnDemand}, Recurring: 170_000_000, Provenance: today("Pricing GetProducts", "")},
		{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.Reserved, Term: 1, Payment: pricing.PartialUpfront, Class: pricing.Standard}, Upfront: 447 * nano, Recurring: 51_000_000, Provenance: today("EC2 DescribeReservedInstancesOfferings", "")},
		{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.Reserved, Term: 3, Payment: pricing.AllUpfront, Class: pricing.Standard}, Upfront: 1523 * nano, Provenance: today("EC2 DescribeReservedInstancesOfferings", "")},
		{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.SavingsPlan, Term: 3, Payment: pricing.NoUpfront, Class: pricing.EC2Instance}, Recurring: 60_100_000, Provenance: today("SavingsPlans DescribeSavingsPlansOfferingRates", "")},
		{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.SavingsPlan, Term: 3, Payment: pricing.PartialUpfront, Class: pricing.EC2Instance}, Upfront: 30_050_000 * 26280, Recurring: 30_050_000, Provenance: today("SavingsPlans DescribeSavingsPlansOfferingRates", "half of the commitment is due upfront")},
		{Region: "us-east-1", Subject: "c5.large", Purchase: pricing.Purchase{Option: pricing.Spot}, Recurring: 31_200_000, Provenance: today("EC2 DescribeSpotPriceHistory", "min over 1 zones; the dearest costs 0.0312")},
		{Region: "us-east-1", Subject: "c5.xlarge", Purchase: pricing.Purchase{Option: pricing.Spot}, Recurring: 68_000_000, Provenance: today("EC2 DescribeSpotPriceHistory", "min over 2 zones; the dearest costs 0.07")},
	}
	if d := cmp.Diff(want, tables.Prices); d != "" {
		t.Errorf("prices (-want +got):\n%s", d)
	}
	band := pricing.RegionBand{Region: "us-east-1", Instance: "c5.xlarge", Band: pricing.Band{Label: "5-10%", MinPercent: 5, MaxPercent: 10, SavingsPercent: 62, AsOf: 20261122, Source: "Spot Instance Advisor"}}
	if d := cmp.Diff([]pricing.RegionBand{band}, tables.Bands); d != "" {
		t.Errorf("bands (-want +got):\n%s", d)
	}
	types := []pricing.InstanceType{
		{Name: "c5.xlarge", Family: "c5", Arch: "amd64", VCPU: 4, PhysicalCores: 2, MemoryBytes: 8 << 30, ClockGHz: 3.4, SpotSold: true, Source: "EC2 DescribeInstanceTypes 2026-11-22",
			Network: pricing.Network{BaselineBitsPerSecond: 1_250_000_000, BurstBitsPerSecond: 10_000_000_000, Description: "Up to 10 Gigabit"}},
		{Name: "g6f.large", Family: "g6f", Arch: "amd64", VCPU: 2, PhysicalCores: 1, MemoryBytes: 8 << 30, Source: "EC2 DescribeInstanceTypes 2026-11-22",
			Devices: []pricing.Device{{Kind: pricing.GPU, Accelerator: "L4", Count: 0.125, MemoryBytes: 2861 << 20}}},
	}
	if d := cmp.Diff(types, tables.Instances); d != "" {
		t.Errorf("types (-want +got):\n%s", d)
	}
	last := tables.Offered[len(tables.Offered)-1]
	if len(tables.Offered) != 3 || last.Subject != "c3.large" || last.Retired != 20261122 {
		t.Errorf("what is no longer listed, and only that, is retired: %+v", tables.Offered)
	}
	left := map[Feed]LeftOut{}
	for _, o := range outcomes {
		left[o.Feed] = o.LeftOut
	}
	if left[InstanceTypes]["neither x86_64 nor arm64"] != 1 || left[Reserved]["Reserved for 31536000 s, standard, Heavy Utilization can't be planned"] != 1 || left[Interruption]["savings below zero, or all of the price"] != 1 {
		t.Errorf("left out: %v", left)
	}
	tables.Instances = append(tables.Instances, pricing.InstanceType{Name: "c5.large", Family: "c5", Arch: "amd64", VCPU: 2, PhysicalCores: 1, MemoryBytes: 4 << 30},
		pricing.InstanceType{Name: "c3.large", Family: "c3", Arch: "amd64", VCPU: 2, PhysicalCores: 1, MemoryBytes: 4 << 30})
	if _, err := pricing.New(tables); err != nil {
		t.Errorf("the rows make no catalogue: %v", err)
	}
	if asked := c.asked["GetProducts"]; !strings.Contains(asked[0], `"Field":"capacitystatus","Type":"TERM_MATCH","Value":"Used"`) && !strings.Contains(asked[0], "capacitystatus") {
		t.Errorf("GetProducts is asked without capacitystatus: %s", asked[0])
	}
}

func TestRefreshTellsWhatDoesNotCome(t *testing.T) {
	const denied = `403 <Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors><RequestID>1</RequestID></Response>`
	for _, tt := range []struct {
		reason  string
		feed    Feed
		answers map[string][]string
		says    string
	}{
		{"denied", Spot, map[string][]string{"DescribeSpotPriceHistory": {denied}}, "UnauthorizedOperation: You are not authorized to perform this operation; the permission ec2:DescribeSpotPriceHistory is missing"},
		{"throttled to the end", Spot, map[string][]string{"DescribeSpotPriceHistory": {ec2Throttled}}, "RequestLimitExceeded"},
		{"a price that is none", Spot, map[string][]string{"DescribeSpotPriceHistory": {spotPage("", "c5.large N/A us-east-1a")}}, `c5.large in us-east-1a: "N/A" is not`},
		{"a page cut off", Spot, map[string][]string{"DescribeSpotPriceHistory": {spotPage("", "c5.large 0.1 us-east-1a")[:250]}}, "DescribeSpotPriceHistory"},
		{"an empty answer", Spot, map[string][]string{"DescribeSpotPriceHistory": {spotPage("")}}, "holds nothing that is wanted"},
		{"a record that is no JSON", OnDemand, map[string][]string{"GetProducts": {`{"PriceList":["{\"product\":"]}`}}, "product 0: unexpected end of JSON"},
		{"a record with a price that is none", OnDemand, map[string][]string{"GetProducts": {productPage(t, "", record("A", "c5.large", "Used", "dear"))}}, `price of c5.large in us-east-1 (SKU A): "dear"`},
		{"a rate that is none", SavingsPlans, map[string][]string{"/DescribeSavingsPlansOfferingRates": {strings.Replace(fmt.Sprintf(planRates, "", "No Upfront"), "0.0601", "?", 1)}}, `rate of c5.xlarge in us-east-1: "?"`},
		{"a service gone", Interruption, map[string][]string{"/spot-advisor-data.json": {"503 no"}}, "/spot-advisor-data.json: HTTP status 503"},
		{"a stream that breaks", Interruption, map[string][]string{"/spot-advisor-data.json": {advisorJSON[:200] + "…"}}, "/spot-advisor-data.json: byte "},
		{"a page that is no JSON", Interruption, map[string][]string{"/spot-advisor-data.json": {"<html>"}}, "byte 0: invalid character"},
	} {
		c := newCloud(t, tt.answers)
		tables, outcomes, err := c.sources().Refresh(context.Background(), []string{"us-east-1"}, []Feed{tt.feed})
		if err != nil {
			t.Fatal(err)
		}
		if o := outcomes[0]; o.Err == nil || !strings.Contains(o.Err.Error(), tt.says) || o.Rows != 0 {
			t.Errorf("%s: %d rows, error %v does not say %q", tt.reason, o.Rows, o.Err, tt.says)
		}
		if len(tables.Prices)+len(tables.Bands) > 0 {
			t.Errorf("%s: %d prices of a broken answer", tt.reason, len(tables.Prices))
		}
	}
}

// Without credentials On-Demand and Reserved prices come from the public files.
func TestRefreshWithoutCredentials(t *testing.T) {
	c := newCloud(t, map[string][]string{
		"/offers/region_index.json":    {`{"formatVersion":"v1.0","regions":{"us-east-1":{"regionCode":"us-east-1","currentVersionUrl":"/offers/us-east-1/index.json"}}}`},
		"/offers/us-east-1/index.json": {priceListJSON},
	})
	s := c.sources()
	s.Config.Credentials = nil
	tables, outcomes, err := s.Refresh(context.Background(), []string{"us-east-1", "mars-east-1"}, []Feed{OnDemand, Reserved, Spot})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range outcomes {
		text := fmt.Sprint(o.Rows)
		if o.Err != nil {
			text = o.Err.Error()
		}
		got = append(got, fmt.Sprintf("%s %s %s: %s", o.Region, o.Feed, o.From, strings.TrimPrefix(text, c.URL)))
	}
	want := []string{
		"us-east-1 on-demand Pricing GetProducts: no AWS credentials",
		"us-east-1 on-demand price-list file: 1",
		"us-east-1 reserved EC2 DescribeReservedInstancesOfferings: no AWS credentials",
		"us-east-1 reserved price-list file: 1",
		"us-east-1 spot EC2 DescribeSpotPriceHistory: no AWS credentials",
		"mars-east-1 on-demand Pricing GetProducts: no AWS credentials",
		"mars-east-1 on-demand price-list file: /offers/region_index.json: no price list of mars-east-1",
		"mars-east-1 reserved EC2 DescribeReservedInstancesOfferings: no AWS credentials",
		"mars-east-1 reserved price-list file: /offers/region_index.json: no price list of mars-east-1",
		"mars-east-1 spot EC2 DescribeSpotPriceHistory: no AWS credentials",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n := len(c.asked["/offers/us-east-1/index.json"]); n != 1 {
		t.Errorf("the price-list file was fetched %d times", n)
	}
	if !slices.ContainsFunc(tables.Prices, func(p pricing.Price) bool { return p.Purchase.Option == pricing.Reserved && p.AsOf == 20261120 }) {
		t.Errorf("%+v", tables.Prices)
	}
}

func TestRefreshIsCancelled(t *testing.T) {
	c := newCloud(t, map[string][]string{"DescribeSpotPriceHistory": {spotPage("more", "c5.large 0.1 us-east-1a")}})
	s := c.sources()
	ctx, cancel := context.WithCancel(context.Background())
	s.Progress = func(p Progress) {
		if p.Rows >= 3 {
			cancel()
		}
	}
	tables, _, err := s.Refresh(ctx, []string{"us-east-1"}, []Feed{Spot})
	if !errors.Is(err, context.Canceled) || len(tables.Prices) > 0 {
		t.Errorf("%d prices, %v", len(tables.Prices), err)
	}
}
