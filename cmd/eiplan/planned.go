package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/eiplan/eiplan/planner/portfolio"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// plannedReport is a report that size or plan wrote: of one model, or of several. One of the two is nil.
type plannedReport struct {
	file string // empty: standard input
	one  *sizing.Report
	all  *portfolio.Report
	pin  pin
}

// readPlanned reads kind SizingReport or PortfolioReport from a file, or from standard input.
func readPlanned(file string) (*plannedReport, error) {
	b, err := readInput(file)
	if err != nil {
		return nil, withHint(err, "eiplan plan … -o yaml --out "+file+" writes a report")
	}
	sum := sha256.Sum256(b)
	p := &plannedReport{file: file, pin: pin{Source: file, SHA256: hex.EncodeToString(sum[:])}}
	if file == "-" {
		p.file = ""
	}
	switch kind := kindIn(b); kind {
	case portfolio.ReportKind:
		if p.all, err = portfolio.Read(b); err == nil {
			p.pin.AsOf = p.asOf()
		}
	case sizing.Kind, "": // what is no report at all is told by what reads one
		if p.one, err = sizing.Read(b); err == nil {
			p.pin.AsOf = p.one.Spec.Constraints.AsOf
		}
	default:
		err = fmt.Errorf("of kind %q, neither %s nor %s", kind, sizing.Kind, portfolio.ReportKind)
	}
	if err != nil {
		return nil, withFile(file, withHint(err, "eiplan size or plan with -o yaml or json writes a report"))
	}
	return p, nil
}

// asOf is the day of buying of the first model that was planned.
func (p *plannedReport) asOf() string {
	for _, m := range p.all.Spec.Models {
		if m.Asked != nil {
			return m.Asked.Constraints.AsOf
		}
	}
	return ""
}

func (p *plannedReport) kind() string {
	if p.one != nil {
		return sizing.Kind
	}
	return portfolio.ReportKind
}

func (p *plannedReport) catalog() *report.Origin {
	if p.one != nil {
		return p.one.Metadata.Catalog
	}
	return p.all.Metadata.Catalog
}

// models are those that the report is of, but for such as could not be read.
func (p *plannedReport) models() []sizing.Model {
	if p.one != nil {
		return []sizing.Model{p.one.Spec.Model}
	}
	var list []sizing.Model
	for _, m := range p.all.Spec.Models {
		if m.Asked != nil {
			list = append(list, m.Asked.Model)
		}
	}
	return list
}

// sameKind refuses a plan of one model beside one of several.
func sameKind(base, head *plannedReport) error {
	if base.kind() == head.kind() {
		return nil
	}
	e := usageError("%s is of kind %s, %s of kind %s: they can't be compared", base.pin.Source, base.kind(), head.pin.Source, head.kind())
	e.hint = "a portfolio is compared with a portfolio: eiplan plan PORTFOLIO.yaml -o yaml on both sides"
	return e
}
