package awsapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/eiplan/eiplan/pricing"
)

// File is a file of prices to read.
type File struct {
	Name     string
	AsOf     pricing.Date     // of files that hold no date of their own; zero where there is none
	Progress func(read int64) // bytes read so far; may be nil
}

// FileKind is what a file was found to be.
type FileKind string

const (
	PriceListJSON FileKind = "AWS price list (JSON)"
	PriceListCSV  FileKind = "AWS price list (CSV)"
	SpotAdvisor   FileKind = "Spot Advisor (JSON)"
	SheetCSV      FileKind = "price sheet (CSV)"
	SheetYAML     FileKind = "price sheet (YAML)"
	Catalogue     FileKind = "eiplan catalogue"
)

// maxWhole bounds the files that are not read as streams.
const maxWhole = 64 << 20

// Read reads a price-list file of AWS as JSON or CSV, the Spot Advisor's JSON, a
// sheet of prices as CSV or YAML (see [pricing.SheetColumns]), or a stored
// catalogue; which of these is seen from its content, and YAML from its name.
// Errors name the file, and what is wrong at one place of it is a
// [pricing.FileError]. A price list yields both On-Demand
// and Reserved prices.
func (f File) Read(ctx context.Context, r io.Reader) (pricing.Tables, FileKind, LeftOut, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	in := &input{ctx: ctx, from: buffered, progress: f.Progress}
	b, kind, err := f.read(buffered, in)
	if err != nil {
		return pricing.Tables{}, kind, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return b.tables, kind, b.left, nil
}

func (f File) read(peeked *bufio.Reader, in *input) (batch, FileKind, error) {
	start, err := peeked.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return batch{}, "", err
	}
	start = bytes.TrimPrefix(start, []byte("\ufeff"))
	extension := strings.ToLower(filepath.Ext(f.Name))
	switch text := strings.TrimSpace(string(start)); {
	case text == "":
		return batch{}, "", errors.New("the file is empty")
	case text[0] == '{':
		return f.readJSON(in)
	case strings.HasPrefix(text, "eiplan catalogue"):
		b, err := readCatalogue(in)
		return b, Catalogue, err
	case extension == ".yaml" || extension == ".yml":
		b, err := f.readSheet(in, pricing.ReadSheetYAML)
		return b, SheetYAML, err
	case strings.HasPrefix(strings.Trim(text, `"`), "FormatVersion"):
		b, err := f.readPriceListCSV(in)
		return b, PriceListCSV, err
	}
	b, err := f.readSheet(in, pricing.ReadSheetCSV)
	return b, SheetCSV, err
}

// readJSON reads what has the keys of a price list or of the Spot Advisor's file.
func (f File) readJSON(in *input) (batch, FileKind, error) {
	d := newDocument(in)
	list, advice := newListing(nil, true, true), &advisorFile{}
	var kind FileKind
	err := d.object(func(key string) error {
		switch key {
		case "offerCode", "publicationDate", "version", "products", "terms":
			kind = PriceListJSON
			return list.readKey(d, key)
		case "ranges", "spot_advisor":
			kind = SpotAdvisor
			return advice.readKey(d, key)
		}
		return d.skip(2)
	})
	if err == nil {
		err = ended(d)
	}
	if err != nil {
		return batch{}, kind, d.at(err)
	}
	var b batch
	switch kind {
	case PriceListJSON:
		b, err = list.finish(f.AsOf)
	case SpotAdvisor:
		b, err = advice.batch(f.AsOf, "Spot Instance Advisor ("+filepath.Base(f.Name)+")", nil)
	default:
		err = errors.New("neither a price list of AWS (products, terms) nor the Spot Advisor's file (ranges, spot_advisor)")
	}
	return b, kind, err
}

// ended makes sure that nothing follows.
func ended(d *document) error {
	switch t, err := d.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("something follows the document: %w", err)
	default:
		d.reject(t)
		return errors.New("something follows the document")
	}
}

func (f File) readSheet(in *input, read func(io.Reader, pricing.SheetDefaults) ([]pricing.Price, error)) (batch, error) {
	limited := &io.LimitedReader{R: in, N: maxWhole}
	prices, err := read(limited, pricing.SheetDefaults{Source: filepath.Base(f.Name), AsOf: f.AsOf})
	if limited.N == 0 {
		return batch{}, fmt.Errorf("a price sheet of more than %d MiB", maxWhole>>20)
	}
	return batch{tables: pricing.Tables{Prices: prices}}, err
}

func readCatalogue(in *input) (batch, error) {
	limited := &io.LimitedReader{R: in, N: maxWhole}
	stored, err := io.ReadAll(limited)
	if err != nil {
		return batch{}, err
	}
	c, err := pricing.Open(stored)
	if err != nil {
		return batch{}, err
	}
	return batch{tables: c.Tables()}, nil
}
