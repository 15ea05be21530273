package conv

//go:generate go run -C ../_asm ./conv -pkg conv -out ../conv/conv_amd64.s -table ../conv/conv_amd64.go
//go:generate go run -C ../_asm ./conv -arch arm64 -pkg conv -out ../conv/conv_arm64.s -table ../conv/conv_arm64.go
