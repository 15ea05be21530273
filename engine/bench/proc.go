package bench

// parseStat returns the steal ticks and all ticks of the first line of
// /proc/stat (proc_stat(5)): user nice system idle iowait irq softirq steal,
// of which guest time, which follows, is already a part. Both are -1 if it
// has no such line.
func parseStat(text []byte) (stolen, ticks int64) {
	const steal = 8 // the word after "cpu" and seven others
	for word := 1; word <= steal; word++ {
		value := field(text, word)
		if value < 0 {
			return -1, -1
		}
		ticks += value
		stolen = value
	}
	return stolen, ticks
}

// field returns the i-th word of the first line, from 0, as a decimal number;
// -1 if there is no such word or it is not one. It does not allocate.
func field(text []byte, i int) int64 {
	value, digits := int64(0), 0
	for at, c := range text {
		switch {
		case c == ' ' || c == '\n':
			inWord := at > 0 && text[at-1] != ' '
			if inWord && i == 0 {
				return whole(value, digits)
			}
			if c == '\n' {
				return -1
			}
			if inWord {
				i--
			}
		case i != 0:
		case c < '0' || c > '9':
			return -1
		default:
			value, digits = value*10+int64(c-'0'), digits+1
		}
	}
	if i == 0 {
		return whole(value, digits)
	}
	return -1
}

// whole rejects numbers of no digits, and of more than an int64 holds.
func whole(value int64, digits int) int64 {
	if digits == 0 || digits > 18 {
		return -1
	}
	return value
}
