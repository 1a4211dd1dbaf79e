package gateway_test

import (
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/webordinary/hephaestus/sim/aws/s3core"
	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

var stored = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// s3Fixture is an S3 client over a core with one empty bucket, emails; peek asks the core itself.
// The client has the settings that config.LoadDefaultConfig gives, and a warning of the SDK fails
// the test.
func s3Fixture(t *testing.T) (client *s3.Client, peek func(input any) (any, error), config aws.Config) {
	peek = s3Core(t)
	config = serve(t, backend(func(_, _ string, input any) (any, error) { return peek(input) }), gateway.Options{})
	config.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	config.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	config.Logger = logging.LoggerFunc(func(level logging.Classification, format string, v ...any) {
		if level == logging.Warn {
			t.Errorf("the SDK warns: "+format, v...)
		}
	})
	return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }), peek, config
}

// s3Core is a core with the bucket emails. The tests make one call at a time.
func s3Core(t *testing.T) func(input any) (any, error) {
	core := s3core.New(s3core.Options{})
	do := func(input any) (any, error) {
		output, _, err := core.Do(stored, input)
		return output, err
	}
	if _, err := do(&s3.CreateBucketInput{Bucket: aws.String("emails")}); err != nil {
		t.Fatal(err)
	}
	return do
}

// object reads an object from the core itself; found is false if there is none.
func object(t *testing.T, peek func(any) (any, error), key string) (body string, out *s3.GetObjectOutput, found bool) {
	t.Helper()
	answer, err := peek(&s3.GetObjectInput{Bucket: aws.String("emails"), Key: &key})
	if err != nil {
		return "", nil, false
	}
	out = answer.(*s3.GetObjectOutput)
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content), out, true
}

func put(t *testing.T, client *s3.Client, key, body string) {
	t.Helper()
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("emails"), Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, client *s3.Client, input *s3.GetObjectInput) (string, *s3.GetObjectOutput, error) {
	input.Bucket = aws.String("emails")
	out, err := client.GetObject(t.Context(), input)
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	return string(body), out, err
}

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	client, peek, _ := s3Fixture(t)
	key, body := "emails/a b+c@é", strings.Repeat("mail ", 1<<20)
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("emails"), Key: &key, Body: strings.NewReader(body), ContentType: aws.String("message/rfc822"),
		ContentDisposition: aws.String("inline"), Metadata: map[string]string{"thread-id": "t1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, in, found := object(t, peek, key); !found || got != body || *in.ContentType != "message/rfc822" ||
		*in.ContentDisposition != "inline" || !maps.Equal(in.Metadata, map[string]string{"thread-id": "t1"}) {
		t.Errorf("the core has %+v", in)
	}
	got, out, err := get(t, client, &s3.GetObjectInput{Key: &key})
	if err != nil || got != body || *out.ContentType != "message/rfc822" || *out.ContentDisposition != "inline" ||
		out.Metadata["thread-id"] != "t1" || !out.LastModified.Equal(stored) {
		t.Errorf("got %d bytes, %+v, %v", len(got), out, err)
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("emails"), Key: &key})
	if err != nil || *head.ContentLength != int64(len(body)) || *head.ETag != *out.ETag {
		t.Errorf("head is %+v, %v", head, err)
	}
}

func TestChecksumsOfEveryAlgorithmAreVerified(t *testing.T) {
	for _, algorithm := range []types.ChecksumAlgorithm{
		types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
		types.ChecksumAlgorithmCrc64nvme,
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			client, peek, config := s3Fixture(t)
			key := "k"
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("emails"), Key: &key, Body: strings.NewReader("body"), ChecksumAlgorithm: algorithm,
			})
			if got, _, _ := object(t, peek, key); err != nil || got != "body" {
				t.Fatalf("stored %q, %v", got, err)
			}
			got := send(t, config, "PUT", "/emails/wrong", "body", "X-Amz-Checksum-"+string(algorithm), "AAAA")
			if _, _, found := object(t, peek, "wrong"); got.status != 400 || !strings.Contains(got.body, "<Code>BadDigest</Code>") || found {
				t.Errorf("a wrong checksum: got %d %s, stored %v", got.status, got.body, found)
			}
		})
	}
}

