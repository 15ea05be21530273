//go:build !purego

package pool

// generated returns the kernels of the variant of that name, if there is one.
func generated(name string) (w windows, b windowsBF16, held bool) {
	if name != "neon" {
		return w, b, false
	}
	return windowsNEON(), windowsBF16NEON(), true
}
