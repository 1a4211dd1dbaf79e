// Package telemetry sets up the logs of every process of Hephaestus: slog, JSON in Lambdas and
// workers, text on a terminal. It promises one line per event, no logging of mail content, and in a
// Lambda the request's id on every line, so that all tries of one event can be found.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Logger writes JSON lines to w for the named part ("intake", "worker", …). level is debug, info,
// warn or error; empty is info.
func Logger(w io.Writer, part, level string) (*slog.Logger, error) {
	lvl, err := Level(level)
	if err != nil {
		return nil, err
	}
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: lvl})}).With("part", part), nil
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

// traced adds the id of the Lambda request that a line belongs to.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if request, ok := lambdacontext.FromContext(ctx); ok {
		r = r.Clone()
		r.AddAttrs(slog.String("requestId", request.AwsRequestID))
	}
	return t.Handler.Handle(ctx, r)
}

func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }
func (t traced) WithGroup(name string) slog.Handler       { return traced{t.Handler.WithGroup(name)} }