func TestAStreamWithTrailersIsUnwrapped(t *testing.T) {
	chunks := func(trailer string) string {
		return "4;chunk-signature=ab\r\nbody\r\n3\r\n-es\r\n0\r\n" + trailer + "\r\n"
	}
	tests := []struct{ name, body, length, want string }{
		{"with a checksum", chunks("x-amz-checksum-crc32:43FrcQ==\r\n"), "7", ""},
		{"without trailers", chunks(""), "7", ""},
		{"with a wrong checksum", chunks("x-amz-checksum-crc32:AAAAAA==\r\n"), "7", "BadDigest"},
		{"shorter than announced", chunks(""), "8", "IncompleteBody"},
		{"longer than announced", chunks(""), "6", "IncompleteBody"},
		{"cut within a chunk", "4\r\nbo", "4", "IncompleteBody"},
		{"without a size", "4\r\nbody\r\nxyz", "7", "IncompleteBody"},
		{"with a chunk longer than its size", "3\r\nbody\r\n0\r\n\r\n", "4", "IncompleteBody"},
		{"without a length", chunks(""), "", "MissingContentLength"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, peek, config := s3Fixture(t)
			headers := []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding", "gzip, aws-chunked"}
			if test.length != "" {
				headers = append(headers, "X-Amz-Decoded-Content-Length", test.length)
			}
			if strings.Contains(test.body, "checksum") {
				headers = append(headers, "X-Amz-Trailer", "x-amz-checksum-crc32")
			}
			got := send(t, config, "PUT", "/emails/k", test.body, headers...)
			body, out, found := object(t, peek, "k")
			switch {
			case test.want != "" && (found || got.status/100 != 4 || !strings.Contains(got.body, test.want)):
				t.Errorf("got %d %s, stored %v; want %s", got.status, got.body, found, test.want)
			case test.want == "" && (got.status != 200 || body != "body-es" || *out.ContentEncoding != "gzip"):
				t.Errorf("got %d %s, stored %q", got.status, got.body, body)
			}
		})
	}
}

// The SDK sends such a stream only over TLS, with its checksum as a trailer.
func TestAStreamThatTheSDKCannotRewindIsStored(t *testing.T) {
	peek := s3Core(t)
	server := httptest.NewTLSServer(gateway.New(backend(func(_, _ string, input any) (any, error) { return peek(input) }), gateway.Options{}))
	defer server.Close()
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: server.Client(),
		Credentials:                credentials.NewStaticCredentialsProvider("test", "test", ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	})
	body := strings.Repeat("mail ", 100_000)
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("emails"), Key: aws.String("k"), Body: io.MultiReader(strings.NewReader(body)), ContentLength: aws.Int64(int64(len(body))),
	})
	if got, _, _ := object(t, peek, "k"); err != nil || got != body {
		t.Errorf("stored %d bytes, %v", len(got), err)
	}
}

func TestReadsHonourRangesAndConditions(t *testing.T) {
	client, _, config := s3Fixture(t)
	put(t, client, "k", "0123456789")
	_, whole, err := get(t, client, &s3.GetObjectInput{Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		input s3.GetObjectInput
		want  string
		code  string
	}{
		{"a range", s3.GetObjectInput{Range: aws.String("bytes=2-4")}, "234", ""},
		{"the end", s3.GetObjectInput{Range: aws.String("bytes=-3")}, "789", ""},
		{"a range behind the end", s3.GetObjectInput{Range: aws.String("bytes=10-")}, "", "InvalidRange"},
		{"the matching tag", s3.GetObjectInput{IfMatch: whole.ETag}, "0123456789", ""},
		{"another tag", s3.GetObjectInput{IfMatch: aws.String(`"0"`)}, "", "PreconditionFailed"},
		{"another tag's range", s3.GetObjectInput{IfMatch: aws.String(`"0"`), Range: aws.String("bytes=2-4")}, "", "PreconditionFailed"},
		{"no other tag", s3.GetObjectInput{IfNoneMatch: whole.ETag}, "", "NotModified"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.input.Key = aws.String("k")
			got, _, err := get(t, client, &test.input)
			var api smithy.APIError
			if got != test.want || (test.code == "") != (err == nil) || err != nil && (!errors.As(err, &api) || api.ErrorCode() != test.code) {
				t.Errorf("got %q, %v; want %q %s", got, err, test.want, test.code)
			}
		})
	}
	if got := send(t, config, "GET", "/emails", "", "If-None-Match", "*"); got.status != 200 {
		t.Errorf("a condition on a listing: got %d %s", got.status, got.body)
	}
	if got := send(t, config, "HEAD", "/emails/k", "", "If-Match", `"0"`); got.status != 412 || got.body != "" {
		t.Errorf("HEAD of another tag: got %d %q", got.status, got.body)
	}
}

func TestS3ErrorsArriveTyped(t *testing.T) {
	client, _, _ := s3Fixture(t)
	put(t, client, "k", "body")
	bucket, other := aws.String("emails"), aws.String("other")
	_, noKey := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("missing")})
	_, noHead := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("missing")})
	_, noBucket := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: other})
	_, noHeadBucket := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: other})
	_, exists := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	_, notEmpty := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
	if e := (*types.NoSuchKey)(nil); !errors.As(noKey, &e) {
		t.Errorf("GetObject: %v", noKey)
	}
	if e := (*types.NotFound)(nil); !errors.As(noHead, &e) {
		t.Errorf("HeadObject: %v", noHead)
	}
	if e := (*types.NoSuchBucket)(nil); !errors.As(noBucket, &e) {
		t.Errorf("ListObjectsV2: %v", noBucket)
	}
	if e := (*types.NotFound)(nil); !errors.As(noHeadBucket, &e) {
		t.Errorf("HeadBucket: %v", noHeadBucket)
	}
	for _, untyped := range []struct {
		err    error
		code   string
		status int
	}{{exists, "PreconditionFailed", 412}, {notEmpty, "BucketNotEmpty", 409}} {
		var status interface{ HTTPStatusCode() int }
		var api smithy.APIError
		if !errors.As(untyped.err, &api) || api.ErrorCode() != untyped.code || !errors.As(untyped.err, &status) || status.HTTPStatusCode() != untyped.status {
			t.Errorf("got %v, want %d %s", untyped.err, untyped.status, untyped.code)
		}
	}
}

