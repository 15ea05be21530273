//go:build !linux

package fence

import "testing"

func slice[T any](_ testing.TB, n int) []T { return make([]T, n) }
