package normalize

//go:generate go run -C ../_asm ./normalize -group passes -pkg normalize -out ../normalize/passes_amd64.s -table ../normalize/passes_amd64.go
//go:generate go run -C ../_asm ./normalize -group passesBF16 -pkg normalize -out ../normalize/passesbf16_amd64.s -table ../normalize/passesbf16_amd64.go
//go:generate go run -C ../_asm ./normalize -group blocks -pkg normalize -out ../normalize/blocks_amd64.s -table ../normalize/blocks_amd64.go
//go:generate go run -C ../_asm ./normalize -arch arm64 -group passes -pkg normalize -out ../normalize/passes_arm64.s -table ../normalize/passes_arm64.go
//go:generate go run -C ../_asm ./normalize -arch arm64 -group passesBF16 -pkg normalize -out ../normalize/passesbf16_arm64.s -table ../normalize/passesbf16_arm64.go
//go:generate go run -C ../_asm ./normalize -arch arm64 -group blocks -pkg normalize -out ../normalize/blocks_arm64.s -table ../normalize/blocks_arm64.go
