package pricing

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// maxSection bounds what a section may inflate to: far above a year of every
// region's prices, far below what would hurt.
const maxSection = 256 << 20

// Open reads what [Encode] wrote and checks all of it: the hash of every
// section and every row of every region. What is wrong at one place of it is a
// [FileError].
func Open(stored []byte) (*Catalog, error) {
	c, err := open(stored)
	if err != nil {
		return nil, err
	}
	for _, region := range c.regions {
		if _, err := c.books[region](); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// open reads the index and the shared section, and leaves the books for when
// they are asked for.
func open(stored []byte) (*Catalog, error) {
	rest, ok := bytes.CutPrefix(stored, []byte(firstLine))
	if !ok {
		return nil, fmt.Errorf("not a catalogue: it does not begin with %q", strings.TrimSpace(firstLine))
	}
	line, body, ok := bytes.Cut(rest, []byte("\n"))
	if !ok {
		return nil, &FileError{Offset: int64(len(stored)), Err: errors.New("catalogue is cut off in its index")}
	}
	var index contents
	if err := json.Unmarshal(line, &index); err != nil {
		at := int64(len(firstLine))
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			at += max(syntax.Offset-1, 0)
		}
		return nil, &FileError{Offset: at, Err: fmt.Errorf("catalogue index: %w", err)}
	}
	if len(index.Sections) == 0 || index.Sections[0].Name != sharedName {
		return nil, &FileError{Offset: int64(len(firstLine)), Err: errors.New("catalogue index: no shared section")}
	}
	c := &Catalog{source: index.Source, asOf: index.AsOf, sha256: index.identity(), books: map[string]func() (*book, error){}}
	var tables *shared
	for _, s := range index.Sections {
		at := int64(len(stored) - len(body))
		if s.Size < 0 || s.Size > len(body) {
			return nil, &FileError{Offset: int64(len(stored)), Err: fmt.Errorf("catalogue is cut off in section %q, which begins at byte %d", s.Name, at)}
		}
		deflated := body[:s.Size]
		body = body[s.Size:]
		if tables == nil {
			tables = new(shared)
			if err := readShared(s, deflated, tables); err != nil {
				return nil, &FileError{Offset: at, Err: err}
			}
			continue
		}
		if c.books[s.Name] != nil {
			return nil, &FileError{Offset: int64(len(firstLine)), Err: fmt.Errorf("catalogue index: section %q twice", s.Name)}
		}
		c.regions = append(c.regions, s.Name)
		c.books[s.Name] = sync.OnceValues(func() (*book, error) {
			b, err := readBook(s, deflated, tables)
			if err != nil {
				return nil, &FileError{Offset: at, Err: err}
			}
			return b, nil
		})
	}
	if len(body) != 0 {
		return nil, &FileError{Offset: int64(len(stored) - len(body)), Err: fmt.Errorf("%d bytes after the last section of the catalogue", len(body))}
	}
	c.adopt(tables)
	return c, nil
}

func readShared(s section, deflated []byte, into *shared) error {
	raw, err := inflate(s, deflated)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("section %q: %w", s.Name, err)
	}
	return nil
}

// inflate returns the section's bytes once they have the hash that the index says.
func inflate(s section, deflated []byte) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxSection))
	if err != nil {
		return nil, fmt.Errorf("section %q: %w", s.Name, err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != s.SHA256 {
		return nil, fmt.Errorf("section %q is not the one that the index of the catalogue names: SHA-256 differs", s.Name)
	}
	return raw, nil
}

// reader takes varints off its front. The first thing that is not there stops
// it: it then yields zeros, and err tells.
type reader struct {
	in  []byte
	err error
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.in)
	if size <= 0 {
		r.fail("cut off")
		return 0
	}
	r.in = r.in[size:]
	return n
}

// count reads how many items follow. Each takes a byte at least, so that more
// items than bytes is an error before anything is allocated for them.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.in)) {
		r.fail(fmt.Sprintf("%d items in %d bytes", n, len(r.in)))
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.in) {
		r.fail("cut off")
		return make([]byte, n)
	}
	taken := r.in[:n]
	r.in = r.in[n:]
	return taken
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
	r.in = nil
}

// entry reads an index and returns what it points at.
func entry[T any](r *reader, table []T) *T {
	n := r.uint()
	if n >= uint64(len(table)) {
		r.fail(fmt.Sprintf("entry %d of a table of %d", n, len(table)))
		return new(T)
	}
	return &table[n]
}

// readBook reads what [writer.writeBook] wrote.
func readBook(s section, deflated []byte, tables *shared) (*book, error) {
	raw, err := inflate(s, deflated)
	if err != nil {
		return nil, err
	}
	r := &reader{in: raw}
	shelves := make([]shelf, r.count())
	b := &book{shelves: make(map[string]*shelf, len(shelves))}
	for i := range shelves {
		subject := string(r.bytes(r.count()))
		readShelf(r, tables, &shelves[i])
		b.shelves[subject] = &shelves[i]
	}
	if r.err == nil && len(r.in) != 0 {
		r.fail(fmt.Sprintf("%d bytes after the last shelf", len(r.in)))
	}
	if r.err != nil {
		return nil, fmt.Errorf("section %q: %w", s.Name, r.err)
	}
	return b, nil
}

func readShelf(r *reader, tables *shared, sh *shelf) {
	for range r.count() {
		sh.offered = append(sh.offered, *entry(r, tables.Offerings))
	}
	sh.series = make([]series, r.count())
	for i := range sh.series {
		p := r.bytes(4)
		sh.series[i].purchase = Purchase{Option(p[0]), Term(p[1]), Payment(p[2]), Class(p[3])}
		sh.series[i].vintages = make([]vintage, r.count())
		for j := range sh.series[i].vintages {
			v := &sh.series[i].vintages[j]
			v.provenance = entry(r, tables.Provenances)
			v.upfront = USD(r.uint())
			v.recurring = USDPerHour(r.uint())
		}
	}
	sh.bands = make([]Band, r.count())
	for i := range sh.bands {
		sh.bands[i] = *entry(r, tables.Bands)
		sh.bands[i].SavingsPercent = int(r.uint())
	}
}
