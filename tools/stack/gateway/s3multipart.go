package gateway

import (
	"bytes"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/johannesboyne/gofakes3"
)

// With these methods the Backend gets uploads in parts as such. Without them gofakes3 would keep
// the parts itself and put the object at the end, and S3's event and ETag would be those of a plain
// PutObject.
var _ gofakes3.MultipartBackend = s3Backend{}

func (b s3Backend) CreateMultipartUpload(bucket, key string, headers map[string]string) (gofakes3.UploadID, error) {
	out, err := callS3[*s3.CreateMultipartUploadOutput](b, "CreateMultipartUpload", &s3.CreateMultipartUploadInput{
		Bucket: &bucket, Key: &key,
		ContentType:        optional(headers["Content-Type"]),
		ContentEncoding:    optional(headers["Content-Encoding"]),
		ContentDisposition: optional(headers["Content-Disposition"]),
		Metadata:           userMetadata(headers),
	})
	if err != nil {
		return "", err
	}
	return gofakes3.UploadID(aws.ToString(out.UploadId)), nil
}

func (b s3Backend) UploadPart(bucket, key string, id gofakes3.UploadID, part int, size int64, body io.Reader) (etag string, err error) {
	content, err := gofakes3.ReadAll(body, size)
	if err != nil {
		return "", err
	}
	out, err := callS3[*s3.UploadPartOutput](b, "UploadPart", &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: aws.String(string(id)), PartNumber: aws.Int32(int32(part)),
		Body: bytes.NewReader(content), ContentLength: &size,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

func (b s3Backend) CompleteMultipartUpload(bucket, key string, id gofakes3.UploadID, request *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	parts := make([]types.CompletedPart, len(request.Parts))
	for i, part := range request.Parts {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(part.PartNumber)), ETag: aws.String(part.ETag)}
	}
	out, err := callS3[*s3.CompleteMultipartUploadOutput](b, "CompleteMultipartUpload", &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: aws.String(string(id)), MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return "", "", err
	}
	return "", aws.ToString(out.ETag), nil
}

func (b s3Backend) AbortMultipartUpload(bucket, key string, id gofakes3.UploadID) error {
	_, err := callS3[*s3.AbortMultipartUploadOutput](b, "AbortMultipartUpload", &s3.AbortMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: aws.String(string(id)),
	})
	return err
}

func (b s3Backend) ListMultipartUploads(string, *gofakes3.UploadListMarker, gofakes3.Prefix, int64) (*gofakes3.ListMultipartUploadsResult, error) {
	return nil, newS3Error(gofakes3.ErrNotImplemented, "NotImplemented", unknownOperationMessage(s3Service, "ListMultipartUploads"))
}

func (b s3Backend) ListParts(string, string, gofakes3.UploadID, int, int64) (*gofakes3.ListMultipartUploadPartsResult, error) {
	return nil, newS3Error(gofakes3.ErrNotImplemented, "NotImplemented", unknownOperationMessage(s3Service, "ListParts"))
}
