package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

// knock sends a request as it would come from a browser or a client. In the headers, HERE stands
// for the stack's host and port; the header Host is the request's Host.
func knock(t *testing.T, config aws.Config, method, path, body string, headers ...string) response {
	t.Helper()
	here := strings.TrimPrefix(*config.BaseEndpoint, "http://")
	r, err := http.NewRequestWithContext(t.Context(), method, *config.BaseEndpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		value := strings.ReplaceAll(headers[i+1], "HERE", here)
		if headers[i] == "Host" {
			r.Host = value
		}
		r.Header.Add(headers[i], value)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, string(content)}
}

func TestWhatAnotherWebPageSendsIsRefused(t *testing.T) {
	const invoke = "/2015-03-31/functions/f/invocations"
	tests := []struct {
		name, method, path string
		headers            []string
		want               string
	}{
		{"a PUT", "PUT", "/b/k", []string{"Origin", "http://evil.test"}, "http://evil.test"},
		{"a PUT of another port", "PUT", "/b/k", []string{"Origin", "http://127.0.0.1:1"}, "http://127.0.0.1:1"},
		{"a PUT of this port over https", "PUT", "/b/k", []string{"Origin", "https://HERE"}, "https://"},
		{"a PUT of a page without an origin", "PUT", "/b/k", []string{"Origin", "null"}, "null"},
		{"a PUT of two origins", "PUT", "/b/k", []string{"Origin", "http://HERE", "Origin", "http://evil.test"}, "http://evil.test"},
		{"a DELETE", "DELETE", "/b/k", []string{"Origin", "http://evil.test"}, "http://evil.test"},
		{"a read with CORS", "GET", "/b/k", []string{"Origin", "http://evil.test"}, "http://evil.test"},
		{"an image", "GET", "/b/k", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, "cross-site"},
		{"a link", "GET", "/_heph/jobs", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, "cross-site"},
		{"another port of this machine", "GET", "/b/k", []string{"Sec-Fetch-Site", "same-site"}, "same-site"},
		{"the stack's health", "GET", "/_heph/health", []string{"Origin", "http://evil.test"}, "http://evil.test"},
		{"a form upload", "POST", "/b", []string{"Content-Type", "multipart/form-data; boundary=x", "Origin", "http://evil.test"}, "http://evil.test"},
		{"a form upload by an old browser", "POST", "/b", []string{"Content-Type", "multipart/form-data; boundary=x"}, "form"},
		{"a form", "POST", "/", []string{"Content-Type", "application/x-www-form-urlencoded"}, "form"},
		{"a form of plain text", "POST", invoke, []string{"Content-Type", "text/plain;charset=UTF-8"}, "form"},
		{"a form whose type has an error", "POST", invoke, []string{"Content-Type", "text/plain; ="}, "form"},
		{"a script's POST without a type", "POST", invoke, nil, "form"},
		{"an invocation", "POST", invoke, []string{"Content-Type", "text/plain;charset=UTF-8", "Origin", "http://evil.test", "Sec-Fetch-Site", "cross-site"}, "http://evil.test"},
		{"a preflight", "OPTIONS", "/b/k", []string{"Origin", "http://evil.test", "Access-Control-Request-Method", "PUT"}, "http://evil.test"},
		{"a preflight that names no origin", "OPTIONS", "/b/k", nil, "permission"},
		{"DynamoDB with CORS", "POST", "/", []string{"X-Amz-Target", "DynamoDB_20120810.Scan", "Origin", "http://evil.test"}, "http://evil.test"},
		{"a rebound name", "GET", "/b/k", []string{"Host", "rebind.test"}, "rebind.test"},
		{"a rebound name with its port", "POST", "/", []string{"X-Amz-Target", "DynamoDB_20120810.Scan", "Host", "rebind.test:7400", "Origin", "http://rebind.test:7400", "Sec-Fetch-Site", "same-origin"}, "rebind.test:7400"},
		{"a rebound name that begins as ours", "GET", "/b/k", []string{"Host", "localhost.evil.test"}, "localhost.evil.test"},
		{"a rebound name that ends as ours", "GET", "/b/k", []string{"Host", "127.0.0.1.evil.test"}, "127.0.0.1.evil.test"},
		{"an address of no machine", "GET", "/b/k", []string{"Host", "0.0.0.0:7400"}, "0.0.0.0"},
		{"another machine's address", "GET", "/b/k", []string{"Host", "192.0.2.1"}, "192.0.2.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := knock(t, unreachable(t), test.method, test.path, "x", test.headers...)
			if got.status != http.StatusForbidden || !strings.Contains(got.body, "refused") || !strings.Contains(got.body, test.want) {
				t.Errorf("got %d %s, want 403 with %s", got.status, got.body, test.want)
			}
			if len(got.header.Values("Access-Control-Allow-Origin")) > 0 {
				t.Errorf("the answer permits a page to read it: %v", got.header)
			}
		})
	}
}

