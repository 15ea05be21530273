package peak

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

// buffer is memory to read, aligned to a page and written once, so that all of
// it is there.
type buffer struct {
	bytes  []byte
	mapped bool
}

// Sizes of what is read. Memory is read from a buffer of twice the last
// cache, within bounds that keep a short look short.
const (
	memoryLeast = 64 << 20
	memoryMost  = 256 << 20
	l3Most      = 16 << 20
	page        = 4096
)

func bufferBytes(info cpu.Info) int {
	return int(min(max(2*max(info.L2Bytes, info.L3Bytes), memoryLeast), memoryMost))
}

func newBuffer(n int, team *parallel.Team) buffer {
	b := buffer{bytes: mapMemory(n)}
	b.mapped = b.bytes != nil
	if !b.mapped {
		spare := make([]byte, n+page)
		start := -uintptr(unsafe.Pointer(unsafe.SliceData(spare))) % page
		b.bytes = spare[start : int(start)+n]
	}
	pages := &touching{bytes: b.bytes}
	team.Run((n+touchStep-1)/touchStep, pages)
	return b
}

// first returns the first n bytes, or all if there are fewer.
func (b buffer) first(n int64) []byte { return b.bytes[:min(n, int64(len(b.bytes)))] }

func (b buffer) free() {
	if b.mapped {
		unmapMemory(b.bytes)
	}
}

// touching is the task of writing a word to each page of a part.
type touching struct{ bytes []byte }

// touchStep is the size of a part: one huge page where there are such.
const touchStep = 2 << 20

func (t *touching) Do(_, i int) {
	part := t.bytes[i*touchStep : min((i+1)*touchStep, len(t.bytes))]
	for at := 0; at < len(part); at += page {
		part[at] = 1
	}
}
