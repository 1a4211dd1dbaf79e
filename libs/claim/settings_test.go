package claim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
)

func TestSettingsUnderWhichTheProtocolDoesNotHoldAreRefused(t *testing.T) {
	if err := claim.DefaultSettings().Validate(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	tests := []struct {
		name   string
		change func(*claim.Settings)
		want   string // part of the error; empty: accepted
	}{
		{"no lease", func(s *claim.Settings) { s.Lease = 0 }, "must be positive"},
		{"no claim TTL", func(s *claim.Settings) { s.ClaimTTL = 0 }, "must be positive"},
		{"no grace", func(s *claim.Settings) { s.InterruptGrace = 0 }, "must be positive"},
		{"no retention", func(s *claim.Settings) { s.JobRetention = -1 }, "must be positive"},
		{"negative skew", func(s *claim.Settings) { s.MaxClockSkew = -1 }, "must not be negative"},
		{"negative interval", func(s *claim.Settings) { s.MinClaimInterval = -1 }, "must not be negative"},
		{"a claim shorter than its lease", func(s *claim.Settings) { s.ClaimTTL = s.Lease - 1 }, "shorter than the lease"},
		{"a claim as long as its lease", func(s *claim.Settings) { s.ClaimTTL = s.Lease }, ""},
		{"a skew as long as half a claim", func(s *claim.Settings) { s.MaxClockSkew = s.ClaimTTL / 2 }, "twice the clock skew"},
		{"no skew", func(s *claim.Settings) { s.MaxClockSkew = 0 }, ""},
		{"no job", func(s *claim.Settings) { s.MaxJobs = 0 }, "jobs of a claim"},
		{"more jobs than fit into a row", func(s *claim.Settings) { s.MaxJobs = 251 }, "fits into an item"},
		{"nobody may wait", func(s *claim.Settings) { s.MaxWaiting = 0 }, "messages that wait"},
		{"more that wait than fit into a row", func(s *claim.Settings) { s.MaxWaiting = 101 }, "fits into an item"},
		{"no bound on interruptions", func(s *claim.Settings) { s.InterruptBudget = 0 }, ""},
		{"a negative budget", func(s *claim.Settings) { s.InterruptBudget = -1 }, "interrupt budget"},
		{"a budget of more than one a second", func(s *claim.Settings) { s.InterruptBudget = 3601 }, "interrupt budget"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := claim.DefaultSettings()
			test.change(&s)
			err := s.Validate()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if _, made := claim.NewStore(nil, claimNames(t), s, time.Now, nil, nil); (made == nil) != (err == nil) {
				t.Errorf("NewStore: %v, Validate: %v", made, err)
			}
		})
	}
}

func TestTheEnvironmentOverridesSettings(t *testing.T) {
	tests := []struct {
		name        string
		environment map[string]string
		want        claim.Settings
		err         string
	}{
		{"nothing", nil, claim.DefaultSettings(), ""},
		{"everything", map[string]string{
			"CLAIM_TTL": "2h", "LEASE": "30s", "INTERRUPT_GRACE": "1m", "MAX_CLOCK_SKEW": "1s", "MIN_CLAIM_INTERVAL": "10s", "JOB_RETENTION": "24h",
			"CLAIM_MAX_JOBS": "7", "CLAIM_MAX_WAITING": "6", "INTERRUPT_BUDGET": "5",
		}, claim.Settings{
			ClaimTTL: 2 * time.Hour, Lease: 30 * time.Second, InterruptGrace: time.Minute, MaxClockSkew: time.Second,
			MinClaimInterval: 10 * time.Second, JobRetention: 24 * time.Hour, MaxJobs: 7, MaxWaiting: 6, InterruptBudget: 5,
		}, ""},
		{"no duration", map[string]string{"LEASE": "ninety"}, claim.Settings{}, `LEASE="ninety"`},
		{"no number", map[string]string{"INTERRUPT_BUDGET": "many"}, claim.Settings{}, `INTERRUPT_BUDGET="many"`},
		{"no unit", map[string]string{"CLAIM_TTL": "3600"}, claim.Settings{}, `CLAIM_TTL="3600"`},
		{"not valid together", map[string]string{"CLAIM_TTL": "60s"}, claim.Settings{}, "shorter than the lease"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := claim.SettingsFrom(func(name string) string { return test.environment[name] })
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
			case err != nil || got != test.want:
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}
