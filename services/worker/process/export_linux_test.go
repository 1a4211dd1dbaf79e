package process

// GuardsBelow are the guards of a worker that runs one command, the outer one first.
func GuardsBelow(worker int) []int {
	var list []int
	for parent := worker; len(list) < 2; {
		found := 0
		for _, pid := range processes() {
			if s, ok := statOf(pid); ok && s.parent == parent && !s.dead {
				found = pid
			}
		}
		if found == 0 {
			return list
		}
		list, parent = append(list, found), found
	}
	return list
}
