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
	return money(v, max(4, 2-int(math.Floor(math.Log10(math.Abs(v))))))
}

// Dollars formats an amount with cents.
func Dollars(v float64) string { return money(v, 2) }

// money rounds halves away from zero, as package pricing does. A decimal half such as 0.08925 is none in binary: what it lacks is far below its last digit.
func money(v float64, decimals int) string {
	const lacking = 1e-12 // of v
	return fmt.Sprintf("%.*f", decimals, v*(1+lacking))
}

// Some lists the first of many names, at most so many, and counts the others.
func Some(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

// Count formats a number with commas between thousands.
func Count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Plural is a number of what a noun with a regular plural names.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
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
