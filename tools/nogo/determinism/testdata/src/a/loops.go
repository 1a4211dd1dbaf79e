package a

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

type ages map[string]int

// What follows comes to the same whatever the order.

func fills(m ages) ages {
	out := ages{}
	for k, v := range m {
		if strings.HasPrefix(k, "a") {
			continue
		}
		older := v + 1
		out[k] = older
		delete(out, k+"x")
	}
	return out
}

func addsUp(m ages) (n, total, oldest int) {
	for _, v := range m {
		n++
		total += v
		oldest = max(oldest, v)
	}
	return n, total, oldest
}

func looks(m ages) bool {
	for _, v := range m {
		if v > 3 {
			return true
		}
	}
	return false
}

func finds(m ages) (found bool) {
	for _, v := range m {
		if v > 3 {
			found = true
		}
	}
	return found
}

func sortsLater(m ages) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func sortsFirst(m ages) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Println(k)
	}
}

func measures(m ages, sums map[string]float64) (size int) {
	for k, v := range m {
		size += long(k, v)
		sums[k] += float64(v)
	}
	return size
}

func long(k string, n int) int {
	if n == 0 {
		return len(k)
	}
	return 1 + long(k, n-1)
}

// What follows does not.

var counted int

func count(n int) int { counted += n; return counted }

func callsWhatCounts(m, out ages) {
	for k, v := range m { // want `the order of a map may leak`
		out[k] = count(v)
	}
}

func gathers(m ages) []string {
	var keys []string
	for k := range m { // want `the order of a map may leak`
		keys = append(keys, k)
	}
	return keys
}

func collects(m ages) []string {
	return slices.Collect(maps.Keys(m)) // want `a slice in the order of a map`
}

func tells(m ages) {
	for k := range maps.Keys(m) { // want `the order of a map may leak`
		fmt.Println(k)
	}
}

func picks(m ages) string {
	for k := range m { // want `the order of a map may leak`
		return k
	}
	return ""
}

func joins(m ages) (s string) {
	for k := range m { // want `the order of a map may leak`
		s += k
	}
	return s
}

func averages(m map[string]float64) (sum float64) {
	for _, v := range m { // want `the order of a map may leak`
		sum += v // floating point is not associative
	}
	return sum
}

func keepsTheLast(m ages) (last string) {
	for k := range m { // want `the order of a map may leak`
		last = k
	}
	return last
}

func asks(m ages, choose func(int) int) {
	for k, v := range m { // want `the order of a map may leak`
		m[k] = choose(v)
	}
}
