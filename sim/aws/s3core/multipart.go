package s3core

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Limits of multipart uploads (S3 User Guide, qfacts).
const (
	maxPartNumber = 10_000
	minPartBytes  = 5 << 20 // of every part but the last
)

type upload struct {
	key     string
	headers headers
	parts   map[int32][]byte
}

func (c *Core) createMultipartUpload(in *s3.CreateMultipartUploadInput) (*s3.CreateMultipartUploadOutput, error) {
	if err := only(in, "Bucket", "Key", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage",
		"ContentType", "Metadata", "ChecksumAlgorithm"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	id := c.opts.NewID()
	b.uploads[id] = &upload{
		key: key, parts: map[int32][]byte{},
		headers: newHeaders(in.ContentType, in.ContentEncoding, in.ContentLanguage, in.ContentDisposition, in.CacheControl, in.Metadata),
	}
	return &s3.CreateMultipartUploadOutput{Bucket: aws.String(b.name), Key: aws.String(key), UploadId: aws.String(id)}, nil
}

func (c *Core) upload(bucketName, key, id *string) (*bucket, *upload, error) {
	b, err := c.find(bucketName)
	if err != nil {
		return nil, nil, err
	}
	u := b.uploads[aws.ToString(id)]
	if u == nil || u.key != aws.ToString(key) {
		return nil, nil, noUpload()
	}
	return b, u, nil
}

func (c *Core) uploadPart(in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	if err := only(in, "Bucket", "Key", "UploadId", "PartNumber", "Body", "ContentLength", "ContentMD5", "ChecksumAlgorithm"); err != nil {
		return nil, err
	}
	_, u, err := c.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	n := aws.ToInt32(in.PartNumber)
	if n < 1 || n > maxPartNumber {
		return nil, generic(codeInvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
	}
	data, err := readBody(in.Body, in.ContentLength, in.ContentMD5)
	if err != nil {
		return nil, err
	}
	u.parts[n] = data
	return &s3.UploadPartOutput{ETag: aws.String(quote(md5Hex(data)))}, nil
}

func (c *Core) completeMultipartUpload(in *s3.CompleteMultipartUploadInput) (*s3.CompleteMultipartUploadOutput, error) {
	if err := only(in, "Bucket", "Key", "UploadId", "MultipartUpload"); err != nil {
		return nil, err
	}
	b, u, err := c.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, generic(codeMalformedXML, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	data, etag, err := u.join(in.MultipartUpload.Parts)
	if err != nil {
		return nil, err
	}
	delete(b.uploads, *in.UploadId)
	c.store(b, u.key, &object{headers: u.headers, body: data, etag: etag, modifiedAt: c.now}, eventComplete)
	return &s3.CompleteMultipartUploadOutput{
		Bucket: aws.String(b.name), Key: aws.String(u.key), ETag: aws.String(etag),
		Location: aws.String(fmt.Sprintf("https://%s.s3.%s.amazonaws.com/%s", b.name, c.opts.Region, u.key)),
	}, nil
}

// join concatenates the parts. The entity tag is the MD5 of the parts' MD5s, with their number (S3
// API Reference, Object).
func (u *upload) join(parts []types.CompletedPart) (data []byte, etag string, err error) {
	for i := 1; i < len(parts); i++ {
		if aws.ToInt32(parts[i].PartNumber) <= aws.ToInt32(parts[i-1].PartNumber) {
			return nil, "", generic(codeInvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	var sums []byte
	for i, p := range parts {
		part, ok := u.parts[aws.ToInt32(p.PartNumber)]
		if !ok || !sameTag(aws.ToString(p.ETag), md5Hex(part)) {
			return nil, "", generic(codeInvalidPart, "One or more of the specified parts could not be found. "+
				"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		if i < len(parts)-1 && len(part) < minPartBytes {
			return nil, "", generic(codeEntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
		}
		sum := md5.Sum(part)
		sums = append(sums, sum[:]...)
		data = append(data, part...)
	}
	total := md5.Sum(sums)
	return data, quote(fmt.Sprintf("%s-%d", hex.EncodeToString(total[:]), len(parts))), nil
}

func (c *Core) abortMultipartUpload(in *s3.AbortMultipartUploadInput) (*s3.AbortMultipartUploadOutput, error) {
	if err := only(in, "Bucket", "Key", "UploadId"); err != nil {
		return nil, err
	}
	b, _, err := c.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	delete(b.uploads, *in.UploadId)
	return &s3.AbortMultipartUploadOutput{}, nil
}
