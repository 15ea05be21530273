package pricing

import "testing"

func BenchmarkSnapshot(b *testing.B) {
	for b.Loop() {
		Snapshot()
	}
}

func BenchmarkOneRegion(b *testing.B) {
	for b.Loop() {
		c := Snapshot()
		for _, i := range c.Instances() {
			c.Offers(Query{Region: "us-east-1", Subject: i.Name})
		}
	}
}

func BenchmarkAllRegions(b *testing.B) {
	for b.Loop() {
		c := Snapshot()
		for _, r := range c.Regions() {
			for _, i := range c.Instances() {
				c.Offers(Query{Region: r, Subject: i.Name})
			}
		}
	}
}
