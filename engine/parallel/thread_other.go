//go:build !linux

package parallel

func threadID() int { return 0 }
