// Package awsapi reads what AWS sells, and for how much, from AWS itself: from
// its APIs, from the files that it publishes, and from copies of these files.
//
// It is the only package that opens connections. It opens no file, keeps
// nothing, and decides nothing: it turns answers into rows of [pricing.Tables],
// each with source and date, and says what it could not get. Files of any size
// are read as streams; what is kept grows with the rows that are wanted.
//
// Wanted are Linux, shared tenancy, no licence, no preinstalled software, in US
// dollars. Rows that are wanted and can't be used are counted as [LeftOut];
// rows that can't be understood are errors.
package awsapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/eiplan/eiplan/pricing"
)

// Where AWS publishes files for everyone.
const (
	// SpotAdvisorURL is the file behind the Spot Instance Advisor's page.
	SpotAdvisorURL = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"
	// PriceListURL is the index of EC2's price-list files by region.
	PriceListURL = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEC2/current/region_index.json"
)

// Sources are the places that [Sources.Refresh] asks.
type Sources struct {
	// Config holds the credentials, retries, HTTP client and, where they are not
	// AWS's own, endpoints of the APIs. Its region does not matter.
	Config aws.Config
	// HTTP fetches the files; nil is http.DefaultClient.
	HTTP           *http.Client
	SpotAdvisorURL string
	PriceListURL   string

	At       time.Time          // now: the date of what is not dated by its source
	Progress func(p Progress)   // called from one goroutine, often; may be nil
	Offered  []pricing.Offering // what was sold so far: what AWS no longer lists is then retired
}

// Progress is how far one reading is.
type Progress struct {
	Feed   Feed
	Region string
	From   string
	Rows   int   // so far, of an API
	Bytes  int64 // so far, of a file
	Total  int64 // size of the file; 0 when it is not known
}

// Load makes the sources that the environment and the user's AWS configuration
// name. It does not look for credentials yet.
func Load(ctx context.Context, at time.Time) (*Sources, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(anyRegion))
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return &Sources{Config: cfg, SpotAdvisorURL: SpotAdvisorURL, PriceListURL: PriceListURL, At: at}, nil
}

// anyRegion has an endpoint of the services that answer for all regions.
const anyRegion = "us-east-1"

// Feed is a part of the catalogue that can be refreshed by itself.
type Feed string

const (
	InstanceTypes Feed = "instance-types"
	OnDemand      Feed = "on-demand"
	Reserved      Feed = "reserved"
	SavingsPlans  Feed = "savings-plan"
	Spot          Feed = "spot"
	Interruption  Feed = "interruption"
)

// Feeds lists every feed in the order in which they are read.
func Feeds() []Feed {
	names := make([]Feed, len(feeds))
	for i, f := range feeds {
		names[i] = f.name
	}
	return names
}

// feeds is where each feed comes from. The first reading that succeeds is taken.
var feeds = [...]struct {
	name     Feed
	readings []reading
}{
	{InstanceTypes, []reading{{"EC2 DescribeInstanceTypes", "ec2:DescribeInstanceTypes", (*run).instanceTypes}}},
	{OnDemand, []reading{{"Pricing GetProducts", "pricing:GetProducts", (*run).products}, {"price-list file", "", (*run).priceList}}},
	{Reserved, []reading{{"EC2 DescribeReservedInstancesOfferings", "ec2:DescribeReservedInstancesOfferings", (*run).reservedOfferings}, {"price-list file", "", (*run).priceList}}},
	{SavingsPlans, []reading{{"SavingsPlans DescribeSavingsPlansOfferingRates", "savingsplans:DescribeSavingsPlansOfferingRates", (*run).savingsPlanRates}}},
	{Spot, []reading{{"EC2 DescribeSpotPriceHistory", "ec2:DescribeSpotPriceHistory", (*run).spotPrices}}},
	{Interruption, []reading{{"Spot Advisor file", "", (*run).advisor}}},
}

// reading is one way to get a feed of a region.
type reading struct {
	from       string
	permission string // that the credentials must have, as IAM names it; empty where none are needed
	read       func(*run, context.Context, step) (batch, error)
}

// step is what a reading is asked for.
type step struct {
	feed   Feed
	region string
	from   string
}

// batch is what a reading yields.
type batch struct {
	tables pricing.Tables
	left   LeftOut
}

