package env_test

import (
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/env"
)

func TestDurationsThatAreSetOverride(t *testing.T) {
	set := map[string]string{"LEASE": "90s"}
	lease, ttl := time.Second, time.Hour
	err := env.Durations(func(name string) string { return set[name] }, env.Duration{Name: "LEASE", Into: &lease}, env.Duration{Name: "TTL", Into: &ttl})
	if err != nil || lease != 90*time.Second || ttl != time.Hour {
		t.Errorf("lease %v, TTL %v, %v", lease, ttl, err)
	}
}

func TestAValueThatIsNoDurationIsAnErrorThatNamesItsVariable(t *testing.T) {
	lease := time.Second
	err := env.Durations(func(string) string { return "90" }, env.Duration{Name: "LEASE", Into: &lease})
	if err == nil || !strings.Contains(err.Error(), `LEASE="90": want a duration`) || lease != time.Second {
		t.Errorf("error %v, lease %v", err, lease)
	}
}
