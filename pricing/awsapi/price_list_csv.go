package awsapi

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
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

// csvTerm is a term whose dimensions stand on several lines.
type csvTerm struct {
	sku, kind string
	term
}

// readPriceListCSV reads metadata lines of two fields, a header, and a line for
// each price dimension.
func (f File) readPriceListCSV(in *input) (batch, error) {
	rows := &records{Reader: csv.NewReader(in)}
	rows.ReuseRecord, rows.FieldsPerRecord = true, -1
	in.consumed = func() int64 { return rows.done }
	l := newListing(nil, true, true)
	columns, err := l.readHead(rows)
	if err != nil {
		return batch{}, err
	}
	terms := map[string]*csvTerm{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return batch{}, err
		}
		if len(row) != columns.width {
			line, _ := rows.FieldPos(0)
			return batch{}, fmt.Errorf("line %d: %d fields under %d columns: the file is cut off or damaged", line, len(row), columns.width)
		}
		l.addRow(columns, row, terms)
	}
	for _, t := range terms {
		if err := l.addTerm(t.sku, t.kind, &t.term); err != nil {
			return batch{}, err
		}
	}
	return l.finish(f.AsOf)
}

// records knows where the last whole record ended. The reader's own offset also
// moves within a quoted field, however long.
type records struct {
	*csv.Reader
	done int64
}

func (r *records) Read() ([]string, error) {
	row, err := r.Reader.Read()
	r.done = r.InputOffset()
	return row, err
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
func (l *listing) readHead(rows *records) (*header, error) {
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
				h.at[strings.Clone(name)] = i
			}
			for _, c := range csvColumns {
				if _, ok := h.at[c.name]; !ok && !c.optional {
					return nil, fmt.Errorf("no column %q", c.name)
				}
			}
			return h, nil
		case len(row) > 1 && row[0] == "Publication Date":
			if err := l.setDate(row[1]); err != nil {
				return nil, err
			}
		case len(row) > 1 && row[0] == "OfferCode":
			l.provenance.Source = "AWS price list of " + row[1]
		}
	}
	return nil, errors.New("no header that begins with SKU")
}

// addRow takes a dimension into its term, if that is wanted.
func (l *listing) addRow(h *header, row []string, terms map[string]*csvTerm) {
	kind, sku := h.text(row, "TermType"), h.text(row, "SKU")
	if !l.wants(kind) {
		return
	}
	if _, ok := l.places[sku]; !ok {
		l.addProduct(&product{SKU: sku, Family: h.text(row, "Product Family"), Attributes: attributes{
			RegionCode: h.text(row, "Region Code"), Location: h.text(row, "Location"), LocationType: h.text(row, "Location Type"),
			InstanceType: h.text(row, "Instance Type"), OperatingSystem: h.text(row, "Operating System"), Tenancy: h.text(row, "Tenancy"),
			PreInstalled: h.text(row, "Pre Installed S/W"), CapacityStatus: h.text(row, "CapacityStatus"), LicenseModel: h.text(row, "License Model"),
			UsageType: h.text(row, "usageType"),
		}})
		if _, ok := l.places[sku]; !ok {
			return
		}
	}
	code := sku + "." + h.text(row, "OfferTermCode") + "." + h.text(row, "EffectiveDate")
	t := terms[code]
	if t == nil {
		t = &csvTerm{sku: sku, kind: kind}
		t.EffectiveDate, t.Dimensions = h.text(row, "EffectiveDate"), map[string]dimension{}
		t.Attributes.Lease, t.Attributes.Class, t.Attributes.Payment = h.text(row, "LeaseContractLength"), h.text(row, "OfferingClass"), h.text(row, "PurchaseOption")
		terms[code] = t
	}
	t.Dimensions[h.text(row, "RateCode")] = dimension{h.text(row, "Unit"), map[string]string{h.text(row, "Currency"): h.text(row, "PricePerUnit")}}
}
