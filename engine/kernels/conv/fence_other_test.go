//go:build !linux

package conv

import "testing"

// fenced returns n elements with nothing behind them to catch a stray access.
func fenced[T any](_ testing.TB, n int) []T { return make([]T, n) }
