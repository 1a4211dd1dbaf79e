package claim

import (
	"fmt"
	"time"
)

// SettingsFrom reads the settings that the environment overrides: CLAIM_TTL, LEASE, INTERRUPT_GRACE,
// MAX_CLOCK_SKEW, MIN_CLAIM_INTERVAL, JOB_RETENTION, each a Go duration such as "90s".
func SettingsFrom(getenv func(string) string) (Settings, error) {
	s := DefaultSettings()
	for _, v := range []struct {
		name string
		into *time.Duration
	}{
		{"CLAIM_TTL", &s.ClaimTTL}, {"LEASE", &s.Lease}, {"INTERRUPT_GRACE", &s.InterruptGrace},
		{"MAX_CLOCK_SKEW", &s.MaxClockSkew}, {"MIN_CLAIM_INTERVAL", &s.MinClaimInterval}, {"JOB_RETENTION", &s.JobRetention},
	} {
		value := getenv(v.name)
		if value == "" {
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			return s, fmt.Errorf("%s=%q: want a duration such as 90s or 1h", v.name, value)
		}
		*v.into = d
	}
	return s, s.Validate()
}