func TestAListingGoesOnWhereItStopped(t *testing.T) {
	client, _, _ := s3Fixture(t)
	for _, key := range []string{"a/1", "a/2", "b", "c/1", "d", "e/1", "e/2"} {
		put(t, client, key, key)
	}
	for _, pageSize := range []int32{1, 2, 3, 1000} {
		for delimiter, want := range map[string][]string{"": {"a/1", "a/2", "b", "c/1", "d", "e/1", "e/2"}, "/": {"a/", "b", "c/", "d", "e/"}} {
			input := &s3.ListObjectsV2Input{Bucket: aws.String("emails"), MaxKeys: &pageSize}
			if delimiter != "" {
				input.Delimiter = &delimiter
			}
			var got []string
			for pages := s3.NewListObjectsV2Paginator(client, input); pages.HasMorePages(); {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, object := range page.Contents {
					got = append(got, *object.Key)
				}
				for _, common := range page.CommonPrefixes {
					got = append(got, *common.Prefix)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("pages of %d with delimiter %q: got %v, want %v", pageSize, delimiter, got, want)
			}
		}
	}
}

func TestTheOldListingGoesOnToo(t *testing.T) {
	client, _, _ := s3Fixture(t)
	for _, key := range []string{"a/1", "a/2", "b", "c/1"} {
		put(t, client, key, key)
	}
	input := &s3.ListObjectsInput{Bucket: aws.String("emails"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}
	for _, want := range []string{"a/", "b", "c/"} {
		page, err := client.ListObjects(t.Context(), input)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, object := range page.Contents {
			got += *object.Key
		}
		for _, common := range page.CommonPrefixes {
			got += *common.Prefix
		}
		if got != want || *page.IsTruncated != (want != "c/") {
			t.Errorf("got %s, truncated %v; want %s", got, *page.IsTruncated, want)
		}
		input.Marker = page.NextMarker
	}
}

func TestTheOtherOperationsOfS3(t *testing.T) {
	client, peek, _ := s3Fixture(t)
	put(t, client, "a b", "1")
	put(t, client, "b", "2")
	bucket := aws.String("emails")

	buckets, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "emails" {
		t.Errorf("ListBuckets: %+v, %v", buckets, err)
	}
	if _, err := client.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: bucket}); err != nil {
		t.Errorf("GetBucketLocation: %v", err)
	}
	_, err = client.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("c"), CopySource: aws.String("emails/" + url.PathEscape("a b"))})
	if got, _, _ := object(t, peek, "c"); err != nil || got != "1" {
		t.Errorf("CopyObject: %q, %v", got, err)
	}
	deleted, err := client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{
		Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a b")}, {Key: aws.String("c")}}},
	})
	if err != nil || len(deleted.Deleted) != 2 || len(deleted.Errors) != 0 {
		t.Errorf("DeleteObjects: %+v, %v", deleted, err)
	}
	if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket}); err == nil {
		t.Error("DeleteBucket: a bucket with an object is gone")
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("b")}); err != nil {
		t.Errorf("DeleteObject: %v", err)
	}
	if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Errorf("DeleteBucket: %v", err)
	}
}

func TestAMultipartUploadBecomesOneObject(t *testing.T) {
	client, peek, _ := s3Fixture(t)
	bucket, key := aws.String("emails"), aws.String("k")
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ContentType: aws.String("text/plain")})
	if err != nil {
		t.Fatal(err)
	}
	first, second := strings.Repeat("x", 5<<20), "rest"
	var parts []types.CompletedPart
	for i, body := range []string{first, second} {
		part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: part.ETag, PartNumber: aws.Int32(int32(i + 1))})
	}
	_, err = client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		t.Fatal(err)
	}
	if body, out, _ := object(t, peek, "k"); body != first+second || *out.ContentType != "text/plain" {
		t.Errorf("stored %d bytes of %+v", len(body), out)
	}
	body, out, err := get(t, client, &s3.GetObjectInput{Key: key})
	if err != nil || body != first+second || !strings.HasSuffix(*out.ETag, `-2"`) {
		t.Errorf("got %d bytes of %+v, %v", len(body), out, err)
	}

	aborted, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "NoSuchUpload"} {
		_, err := client.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: aborted.UploadId})
		var api smithy.APIError
		if errors.As(err, &api) != (want != "") || api != nil && api.ErrorCode() != want {
			t.Errorf("aborting: got %v, want %q", err, want)
		}
	}
}
