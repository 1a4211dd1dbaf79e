package gateway

import (
	"bytes"
	"context"
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

// newS3 returns the S3 front: gofakes3 speaks REST and XML, and s3Guard keeps from it what it would
// misunderstand. gofakes3 does not check the client's clock, which matters to signatures alone. Its
// own clock stands still: the Backend dates objects, and no time of gofakes3's own reaches a
// client.
func newS3(backend Backend) http.Handler {
	fake := gofakes3.New(s3Backend{backend}, gofakes3.WithoutVersioning(),
		gofakes3.WithTimeSource(gofakes3.FixedTimeSource(time.Unix(0, 0))), gofakes3.WithTimeSkewLimit(0))
	return s3Guard{next: fake.Server()}
}

// s3Backend is a gofakes3.Backend that turns each call into the SDK's input structs. gofakes3
// passes no contexts.
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

// tokenMarker begins each continuation token that this backend gives out. gofakes3 passes tokens
// and a client's own start-after as one field, but they differ: a listing goes on behind a whole
// common prefix, and may start within one.
const tokenMarker = "continuation-token:"

func (b s3Backend) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	input := &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(int32(page.MaxKeys))}
	if prefix != nil && prefix.HasPrefix {
		input.Prefix = &prefix.Prefix
	}
	if prefix != nil && prefix.HasDelimiter {
		input.Delimiter = &prefix.Delimiter
	}
	if token, isToken := strings.CutPrefix(page.Marker, tokenMarker); isToken {
		input.ContinuationToken = &token
	} else {
		input.StartAfter = optional(page.Marker)
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
	}
	for _, common := range out.CommonPrefixes {
		list.AddPrefix(aws.ToString(common.Prefix))
	}
	if list.IsTruncated = aws.ToBool(out.IsTruncated); list.IsTruncated {
		list.NextMarker = tokenMarker + aws.ToString(out.NextContinuationToken)
	}
	return list, nil
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

// userMetadata finds the metadata among an object's headers. S3 shows its names in lower case.
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
	object.Metadata = objectHeaders(out.ETag, out.LastModified, out.ContentType, out.ContentEncoding, out.ContentDisposition, out.Metadata)
	return object, nil
}

// GetObject fetches the whole object and cuts the range out of it: gofakes3 needs the size of the
// whole. The checksum of a whole object goes along, since the SDKs ask for one and warn when there
// is none.
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
	object.Metadata = objectHeaders(out.ETag, out.LastModified, out.ContentType, out.ContentEncoding, out.ContentDisposition, out.Metadata)
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
	return object, nil
}

// etagHeader carries an object's ETag through gofakes3, which can only send an MD5 sum as ETag;
// that of an upload in parts is none. readWriter turns it into the ETag header.
const etagHeader = "X-Heph-Etag"

// objectHeaders are what gofakes3 sends with an object. It answers If-Modified-Since by
// Last-Modified.
func objectHeaders(etag *string, modified *time.Time, contentType, encoding, disposition *string, metadata map[string]string) map[string]string {
	headers := map[string]string{
		etagHeader: aws.ToString(etag), "Last-Modified": aws.ToTime(modified).UTC().Format(http.TimeFormat),
	}
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

func (b s3Backend) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	_, err := callS3[*s3.DeleteObjectOutput](b, "DeleteObject", &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return gofakes3.ObjectDeleteResult{}, err
}

func (b s3Backend) DeleteMulti(bucket string, keys ...string) (result gofakes3.MultiDeleteResult, err error) {
	objects := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		objects[i].Key = &keys[i]
	}
	out, err := callS3[*s3.DeleteObjectsOutput](b, "DeleteObjects", &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: objects}})
	if err != nil {
		return result, err
	}
	for _, deleted := range out.Deleted {
		result.Deleted = append(result.Deleted, gofakes3.ObjectID{Key: aws.ToString(deleted.Key)})
	}
	for _, failed := range out.Errors {
		result.Error = append(result.Error, gofakes3.ErrorResult{
			Key: aws.ToString(failed.Key), Code: gofakes3.ErrorCode(aws.ToString(failed.Code)), Message: aws.ToString(failed.Message),
		})
	}
	return result, nil
}

// CopyObject keeps the source's metadata: s3Guard refuses requests that ask for new metadata.
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

// s3Error is an error whose code gofakes3 need not know. gofakes3 writes the embedded response and
// takes the status from ErrorCode, which is one of its own codes that has the right status.
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
