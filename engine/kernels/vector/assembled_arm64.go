//go:build !purego

package vector

// assembled returns the variant of that name, nil if this build holds none.
func assembled(name string) *Funcs {
	if name != neon {
		return nil
	}
	f := Reference()
	f.Variant = name
	f.add(elementwiseNEON(), reductionNEON(), conversionNEON(), bfloat16NEON())
	return f
}