func TestClientsAndTheStacksOwnPagesAreAnswered(t *testing.T) {
	tests := []struct {
		name, method, path string
		headers            []string
	}{
		{"curl", "GET", "/_heph/jobs", nil},
		{"curl by name", "GET", "/_heph/jobs", []string{"Host", "localhost:7400"}},
		{"curl by the name in capitals", "GET", "/_heph/jobs", []string{"Host", "LOCALHOST"}},
		{"curl by another loopback address", "GET", "/_heph/jobs", []string{"Host", "[::1]:7400"}},
		{"curl through a tunnel", "GET", "/_heph/jobs", []string{"Host", "127.0.0.1:9999"}},
		{"curl that sends JSON", "POST", "/_heph/jobs", []string{"Content-Type", "application/json"}},
		{"an address that a person typed", "GET", "/_heph/jobs", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}},
		{"a page of the stack that reads", "GET", "/_heph/jobs", []string{"Sec-Fetch-Site", "same-origin"}},
		{"a page of the stack that writes", "POST", "/_heph/jobs", []string{"Origin", "http://HERE", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json"}},
		{"a page of the stack that sends a form", "POST", "/_heph/jobs", []string{"Origin", "http://HERE", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}},
		{"a signed client that uploads text", "POST", "/_heph/jobs", []string{"Content-Type", "text/plain", "Authorization", "AWS4-HMAC-SHA256 …"}},
		{"an unsigned client", "POST", "/_heph/jobs", []string{"Amz-Sdk-Invocation-Id", "1"}},
	}
	config := serve(t, backend(nil), gateway.Options{System: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "welcome")
	})})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := knock(t, config, test.method, test.path, "x", test.headers...); got.status != 200 || got.body != "welcome" {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func TestARefusalIsAnErrorOfTheProtocol(t *testing.T) {
	config := unreachable(t)
	elsewhere := func(name string) *http.Client { return &http.Client{Transport: renamed(name)} }
	config.HTTPClient = elsewhere("rebind.test")
	_, ddbErr := dynamodb.NewFromConfig(config).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	_, s3Err := s3.NewFromConfig(config).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	for service, err := range map[string]error{"dynamodb": ddbErr, "s3": s3Err, "lambda": invoke(t, config)} {
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") || !strings.Contains(err.Error(), "is not this stack's") {
			t.Errorf("%s: %v", service, err)
		}
	}
}

// renamed sends requests with another Host.
type renamed string

func (name renamed) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Host = string(name)
	return http.DefaultTransport.RoundTrip(r)
}

func TestNoAnswerOfS3PermitsOrRunsAnythingInABrowser(t *testing.T) {
	client, _, config := s3Fixture(t)
	put(t, client, "page.html", "<script>alert(1)</script>")
	for _, request := range [][2]string{
		{"GET", "/"}, {"GET", "/emails?list-type=2"}, {"GET", "/emails/page.html"}, {"HEAD", "/emails/page.html"},
		{"GET", "/emails/none"}, {"PUT", "/emails/k"}, {"DELETE", "/emails/k"}, {"PUT", "/emails/k?tagging"},
	} {
		got := knock(t, config, request[0], request[1], "")
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %d with %s: %s", request, got.status, name, got.header.Get(name))
			}
		}
		if !strings.HasPrefix(got.header.Get("Content-Security-Policy"), "sandbox") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", request, got.status, got.header)
		}
	}
}
