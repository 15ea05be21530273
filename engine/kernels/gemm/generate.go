package gemm

//go:generate go run -C ../_asm ./gemm -pkg gemm -out ../gemm/gemm_amd64.s -table ../gemm/gemm_amd64.go
//go:generate go run -C ../_asm ./gemm -arch arm64 -pkg gemm -out ../gemm/gemm_arm64.s -table ../gemm/gemm_arm64.go
