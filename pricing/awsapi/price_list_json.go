package awsapi

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/pricing"
)

// readKey reads one key of a price-list file:
//
//	products{sku: {…}}  terms{OnDemand|Reserved: {sku: {"sku.termcode": {…}}}}
//
// Products must come first, as they do in AWS's files, since only the terms of
// wanted ones are kept.
func (l *listing) readKey(d *document, key string) error {
	switch key {
	case "publicationDate":
		return l.readDate(d)
	case "offerCode":
		var offer string
		err := d.decode(&offer)
		l.provenance.Source = "AWS price list of " + offer
		return err
	case "products":
		return d.members(func(sku string) error {
			var p product
			if err := d.decode(&p); err != nil {
				return fmt.Errorf("product %s: %w", sku, err)
			}
			p.SKU = sku
			return d.blame("", l.addProduct(&p))
		})
	case "terms":
		return d.object(func(termType string) error {
			if !l.wants(termType) {
				return d.skip(2)
			}
			return l.readTerms(d, termType)
		})
	}
	return d.skip(0)
}

func (l *listing) readDate(d *document) error {
	var text string
	if err := d.decode(&text); err != nil {
		return err
	}
	return d.blame("", l.setDate(text))
}

// setDate takes the day of an RFC 3339 time.
func (l *listing) setDate(text string) error {
	date, err := pricing.ParseDate(text[:min(len(text), len("2006-01-02"))])
	if err != nil {
		return fmt.Errorf("date of publication: %w", err)
	}
	l.provenance.AsOf = date
	return nil
}

func (l *listing) readTerms(d *document, termType string) error {
	if len(l.places) == 0 && len(l.left) == 0 {
		return errors.New("terms stand before products, or no product is wanted (Linux, Shared, Used, no licence)")
	}
	return d.members(func(sku string) error {
		if _, ok := l.places[sku]; !ok {
			return d.skip(0)
		}
		return d.members(func(code string) error {
			var t term
			if err := d.decode(&t); err != nil {
				return fmt.Errorf("term %s: %w", code, err)
			}
			err := l.addTerm(offerName{sku, termType, code}, &t)
			return d.blame(amountIn(err), err)
		})
	})
}

// finish dates the listing, where it is not dated, and ends it.
func (l *listing) finish(asOf pricing.Date) (batch, error) {
	if l.provenance.AsOf == 0 {
		l.provenance.AsOf = asOf
	}
	if l.provenance.AsOf == 0 {
		return batch{}, errors.New("no date of publication, and no date for the whole file")
	}
	if l.provenance.Source == "" {
		l.provenance.Source = "AWS price list"
	}
	return l.batch(), nil
}
