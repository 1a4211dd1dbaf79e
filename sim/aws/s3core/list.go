package s3core

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const maxListed = 1000

// listObjects lists keys in the order of their bytes. Keys that share a prefix up to the delimiter
// count as one (S3 API Reference, ListObjectsV2).
func (c *Core) listObjects(in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	if err := only(in, "Bucket", "Prefix", "Delimiter", "MaxKeys", "StartAfter", "ContinuationToken", "EncodingType", "FetchOwner"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	limit := maxListed
	if in.MaxKeys != nil {
		if *in.MaxKeys < 0 {
			return nil, generic(codeInvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647")
		}
		limit = min(maxListed, int(*in.MaxKeys))
	}
	startAfter, listed := aws.ToString(in.StartAfter), ""
	if in.ContinuationToken != nil {
		token, err := base64.URLEncoding.DecodeString(*in.ContinuationToken)
		if err != nil || len(token) == 0 {
			return nil, generic(codeInvalidArgument, "The continuation token provided is incorrect")
		}
		startAfter, listed = "", string(token)
	}
	out := &s3.ListObjectsV2Output{
		Name: in.Bucket, Prefix: in.Prefix, Delimiter: in.Delimiter, MaxKeys: aws.Int32(int32(limit)), StartAfter: in.StartAfter,
		ContinuationToken: in.ContinuationToken, EncodingType: in.EncodingType, IsTruncated: aws.Bool(false),
	}
	page := b.page(aws.ToString(in.Prefix), aws.ToString(in.Delimiter), startAfter, listed, limit)
	encode := func(s string) *string { return aws.String(s) }
	if in.EncodingType == types.EncodingTypeUrl {
		encode = func(s string) *string { return aws.String(formEncode(s)) }
		out.Prefix, out.Delimiter = encodeOptional(in.Prefix), encodeOptional(in.Delimiter)
		out.StartAfter = encodeOptional(in.StartAfter)
	}
	for _, key := range page.keys {
		entry := b.objects[key].entry(encode(key))
		if aws.ToBool(in.FetchOwner) {
			entry.Owner = &types.Owner{ID: aws.String(c.opts.AccountID)}
		}
		out.Contents = append(out.Contents, entry)
	}
	for _, prefix := range page.prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: encode(prefix)})
	}
	out.KeyCount = aws.Int32(int32(len(page.keys) + len(page.prefixes)))
	if page.more {
		out.IsTruncated = aws.Bool(true)
		out.NextContinuationToken = aws.String(base64.URLEncoding.EncodeToString([]byte(page.last)))
	}
	return out, nil
}

func (o *object) entry(key *string) types.Object {
	return types.Object{
		Key: key, ETag: aws.String(o.etag), Size: aws.Int64(int64(len(o.body))),
		LastModified: aws.Time(o.modifiedAt), StorageClass: types.ObjectStorageClassStandard,
	}
}

type page struct {
	keys, prefixes []string
	last           string // the last key or common prefix listed
	more           bool
}

// page lists at most limit entries of the keys after startAfter. Earlier pages listed the entries
// up to listed.
func (b *bucket) page(prefix, delimiter, startAfter, listed string, limit int) page {
	var p page
	if limit == 0 {
		return p
	}
	start, _ := slices.BinarySearch(b.keys, max(prefix, startAfter, listed))
	for _, key := range b.keys[start:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		entry, isPrefix := key, false
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			entry, isPrefix = key[:len(prefix)+i+len(delimiter)], true
		}
		// A listed common prefix stands for every key under it.
		if key <= startAfter || entry <= listed || isPrefix && entry == p.last {
			continue
		}
		if len(p.keys)+len(p.prefixes) == limit {
			p.more = true
			break
		}
		if p.last = entry; isPrefix {
			p.prefixes = append(p.prefixes, entry)
		} else {
			p.keys = append(p.keys, entry)
		}
	}
	return p
}

func encodeOptional(s *string) *string {
	if s == nil {
		return nil
	}
	return aws.String(formEncode(*s))
}
