//go:build (amd64 || arm64) && !purego

package parallel

// pause holds the thread back for some tens of nanoseconds and leaves the core
// to its sibling meanwhile: PAUSE, or ISB where YIELD does nothing.
func pause()
