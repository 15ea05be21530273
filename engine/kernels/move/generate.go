package move

//go:generate go run -C ../_asm ./move -pkg move -out ../move/transpose_amd64.s -table ../move/transpose_amd64.go
