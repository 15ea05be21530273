package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// awsAnswers are what AWS says to each operation, in the shapes that it has; what is not here is denied.
var awsAnswers = map[string]string{
	"DescribeInstanceTypes": `<DescribeInstanceTypesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><instanceTypeSet>` +
		typeItem("c5.xlarge") + typeItem("c99.large") + typeItem("m5.large") + `</instanceTypeSet></DescribeInstanceTypesResponse>`,
	"GetProducts": `{"FormatVersion":"aws_v1","PriceList":["{\"product\":{\"productFamily\":\"Compute Instance\",\"attributes\":{\"regionCode\":\"us-east-1\",\"location\":\"US East (N. Virginia)\",\"locationType\":\"AWS Region\",\"instanceType\":\"c5.xlarge\",\"operatingSystem\":\"Linux\",\"tenancy\":\"Shared\",\"preInstalledSw\":\"NA\",\"capacitystatus\":\"Used\",\"licenseModel\":\"No License required\",\"usagetype\":\"BoxUsage\"},\"sku\":\"A\"},\"serviceCode\":\"AmazonEC2\",\"terms\":{\"OnDemand\":{\"A.JRTCKXETXF\":{\"priceDimensions\":{\"A.JRTCKXETXF.6YS6EN2CT7\":{\"unit\":\"Hrs\",\"beginRange\":\"0\",\"endRange\":\"Inf\",\"pricePerUnit\":{\"USD\":\"0.1630000000\"}}},\"sku\":\"A\",\"effectiveDate\":\"2026-11-01T00:00:00Z\",\"offerTermCode\":\"JRTCKXETXF\",\"termAttributes\":{}}}},\"version\":\"1\",\"publicationDate\":\"2026-11-20T00:00:00Z\"}"]}`,
	"DescribeSpotPriceHistory": `<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><spotPriceHistorySet><item>
<instanceType>c5.xlarge</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>0.0511</spotPrice><timestamp>2026-11-22T11:05:00.000Z</timestamp>
<availabilityZone>us-east-1a</availabilityZone></item></spotPriceHistorySet><nextToken></nextToken></DescribeSpotPriceHistoryResponse>`,
	"/spot-advisor-data.json": `{"ranges":[{"index":0,"label":"<5%","max":5}],"spot_advisor":{"us-east-1":{"Linux":{"c5.xlarge":{"s":70,"r":0}}}}}`,
	"/region_index.json":      `{"formatVersion":"v1.0","regions":{"us-east-1":{"regionCode":"us-east-1","currentVersionUrl":"/us-east-1/index.json"}}}`,
	"/us-east-1/index.json": `{"formatVersion":"v1.0","offerCode":"AmazonEC2","version":"1","publicationDate":"2026-11-20T00:00:00Z","products":{"A":{"sku":"A","productFamily":"Compute Instance",
"attributes":{"regionCode":"us-east-1","location":"US East (N. Virginia)","locationType":"AWS Region","instanceType":"c5.xlarge","operatingSystem":"Linux","tenancy":"Shared",
"preInstalledSw":"NA","capacitystatus":"Used","licenseModel":"No License required"}}},"terms":{"Reserved":{"A":{"A.HU7G6KETJZ":{"offerTermCode":"HU7G6KETJZ","sku":"A",
"effectiveDate":"2026-11-01T00:00:00Z","priceDimensions":{"a":{"unit":"Quantity","description":"Upfront Fee","pricePerUnit":{"USD":"440"}},
"b":{"unit":"Hrs","beginRange":"0","endRange":"Inf","pricePerUnit":{"USD":"0.0500000000"}}},
"termAttributes":{"LeaseContractLength":"1yr","OfferingClass":"standard","PurchaseOption":"Partial Upfront"}}}}}}`,
}

func typeItem(name string) string {
	return `<item><instanceType>` + name + `</instanceType><currentGeneration>true</currentGeneration><supportedUsageClasses><item>on-demand</item><item>spot</item></supportedUsageClasses>
<processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures><sustainedClockSpeedInGhz>3.4</sustainedClockSpeedInGhz></processorInfo>
<vCpuInfo><defaultVCpus>4</defaultVCpus><defaultCores>2</defaultCores></vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo></item>`
}

