package world

import (
	"fmt"
)

func must[T any](v T, err error) T {
	mustNil(err)
	return v
}

// mustNil stops a world that cannot even be made: a mistake in the simulation, never in what it
// simulates.
func mustNil(err error) {
	if err != nil {
		panic(fmt.Sprintf("world: %v", err))
	}
}
