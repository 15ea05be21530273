package awsapi

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// keySets are the keys of the objects that are open in a JSON value.
type keySets struct {
	open []keySet
	keys [][]byte // of all open objects, one after the other
}

// keySet is the keys of one object. An array has none.
type keySet struct {
	array bool
	first int             // of its keys
	many  map[string]bool // the same, once they are too many to look at each
}

// manyKeys is from how many keys on they are looked up.
const manyKeys = 64

// repeated finds the first key that an object of a valid value repeats, as it is
// written, and where it stands; -1 where there is none.
func (k *keySets) repeated(value []byte) (key string, at int) {
	k.open, k.keys = k.open[:0], k.keys[:0]
	named := false // whether the next string is a key
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '{', '[':
			named = value[i] == '{'
			k.open = append(k.open, keySet{array: !named, first: len(k.keys)})
		case '}', ']':
			last := len(k.open) - 1
			k.keys, k.open = k.keys[:k.open[last].first], k.open[:last]
			named = false
		case ',':
			named = !k.open[len(k.open)-1].array
		case '"':
			end := stringEnd(value, i)
			if named && k.had(plain(value[i:end])) {
				return string(value[i:end]), i
			}
			named = false
			i = end - 1
		}
	}
	return "", -1
}

// stringEnd is where the string that begins at i ends, at most the end of value.
func stringEnd(value []byte, i int) int {
	for i++; i < len(value) && value[i] != '"'; i++ {
		if value[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(value))
}

// lastToken is where the last string, number, word or opening bracket stands in
// the start of a valid value.
func lastToken(value []byte) (start int) {
	const between = " \t\r\n,:]}"
	for i := 0; i < len(value); {
		c := value[i]
		if strings.IndexByte(between, c) >= 0 {
			i++
			continue
		}
		start = i
		switch c {
		case '"':
			i = stringEnd(value, i)
		case '{', '[':
			i++
		default:
			for i < len(value) && strings.IndexByte(between, value[i]) < 0 {
				i++
			}
		}
	}
	return start
}

// plain is a key without escapes, where it has any.
func plain(key []byte) []byte {
	var text string
	if bytes.IndexByte(key, '\\') < 0 || json.Unmarshal(key, &text) != nil {
		return key
	}
	return []byte(strconv.Quote(text))
}

// had adds a key to the innermost object, or reports that it has it.
func (k *keySets) had(key []byte) bool {
	set := &k.open[len(k.open)-1]
	own := k.keys[set.first:]
	if set.many == nil && len(own) >= manyKeys {
		set.many = make(map[string]bool, 2*manyKeys)
		for _, key := range own {
			set.many[string(key)] = true
		}
	}
	switch {
	case set.many == nil && slices.ContainsFunc(own, func(had []byte) bool { return bytes.Equal(had, key) }), set.many[string(key)]:
		return true
	case set.many != nil:
		set.many[string(key)] = true
	default:
		k.keys = append(k.keys, key)
	}
	return false
}
