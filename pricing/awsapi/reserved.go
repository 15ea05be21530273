package awsapi

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/eiplan/eiplan/pricing"
)

// seconds are the lengths of terms as the APIs state them.
var seconds = map[int64]pricing.Term{31_536_000: pricing.OneYear, 94_608_000: pricing.ThreeYears}

// reservedOfferings reads the regional Reserved Instances that AWS itself sells
// in a region, without those that others sell on the marketplace.
func (r *run) reservedOfferings(ctx context.Context, s step) (batch, error) {
	client := ec2.NewFromConfig(r.Config, func(o *ec2.Options) { o.Region = s.region })
	pages := ec2.NewDescribeReservedInstancesOfferingsPaginator(client, &ec2.DescribeReservedInstancesOfferingsInput{
		IncludeMarketplace: aws.Bool(false), InstanceTenancy: types.TenancyDefault, ProductDescription: linux,
		Filters: []types.Filter{{Name: aws.String("scope"), Values: []string{string(types.ScopeRegional)}}}, MaxResults: aws.Int32(100),
	})
	b := batch{left: LeftOut{}}
	sold := map[slot]bool{}
	for read := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return batch{}, err
		}
		for i := range page.ReservedInstancesOfferings {
			p, reason, err := reservedPrice(&page.ReservedInstancesOfferings[i])
			if err != nil {
				return batch{}, err
			}
			p.Region, p.Provenance = s.region, r.observed(s)
			at := slot{place{p.Region, p.Subject}, p.Purchase}
			switch {
			case reason != "":
				b.left[reason]++
			case !sold[at]:
				sold[at] = true
				b.tables.Prices = append(b.tables.Prices, p)
			}
		}
		read += len(page.ReservedInstancesOfferings)
		r.report(s, read)
	}
	sortPrices(b.tables.Prices)
	return b, nil
}

// reservedPrice turns an offering into a price, or says why it can't be used.
// The hourly part is the recurring charge; UsagePrice is of plans long gone.
func reservedPrice(o *types.ReservedInstancesOffering) (p pricing.Price, reason string, err error) {
	p.Subject = string(o.InstanceType)
	p.Purchase = pricing.Purchase{
		Option: pricing.Reserved, Term: seconds[aws.ToInt64(o.Duration)],
		Payment: payments[string(o.OfferingType)], Class: classes[string(o.OfferingClass)],
	}
	switch {
	case p.Purchase.Term == 0 || p.Purchase.Payment == 0 || p.Purchase.Class == 0:
		return p, fmt.Sprintf("Reserved for %d s, %s, %s can't be planned", aws.ToInt64(o.Duration), o.OfferingClass, o.OfferingType), nil
	case o.CurrencyCode != "" && o.CurrencyCode != types.CurrencyCodeValuesUsd:
		return p, "not in US dollars", nil
	case o.Scope == types.ScopeAvailabilityZone || aws.ToBool(o.Marketplace):
		return p, "zonal, or sold by others", nil
	case aws.ToFloat32(o.UsagePrice) != 0:
		return p, "charged by use", nil
	}
	if p.Upfront, err = pricing.ParseUSD(strconv.FormatFloat(float64(aws.ToFloat32(o.FixedPrice)), 'f', -1, 32)); err != nil {
		return p, "", fmt.Errorf("fixed price of %s: %w", p.Subject, err)
	}
	for _, c := range o.RecurringCharges {
		amount, err := pricing.ParseUSDPerHour(strconv.FormatFloat(aws.ToFloat64(c.Amount), 'f', -1, 64))
		switch {
		case err != nil:
			return p, "", fmt.Errorf("recurring charge of %s: %w", p.Subject, err)
		case c.Frequency != types.RecurringChargeFrequencyHourly:
			return p, "charged " + string(c.Frequency), nil
		}
		p.Recurring += amount
	}
	if p.Upfront < 0 || p.Recurring < 0 || p.Upfront == 0 && p.Recurring == 0 {
		return p, "not a price above zero", nil
	}
	return p, "", nil
}
