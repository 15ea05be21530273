package pool

//go:generate go run -C ../_asm ./pool -group windows -pkg pool -out ../pool/windows_amd64.s -table ../pool/windows_amd64.go
//go:generate go run -C ../_asm ./pool -group windowsBF16 -pkg pool -out ../pool/windowsbf16_amd64.s -table ../pool/windowsbf16_amd64.go
//go:generate go run -C ../_asm ./pool -arch arm64 -group windows -pkg pool -out ../pool/windows_arm64.s -table ../pool/windows_arm64.go
//go:generate go run -C ../_asm ./pool -arch arm64 -group windowsBF16 -pkg pool -out ../pool/windowsbf16_arm64.s -table ../pool/windowsbf16_arm64.go
