// Package env reads settings from the environment. It promises an error that names the variable
// that is wrong.
package env

import (
	"fmt"
	"strconv"
	"time"
)

// Duration is a variable that overrides a duration, such as "90s" or "1h". If it is not set, the
// duration stays as it is.
type Duration struct {
	Name string
	Into *time.Duration
}

// Durations reads each of the variables.
func Durations(getenv func(string) string, variables ...Duration) error {
	for _, v := range variables {
		value := getenv(v.Name)
		if value == "" {
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%s=%q: want a duration such as 90s or 1h", v.Name, value)
		}
		*v.Into = d
	}
	return nil
}

// Number is a variable that overrides a whole number. If it is not set, the number stays as it is.
type Number struct {
	Name string
	Into *int
}

// Numbers reads each of the variables.
func Numbers(getenv func(string) string, variables ...Number) error {
	for _, v := range variables {
		value := getenv(v.Name)
		if value == "" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s=%q: want a whole number", v.Name, value)
		}
		*v.Into = n
	}
	return nil
}
