package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/johannesboyne/gofakes3"
)

// newS3 returns the S3 front: gofakes3 speaks REST and XML, and s3Guard keeps from it what it would misunderstand.
// Its check of the client's clock is off, since what it guards, the signature, is not verified either.
func newS3(backend Backend, now func() time.Time) http.Handler {
	fake := gofakes3.New(s3Backend{backend},
		gofakes3.WithTimeSource(clock(now)), gofakes3.WithTimeSkewLimit(0), gofakes3.WithoutVersioning())
	return s3Guard{next: fake.Server()}
}

// clock is the stack's clock as gofakes3 wants it.
type clock func() time.Time

func (c clock) Now() time.Time                  { return c() }
func (c clock) Since(t time.Time) time.Duration { return c().Sub(t) }

// s3Backend is a gofakes3.Backend that turns each call into the SDK's input structs. gofakes3 passes no contexts.
type s3Backend struct {
	backend Backend
}

func callS3[Output any](b s3Backend, operation string, input any) (Output, error) {
	output, err := do[Output](context.Background(), b.backend, s3Service, operation, input)
	return output, asS3Error(err)
}

func (b s3Backend) ListBuckets() ([]gofakes3.BucketInfo, error) {
	out, err := callS3[*s3.ListBucketsOutput](b, "ListBuckets", &s3.ListBucketsInput{})
	if err != nil {
		return nil, err
	}
	buckets := make([]gofakes3.BucketInfo, len(out.Buckets))
	for i, bucket := range out.Buckets {
		buckets[i].Name = aws.ToString(bucket.Name)
		buckets[i].CreationDate = gofakes3.NewContentTime(aws.ToTime(bucket.CreationDate))
	}
	return buckets, nil
}

func (b s3Backend) BucketExists(bucket string) (bool, error) {
	_, err := callS3[*s3.HeadBucketOutput](b, "HeadBucket", &s3.HeadBucketInput{Bucket: &bucket})
	var failed *s3Error
	if errors.As(err, &failed) && failed.status() == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

func (b s3Backend) CreateBucket(bucket string) error {
	_, err := callS3[*s3.CreateBucketOutput](b, "CreateBucket", &s3.CreateBucketInput{Bucket: &bucket})
	return err
}

func (b s3Backend) DeleteBucket(bucket string) error {
	_, err := callS3[*s3.DeleteBucketOutput](b, "DeleteBucket", &s3.DeleteBucketInput{Bucket: &bucket})
	return err
}

// ForceDeleteBucket is MinIO's, not AWS's; s3Guard refuses the header that asks for it.
func (b s3Backend) ForceDeleteBucket(string) error {
	return gofakes3.ErrNotImplemented
}

func (b s3Backend) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	input := &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(int32(page.MaxKeys))}
	if prefix != nil && prefix.HasPrefix {
		input.Prefix = &prefix.Prefix
	}
	if prefix != nil && prefix.HasDelimiter {
		input.Delimiter = &prefix.Delimiter
	}
	if page.Marker != "" {
		input.StartAfter = aws.String(afterMarker(page.Marker, aws.ToString(input.Delimiter)))
	}
	out, err := callS3[*s3.ListObjectsV2Output](b, "ListObjectsV2", input)
	if err != nil {
		return nil, err
	}
	list := gofakes3.NewObjectList()
	for _, object := range out.Contents {
		list.Add(&gofakes3.Content{
			Key: aws.ToString(object.Key), ETag: aws.ToString(object.ETag), Size: aws.ToInt64(object.Size),
			LastModified: gofakes3.NewContentTime(aws.ToTime(object.LastModified)), StorageClass: gofakes3.StorageStandard,
		})
		list.NextMarker = max(list.NextMarker, aws.ToString(object.Key))
	}
	for _, common := range out.CommonPrefixes {
		list.AddPrefix(aws.ToString(common.Prefix))
		list.NextMarker = max(list.NextMarker, aws.ToString(common.Prefix))
	}
	if list.IsTruncated = aws.ToBool(out.IsTruncated); !list.IsTruncated {
		list.NextMarker = ""
	}
	return list, nil
}

