package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Milliseconds formats a time with three significant digits.
func Milliseconds(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// Exact formats a figure with six significant digits, which is all that a plan has.
func Exact(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// Rate formats dollars an hour with four decimals, or three significant digits where those need more.
func Rate(v float64) string {
	if v == 0 {
		return "0.0000"
	}
	return fmt.Sprintf("%.*f", max(4, 2-int(math.Floor(math.Log10(math.Abs(v))))), v)
}

// Dollars formats an amount with cents.
func Dollars(v float64) string { return fmt.Sprintf("%.2f", v) }

// Count formats a number with commas between thousands.
func Count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Sentence begins with a capital letter and ends with a full stop.
func Sentence(text string) string {
	if first, size := utf8.DecodeRuneInString(text); unicode.IsLower(first) {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
