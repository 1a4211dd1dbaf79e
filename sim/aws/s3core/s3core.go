// Package s3core is Amazon S3 as a pure state machine: buckets, objects, multipart uploads and
// notifications, in memory.
//
// It promises S3's strong consistency, its conditional writes, ranges and listings, error codes and
// texts, and the event that S3 sends a Lambda function for each change that a bucket's notification
// configuration names. An event comes out once, as the effect [Notify], at the moment of the
// change; S3 delivers at least once, late and out of order, which the caller may simulate. A stored
// body never changes, so the core returns it without copying.
//
// It does not promise versions, access control, encryption, storage classes or tags: it refuses by
// name a parameter that it does not know.
//
// A Core is not safe for concurrent use: the caller serialises calls.
package s3core

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Options configures a Core. The zero value serves tests.
type Options struct {
	AccountID string // twelve digits, the buckets' owner; default 000000000000
	Region    string // default us-east-1

	// NewID names uploads, requests and notification configurations. Default: a counter.
	NewID func() string
}

// An Effect is something that the caller should do. [Notify] is the only kind.
type Effect interface{ effect() }

// Notify asks to invoke a Lambda function asynchronously with an S3 event.
type Notify struct {
	FunctionARN string
	Event       []byte // JSON, as S3 sends it
}

func (Notify) effect() {}

// Core holds all buckets of one account in one region.
type Core struct {
	opts     Options
	now      time.Time
	buckets  map[string]*bucket
	sequence uint64 // of changes to objects, for the events' sequencer
	pending  []Effect
}

type bucket struct {
	name          string
	createdAt     time.Time
	objects       map[string]*object
	keys          []string // of objects, sorted
	uploads       map[string]*upload
	notifications []types.LambdaFunctionConfiguration
}

// New returns a Core without buckets.
func New(opts Options) *Core {
	c := &Core{opts: opts, buckets: map[string]*bucket{}}
	if c.opts.AccountID == "" {
		c.opts.AccountID = "000000000000"
	}
	if c.opts.Region == "" {
		c.opts.Region = "us-east-1"
	}
	if c.opts.NewID == nil {
		ids := 0
		c.opts.NewID = func() string {
			ids++
			return fmt.Sprintf("%016X", ids)
		}
	}
	return c
}

// Do performs one S3 operation. input is a pointer to the SDK's input struct, output a pointer to
// the matching output struct. A Body of the input is read to its end.
func (c *Core) Do(now time.Time, input any) (output any, effects []Effect, err error) {
	if now.After(c.now) {
		c.now = now
	}
	output, err = c.dispatch(input)
	effects, c.pending = c.pending, nil
	if err != nil {
		return nil, effects, err
	}
	return output, effects, nil
}

func (c *Core) dispatch(input any) (any, error) {
	switch in := input.(type) {
	case *s3.CreateBucketInput:
		return c.createBucket(in)
	case *s3.HeadBucketInput:
		return c.headBucket(in)
	case *s3.ListBucketsInput:
		return c.listBuckets(in)
	case *s3.DeleteBucketInput:
		return c.deleteBucket(in)
	case *s3.PutObjectInput:
		return c.putObject(in)
	case *s3.GetObjectInput:
		return c.getObject(in)
	case *s3.HeadObjectInput:
		return c.headObject(in)
	case *s3.DeleteObjectInput:
		return c.deleteObject(in)
	case *s3.DeleteObjectsInput:
		return c.deleteObjects(in)
	case *s3.CopyObjectInput:
		return c.copyObject(in)
	case *s3.ListObjectsV2Input:
		return c.listObjects(in)
	case *s3.CreateMultipartUploadInput:
		return c.createMultipartUpload(in)
	case *s3.UploadPartInput:
		return c.uploadPart(in)
	case *s3.CompleteMultipartUploadInput:
		return c.completeMultipartUpload(in)
	case *s3.AbortMultipartUploadInput:
		return c.abortMultipartUpload(in)
	case *s3.PutBucketNotificationConfigurationInput:
		return c.putNotifications(in)
	case *s3.GetBucketNotificationConfigurationInput:
		return c.getNotifications(in)
	}
	return nil, &smithy.GenericAPIError{
		Code:    "UnknownOperationException",
		Message: fmt.Sprintf("s3core does not know %T", input),
		Fault:   smithy.FaultClient,
	}
}

func (c *Core) find(name *string) (*bucket, error) {
	if b := c.buckets[aws.ToString(name)]; b != nil {
		return b, nil
	}
	return nil, noBucket()
}

func (c *Core) createBucket(in *s3.CreateBucketInput) (*s3.CreateBucketOutput, error) {
	if err := only(in, "Bucket", "CreateBucketConfiguration"); err != nil {
		return nil, err
	}
	if cfg := in.CreateBucketConfiguration; cfg != nil {
		if err := only(cfg, "LocationConstraint"); err != nil {
			return nil, err
		}
		if region := string(cfg.LocationConstraint); region != "" && region != c.opts.Region {
			return nil, generic("IllegalLocationConstraintException",
				"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", region)
		}
	}
	name := aws.ToString(in.Bucket)
	if !bucketName(name) {
		return nil, generic(codeInvalidBucketName, "The specified bucket is not valid.")
	}
	// us-east-1 answers a second creation like the first; other regions refuse it (S3 API
	// Reference, CreateBucket, Errors).
	if c.buckets[name] != nil && c.opts.Region != "us-east-1" {
		return nil, &types.BucketAlreadyOwnedByYou{
			Message: aws.String("Your previous request to create the named bucket succeeded and you already own it."),
		}
	}
	if c.buckets[name] == nil {
		c.buckets[name] = &bucket{name: name, createdAt: c.now, objects: map[string]*object{}, uploads: map[string]*upload{}}
	}
	return &s3.CreateBucketOutput{Location: aws.String("/" + name)}, nil
}

// bucketName checks a name (S3 User Guide, bucketnamingrules).
func bucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") {
		return false
	}
	for i, r := range name {
		letter := 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
		inside := i > 0 && i < len(name)-1
		if !letter && !(inside && (r == '-' || r == '.')) {
			return false
		}
	}
	return true
}

func (c *Core) headBucket(in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	if err := only(in, "Bucket"); err != nil {
		return nil, err
	}
	if _, err := c.find(in.Bucket); err != nil {
		return nil, &types.NotFound{Message: aws.String("Not Found")}
	}
	return &s3.HeadBucketOutput{BucketRegion: aws.String(c.opts.Region)}, nil
}

func (c *Core) listBuckets(in *s3.ListBucketsInput) (*s3.ListBucketsOutput, error) {
	if err := only(in, "Prefix"); err != nil {
		return nil, err
	}
	out := &s3.ListBucketsOutput{Owner: &types.Owner{ID: aws.String(c.opts.AccountID)}, Prefix: in.Prefix}
	for _, name := range slices.Sorted(maps.Keys(c.buckets)) {
		if strings.HasPrefix(name, aws.ToString(in.Prefix)) {
			out.Buckets = append(out.Buckets, types.Bucket{
				Name: aws.String(name), CreationDate: aws.Time(c.buckets[name].createdAt), BucketRegion: aws.String(c.opts.Region),
			})
		}
	}
	return out, nil
}

func (c *Core) deleteBucket(in *s3.DeleteBucketInput) (*s3.DeleteBucketOutput, error) {
	if err := only(in, "Bucket"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	if len(b.objects) > 0 {
		return nil, generic(codeBucketNotEmpty, "The bucket you tried to delete is not empty")
	}
	delete(c.buckets, b.name)
	return &s3.DeleteBucketOutput{}, nil
}