// afterMarker is where a listing goes on: after a common prefix ("a/") it is behind everything that begins with it,
// which the last Unicode character sorts behind.
func afterMarker(marker, delimiter string) string {
	if delimiter != "" && strings.HasSuffix(marker, delimiter) {
		return marker + "\U0010FFFF"
	}
	return marker
}

func (b s3Backend) PutObject(bucket, key string, headers map[string]string, body io.Reader, size int64, conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	content, err := gofakes3.ReadAll(body, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	input := &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(content), ContentLength: aws.Int64(size),
		ContentType:        optional(headers["Content-Type"]),
		ContentEncoding:    optional(headers["Content-Encoding"]),
		ContentDisposition: optional(headers["Content-Disposition"]),
		Metadata:           userMetadata(headers),
	}
	if conditions != nil {
		input.IfMatch, input.IfNoneMatch = conditions.IfMatch, conditions.IfNoneMatch
	}
	_, err = callS3[*s3.PutObjectOutput](b, "PutObject", input)
	return gofakes3.PutObjectResult{}, err
}

const metadataPrefix = "X-Amz-Meta-"

// userMetadata finds the metadata among an object's headers; its names are lower case to S3's clients.
func userMetadata(headers map[string]string) map[string]string {
	var metadata map[string]string
	for name, value := range headers {
		if key, ok := strings.CutPrefix(name, metadataPrefix); ok {
			if metadata == nil {
				metadata = make(map[string]string)
			}
			metadata[strings.ToLower(key)] = value
		}
	}
	return metadata
}

func (b s3Backend) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	out, err := callS3[*s3.HeadObjectOutput](b, "HeadObject", &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	object := &gofakes3.Object{Name: key, Size: aws.ToInt64(out.ContentLength), Contents: io.NopCloser(http.NoBody)}
	object.Metadata = objectHeaders(out.LastModified, out.ContentType, out.ContentEncoding, out.ContentDisposition, out.Metadata)
	object.Hash, err = etagHash(out.ETag)
	return object, err
}

// GetObject fetches the whole object and cuts the range out of it: gofakes3 needs the size of the whole. The checksum
// of a whole object goes along, since the SDKs ask for one and warn when there is none.
func (b s3Backend) GetObject(bucket, key string, requested *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	out, err := callS3[*s3.GetObjectOutput](b, "GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("reading s3://%s/%s: %w", bucket, key, err)
	}
	object := &gofakes3.Object{Name: key, Size: int64(len(content))}
	object.Metadata = objectHeaders(out.LastModified, out.ContentType, out.ContentEncoding, out.ContentDisposition, out.Metadata)
	if object.Range, err = requested.Range(object.Size); err != nil {
		return nil, err
	}
	if object.Range != nil {
		content = content[object.Range.Start:][:object.Range.Length]
	} else {
		object.Metadata[checksumCRC32] = encodeChecksum(crc32.NewIEEE(), content)
		object.Metadata[checksumType] = string(types.ChecksumTypeFullObject)
	}
	object.Contents = io.NopCloser(bytes.NewReader(content))
	object.Hash, err = etagHash(out.ETag)
	return object, err
}

// objectHeaders are what gofakes3 sends with an object; it answers If-Modified-Since from Last-Modified.
func objectHeaders(modified *time.Time, contentType, encoding, disposition *string, metadata map[string]string) map[string]string {
	headers := map[string]string{"Last-Modified": aws.ToTime(modified).UTC().Format(http.TimeFormat)}
	for name, value := range map[string]*string{"Content-Type": contentType, "Content-Encoding": encoding, "Content-Disposition": disposition} {
		if value != nil {
			headers[name] = *value
		}
	}
	for name, value := range metadata {
		headers[metadataPrefix+name] = value
	}
	return headers
}

