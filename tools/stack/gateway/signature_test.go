package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

const goodKey, goodSecret = "AKIDGOOD", "a-secret-of-thirty-two-characters"

// serveKeys is a gateway that asks for signatures, over an S3 core.
func serveKeys(t *testing.T, keyID, secret string) aws.Config {
	core := s3Core(t)
	config := serve(t, backend(func(service, _ string, input any) (any, error) {
		if service == "s3" {
			return core(input)
		}
		return &dynamodb.ListTablesOutput{}, nil
	}), gateway.Options{Keys: gateway.Keys{goodKey: goodSecret}})
	config.Credentials = credentials.NewStaticCredentialsProvider(keyID, secret, "")
	return config
}

// calls are one call of each protocol.
func calls(t *testing.T, config aws.Config) map[string]error {
	_, ddbErr := dynamodb.NewFromConfig(config).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	_, putErr := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("emails"), Key: aws.String("a b/ü+~(1).txt"), Body: strings.NewReader("hello"),
		Metadata: map[string]string{"Note": "two  blanks"}, ContentType: aws.String("text/plain"),
	})
	_, emptyErr := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("emails"), Key: aws.String("empty")})
	_, listErr := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("emails"), Prefix: aws.String("a b/ü+~"), Delimiter: aws.String("/")})
	return map[string]error{"ListTables": ddbErr, "PutObject": putErr, "an empty PutObject": emptyErr, "ListObjectsV2": listErr}
}

func TestWithKeysTheSDKsSignaturesAreGood(t *testing.T) {
	for call, err := range calls(t, serveKeys(t, goodKey, goodSecret)) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestWithKeysNobodyElseIsAnswered(t *testing.T) {
	for name, key := range map[string][2]string{
		"a wrong secret": {goodKey, "another-secret-of-as-many-letters"}, "an unknown key": {"AKIDELSE", goodSecret}, "the local credentials": {"local", "local"},
	} {
		for call, err := range calls(t, serveKeys(t, key[0], key[1])) {
			if err == nil || !strings.Contains(err.Error(), "AccessDenied") || !strings.Contains(err.Error(), "not by a key of this stack") {
				t.Errorf("%s: %s: %v", name, call, err)
			}
		}
	}
}

// signed is a request of DynamoDB, signed at a time, as other clients than the Go SDK sign it: the
// body's hash is not in a header.
func signed(t *testing.T, config aws.Config, at time.Time) *http.Request {
	t.Helper()
	const body = "{}"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *config.BaseEndpoint+"/?b=2&a=1%2F", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: goodKey, SecretAccessKey: goodSecret}, r, hex.EncodeToString(sum[:]), "dynamodb", "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestASignatureCoversTheWholeRequest(t *testing.T) {
	config := serveKeys(t, goodKey, goodSecret)
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := map[string]struct {
		age    time.Duration
		change func(*http.Request)
		want   string // empty: it is answered
	}{
		"unchanged":           {0, func(*http.Request) {}, ""},
		"ten minutes old":     {10 * time.Minute, func(*http.Request) {}, ""},
		"an unsigned header":  {0, set("User-Agent", "another"), ""},
		"twenty minutes old":  {20 * time.Minute, func(*http.Request) {}, "15 minutes"},
		"of the time to come": {-20 * time.Minute, func(*http.Request) {}, "15 minutes"},
		"without a signature": {0, func(r *http.Request) { r.Header.Del("Authorization") }, "no signature"},
		"another scheme":      {0, set("Authorization", "Bearer x"), "no signature"},
		"an empty signature": {0, func(r *http.Request) {
			replace(r.Header.Get("Authorization")[strings.Index(r.Header.Get("Authorization"), "Signature="):], "Signature=")(r)
		}, "not by a key"},
		"another operation":         {0, set("X-Amz-Target", "DynamoDB_20120810.DeleteTable"), "not by a key"},
		"another path":              {0, func(r *http.Request) { r.URL.Path = "/x" }, "not by a key"},
		"another query":             {0, func(r *http.Request) { r.URL.RawQuery = "a=1" }, "not by a key"},
		"another method":            {0, func(r *http.Request) { r.Method = http.MethodPut }, "not by a key"},
		"another host":              {0, func(r *http.Request) { r.Host = "rebind.test" }, "not by a key"},
		"another service":           {0, replace("/dynamodb/", "/sqs/"), "not by a key"},
		"another body":              {0, func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader([]byte("[]"))) }, "not by a key"},
		"one more header of AWS's":  {0, set("X-Amz-Invocation-Type", "Event"), "does not cover"},
		"a host that is not signed": {0, replace(";host;", ";"), "does not cover"},
		"an unsigned body":          {0, set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), "does not cover"},
		"from a web page":           {0, set("Origin", "http://evil.test"), "evil.test"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := signed(t, config, time.Now().Add(-test.age))
			test.change(r)
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			if test.want == "" && answer.StatusCode != 200 || test.want != "" && (answer.StatusCode != 403 || !strings.Contains(string(body), test.want)) {
				t.Errorf("got %s %s, want %q", answer.Status, body, test.want)
			}
		})
	}
}

func TestABodyThatItsSignedHashDoesNotDescribeIsRefused(t *testing.T) {
	for _, hash := range []string{"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", strings.Repeat("0", 64)} {
		config := serveKeys(t, goodKey, goodSecret)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, *config.BaseEndpoint+"/emails/k", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", hash)
		err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(t.Context(),
			aws.Credentials{AccessKeyID: goodKey, SecretAccessKey: goodSecret}, r, hash, "s3", "us-east-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 403 || !strings.Contains(string(body), "is not the one that was signed") {
			t.Errorf("%s: %s %s", hash, answer.Status, body)
		}
	}
}

func TestWithKeysOnlyTheHealthIsForEverybody(t *testing.T) {
	config := serveKeys(t, goodKey, goodSecret)
	if got := knock(t, config, "GET", "/_heph/health", "", "Host", "stack.lan"); got.status != 200 {
		t.Errorf("health: %d %s", got.status, got.body)
	}
	if got := knock(t, config, "GET", "/_heph/queues/q", ""); got.status != 403 {
		t.Errorf("a queue: %d %s", got.status, got.body)
	}
}
