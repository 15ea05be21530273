package move

//go:generate go run -C ../_asm ./move -pkg move -out ../move/transpose_amd64.s -table ../move/transpose_amd64.go
//go:generate go run -C ../_asm ./move -arch arm64 -pkg move -out ../move/transpose_arm64.s -table ../move/transpose_arm64.go