// TestRefresh reads every feed through the command: what comes is in the new catalogue, what is denied names its permission and stays as it was, and nothing
// else changes.
func TestRefresh(t *testing.T) {
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		operation := r.URL.Path
		if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
			operation = name
		}
		for field := range strings.SplitSeq(string(body), "&") {
			if action, ok := strings.CutPrefix(field, "Action="); ok {
				operation = action
			}
		}
		switch answer, ok := awsAnswers[operation]; {
		case ok:
			io.WriteString(w, answer)
		case strings.HasPrefix(operation, "/"): // JSON in place of XML
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"message":"User: arn:aws:iam::1:user/ci is not authorized"}`)
		default:
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors><RequestID>1</RequestID></Response>`)
		}
	}))
	t.Cleanup(cloud.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": cloud.URL, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"), "AWS_MAX_ATTEMPTS": "1", "SOURCE_DATE_EPOCH": "1795348800", // 2026-11-22
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "today.bin")
	eiplan := func(args ...string) (stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(context.Background(), args, &out, &errs); code != 0 {
			t.Fatalf("eiplan %s: exit %d: %s", strings.Join(args, " "), code, &errs)
		}
		return out.String(), errs.String()
	}
	out, errs := eiplan("prices", "refresh", "--spot-advisor-url", cloud.URL+"/spot-advisor-data.json", "--price-list-url", cloud.URL+"/region_index.json", "--save", file)
	says := func(where, text string, wanted ...string) {
		t.Helper()
		text = strings.Join(strings.Fields(text), " ")
		for _, w := range wanted {
			if !strings.Contains(text, w) {
				t.Errorf("%s does not say %q:\n%s", where, w, text)
			}
		}
	}
	says("the screen", out, "1 new types, ", "It is "+file, "Not refreshed, and kept as snapshot has it: us-east-1 savings-plan.")
	says("standard error", errs,
		"us-east-1 reserved: EC2 DescribeReservedInstancesOfferings: UnauthorizedOperation: You are not authorized to perform this operation; the permission ec2:DescribeReservedInstancesOfferings is missing",
		"us-east-1 savings-plan: SavingsPlans DescribeSavingsPlansOfferingRates: AccessDeniedException: User: arn:aws:iam::1:user/ci is not authorized; the permission savingsplans:DescribeSavingsPlansOfferingRates is missing")
	prices, _ := eiplan("prices", "c5.xlarge", "--catalog", file)
	says("prices", prices, "On-Demand 0.1630 2026-11-22 observed", "Spot 0.0511 2026-11-22 observed", "Reserved 1y partial upfront 0.1002 440.00 2026-11-20 observed", "Reserved 3y all upfront 0.0620 1629.00 2019-04-05")
	kept, _ := eiplan("prices", "m5.large", "--catalog", file)
	says("a type that no price came of", kept, "On-Demand 0.0960 2026-07-20", "Savings Plan (EC2 Instance) 1y no upfront 0.0600")
	described, _ := eiplan("catalog", "--catalog", file, "--instance", "c99.large,g4dn.xlarge")
	says("the catalogue", described, "c99.large instance amd64 4 8 ", "g4dn.xlarge instance amd64 4 16 1 x T4 retired")
	changed, _ := eiplan("catalog", "diff", "snapshot", file)
	says("the difference", changed, "c5.xlarge us-east-1 On-Demand 0.1700 0.1630", "1 types new")
	plan, _ := eiplan("plan", "--measured", "../../testdata/records/resnet50.yaml", "--latency", "200ms", "--instance", "c5.xlarge", "--accelerator", "none", "--purchase", "spot", "--catalog", file)
	says("the plan", plan, "Buy 1 x c5.xlarge, Spot (<5% interrupted), in us-east-1: 0.0511 USD/h")
}
