package pricing

import "fmt"

// What Spot blocks of the shortest and the longest duration cost below
// On-Demand, in percent, and where that is from. AWS published prices of both;
// they lay typically 30% to 45% below On-Demand. Off-peak hours were another 5%
// cheaper, which is not counted.
const (
	blockShort, blockLong   = 45, 30
	blockHours              = 6
	blockDiscountsPublished = "AWS News Blog, October 2015"
)

// spotBlocks derives what blocks of one to six hours cost from what On-Demand
// does. Discounts between the two known ones are interpolated.
func spotBlocks(onDemand *Offer) []Offer {
	way := WayOf(SpotBlock)
	blocks := make([]Offer, len(way.Classes))
	for i, class := range way.Classes {
		percent := blockShort - (blockShort-blockLong)*i/(blockHours-1)
		b := &blocks[i]
		*b = *onDemand
		b.Purchase = Purchase{Option: SpotBlock, Class: class}
		b.Recurring = onDemand.Recurring * USDPerHour(100-percent) / 100
		b.Hourly = b.Recurring
		b.Quality = max(Derived, onDemand.Quality)
		b.Rule = fmt.Sprintf("%d%% below On-Demand, as blocks of %s typically were (%s)", percent, class, blockDiscountsPublished)
		if 0 < i && i < len(way.Classes)-1 {
			b.Rule = fmt.Sprintf("%d%% below On-Demand: interpolated between 1 h (%d%%) and 6 h (%d%%), %s", percent, blockShort, blockLong, blockDiscountsPublished)
		}
	}
	return blocks
}
