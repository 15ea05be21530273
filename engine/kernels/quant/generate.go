package quant

//go:generate go run -C ../_asm ./quant -pkg quant -out ../quant/quant_amd64.s -table ../quant/quant_amd64.go
