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

func TestNumbersThatAreSetOverride(t *testing.T) {
	set := map[string]string{"BUDGET": "7", "JOBS": "many"}
	getenv := func(name string) string { return set[name] }
	budget, waiting, jobs := 60, 20, 100
	if err := env.Numbers(getenv, env.Number{Name: "BUDGET", Into: &budget}, env.Number{Name: "WAITING", Into: &waiting}); err != nil || budget != 7 || waiting != 20 {
		t.Errorf("budget %d, waiting %d, %v", budget, waiting, err)
	}
	err := env.Numbers(getenv, env.Number{Name: "JOBS", Into: &jobs})
	if err == nil || !strings.Contains(err.Error(), `JOBS="many": want a whole number`) || jobs != 100 {
		t.Errorf("error %v, jobs %d", err, jobs)
	}
}
