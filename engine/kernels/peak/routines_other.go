//go:build !amd64 || purego

package peak

func routinesOfBuild() routines { return routines{} }