// etagHash is an ETag as gofakes3 wants it: it puts the quotes and the hexadecimal form back.
func etagHash(etag *string) ([]byte, error) {
	hash, err := hex.DecodeString(strings.Trim(aws.ToString(etag), `"`))
	if err != nil {
		return nil, fmt.Errorf("ETag %s is not an MD5 sum: %w", aws.ToString(etag), err)
	}
	return hash, nil
}

func (b s3Backend) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	_, err := callS3[*s3.DeleteObjectOutput](b, "DeleteObject", &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return gofakes3.ObjectDeleteResult{}, err
}

// DeleteMulti deletes one by one: S3 does not promise that the keys go at once, and reports failures key by key.
func (b s3Backend) DeleteMulti(bucket string, keys ...string) (result gofakes3.MultiDeleteResult, err error) {
	for _, key := range keys {
		if _, err := b.DeleteObject(bucket, key); err != nil {
			failed := gofakes3.ErrorResultFromError(err)
			failed.Key = key
			var s3err *s3Error
			if errors.As(err, &s3err) {
				failed.Code, failed.Message = s3err.Code, s3err.Message
			}
			result.Error = append(result.Error, failed)
			continue
		}
		result.Deleted = append(result.Deleted, gofakes3.ObjectID{Key: key})
	}
	return result, nil
}

// CopyObject keeps the source's metadata: s3Guard refuses requests that ask for other.
func (b s3Backend) CopyObject(fromBucket, fromKey, toBucket, toKey string, _ map[string]string) (gofakes3.CopyObjectResult, error) {
	out, err := callS3[*s3.CopyObjectOutput](b, "CopyObject", &s3.CopyObjectInput{
		Bucket: &toBucket, Key: &toKey, CopySource: aws.String(fromBucket + "/" + url.PathEscape(fromKey)),
	})
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	if out.CopyObjectResult == nil {
		return gofakes3.CopyObjectResult{}, errors.New("CopyObject answered without a result")
	}
	return gofakes3.CopyObjectResult{
		ETag:         aws.ToString(out.CopyObjectResult.ETag),
		LastModified: gofakes3.NewContentTime(aws.ToTime(out.CopyObjectResult.LastModified)),
	}, nil
}

// s3Error is an error whose code gofakes3 need not know: the embedded response is what it writes, and ErrorCode, from
// which it takes the status, is one of its own codes that has the right status.
type s3Error struct {
	gofakes3.ErrorResponse
	like gofakes3.ErrorCode
}

func (e *s3Error) ErrorCode() gofakes3.ErrorCode { return e.like }

func (e *s3Error) status() int { return e.like.Status() }

func newS3Error(like gofakes3.ErrorCode, code, message string) *s3Error {
	return &s3Error{ErrorResponse: gofakes3.ErrorResponse{Code: gofakes3.ErrorCode(code), Message: message}, like: like}
}

// asS3Error gives a Backend's error its status (Amazon S3 API Reference, Error responses).
func asS3Error(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return newS3Error(gofakes3.ErrInternal, "InternalError", err.Error())
	}
	code, message := api.ErrorCode(), api.ErrorMessage()
	switch code {
	case "NoSuchKey", "NoSuchBucket", "NoSuchUpload", "NoSuchVersion", "NotFound":
		return newS3Error(gofakes3.ErrNoSuchKey, code, message)
	case "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty", "ConditionalRequestConflict", "OperationAborted":
		return newS3Error(gofakes3.ErrBucketNotEmpty, code, message)
	case "PreconditionFailed":
		return newS3Error(gofakes3.ErrPreconditionFailed, code, message)
	case "InvalidRange":
		return newS3Error(gofakes3.ErrInvalidRange, code, message)
	case "NotImplemented", unknownOperationCode:
		return newS3Error(gofakes3.ErrNotImplemented, "NotImplemented", message)
	}
	if api.ErrorFault() == smithy.FaultServer {
		return newS3Error(gofakes3.ErrInternal, code, message)
	}
	return newS3Error(gofakes3.ErrInvalidArgument, code, message)
}
