package pricing

import (
	"maps"
	"slices"
)

// Tables returns the catalogue's rows, of every region: what [Encode] made it
// from, in order of region, subject, purchase and date. The rows may be written
// to, what they point at may not.
func (c *Catalog) Tables() Tables {
	t := Tables{Source: c.source, Instances: slices.Clone(c.instances), Accelerators: slices.Clone(c.accelerators)}
	for _, region := range c.regions {
		b := c.book(region)
		for _, subject := range slices.Sorted(maps.Keys(b.shelves)) {
			sh := b.shelves[subject]
			for _, o := range sh.offered {
				o.Region, o.Subject = region, subject
				t.Offered = append(t.Offered, o)
			}
			for _, band := range sh.bands {
				t.Bands = append(t.Bands, RegionBand{region, subject, band})
			}
			for _, s := range sh.series {
				for _, v := range s.vintages {
					t.Prices = append(t.Prices, Price{region, subject, s.purchase, v.upfront, v.recurring, *v.provenance})
				}
			}
		}
	}
	return t
}
