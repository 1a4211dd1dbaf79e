// Package gateway is the AWS endpoint of the local stack: one http.Handler that speaks the wire
// protocols of DynamoDB, SQS, Step Functions, Lambda and S3 on one port, so that the AWS CLI and
// any SDK can look into the stack. It decodes a call into the Go SDK's own input struct, hands it
// to a Backend and encodes what comes back.
//
// What it promises: the SDK's clients get typed outputs and typed errors as from AWS. It refuses an
// operation, a header or a query parameter that it does not know, with an error that names it, and
// never takes it for another.
//
// It answers 403 to what a browser sends for another web page, and to a Host that is not this
// machine's, so that no web page reaches the stack through its user's browser.
//
// What it does not: without Options.Keys it verifies no signatures (their scope only tells services
// apart), so a client that reaches the port may do anything: listen on the loopback interface. It
// knows no permissions: every key may do everything. It refuses clients that still speak SQS's old
// query protocol. S3 keeps no versions, and a multipart upload's parts live in memory until it is
// completed.
package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/webordinary/hephaestus/sim/aws/wire"
)

// Names of the services as a Backend gets them; the other three are wire's.
const (
	lambdaService = "lambda"
	s3Service     = "s3"
)

// Backend answers the calls. Service is one of dynamodb, sqs, states, lambda and s3; operation is
// AWS's name for it ("UpdateItem"); input points to the SDK's input struct of that operation, and
// output to its output struct. An error that is a smithy.APIError reaches the client under its own
// code, any other as an internal error. Calls come from many goroutines at once: a Backend over
// cores that are not safe for concurrent use serialises them.
type Backend interface {
	Do(ctx context.Context, service, operation string, input any) (output any, err error)
}

// Options are what a gateway needs besides its Backend.
type Options struct {
	// Codec may be shared with other users of one; nil makes a new one.
	Codec *wire.Codec
	// System serves the paths under /_heph/, except /_heph/health; nil serves nothing there.
	System http.Handler
	// Keys make every request but /_heph/health need the signature of one of them, of any Host,
	// which the signature covers. Without keys, nobody needs a signature.
	Keys Keys
}

// systemPrefix is where the stack's own pages are: no bucket can have this name.
const systemPrefix = "/_heph/"

type gateway struct {
	backend  Backend
	codec    *wire.Codec
	system   http.Handler
	keys     Keys
	s3       http.Handler
	requests atomic.Uint64
}

// New returns the endpoint over a backend.
func New(backend Backend, options Options) http.Handler {
	g := &gateway{backend: backend, codec: options.Codec, system: options.System, keys: options.Keys, s3: newS3(backend)}
	if g.codec == nil {
		g.codec = wire.New()
	}
	if g.system == nil {
		g.system = http.NotFoundHandler()
	}
	return g
}

// ServeHTTP finds the service that a request is for, by the surest sign first: the target header,
// Lambda's paths, then the scope of the signature. Any other request is S3's, whose paths can be
// anything.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := g.strange(r); why != "" {
		g.refuse(w, r, why)
		return
	}
	path := r.URL.Path
	switch {
	case path == systemPrefix+"health":
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"status":"ok"}`)
	case strings.HasPrefix(path, systemPrefix):
		g.system.ServeHTTP(w, r)
	case r.Header.Get("X-Amz-Target") != "":
		g.serveJSON(w, r)
	case strings.HasPrefix(path, lambdaPrefix):
		g.serveLambda(w, r)
	case isQueryProtocol(r):
		refuseQueryProtocol(w, r, g.nextRequestID())
	default:
		g.serveByScope(w, r)
	}
}

func (g *gateway) serveByScope(w http.ResponseWriter, r *http.Request) {
	switch service := signedFor(r); service {
	case "", s3Service:
		g.s3.ServeHTTP(w, r)
	case lambdaService:
		g.serveLambda(w, r)
	case wire.DynamoDB, wire.SQS, wire.States:
		writeJSONError(w, g.nextRequestID(), unknownOperation(service, r.Method+" "+r.URL.Path+" without X-Amz-Target"))
	default:
		writeJSONError(w, g.nextRequestID(), unknownOperation(service, r.Method+" "+r.URL.Path))
	}
}

// signedFor returns the service in the scope of a request's signature,
// AKID/date/region/SERVICE/aws4_request (IAM User Guide, "Create a signed AWS API request"), or ""
// if there is none.
func signedFor(r *http.Request) string {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, found := strings.Cut(r.Header.Get("Authorization"), "Credential="); found {
		credential, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(credential, "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// nextRequestID numbers requests in the form of a UUID, which is what AWS's ids look like.
func (g *gateway) nextRequestID() string {
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", g.requests.Add(1))
}

// readBody reads a body of at most limit bytes; tooLarge says that there was more.
func readBody(r *http.Request, limit int64) (body []byte, tooLarge bool, err error) {
	if r.ContentLength > limit {
		return nil, true, nil
	}
	if r.ContentLength >= 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, body)
		return body, false, err
	}
	body, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
	return body, int64(len(body)) > limit, err
}

// do makes a call and checks the type of its output.
func do[Output any](ctx context.Context, backend Backend, service, operation string, input any) (output Output, err error) {
	answer, err := backend.Do(ctx, service, operation, input)
	if err != nil {
		return output, err
	}
	output, ok := answer.(Output)
	if !ok {
		return output, fmt.Errorf("%s %s answered with a %T instead of a %T", service, operation, answer, output)
	}
	return output, nil
}
