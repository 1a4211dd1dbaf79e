package claim

import "github.com/webordinary/hephaestus/libs/env"

// SettingsFrom reads the settings that the environment overrides: CLAIM_TTL, LEASE,
// INTERRUPT_GRACE, MAX_CLOCK_SKEW, MIN_CLAIM_INTERVAL, JOB_RETENTION, each a Go duration such as
// "90s"; CLAIM_MAX_JOBS, CLAIM_MAX_WAITING and INTERRUPT_BUDGET, each a whole number.
func SettingsFrom(getenv func(string) string) (Settings, error) {
	s := DefaultSettings()
	err := env.Durations(getenv,
		env.Duration{Name: "CLAIM_TTL", Into: &s.ClaimTTL},
		env.Duration{Name: "LEASE", Into: &s.Lease},
		env.Duration{Name: "INTERRUPT_GRACE", Into: &s.InterruptGrace},
		env.Duration{Name: "MAX_CLOCK_SKEW", Into: &s.MaxClockSkew},
		env.Duration{Name: "MIN_CLAIM_INTERVAL", Into: &s.MinClaimInterval},
		env.Duration{Name: "JOB_RETENTION", Into: &s.JobRetention},
	)
	if err != nil {
		return s, err
	}
	err = env.Numbers(getenv,
		env.Number{Name: "CLAIM_MAX_JOBS", Into: &s.MaxJobs},
		env.Number{Name: "CLAIM_MAX_WAITING", Into: &s.MaxWaiting},
		env.Number{Name: "INTERRUPT_BUDGET", Into: &s.InterruptBudget},
	)
	if err != nil {
		return s, err
	}
	return s, s.Validate()
}
