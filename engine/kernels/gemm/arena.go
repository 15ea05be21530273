package gemm

import (
	"runtime"
	"sync"
	"unsafe"
)

// Arena holds packed weights, in huge pages where the system has them. It is
// freed when neither it nor anything packed into it can be reached any more.
// Several goroutines may use one Arena. A nil *Arena allocates on Go's heap.
type Arena struct {
	mu     sync.Mutex
	free   []byte // rest of the last chunk
	chunks [][]byte
}

// hugePage is the size, and slack the number of bytes that may be fetched ahead
// of use behind any allocation.
const (
	hugePage  = 2 << 20
	chunkSize = 16 * hugePage
	slack     = 4096
	alignment = 64
)

// NewArena returns an empty Arena.
func NewArena() *Arena {
	a := &Arena{}
	runtime.SetFinalizer(a, func(a *Arena) {
		for _, c := range a.chunks {
			unmap(c)
		}
	})
	return a
}

// Block is zeroed memory, aligned to 64 bytes, with a page of slack behind it.
// Who keeps the memory keeps the Block, which keeps its Arena.
type Block struct {
	arena *Arena
	bytes []byte
}

// Pointer is the address of the first byte.
func (b Block) Pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b.bytes)) }

// Len is the size in bytes.
func (b Block) Len() int { return len(b.bytes) }

// Floats is the block as binary32 values.
func (b Block) Floats() []float32 {
	return unsafe.Slice((*float32)(b.Pointer()), len(b.bytes)/4)
}

// Int32s is the block as 32-bit integers, and Int8s as bytes with a sign.
func (b Block) Int32s() []int32 { return unsafe.Slice((*int32)(b.Pointer()), len(b.bytes)/4) }
func (b Block) Int8s() []int8   { return unsafe.Slice((*int8)(b.Pointer()), len(b.bytes)) }

// Words is the block as 16-bit values.
func (b Block) Words() []uint16 {
	return unsafe.Slice((*uint16)(b.Pointer()), len(b.bytes)/2)
}

// Allocate returns a Block of n bytes.
func (a *Arena) Allocate(n int) Block {
	size := (n + slack + alignment - 1) &^ (alignment - 1)
	if a == nil {
		return Block{nil, aligned(make([]byte, size+alignment))[:n:n]}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.free) < size {
		chunk := mapHuge(max(chunkSize, (size+2*hugePage-1)&^(hugePage-1)))
		if chunk == nil {
			return Block{nil, aligned(make([]byte, size+alignment))[:n:n]}
		}
		a.chunks = append(a.chunks, chunk)
		a.free = alignedTo(chunk, hugePage)
	}
	b := Block{a, a.free[:n:n]}
	a.free = a.free[size:]
	return b
}

func aligned(b []byte) []byte { return alignedTo(b, alignment) }

// alignedTo cuts b's start to a multiple of n, a power of two.
func alignedTo(b []byte, n int) []byte {
	return b[-int(uintptr(unsafe.Pointer(unsafe.SliceData(b))))&(n-1):]
}
