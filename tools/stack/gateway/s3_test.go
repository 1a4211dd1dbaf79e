package gateway_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
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

	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

// shelf is the least of an S3: one bucket's objects. It knows the conditions of PutObject, which only the backend can
// check, and records the last input.
type shelf struct {
	objects map[string]s3.PutObjectInput
	bodies  map[string][]byte
	last    any
}

var shelved = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (s *shelf) do(service, operation string, input any) (any, error) {
	if service != "s3" {
		return nil, fmt.Errorf("%s %s is not S3", service, operation)
	}
	s.last = input
	switch in := input.(type) {
	case *s3.HeadBucketInput:
		if *in.Bucket != "emails" {
			return nil, &types.NotFound{}
		}
		return &s3.HeadBucketOutput{}, nil
	case *s3.CreateBucketInput:
		return nil, &types.BucketAlreadyOwnedByYou{Message: aws.String("yours already")}
	case *s3.ListBucketsInput:
		return &s3.ListBucketsOutput{Buckets: []types.Bucket{{Name: aws.String("emails"), CreationDate: &shelved}}}, nil
	case *s3.PutObjectInput:
		return s.put(in)
	case *s3.CopyObjectInput:
		return &s3.CopyObjectOutput{CopyObjectResult: &types.CopyObjectResult{ETag: aws.String(`"00"`), LastModified: &shelved}}, nil
	case *s3.DeleteObjectInput:
		delete(s.objects, *in.Key)
		return &s3.DeleteObjectOutput{}, nil
	case *s3.HeadObjectInput:
		o, found := s.objects[*in.Key]
		if !found {
			return nil, &types.NotFound{}
		}
		return &s3.HeadObjectOutput{
			ContentLength: o.ContentLength, ETag: s.etag(*in.Key), LastModified: &shelved, ContentType: o.ContentType, Metadata: o.Metadata,
		}, nil
	case *s3.GetObjectInput:
		o, found := s.objects[*in.Key]
		if !found {
			return nil, &types.NoSuchKey{Message: aws.String("The specified key does not exist.")}
		}
		return &s3.GetObjectOutput{
			Body: io.NopCloser(bytes.NewReader(s.bodies[*in.Key])), ContentLength: o.ContentLength, ETag: s.etag(*in.Key),
			LastModified: &shelved, ContentType: o.ContentType, ContentEncoding: o.ContentEncoding, Metadata: o.Metadata,
		}, nil
	case *s3.ListObjectsV2Input:
		return s.list(in), nil
	}
	return nil, &smithy.GenericAPIError{Code: "UnknownOperationException", Message: "the shelf has no " + operation}
}

func (s *shelf) put(in *s3.PutObjectInput) (any, error) {
	if _, found := s.objects[*in.Key]; found && aws.ToString(in.IfNoneMatch) == "*" {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"}
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	s.objects[*in.Key], s.bodies[*in.Key] = *in, body
	return &s3.PutObjectOutput{ETag: s.etag(*in.Key)}, nil
}

func (s *shelf) list(in *s3.ListObjectsV2Input) *s3.ListObjectsV2Output {
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false)}
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, matches := strings.CutPrefix(key, aws.ToString(in.Prefix))
		if !matches || key <= aws.ToString(in.StartAfter) {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == int(*in.MaxKeys) {
			out.IsTruncated = aws.Bool(true)
			break
		}
		if first, _, nested := strings.Cut(rest, aws.ToString(in.Delimiter)); in.Delimiter != nil && nested {
			if common := aws.ToString(in.Prefix) + first + *in.Delimiter; !seen[common] {
				seen[common] = true
				out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: &common})
			}
			continue
		}
		out.Contents = append(out.Contents, types.Object{Key: &key, ETag: s.etag(key), LastModified: &shelved, Size: s.objects[key].ContentLength})
	}
	return out
}

func (s *shelf) etag(key string) *string {
	sum := md5.Sum(s.bodies[key])
	return aws.String(`"` + hex.EncodeToString(sum[:]) + `"`)
}

