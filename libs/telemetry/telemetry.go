// Package telemetry sets up the logs of every process of Hephaestus: slog, JSON in Lambdas and
// workers, text on a terminal. It promises one line per event and no logging of mail content.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Logger writes JSON lines to w for the named part ("intake", "worker", …). level is debug, info,
// warn or error; empty is info.
func Logger(w io.Writer, part, level string) (*slog.Logger, error) {
	lvl, err := Level(level)
	if err != nil {
		return nil, err
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: lvl})).With("part", part), nil
}

// Level reads a log level's name.
func Level(name string) (slog.Level, error) {
	if name == "" {
		return slog.LevelInfo, nil
	}
	var lvl slog.Level
	if err := lvl.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
		return 0, fmt.Errorf("log level %q: want debug, info, warn or error", name)
	}
	return lvl, nil
}
