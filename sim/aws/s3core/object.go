package s3core

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	maxKeyBytes        = 1024
	maxPutBytes        = 5 << 30 // one PUT (S3 User Guide, qfacts)
	defaultContentType = "binary/octet-stream"
)

// headers are stored and returned with a body.
type headers struct {
	contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl string

	metadata map[string]string
}

// An object is never changed once it is stored: a new write stores a new one.
type object struct {
	headers
	body       []byte
	etag       string // quoted
	modifiedAt time.Time
}

// Object is a stored object, as Core.Object returns it. The caller must not change Body.
type Object struct {
	Key          string
	Body         []byte
	ETag         string // quoted
	ContentType  string
	Metadata     map[string]string
	LastModified time.Time
}

// Object reads an object without copying its body.
func (c *Core) Object(bucketName, key string) (Object, bool) {
	b := c.buckets[bucketName]
	if b == nil || b.objects[key] == nil {
		return Object{}, false
	}
	o := b.objects[key]
	return Object{
		Key: key, Body: o.body, ETag: o.etag, ContentType: o.contentType,
		Metadata: maps.Clone(o.metadata), LastModified: o.modifiedAt,
	}, true
}

// body is a response body: it reads and seeks in memory, and Close does nothing.
type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

func (c *Core) putObject(in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	if err := only(in, "Bucket", "Key", "Body", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage",
		"ContentLength", "ContentMD5", "ContentType", "IfMatch", "IfNoneMatch", "Metadata", "ChecksumAlgorithm"); err != nil {
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
	data, err := readBody(in.Body, in.ContentLength, in.ContentMD5)
	if err != nil {
		return nil, err
	}
	if err := b.mayWrite(key, in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	o := &object{
		headers: newHeaders(in.ContentType, in.ContentEncoding, in.ContentLanguage, in.ContentDisposition, in.CacheControl, in.Metadata),
		body:    data, etag: quote(md5Hex(data)), modifiedAt: c.now,
	}
	c.store(b, key, o, eventPut)
	return &s3.PutObjectOutput{ETag: aws.String(o.etag)}, nil
}

func newHeaders(contentType, encoding, language, disposition, cache *string, metadata map[string]string) headers {
	h := headers{
		contentType: aws.ToString(contentType), contentEncoding: aws.ToString(encoding), contentLanguage: aws.ToString(language),
		contentDisposition: aws.ToString(disposition), cacheControl: aws.ToString(cache), metadata: map[string]string{},
	}
	if h.contentType == "" {
		h.contentType = defaultContentType
	}
	for name, value := range metadata { // S3 keeps names in lower case
		h.metadata[strings.ToLower(name)] = value
	}
	return h
}

func checkKey(key string) error {
	switch {
	case key == "":
		return generic(codeInvalidRequest, "The object key must not be empty.")
	case len(key) > maxKeyBytes:
		return generic(codeKeyTooLong, "Your key is too long")
	}
	return nil
}

// readBody reads a body to its end and checks it against the request's length and MD5.
func readBody(r io.Reader, length *int64, digest *string) ([]byte, error) {
	var data []byte
	if r != nil {
		var err error
		if data, err = readAll(r); err != nil {
			return nil, generic(codeIncompleteBody, "The request body terminated unexpectedly: %v", err)
		}
	}
	if len(data) > maxPutBytes {
		return nil, generic("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	if length != nil && *length != int64(len(data)) {
		return nil, generic(codeIncompleteBody,
			"You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	if digest != nil {
		if sum := md5.Sum(data); *digest != base64.StdEncoding.EncodeToString(sum[:]) {
			return nil, generic(codeBadDigest, "The Content-MD5 you specified did not match what we received.")
		}
	}
	return data, nil
}

// readAll is io.ReadAll, into a buffer of the right size if the reader knows its length.
func readAll(r io.Reader) ([]byte, error) {
	sized, ok := r.(interface{ Len() int })
	if !ok {
		return io.ReadAll(r)
	}
	data := make([]byte, sized.Len())
	_, err := io.ReadFull(r, data)
	return data, err
}

// mayWrite decides a conditional write (S3 User Guide, conditional-writes).
func (b *bucket) mayWrite(key string, ifMatch, ifNoneMatch *string) error {
	o := b.objects[key]
	switch {
	case ifMatch != nil && ifNoneMatch != nil:
		return refused("a write with both If-Match and If-None-Match")
	case ifNoneMatch != nil && *ifNoneMatch != "*":
		return generic(codeNotImplemented, "A header you provided implies functionality that is not implemented: If-None-Match")
	case ifNoneMatch != nil && o != nil:
		return preconditionFailed("If-None-Match")
	case ifMatch != nil && o == nil:
		return noKey()
	case ifMatch != nil && !sameTag(*ifMatch, o.etag):
		return preconditionFailed("If-Match")
	}
	return nil
}

// store stores o under key and emits the notifications of the change.
func (c *Core) store(b *bucket, key string, o *object, event string) {
	if b.objects[key] == nil {
		i, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Insert(b.keys, i, key)
	}
	b.objects[key] = o
	c.notify(b, key, o, event)
}

func (c *Core) drop(b *bucket, key string) {
	if b.objects[key] == nil {
		return
	}
	i, _ := slices.BinarySearch(b.keys, key)
	b.keys = slices.Delete(b.keys, i, i+1)
	delete(b.objects, key)
	c.notify(b, key, nil, eventDelete)
}

func (c *Core) getObject(in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	if err := only(in, "Bucket", "Key", "Range", "IfMatch", "IfNoneMatch", "ChecksumMode"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	o := b.objects[aws.ToString(in.Key)]
	if o == nil {
		return nil, noKey()
	}
	if err := o.mayRead(in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	window, err := parseRange(aws.ToString(in.Range), int64(len(o.body)))
	if err != nil {
		return nil, err
	}
	part := o.body[window.start:window.end]
	out := &s3.GetObjectOutput{
		AcceptRanges: aws.String("bytes"), Body: body{bytes.NewReader(part)}, ContentLength: aws.Int64(int64(len(part))),
		ContentType: aws.String(o.contentType), ContentEncoding: optional(o.contentEncoding),
		ContentLanguage: optional(o.contentLanguage), ContentDisposition: optional(o.contentDisposition),
		CacheControl: optional(o.cacheControl), ETag: aws.String(o.etag), LastModified: aws.Time(wholeSeconds(o.modifiedAt)),
		Metadata: maps.Clone(o.metadata), ContentRange: optional(window.header),
	}
	return out, nil
}

// headObject answers as getObject does, without the body. A HEAD has no body to carry an error, so
// whatever is absent, the error is NotFound.
func (c *Core) headObject(in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	if err := only(in, "Bucket", "Key", "IfMatch", "IfNoneMatch", "ChecksumMode"); err != nil {
		return nil, err
	}
	b := c.buckets[aws.ToString(in.Bucket)]
	if b == nil || b.objects[aws.ToString(in.Key)] == nil {
		return nil, &types.NotFound{Message: aws.String("Not Found")}
	}
	o := b.objects[aws.ToString(in.Key)]
	if err := o.mayRead(in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	return &s3.HeadObjectOutput{
		AcceptRanges: aws.String("bytes"), ContentLength: aws.Int64(int64(len(o.body))),
		ContentType: aws.String(o.contentType), ContentEncoding: optional(o.contentEncoding),
		ContentLanguage: optional(o.contentLanguage), ContentDisposition: optional(o.contentDisposition),
		CacheControl: optional(o.cacheControl), ETag: aws.String(o.etag), LastModified: aws.Time(wholeSeconds(o.modifiedAt)),
		Metadata: maps.Clone(o.metadata),
	}, nil
}

func (o *object) mayRead(ifMatch, ifNoneMatch *string) error {
	switch {
	case ifMatch != nil && *ifMatch != "*" && !sameTag(*ifMatch, o.etag):
		return preconditionFailed("If-Match")
	case ifNoneMatch != nil && (*ifNoneMatch == "*" || sameTag(*ifNoneMatch, o.etag)):
		return generic(codeNotModified, "Not Modified")
	}
	return nil
}

func (c *Core) deleteObject(in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	if err := only(in, "Bucket", "Key", "IfMatch"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	key := aws.ToString(in.Key)
	if in.IfMatch != nil {
		o := b.objects[key]
		if o == nil {
			return nil, noKey()
		}
		if *in.IfMatch != "*" && !sameTag(*in.IfMatch, o.etag) {
			return nil, preconditionFailed("If-Match")
		}
	}
	c.drop(b, key)
	return &s3.DeleteObjectOutput{}, nil
}

func (c *Core) deleteObjects(in *s3.DeleteObjectsInput) (*s3.DeleteObjectsOutput, error) {
	if err := only(in, "Bucket", "Delete", "ChecksumAlgorithm"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	if in.Delete == nil || len(in.Delete.Objects) == 0 || len(in.Delete.Objects) > 1000 {
		return nil, generic(codeMalformedXML, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for i := range in.Delete.Objects {
		if err := only(&in.Delete.Objects[i], "Key"); err != nil {
			return nil, err
		}
	}
	out := &s3.DeleteObjectsOutput{}
	for _, id := range in.Delete.Objects {
		c.drop(b, aws.ToString(id.Key))
		if !aws.ToBool(in.Delete.Quiet) {
			out.Deleted = append(out.Deleted, types.DeletedObject{Key: aws.String(aws.ToString(id.Key))})
		}
	}
	return out, nil
}

func (c *Core) copyObject(in *s3.CopyObjectInput) (*s3.CopyObjectOutput, error) {
	if err := only(in, "Bucket", "Key", "CopySource", "MetadataDirective", "Metadata", "ContentType", "CacheControl",
		"ContentDisposition", "ContentEncoding", "ContentLanguage", "CopySourceIfMatch", "CopySourceIfNoneMatch",
		"IfMatch", "IfNoneMatch", "ChecksumAlgorithm"); err != nil {
		return nil, err
	}
	target, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	source, from, err := c.copySource(aws.ToString(in.CopySource))
	if err != nil {
		return nil, err
	}
	if m := in.CopySourceIfMatch; m != nil && !sameTag(*m, from.etag) {
		return nil, preconditionFailed("x-amz-copy-source-If-Match")
	}
	if m := in.CopySourceIfNoneMatch; m != nil && sameTag(*m, from.etag) {
		return nil, preconditionFailed("x-amz-copy-source-If-None-Match")
	}
	replace := in.MetadataDirective == types.MetadataDirectiveReplace
	if !replace && source == target && target.objects[key] == from {
		return nil, generic(codeInvalidRequest, "This copy request is illegal because it is trying to copy an object to itself "+
			"without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if err := target.mayWrite(key, in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	o := &object{headers: from.headers, body: from.body, etag: quote(md5Hex(from.body)), modifiedAt: c.now}
	if replace {
		o.headers = newHeaders(in.ContentType, in.ContentEncoding, in.ContentLanguage, in.ContentDisposition, in.CacheControl, in.Metadata)
	}
	c.store(target, key, o, eventCopy)
	return &s3.CopyObjectOutput{CopyObjectResult: &types.CopyObjectResult{
		ETag: aws.String(o.etag), LastModified: aws.Time(o.modifiedAt),
	}}, nil
}

// copySource finds the object that source names: "bucket/key", form-URL-encoded.
func (c *Core) copySource(source string) (*bucket, *object, error) {
	name, encoded, _ := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	if strings.Contains(encoded, "?versionId=") {
		return nil, nil, refused("a version in CopySource")
	}
	key, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, nil, generic(codeInvalidArgument, "Invalid copy source encoding.")
	}
	b, err := c.find(&name)
	if err != nil {
		return nil, nil, err
	}
	if b.objects[key] == nil {
		return nil, nil, noKey()
	}
	return b, b.objects[key], nil
}

func md5Hex(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

func quote(s string) string { return `"` + s + `"` }

// sameTag compares entity tags; either may have quotes.
func sameTag(a, b string) bool { return strings.Trim(a, `"`) == strings.Trim(b, `"`) }

// wholeSeconds truncates t to what the header Last-Modified can carry.
func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}