func (b *batch) rows() int {
	return len(b.tables.Instances) + len(b.tables.Prices) + len(b.tables.Bands)
}

// LeftOut counts rows that were wanted and can't be used, by reason.
type LeftOut map[string]int

// Reasons lists the reasons, sorted.
func (l LeftOut) Reasons() []string { return slices.Sorted(maps.Keys(l)) }

// Outcome is what came of one reading.
type Outcome struct {
	Feed    Feed
	Region  string
	From    string // "Pricing GetProducts"
	Rows    int
	LeftOut LeftOut
	Err     error // why nothing came
}

// Refresh reads feeds of regions; every feed where none is named. What one
// service refuses does not stop the others: the outcomes say what came and what
// did not. The error is that of the context.
func (s *Sources) Refresh(ctx context.Context, regions []string, only []Feed) (pricing.Tables, []Outcome, error) {
	r := &run{Sources: s, lists: map[string]fetched{}}
	var all pricing.Tables
	var outcomes []Outcome
	for _, region := range regions {
		for _, f := range feeds {
			if len(only) > 0 && !slices.Contains(only, f.name) {
				continue
			}
			for _, reading := range f.readings {
				b, err := r.try(ctx, reading, step{f.name, region, reading.from})
				if ctx.Err() != nil {
					return pricing.Tables{}, nil, ctx.Err()
				}
				outcomes = append(outcomes, Outcome{f.name, region, reading.from, b.rows(), b.left, err})
				if err == nil {
					all.Add(b.tables)
					break
				}
			}
		}
	}
	return all, outcomes, nil
}

// run is one refresh, and what its steps share.
type run struct {
	*Sources
	asked    bool               // whether credentials were looked for
	unsigned error              // why there are none
	lists    map[string]fetched // price-list files by region
	advice   *advisorFetch
}

type fetched struct {
	listing *listing
	err     error
}

func (r *run) try(ctx context.Context, how reading, s step) (batch, error) {
	if how.permission != "" {
		if err := r.credentials(ctx); err != nil {
			return batch{}, err
		}
	}
	r.report(s, 0)
	b, err := how.read(r, ctx, s)
	if err != nil {
		return batch{}, plainer(err, how.permission)
	}
	if b.rows() == 0 {
		return batch{left: b.left}, errNothing
	}
	return b, nil
}

var errNothing = errors.New("the answer holds nothing that is wanted")

// credentials looks once whether there are any, so that their absence is told
// at once and without a retry by every service.
func (r *run) credentials(ctx context.Context) error {
	if !r.asked {
		r.asked = true
		if r.Config.Credentials == nil {
			r.unsigned = &noCredentials{}
		} else if _, err := r.Config.Credentials.Retrieve(ctx); err != nil {
			r.unsigned = &noCredentials{err}
		}
	}
	return r.unsigned
}

func (r *run) report(s step, rows int) {
	if r.Progress != nil {
		r.Progress(Progress{Feed: s.feed, Region: s.region, From: s.from, Rows: rows})
	}
}

// observed is the provenance of what an API says now.
func (r *run) observed(s step) pricing.Provenance {
	return pricing.Provenance{Source: s.from, AsOf: pricing.DateOf(r.At.UTC()), Quality: pricing.Observed}
}

// refusal is what a service answered, without the SDK's account of the request.
type refusal struct {
	api        smithy.APIError
	permission string // that is missing; empty where that is not the reason
	err        error
}

func (e *refusal) Error() string {
	text := e.api.ErrorCode() + ": " + e.api.ErrorMessage()
	if e.permission != "" {
		text = strings.TrimSuffix(text, ".") + "; the permission " + e.permission + " is missing"
	}
	return text
}

func (e *refusal) Unwrap() error { return e.err }

// denials are the codes by which services say that the caller may not ask.
var denials = []string{"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}

func plainer(err error, permission string) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	if !slices.Contains(denials, api.ErrorCode()) {
		permission = ""
	}
	return &refusal{api, permission, err}
}

// noCredentials is that neither the environment nor the user's files nor the
// machine's role has any; err is the SDK's account of its search, or nil.
type noCredentials struct{ err error }

func (e *noCredentials) Error() string { return "no AWS credentials" }
func (e *noCredentials) Unwrap() error { return e.err }
