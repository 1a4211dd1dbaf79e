package ddbcore

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

func compareText(a, b string) int  { return strings.Compare(a, b) }
func compareBytes(a, b []byte) int { return bytes.Compare(a, b) }

// union merges two sorted sets into a new sorted one.
func union[E any](a, b []E, compare func(E, E) int) []E {
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, compare)
	return slices.CompactFunc(all, func(x, y E) bool { return compare(x, y) == 0 })
}

// except returns the elements of the sorted set a that are not in the sorted set b.
func except[E any](a, b []E, compare func(E, E) int) []E {
	var rest []E
	for _, e := range a {
		if _, found := slices.BinarySearchFunc(b, e, compare); !found {
			rest = append(rest, e)
		}
	}
	return rest
}

func containsText(set []string, s string) bool { return slices.Contains(set, s) }

func containsBytes(set [][]byte, b []byte) bool {
	return slices.ContainsFunc(set, func(e []byte) bool { return bytes.Equal(e, b) })
}

func sortedKeys[V any](m map[string]V) []string {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
