// Package fence gives tests of kernels memory that ends where nothing may be
// touched, so that an access past the end of an operand stops the test. Only
// tests import it.
package fence

import "testing"

// Slice returns n zero elements. On Linux an unreadable page follows them at
// once; elsewhere nothing catches a stray access. The memory lives until the
// test ends.
func Slice[T any](t testing.TB, n int) []T {
	t.Helper()
	return slice[T](t, n)
}

// Copy returns a fenced copy of x.
func Copy[T any](t testing.TB, x []T) []T {
	t.Helper()
	s := slice[T](t, len(x))
	copy(s, x)
	return s
}
