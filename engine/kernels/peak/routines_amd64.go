//go:build amd64 && !purego

package peak

func routinesOfBuild() routines {
	return routines{
		fmaAVX512: fmaAVX512, fmaAVX2: fmaAVX2, dotAVX512: dotAVX512, tileAMX: tileAMX, halfAVX512: halfAVX512, halfAVX2: halfAVX2,
		readAVX512: readAVX512, readAVX2: readAVX2,
	}
}
