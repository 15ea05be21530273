package awsapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/savingsplans"
	"github.com/aws/aws-sdk-go-v2/service/savingsplans/types"

	"github.com/eiplan/eiplan/pricing"
)

var plans = map[types.SavingsPlanType]pricing.Class{
	types.SavingsPlanTypeCompute: pricing.Compute, types.SavingsPlanTypeEc2Instance: pricing.EC2Instance,
}

// savingsPlanRates reads the rates of EC2 under Compute and EC2 Instance Savings
// Plans, from the service's one endpoint.
func (r *run) savingsPlanRates(ctx context.Context, s step) (batch, error) {
	client := savingsplans.NewFromConfig(r.Config, func(o *savingsplans.Options) { o.Region = anyRegion })
	filter := func(name types.SavingsPlanRateFilterAttribute, value string) types.SavingsPlanOfferingRateFilterElement {
		return types.SavingsPlanOfferingRateFilterElement{Name: name, Values: []string{value}}
	}
	ask := &savingsplans.DescribeSavingsPlansOfferingRatesInput{
		SavingsPlanTypes: []types.SavingsPlanType{types.SavingsPlanTypeCompute, types.SavingsPlanTypeEc2Instance},
		Products:         []types.SavingsPlanProductType{types.SavingsPlanProductTypeEc2},
		ServiceCodes:     []types.SavingsPlanRateServiceCode{types.SavingsPlanRateServiceCodeEc2},
		Filters: []types.SavingsPlanOfferingRateFilterElement{
			filter(types.SavingsPlanRateFilterAttributeRegion, s.region),
			filter(types.SavingsPlanRateFilterAttributeProductDescription, linux),
			filter(types.SavingsPlanRateFilterAttributeTenancy, "shared"),
		},
		MaxResults: 1000,
	}
	b := batch{left: LeftOut{}}
	seen := map[slot]bool{}
	for read := 0; ; {
		page, err := client.DescribeSavingsPlansOfferingRates(ctx, ask)
		if err != nil {
			return batch{}, err
		}
		for i := range page.SearchResults {
			p, reason, err := planPrice(&page.SearchResults[i])
			if err != nil {
				return batch{}, err
			}
			p.AsOf, p.Source, p.Quality = r.observed(s).AsOf, s.from, pricing.Observed
			at := slot{place{p.Region, p.Subject}, p.Purchase}
			switch {
			case reason != "":
				b.left[reason]++
			case p.Region == s.region && !seen[at]:
				seen[at] = true
				b.tables.Prices = append(b.tables.Prices, p)
			}
		}
		read += len(page.SearchResults)
		r.report(s, read)
		if aws.ToString(page.NextToken) == "" {
			break
		}
		ask.NextToken = page.NextToken
	}
	sortPrices(b.tables.Prices)
	return b, nil
}

// planPrice turns a rate into a price, or says why it can't be used. A rate is
// what the hour costs in all; of what is due upfront AWS takes all, or half
// (Savings Plans user guide, "at least half of your commitment upfront").
func planPrice(o *types.SavingsPlanOfferingRate) (p pricing.Price, reason string, err error) {
	for _, property := range o.Properties {
		switch aws.ToString(property.Name) {
		case "region":
			p.Region = aws.ToString(property.Value)
		case "instanceType":
			p.Subject = aws.ToString(property.Value)
		}
	}
	if p.Region == "" || p.Subject == "" || o.SavingsPlanOffering == nil {
		return p, "a rate of no instance type, region or plan", nil
	}
	plan := o.SavingsPlanOffering
	p.Purchase = pricing.Purchase{
		Option: pricing.SavingsPlan, Term: seconds[plan.DurationSeconds], Payment: payments[string(plan.PaymentOption)], Class: plans[plan.PlanType],
	}
	switch {
	case p.Purchase.Term == 0 || p.Purchase.Payment == 0 || p.Purchase.Class == 0:
		return p, fmt.Sprintf("%s Savings Plan for %d s, %s can't be planned", plan.PlanType, plan.DurationSeconds, plan.PaymentOption), nil
	case plan.Currency != "" && plan.Currency != types.CurrencyCodeUsd:
		return p, "not in US dollars", nil
	case o.Unit != "" && o.Unit != types.SavingsPlanRateUnitHours:
		return p, fmt.Sprintf("priced by %q", o.Unit), nil
	}
	rate, err := pricing.ParseUSDPerHour(aws.ToString(o.Rate))
	switch {
	case err != nil:
		return p, "", fmt.Errorf("rate of %s in %s: %w", p.Subject, p.Region, err)
	case rate <= 0:
		return p, "not a price above zero", nil
	}
	p.Recurring = rate
	switch p.Purchase.Payment {
	case pricing.AllUpfront:
		p.Upfront, p.Recurring = rate.Over(p.Purchase.Term.Hours()), 0
	case pricing.PartialUpfront:
		p.Recurring = rate / 2
		p.Upfront = (rate - p.Recurring).Over(p.Purchase.Term.Hours())
		p.Rule = "half of the commitment is due upfront"
	}
	return p, "", nil
}
