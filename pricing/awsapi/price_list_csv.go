package awsapi

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// csvColumns are the columns of a price-list file that matter; the others and
// the order change from file to file. Files of local zones lack those of
// Reserved Instances.
var csvColumns = [...]struct {
	name     string
	optional bool
}{
	{"SKU", false}, {"TermType", false}, {"OfferTermCode", false}, {"RateCode", false}, {"EffectiveDate", true}, {"Unit", false},
	{"PricePerUnit", false}, {"Currency", false}, {"LeaseContractLength", true}, {"PurchaseOption", true}, {"OfferingClass", true},
	{"Product Family", false}, {"Location", true}, {"Location Type", true}, {"Region Code", true}, {"Instance Type", true},
	{"Tenancy", true}, {"CapacityStatus", true}, {"Operating System", true}, {"Pre Installed S/W", true}, {"License Model", true}, {"usageType", true},
}

// csvTerms are the terms of a file, whose dimensions stand on several lines, in
// the file's order.
type csvTerms struct {
	all []*csvTerm
	at  map[offerName]*csvTerm
}

type csvTerm struct {
	name offerName
	term
}

// readPriceListCSV reads metadata lines of two fields, a header, and a line for
// each price dimension.
func (f File) readPriceListCSV(in *input) (batch, error) {
	rows := pricing.NewCSV(pricing.NewTextFile(in))
	rows.FieldsPerRecord = -1
	in.consumed = rows.Done
	l := newListing(nil, true, true)
	columns, err := l.readHead(rows)
	if err != nil {
		return batch{}, err
	}
	terms := &csvTerms{at: map[offerName]*csvTerm{}}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return batch{}, err
		}
		if len(row) != columns.width {
			return batch{}, rows.At(0, fmt.Errorf("%d fields under %d columns: the file is cut off or damaged", len(row), columns.width))
		}
		if column, err := l.addRow(columns, row, terms); err != nil {
			return batch{}, rows.At(columns.at[column], err)
		}
	}
	for _, t := range terms.all {
		if err := l.addTerm(t.name, &t.term); err != nil {
			return batch{}, err
		}
	}
	return l.finish(f.AsOf)
}

// header is where the columns stand.
type header struct {
	at    map[string]int
	width int
}

// text is a row's field, copied, since the reader uses rows again; empty where
// the file has no such column.
func (h *header) text(row []string, column string) string {
	if i, ok := h.at[column]; ok {
		return strings.Clone(row[i])
	}
	return ""
}

// readHead reads the metadata and the header.
func (l *listing) readHead(rows *pricing.CSV) (*header, error) {
	for range 20 {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch {
		case row[0] == "SKU":
			h := &header{at: map[string]int{}, width: len(row)}
			for i, name := range row {
				if _, ok := h.at[name]; ok {
					return nil, rows.At(i, fmt.Errorf("column %q twice", name))
				}
				h.at[strings.Clone(name)] = i
			}
			for _, c := range csvColumns {
				if _, ok := h.at[c.name]; !ok && !c.optional {
					return nil, rows.At(0, fmt.Errorf("no column %q", c.name))
				}
			}
			return h, nil
		case len(row) > 1 && row[0] == "Publication Date":
			if err := l.setDate(row[1]); err != nil {
				return nil, rows.At(1, err)
			}
		case len(row) > 1 && row[0] == "OfferCode":
			l.provenance.Source = "AWS price list of " + row[1]
		}
	}
	return nil, errors.New("no header that begins with SKU")
}

// addRow takes a dimension into its term, if that is wanted. It names the column
// that an error is about.
func (l *listing) addRow(h *header, row []string, terms *csvTerms) (column string, err error) {
	kind, sku := h.text(row, "TermType"), h.text(row, "SKU")
	if !l.wants(kind) {
		return "", nil
	}
	err = l.addProduct(&product{SKU: sku, Family: h.text(row, "Product Family"), Attributes: attributes{
		RegionCode: h.text(row, "Region Code"), Location: h.text(row, "Location"), LocationType: h.text(row, "Location Type"),
		InstanceType: h.text(row, "Instance Type"), OperatingSystem: h.text(row, "Operating System"), Tenancy: h.text(row, "Tenancy"),
		PreInstalled: h.text(row, "Pre Installed S/W"), CapacityStatus: h.text(row, "CapacityStatus"), LicenseModel: h.text(row, "License Model"),
		UsageType: h.text(row, "usageType"),
	}})
	if err != nil {
		return "SKU", err
	}
	at, ok := l.places[sku]
	if !ok {
		return "", nil
	}
	name := offerName{sku, kind, h.text(row, "OfferTermCode") + "." + h.text(row, "EffectiveDate")}
	t := terms.at[name]
	if t == nil {
		t = &csvTerm{name: name}
		t.EffectiveDate, t.Dimensions = h.text(row, "EffectiveDate"), map[string]dimension{}
		t.Attributes.Lease, t.Attributes.Class, t.Attributes.Payment = h.text(row, "LeaseContractLength"), h.text(row, "OfferingClass"), h.text(row, "PurchaseOption")
		terms.at[name] = t
		terms.all = append(terms.all, t)
	}
	currency, price, rate := h.text(row, "Currency"), h.text(row, "PricePerUnit"), h.text(row, "RateCode")
	if currency == "USD" {
		if _, err := parseAmount(price); err != nil {
			return "PricePerUnit", fmt.Errorf("price of %s in %s (SKU %s): %w", at.subject, at.region, sku, err)
		}
	}
	had, ok := t.Dimensions[rate]
	if !ok {
		had = dimension{h.text(row, "Unit"), map[string]string{}}
		t.Dimensions[rate] = had
	}
	if before, ok := had.PricePerUnit[currency]; ok && before != price || had.Unit != h.text(row, "Unit") {
		return "PricePerUnit", fmt.Errorf("rate %s of SKU %s listed twice, and not alike", rate, sku)
	}
	had.PricePerUnit[currency] = price
	return "", nil
}
