package awsapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/eiplan/eiplan/pricing"
)

// zones is what the zones of a region ask for one type now.
type zones struct {
	lowest, highest pricing.USDPerHour
	count           int
}

// spotPrices reads the current price of every type and takes the lowest over
// the region's zones. A history from now to now is the prices in effect.
func (r *run) spotPrices(ctx context.Context, s step) (batch, error) {
	client := ec2.NewFromConfig(r.Config, func(o *ec2.Options) { o.Region = s.region })
	pages := ec2.NewDescribeSpotPriceHistoryPaginator(client, &ec2.DescribeSpotPriceHistoryInput{
		StartTime: aws.Time(r.At), EndTime: aws.Time(r.At), ProductDescriptions: []string{linux}, MaxResults: aws.Int32(1000),
	})
	b := batch{left: LeftOut{}}
	types := map[string]*zones{}
	for read := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return batch{}, err
		}
		for _, p := range page.SpotPriceHistory {
			price, err := pricing.ParseUSDPerHour(aws.ToString(p.SpotPrice))
			switch {
			case err != nil:
				return batch{}, fmt.Errorf("%s in %s: %w", p.InstanceType, aws.ToString(p.AvailabilityZone), err)
			case price <= 0:
				b.left["not a price above zero"]++
				continue
			}
			z := types[string(p.InstanceType)]
			if z == nil {
				z = &zones{lowest: price}
				types[string(p.InstanceType)] = z
			}
			z.lowest, z.highest, z.count = min(z.lowest, price), max(z.highest, price), z.count+1
		}
		read += len(page.SpotPriceHistory)
		r.report(s, read)
	}
	for name, z := range types {
		p := pricing.Price{Region: s.region, Subject: name, Purchase: pricing.Purchase{Option: pricing.Spot}, Recurring: z.lowest, Provenance: r.observed(s)}
		p.Rule = fmt.Sprintf("min over %d zones; the dearest costs %s", z.count, z.highest)
		b.tables.Prices = append(b.tables.Prices, p)
	}
	sortPrices(b.tables.Prices)
	return b, nil
}

// linux is the product description of instances with no licence.
const linux = "Linux/UNIX"
