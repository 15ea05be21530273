package peak

//go:generate go run -C ../_asm ./peak -pkg peak -out ../peak/peak_amd64.s -stubs ../peak/peak_amd64.go
