package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

const offeredSource = "DescribeInstanceTypeOfferings 2026-05-20 (moto 5.2.1)"

// launches are the first days of families that the oldest figures are too old to
// hold and the next ones too young (document history of the EC2 user guide,
// 2020-08). The guide does not say in which regions; bare metal came later.
var launches = map[string]pricing.Date{
	"t3a": 20190424, "g4dn": 20190919, "inf1": 20191203, "m6g": 20200511, "c5a": 20200604,
	"c6g": 20200610, "r6g": 20200610, "c6gd": 20200727, "m6gd": 20200727, "r6gd": 20200727,
}

// offerings settles, for every place, when its type was sold there: from its
// first price or band, to the first evidence that it is gone. A price is no
// evidence of the end: AWS lists prices of types long after their last sale.
func offerings(folder string, t *pricing.Tables) ([]pricing.Offering, error) {
	places := firstSeen(t)
	offered, asked, asOf, err := readOffered()
	if err != nil {
		return nil, err
	}
	anywhere := map[string]bool{}
	for at := range offered {
		anywhere[at.subject] = true
		if _, ok := places[at]; !ok {
			places[at] = asOf
		}
	}
	oldest := pricing.Date(99999999)
	for i := range t.Prices {
		oldest = min(oldest, t.Prices[i].AsOf)
	}
	dropped := lastAdvised(t)

	var all []pricing.Offering
	for at, first := range places {
		if strings.HasPrefix(at.subject, "eia") {
			continue
		}
		o := pricing.Offering{Region: at.region, Subject: at.subject, Source: "first price " + first.String()}
		if first > oldest {
			o.From = first
		}
		seen := ""
		family, size, _ := strings.Cut(at.subject, ".")
		if launch := launches[family]; launch != 0 && launch < first && !strings.HasPrefix(size, "metal") {
			o.From = launch
			seen = fmt.Sprintf("; launched %s (EC2 user guide), first seen here %s", launch, first)
		}
		gone := asked[at.region] && !offered[at] || !asked[at.region] && !anywhere[at.subject]
		switch {
		case offered[at]:
			o.Source = offeredSource
		case gone:
			o.Retired, o.Source = asOf, "absent from "+offeredSource
			if d := dropped[at.subject]; d != 0 {
				o.Retired, o.Source = d, "absent from the Spot Instance Advisor of "+d.String()
			}
		}
		o.Source += seen
		all = append(all, o)
	}
	elastic, err := elasticOfferings(folder)
	return append(all, elastic...), err
}

// firstSeen is the date of the oldest price or band of each place.
func firstSeen(t *pricing.Tables) map[place]pricing.Date {
	first := map[place]pricing.Date{}
	note := func(at place, d pricing.Date) {
		if old, ok := first[at]; !ok || d < old {
			first[at] = d
		}
	}
	for i := range t.Prices {
		note(place{t.Prices[i].Region, t.Prices[i].Subject}, t.Prices[i].AsOf)
	}
	for i := range t.Bands {
		note(place{t.Bands[i].Region, t.Bands[i].Instance}, t.Bands[i].AsOf)
	}
	return first
}

// lastAdvised is the date of the newest Spot Instance Advisor for the types that
// an older one lists and the newest lists in no region at all. Absence from one
// region proves nothing: the Advisor lists only what has Spot capacity.
func lastAdvised(t *pricing.Tables) map[string]pricing.Date {
	var newest pricing.Date
	last := map[string]pricing.Date{}
	for i := range t.Bands {
		b := &t.Bands[i]
		newest = max(newest, b.AsOf)
		last[b.Instance] = max(last[b.Instance], b.AsOf)
	}
	gone := map[string]pricing.Date{}
	for instance, d := range last {
		if d < newest {
			gone[instance] = newest
		}
	}
	return gone
}

// readOffered returns which places offered.csv holds, which regions it asked,
// and its date.
func readOffered() (offered map[place]bool, asked map[string]bool, asOf pricing.Date, err error) {
	s, err := newSheet("offered.csv", offeredCSV)
	if err != nil {
		return nil, nil, 0, err
	}
	offered, asked = map[place]bool{}, map[string]bool{}
	for s.next() {
		asOf, _ = s.date("as_of")
		for region := range strings.FieldsSeq(s.text("regions")) {
			asked[region] = true
			for subject := range strings.FieldsSeq(s.text("instance_types")) {
				offered[place{region, subject}] = true
			}
		}
	}
	return offered, asked, asOf, s.err
}

// endOfElasticInference: "reached end of life in April 2024" (upgrade guide of
// Terraform's AWS provider, version 6).
const endOfElasticInference pricing.Date = 20240400

// elasticOfferings takes the regions from ei_prices.csv, which lists those of
// AWS's General Reference; Tokyo had the first generation only (AWS's slides).
func elasticOfferings(folder string) ([]pricing.Offering, error) {
	dates, err := elasticDates(folder)
	if err != nil {
		return nil, err
	}
	s, err := openSheet(folder, "ei_prices.csv")
	if err != nil {
		return nil, err
	}
	var all []pricing.Offering
	for s.next() {
		o := dates[s.text("accelerator")]
		o.Region, o.Subject = s.text("region"), s.text("accelerator")
		if o.Region == "ap-northeast-1" && strings.HasPrefix(o.Subject, "eia2.") {
			continue
		}
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b pricing.Offering) int { return cmp.Compare(a.Region, b.Region) })
	return all, s.err
}

func elasticDates(folder string) (map[string]pricing.Offering, error) {
	s, err := openSheet(folder, "accelerators.csv")
	if err != nil {
		return nil, err
	}
	date := regexp.MustCompile(`\d{4}-\d{2}-\d{2}`)
	dates := map[string]pricing.Offering{}
	for s.next() {
		if s.text("kind") != "EI" {
			continue
		}
		from, err := pricing.ParseDate(date.FindString(s.text("announced")))
		if err != nil {
			s.fail("announced", fmt.Errorf("%q holds no date", s.text("announced")))
		}
		o := pricing.Offering{
			From: from, Retired: endOfElasticInference,
			Source: "EC2 user guide; end of life April 2024 (upgrade guide of Terraform's AWS provider 6)",
		}
		o.Closed, _ = s.date("closed_to_new_customers")
		dates[s.text("name")] = o
	}
	return dates, s.err
}
