package vector

//go:generate go run -C ../_asm ./vector -group elementwise -pkg vector -out ../vector/elementwise_amd64.s -table ../vector/elementwise_amd64.go
//go:generate go run -C ../_asm ./vector -group bfloat16 -pkg vector -out ../vector/bfloat16_amd64.s -table ../vector/bfloat16_amd64.go
//go:generate go run -C ../_asm ./vector -group reduction -pkg vector -out ../vector/reduction_amd64.s -table ../vector/reduction_amd64.go
//go:generate go run -C ../_asm ./vector -group conversion -pkg vector -out ../vector/conversion_amd64.s -table ../vector/conversion_amd64.go
//go:generate go run -C ../_asm ./vector -arch arm64 -group elementwise -pkg vector -out ../vector/elementwise_arm64.s -table ../vector/elementwise_arm64.go
//go:generate go run -C ../_asm ./vector -arch arm64 -group bfloat16 -pkg vector -out ../vector/bfloat16_arm64.s -table ../vector/bfloat16_arm64.go
//go:generate go run -C ../_asm ./vector -arch arm64 -group reduction -pkg vector -out ../vector/reduction_arm64.s -table ../vector/reduction_arm64.go
//go:generate go run -C ../_asm ./vector -arch arm64 -group conversion -pkg vector -out ../vector/conversion_arm64.s -table ../vector/conversion_arm64.go
