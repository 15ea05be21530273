package pricing

import (
	"maps"
	"slices"
)

// Merge lays the rows of update over those of base; neither is changed.
//
// Every vintage of a price stays. Where both have one of the same purchase,
// date and quality, update's replaces base's, and so for interruption bands;
// which vintage answers is settled by [Catalog.Offers]. A type that base
// describes stays as described there, with processor and measurements, but
// takes from update whether it is sold as Spot and is of a previous generation. A
// type that only update describes is added; its processor, where update names
// none, is that of its family where base knows one for all of it. An offering
// of update replaces base's, except the first day on sale that base knows. What
// update prices and nobody said was offered is offered from that price on.
//
// Rows of update about names that neither describes can't be kept: those names
// are returned, sorted.
func Merge(base, update Tables) (merged Tables, strangers []string) {
	m := Tables{
		Source:       base.Source,
		Instances:    mergeInstances(base.Instances, update.Instances),
		Accelerators: slices.Clone(base.Accelerators),
	}
	known := map[string]bool{}
	for i := range m.Instances {
		known[m.Instances[i].Name] = true
	}
	for _, a := range m.Accelerators {
		known[a.Name] = true
	}
	for _, a := range update.Accelerators {
		if !known[a.Name] {
			known[a.Name] = true
			m.Accelerators = append(m.Accelerators, a)
		}
	}
	unknown := map[string]bool{}
	stranger := func(name string) bool {
		if !known[name] {
			unknown[name] = true
		}
		return !known[name]
	}
	prices := slices.DeleteFunc(slices.Clone(update.Prices), func(p Price) bool { return stranger(p.Subject) })
	bands := slices.DeleteFunc(slices.Clone(update.Bands), func(b RegionBand) bool { return stranger(b.Instance) })
	offered := slices.DeleteFunc(slices.Clone(update.Offered), func(o Offering) bool { return stranger(o.Subject) })

	m.Prices = laidOver(base.Prices, prices, (*Price).vintage)
	m.Bands = laidOver(base.Bands, bands, (*RegionBand).vintage)
	m.Offered = mergeOffered(base.Offered, offered, prices, bands)
	return m, slices.Sorted(maps.Keys(unknown))
}

// laidOver is base without the rows whose key one of update has, and update.
func laidOver[T any, K comparable](base, update []T, key func(*T) K) []T {
	replaced := make(map[K]bool, len(update))
	for i := range update {
		replaced[key(&update[i])] = true
	}
	all := make([]T, 0, len(base)+len(update))
	for i := range base {
		if !replaced[key(&base[i])] {
			all = append(all, base[i])
		}
	}
	return append(all, update...)
}

func mergeInstances(base, update []InstanceType) []InstanceType {
	all := slices.Clone(base)
	at := map[string]int{}
	families := map[string]*InstanceType{} // a type whose processor is that of the whole family; nil where sizes differ
	for i := range base {
		t := &base[i]
		at[t.Name] = i
		if one, ok := families[t.Family]; ok && (one == nil || one.Processor != t.Processor) {
			families[t.Family] = nil
			continue
		}
		families[t.Family] = t
	}
	for _, t := range update {
		if i, ok := at[t.Name]; ok {
			all[i].SpotSold = t.SpotSold
			if all[i].PreviousFrom == 0 || t.PreviousFrom == 0 {
				all[i].PreviousFrom = t.PreviousFrom
			}
			continue
		}
		if one := families[t.Family]; one != nil && t.Processor == "" && one.Processor != "" {
			t.Processor, t.ProcessorSource = one.Processor, "as all other sizes of "+t.Family
		}
		all = append(all, t)
	}
	return all
}

func mergeOffered(base, update []Offering, prices []Price, bands []RegionBand) []Offering {
	from := map[place]Date{}
	for i := range base {
		from[base[i].place()] = base[i].From
	}
	update = slices.Clone(update)
	for i := range update {
		if first, ok := from[update[i].place()]; ok {
			update[i].From = first
		}
	}
	all := laidOver(base, update, (*Offering).place)
	at := map[place]int{}
	for i := range all {
		at[all[i].place()] = i
	}
	settled := len(all)
	note := func(p place, d Date) {
		i, ok := at[p]
		switch {
		case !ok:
			at[p] = len(all)
			all = append(all, Offering{Region: p.region, Subject: p.subject, From: d, Source: "first price " + d.String()})
		case i >= settled && d < all[i].From:
			all[i].From, all[i].Source = d, "first price "+d.String()
		}
	}
	for i := range prices {
		note(place{prices[i].Region, prices[i].Subject}, prices[i].AsOf)
	}
	for i := range bands {
		note(place{bands[i].Region, bands[i].Instance}, bands[i].AsOf)
	}
	return all
}
