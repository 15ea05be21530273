package gemm

//go:generate go run -C ../_asm ./gemm -pkg gemm -out ../gemm/gemm_amd64.s -table ../gemm/gemm_amd64.go