// s3Fixture is an S3 client over an empty shelf, with the settings that config.LoadDefaultConfig gives; what the SDK
// warns of fails the test.
func s3Fixture(t *testing.T) (*s3.Client, *shelf, aws.Config) {
	objects := &shelf{objects: map[string]s3.PutObjectInput{}, bodies: map[string][]byte{}}
	config := serve(t, backend(objects.do), gateway.Options{Now: func() time.Time { return shelved }})
	config.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	config.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	config.Logger = logging.LoggerFunc(func(level logging.Classification, format string, v ...any) {
		if level == logging.Warn {
			t.Errorf("the SDK warns: "+format, v...)
		}
	})
	return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }), objects, config
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
	client, objects, _ := s3Fixture(t)
	key, body := "emails/a b+c@é", strings.Repeat("mail ", 1<<20)
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("emails"), Key: &key, Body: strings.NewReader(body), ContentType: aws.String("message/rfc822"),
		ContentEncoding: aws.String("identity"), Metadata: map[string]string{"thread-id": "t1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if stored := objects.objects[key]; *stored.ContentLength != int64(len(body)) || *stored.ContentType != "message/rfc822" ||
		*stored.ContentEncoding != "identity" || !maps.Equal(stored.Metadata, map[string]string{"thread-id": "t1"}) {
		t.Errorf("the backend got %+v", stored)
	}
	got, out, err := get(t, client, &s3.GetObjectInput{Key: &key})
	if err != nil || got != body || *out.ContentType != "message/rfc822" || out.Metadata["thread-id"] != "t1" || !out.LastModified.Equal(shelved) {
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
			client, objects, config := s3Fixture(t)
			key := "k"
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("emails"), Key: &key, Body: strings.NewReader("body"), ChecksumAlgorithm: algorithm,
			})
			if err != nil || string(objects.bodies[key]) != "body" {
				t.Fatalf("stored %q, %v", objects.bodies[key], err)
			}
			delete(objects.objects, key)
			got := send(t, config, "PUT", "/emails/k", "body", "X-Amz-Checksum-"+string(algorithm), "AAAA")
			if _, stored := objects.objects[key]; got.status != 400 || !strings.Contains(got.body, "<Code>BadDigest</Code>") || stored {
				t.Errorf("a wrong checksum: got %d %s, stored %v", got.status, got.body, stored)
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
			_, objects, config := s3Fixture(t)
			headers := []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding", "gzip, aws-chunked"}
			if test.length != "" {
				headers = append(headers, "X-Amz-Decoded-Content-Length", test.length)
			}
			if strings.Contains(test.body, "checksum") {
				headers = append(headers, "X-Amz-Trailer", "x-amz-checksum-crc32")
			}
			got := send(t, config, "PUT", "/emails/k", test.body, headers...)
			stored, found := objects.objects["k"]
			switch {
			case test.want != "" && (found || got.status/100 != 4 || !strings.Contains(got.body, test.want)):
				t.Errorf("got %d %s, stored %v; want %s", got.status, got.body, found, test.want)
			case test.want == "" && (got.status != 200 || string(objects.bodies["k"]) != "body-es" || *stored.ContentEncoding != "gzip"):
				t.Errorf("got %d %s, stored %q", got.status, got.body, objects.bodies["k"])
			}
		})
	}
}

// The SDK sends such a stream only over TLS, with its checksum as a trailer.
func TestAStreamThatTheSDKCannotRewindIsStored(t *testing.T) {
	objects := &shelf{objects: map[string]s3.PutObjectInput{}, bodies: map[string][]byte{}}
	server := httptest.NewTLSServer(gateway.New(backend(objects.do), gateway.Options{}))
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
	if err != nil || string(objects.bodies["k"]) != body {
		t.Errorf("stored %d bytes, %v", len(objects.bodies["k"]), err)
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
	_, owned := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
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
	if e := (*types.BucketAlreadyOwnedByYou)(nil); !errors.As(owned, &e) {
		t.Errorf("CreateBucket: %v", owned)
	}
	var status interface{ HTTPStatusCode() int }
	var api smithy.APIError
	if !errors.As(exists, &api) || api.ErrorCode() != "PreconditionFailed" || !errors.As(exists, &status) || status.HTTPStatusCode() != 412 {
		t.Errorf("PutObject over an object: %v", exists)
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

func TestTheOtherOperationsOfS3(t *testing.T) {
	client, objects, _ := s3Fixture(t)
	put(t, client, "a", "1")
	put(t, client, "b", "2")
	bucket := aws.String("emails")

	buckets, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "emails" {
		t.Errorf("ListBuckets: %+v, %v", buckets, err)
	}
	if _, err := client.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: bucket}); err != nil {
		t.Errorf("GetBucketLocation: %v", err)
	}
	_, err = client.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("c"), CopySource: aws.String("emails/" + url.PathEscape("a"))})
	if in, ok := objects.last.(*s3.CopyObjectInput); err != nil || !ok || *in.CopySource != "emails/a" || *in.Key != "c" {
		t.Errorf("CopyObject: %v, the backend got %+v", err, objects.last)
	}
	deleted, err := client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a")}}}})
	if err != nil || len(deleted.Deleted) != 1 || len(deleted.Errors) != 0 {
		t.Errorf("DeleteObjects: %+v, %v", deleted, err)
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("b")}); err != nil || len(objects.objects) != 0 {
		t.Errorf("DeleteObject: %v, left are %v", err, objects.objects)
	}
}

func TestAMultipartUploadBecomesOneObject(t *testing.T) {
	client, objects, _ := s3Fixture(t)
	bucket, key := aws.String("emails"), aws.String("k")
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ContentType: aws.String("text/plain")})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, body := range []string{"first ", "second"} {
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
	if stored := objects.objects["k"]; err != nil || string(objects.bodies["k"]) != "first second" || aws.ToString(stored.ContentType) != "text/plain" {
		t.Errorf("stored %q of type %v, %v", objects.bodies["k"], stored.ContentType, err)
	}
}
