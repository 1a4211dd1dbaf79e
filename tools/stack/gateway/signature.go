package gateway

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Keys are the secret access keys, by access key id, whose signatures are good.
type Keys map[string]string

// maxSignatureAge is how far the time of a signature may be from the stack's (IAM User Guide,
// "Troubleshoot signed requests"): so long can a request that was overheard be sent again.
const maxSignatureAge = 15 * time.Minute

// signature is what a client says in Authorization (IAM User Guide, "Create a signed AWS API
// request").
type signature struct {
	keyID, date, region, service string
	signedHeaders                []string
	value                        string
}

const signatureScheme = "AWS4-HMAC-SHA256 "

func parseSignature(authorization string) (s signature, ok bool) {
	fields, ok := strings.CutPrefix(authorization, signatureScheme)
	if !ok {
		return s, false
	}
	said := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		said[name] = value
	}
	scope := strings.Split(said["Credential"], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" {
		return s, false
	}
	return signature{
		keyID: scope[0], date: scope[1], region: scope[2], service: scope[3],
		signedHeaders: strings.Split(said["SignedHeaders"], ";"), value: said["Signature"],
	}, true
}

// unsigned says why a request's signature does not stand, or returns "". It reads the body, which
// the signature covers, and puts it back.
func (k Keys) unsigned(r *http.Request, now time.Time) (why string) {
	s, ok := parseSignature(r.Header.Get("Authorization"))
	if !ok {
		return "it has no signature (AWS4-HMAC-SHA256 in Authorization), and this stack asks for one"
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || at.Format("20060102") != s.date || now.Sub(at).Abs() > maxSignatureAge {
		return "X-Amz-Date is not the signature's, or is more than 15 minutes off this machine's clock"
	}
	if missing := s.uncovered(r); missing != "" {
		return "the signature does not cover the header " + quote(missing)
	}
	secret, known := k[s.keyID]
	if !known {
		return badSignature
	}
	payloadHash := r.Header.Get("X-Amz-Content-Sha256")
	if payloadHash == "" { // only S3's clients send it: the others' bodies are small
		if payloadHash, err = hashBody(r, maxJSONBytes); err != nil {
			return err.Error()
		}
	}
	if !s.matches(r, secret, payloadHash, at) {
		return badSignature
	}
	got, err := hashBody(r, maxObjectBytes)
	switch {
	case err != nil:
		return err.Error()
	case got != payloadHash:
		return "the body is not the one that was signed: X-Amz-Content-Sha256 has to be the SHA-256 of all of it"
	}
	return ""
}

// badSignature does not say whether the key is known.
const badSignature = "the signature is not by a key of this stack, or not of this request"

// uncovered names a header that changes what the request asks for, and is not signed.
func (s signature) uncovered(r *http.Request) string {
	for _, required := range []string{"host", "x-amz-date"} {
		if !slices.Contains(s.signedHeaders, required) {
			return required
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !slices.Contains(s.signedHeaders, strings.ToLower(name)) {
			return name
		}
	}
	return ""
}

// matches signs the request once more, with the headers that the client signed, and compares.
func (s signature) matches(r *http.Request, secret, payloadHash string, at time.Time) bool {
	target := *r.URL // signing rewrites the query
	again := &http.Request{Method: r.Method, URL: &target, Host: r.Host, Header: http.Header{}}
	for _, name := range s.signedHeaders {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			if values := r.Header.Values(name); len(values) > 0 {
				again.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
			}
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.service == s3Service })
	err := signer.SignHTTP(r.Context(), aws.Credentials{AccessKeyID: s.keyID, SecretAccessKey: secret}, again, payloadHash, s.service, s.region, at)
	if err != nil {
		return false
	}
	want, ok := parseSignature(again.Header.Get("Authorization"))
	return ok && slices.Equal(want.signedHeaders, s.signedHeaders) && subtle.ConstantTimeCompare([]byte(want.value), []byte(s.value)) == 1
}

// hashBody reads the body and puts it back.
func hashBody(r *http.Request, limit int64) (string, error) {
	body, tooLarge, err := readBody(r, limit)
	switch {
	case err != nil:
		return "", fmt.Errorf("its body could not be read: %w", err)
	case tooLarge:
		return "", fmt.Errorf("its body is larger than %d bytes", limit)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}
