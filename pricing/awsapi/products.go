package awsapi

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	prices "github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// products reads On-Demand prices of a region with the Pricing API, whose few
// endpoints answer for all regions. Each element of an answer is a string of
// JSON, {product{…}, terms{OnDemand{"sku.termcode": {…}}}}: as in the files, but
// without the level of the SKU.
func (r *run) products(ctx context.Context, s step) (batch, error) {
	client := prices.NewFromConfig(r.Config, func(o *prices.Options) { o.Region = anyRegion })
	l := newListing([]string{s.region}, true, false)
	l.provenance = r.observed(s)
	filters := []types.Filter{equals("regionCode", s.region)}
	for _, w := range wanted {
		filters = append(filters, equals(w.field, w.value))
	}
	pages := prices.NewGetProductsPaginator(client, &prices.GetProductsInput{
		ServiceCode: aws.String("AmazonEC2"), FormatVersion: aws.String("aws_v1"), Filters: filters, MaxResults: aws.Int32(100),
	})
	for read := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return batch{}, err
		}
		for _, text := range page.PriceList {
			if err := l.addRecord(text); err != nil {
				return batch{}, fmt.Errorf("product %d: %w", read, err)
			}
			read++
		}
		r.report(s, read)
	}
	return l.batch(), nil
}

func equals(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
}

func (l *listing) addRecord(text string) error {
	var record struct {
		Product product `json:"product"`
		Terms   struct {
			OnDemand map[string]term
		} `json:"terms"`
	}
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return err
	}
	if err := l.addProduct(&record.Product); err != nil {
		return err
	}
	for code, t := range record.Terms.OnDemand {
		if err := l.addTerm(offerName{record.Product.SKU, "OnDemand", code}, &t); err != nil {
			return err
		}
	}
	return nil
}
