package awsapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// advisorFile is the Spot Instance Advisor's file:
//
//	ranges[{index, label, max}]  spot_advisor{region: {Linux|Windows: {type: {s: savings in percent, r: index of a range}}}}
type advisorFile struct {
	ranges []struct {
		Index int    `json:"index"`
		Label string `json:"label"`
		Max   int    `json:"max"`
	}
	rows []advice
}

type advice struct {
	region, instance string
	Savings          int `json:"s"`
	Range            int `json:"r"`
	at               int64
}

func (f *advisorFile) readKey(d *document, key string) error {
	if key == "ranges" {
		return d.decode(&f.ranges)
	}
	return d.object(func(region string) error {
		return d.object(func(system string) error {
			if system != "Linux" {
				return d.skip(1)
			}
			return d.object(func(instance string) error {
				a := advice{region: region, instance: instance}
				if err := d.decode(&a); err != nil {
					return fmt.Errorf("%s in %s: %w", instance, region, err)
				}
				a.at = d.start
				f.rows = append(f.rows, a)
				return nil
			})
		})
	})
}

// steps are the bounds of the Advisor's labels, in percent. Its own maxima (5,
// 11, 16, 22, 100) are those of the dots on its page, not of the labels.
var steps = [...]struct {
	label    string
	min, max int
}{{"<5%", 0, 5}, {"5-10%", 5, 10}, {"10-15%", 10, 15}, {"15-20%", 15, 20}, {">20%", 20, 100}}

// batch is the bands of the regions named; of all when none is.
func (f *advisorFile) batch(asOf pricing.Date, source string, regions []string) (batch, error) {
	b := batch{left: LeftOut{}}
	if asOf == 0 {
		return b, errors.New("the Spot Advisor's file holds no date, and none is given for it")
	}
	for _, row := range f.rows {
		if len(regions) > 0 && !slices.Contains(regions, row.region) {
			continue
		}
		band := pricing.Band{SavingsPercent: row.Savings, AsOf: asOf, Source: source}
		for _, r := range f.ranges {
			if r.Index == row.Range {
				band.Label = r.Label
			}
		}
		i := slices.IndexFunc(steps[:], func(s struct {
			label    string
			min, max int
		}) bool {
			return s.label == band.Label
		})
		switch {
		case i < 0:
			return b, &pricing.FileError{Offset: row.at, Err: fmt.Errorf("%s in %s: %s", row.instance, row.region, f.unknown(row.Range))}
		case row.Savings < 0 || row.Savings >= 100:
			b.left["savings below zero, or all of the price"]++
			continue
		}
		band.MinPercent, band.MaxPercent = steps[i].min, steps[i].max
		b.tables.Bands = append(b.tables.Bands, pricing.RegionBand{Region: row.region, Instance: row.instance, Band: band})
	}
	return b, nil
}

// unknown says why a range means nothing.
func (f *advisorFile) unknown(index int) string {
	var listed []string
	for _, r := range f.ranges {
		if r.Index == index {
			return fmt.Sprintf("range %d has the unknown label %q", index, r.Label)
		}
		listed = append(listed, fmt.Sprint(r.Index))
	}
	return fmt.Sprintf("range %d is none of the file's (%s)", index, strings.Join(listed, ", "))
}

// advisor reads the file, which holds all regions, once.
func (r *run) advisor(ctx context.Context, s step) (batch, error) {
	if r.advice == nil {
		file, err := r.readAdvisor(ctx, s)
		r.advice = &advisorFetch{file, err}
	}
	if r.advice.err != nil {
		return batch{}, r.advice.err
	}
	return r.advice.file.batch(r.observed(s).AsOf, "Spot Instance Advisor", []string{s.region})
}

type advisorFetch struct {
	file *advisorFile
	err  error
}

func (r *run) readAdvisor(ctx context.Context, s step) (*advisorFile, error) {
	f := &advisorFile{}
	err := r.document(ctx, s, r.SpotAdvisorURL, func(d *document) error {
		return d.object(func(key string) error {
			if key == "ranges" || key == "spot_advisor" {
				return f.readKey(d, key)
			}
			return d.skip(1)
		})
	})
	return f, err
}
