package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/boot"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/tools/stack"
)

// defaultEndpoint is where heph dev listens.
var defaultEndpoint = fmt.Sprintf("http://127.0.0.1:%d", stack.DefaultPort)

// target is the stack that a command talks to.
type target struct {
	app      *app
	command  *cobra.Command
	endpoint string // of the flag
	prefix   string
}

// targetFlags gives the command --endpoint and --prefix.
func (a *app) targetFlags(cmd *cobra.Command) *target {
	t := &target{app: a, command: cmd}
	cmd.Flags().StringVar(&t.endpoint, "endpoint", defaultEndpoint, `the stack's endpoint, else AWS_ENDPOINT_URL; "" is AWS itself`)
	cmd.Flags().StringVar(&t.prefix, "prefix", "", "what the names of its resources begin with, else STACK_PREFIX (default webordinary)")
	return t
}

// url is the endpoint by flag, environment and default, in this order; empty for AWS itself.
func (t *target) url() string {
	if !t.command.Flags().Changed("endpoint") {
		if set := t.app.Getenv("AWS_ENDPOINT_URL"); set != "" {
			return set
		}
	}
	return t.endpoint
}

// names are the names of the stack's resources.
func (t *target) names() (awsx.Names, error) {
	names, err := awsx.NamesFrom(func(name string) string {
		if name == "STACK_PREFIX" {
			return cmp.Or(t.prefix, t.app.Getenv(name))
		}
		return t.app.Getenv(name)
	})
	if err != nil {
		return names, usage("%w", err)
	}
	return names, nil
}

// protocol writes on the stack's rows what a person says. None of that depends on the settings.
func protocol(clients awsx.Clients, names awsx.Names) (*claim.Store, error) {
	return claim.NewStore(clients.DynamoDB(), names, claim.DefaultSettings(), time.Now, boot.RandomID, boot.Pause)
}

// flagsFor returns the --endpoint and --prefix that a printed command needs in any shell; empty if
// the defaults reach this stack.
func (a *app) flagsFor(endpoint string, names awsx.Names) string {
	flags := ""
	if endpoint != defaultEndpoint || a.Getenv("AWS_ENDPOINT_URL") != "" {
		flags += " --endpoint " + cmp.Or(endpoint, `""`)
	}
	if names.Prefix() != awsx.DefaultPrefix || a.Getenv("STACK_PREFIX") != "" {
		flags += " --prefix " + names.Prefix()
	}
	return flags
}

// hinting makes of a command that the stack names one that reaches it: heph's gets the flags that
// it needs, aws's gets the endpoint, and for a stack on this machine credentials too.
func (q *questions) hinting(names awsx.Names) func(string) string {
	endpoint := q.target.url()
	flags := q.flagsFor(endpoint, names)
	return func(command string) string {
		rest, isAWS := strings.CutPrefix(command, "aws ")
		switch {
		case strings.HasPrefix(command, "heph "):
			return command + flags
		case !isAWS || endpoint == "":
			return command
		}
		command = "aws --endpoint-url " + endpoint + " " + rest
		if parsed, err := url.Parse(endpoint); err == nil && local(parsed.Hostname()) && q.Getenv("AWS_ACCESS_KEY_ID") == "" && q.Getenv("AWS_PROFILE") == "" {
			command = "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=" + localRegion + " " + command
		}
		return command
	}
}

// explain says that there is no such stack if the error means that: its table or its bucket does
// not exist.
func (t *target) explain(err error, names awsx.Names) error {
	var api smithy.APIError
	if !errors.As(err, &api) || !slices.Contains([]string{"ResourceNotFoundException", "NoSuchBucket"}, api.ErrorCode()) {
		return err
	}
	where := "at " + t.url()
	if t.url() == "" {
		where = "in this region of AWS"
	}
	return fmt.Errorf("there is no stack of the prefix %s %s: name another with --prefix", names.Prefix(), where)
}

// dialTimeout is how long a stack on this machine may take to accept a connection.
const dialTimeout = time.Second

// clients connects. If a stack on this machine does not listen, it fails at once, not after
// retries.
func (t *target) clients(ctx context.Context) (awsx.Clients, error) {
	endpoint := t.url()
	if endpoint == "" {
		return t.load(ctx, nil)
	}
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return awsx.Clients{}, usage("endpoint %q: want a URL such as %s", endpoint, defaultEndpoint)
	}
	if !local(parsed.Hostname()) {
		return t.load(ctx, parsed)
	}
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address(parsed))
	if err != nil {
		return awsx.Clients{}, fmt.Errorf("no stack at %s: start one with `heph dev`, or name another with --endpoint (%w)", endpoint, err)
	}
	connection.Close()
	return t.load(ctx, parsed)
}

func (t *target) load(ctx context.Context, endpoint *url.URL) (awsx.Clients, error) {
	var options []func(*config.LoadOptions) error
	getenv := t.app.Getenv
	if endpoint != nil && local(endpoint.Hostname()) {
		if getenv("AWS_REGION") == "" {
			options = append(options, config.WithRegion(localRegion))
		}
		if getenv("AWS_ACCESS_KEY_ID") == "" && getenv("AWS_PROFILE") == "" {
			options = append(options, config.WithCredentialsProvider(localCredentials))
		}
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return awsx.Clients{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if loaded.Region == "" {
		return awsx.Clients{}, usage("no region: set AWS_REGION")
	}
	loaded.BaseEndpoint = nil
	if endpoint != nil {
		url := endpoint.String()
		loaded.BaseEndpoint = &url
	}
	return awsx.From(loaded), nil
}

// The region and the credentials for a stack on this machine, unless the environment sets others.
const localRegion = "us-east-1"

var localCredentials = credentials.NewStaticCredentialsProvider("local", "local", "")

// local says whether the host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func address(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}
