package sweep

import (
	"fmt"

	"github.com/webordinary/hephaestus/libs/env"
)

// SettingsFrom reads the settings that the environment overrides: SWEEP_AGE and SWEEP_START_AGE,
// each a Go duration such as "5m".
func SettingsFrom(getenv func(string) string) (Settings, error) {
	s := DefaultSettings()
	err := env.Durations(getenv,
		env.Duration{Name: "SWEEP_AGE", Into: &s.Age},
		env.Duration{Name: "SWEEP_START_AGE", Into: &s.StartAge},
	)
	if err == nil && (s.Age < 0 || s.StartAge < s.Age) {
		err = fmt.Errorf("SWEEP_AGE=%v, SWEEP_START_AGE=%v: want 0 or more, and the second no shorter than the first", s.Age, s.StartAge)
	}
	return s, err
}
