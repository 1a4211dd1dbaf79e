package s3core

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"
)

const function = "arn:aws:lambda:us-east-1:000000000000:function:intake"

// bench is a core with a bucket "box" and a clock.
type bench struct {
	t   testing.TB
	c   *Core
	now time.Time
	got []Effect // of the last call
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, c: New(Options{}), now: time.Date(2026, 3, 1, 12, 0, 0, 7_000_000, time.UTC)}
	must[*s3.CreateBucketOutput](b, &s3.CreateBucketInput{Bucket: aws.String("box")})
	return b
}

func call[Out any](b *bench, input any) (out Out, err error) {
	result, effects, err := b.c.Do(b.now, input)
	b.got = effects
	if err != nil {
		return out, err
	}
	return result.(Out), nil
}

func must[Out any](b *bench, input any) Out {
	b.t.Helper()
	out, err := call[Out](b, input)
	if err != nil {
		b.t.Fatalf("%T: %v", input, err)
	}
	return out
}

func (b *bench) put(key, text string) *s3.PutObjectOutput {
	b.t.Helper()
	return must[*s3.PutObjectOutput](b, &s3.PutObjectInput{Bucket: aws.String("box"), Key: &key, Body: strings.NewReader(text)})
}

func (b *bench) get(key string) string {
	b.t.Helper()
	out := must[*s3.GetObjectOutput](b, &s3.GetObjectInput{Bucket: aws.String("box"), Key: &key})
	return read(b, out.Body)
}

func read(b *bench, r io.Reader) string {
	b.t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Sprint(err)
	}
	return api.ErrorCode()
}

func TestPutAndGet(t *testing.T) {
	b := newBench(t)
	put := must[*s3.PutObjectOutput](b, &s3.PutObjectInput{
		Bucket: aws.String("box"), Key: aws.String("k"), Body: strings.NewReader("foobar"), ContentType: aws.String("text/plain"),
		ContentLength: aws.Int64(6), ContentMD5: aws.String("OFj2IjCsPJFfMAxmQxLGPw=="), Metadata: map[string]string{"Name": "v"},
	})
	const etag = `"3858f62230ac3c915f300c664312c63f"`
	if *put.ETag != etag {
		t.Fatalf("ETag %s", *put.ETag)
	}
	got := must[*s3.GetObjectOutput](b, &s3.GetObjectInput{Bucket: aws.String("box"), Key: aws.String("k")})
	if s := fmt.Sprintf("%s %d %s %s %v %d", read(b, got.Body), *got.ContentLength, *got.ContentType, *got.ETag, got.Metadata,
		got.LastModified.UnixMilli()%1000); s != "foobar 6 text/plain "+etag+" map[name:v] 0" {
		t.Fatal(s)
	}
	head := must[*s3.HeadObjectOutput](b, &s3.HeadObjectInput{Bucket: aws.String("box"), Key: aws.String("k")})
	if *head.ContentLength != 6 || *head.ETag != etag || head.Metadata["name"] != "v" {
		t.Fatalf("%+v", head)
	}
	got.Metadata["name"] = "changed"
	if o, ok := b.c.Object("box", "k"); !ok || o.Metadata["name"] != "v" || string(o.Body) != "foobar" {
		t.Fatalf("%+v", o)
	}
	b.put("k", "other")
	if o, _ := b.c.Object("box", "k"); o.ContentType != defaultContentType {
		t.Fatalf("an overwritten object kept the content type %s", o.ContentType)
	}
}

// TestErrors holds AWS's codes (S3 API Reference, ErrorResponses; S3 User Guide,
// conditional-writes).
func TestErrors(t *testing.T) {
	box, key, star := aws.String("box"), aws.String("k"), aws.String("*")
	put := func(change func(*s3.PutObjectInput)) *s3.PutObjectInput {
		in := &s3.PutObjectInput{Bucket: box, Key: key, Body: strings.NewReader("x")}
		change(in)
		return in
	}
	notify := func(cfg types.NotificationConfiguration) *s3.PutBucketNotificationConfigurationInput {
		return &s3.PutBucketNotificationConfigurationInput{Bucket: box, NotificationConfiguration: &cfg}
	}
	lambda := func(change func(*types.LambdaFunctionConfiguration)) *s3.PutBucketNotificationConfigurationInput {
		cfg := types.LambdaFunctionConfiguration{LambdaFunctionArn: aws.String(function), Events: []types.Event{"s3:ObjectCreated:*"}}
		change(&cfg)
		return notify(types.NotificationConfiguration{LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{cfg}})
	}
	for _, row := range []struct {
		name, code string
		input      any
	}{
		{"get of no object", "NoSuchKey", &s3.GetObjectInput{Bucket: box, Key: aws.String("none")}},
		{"get in no bucket", "NoSuchBucket", &s3.GetObjectInput{Bucket: aws.String("none"), Key: key}},
		{"head of no object", "NotFound", &s3.HeadObjectInput{Bucket: box, Key: aws.String("none")}},
		{"head of no bucket", "NotFound", &s3.HeadBucketInput{Bucket: aws.String("none")}},
		{"bucket name", "InvalidBucketName", &s3.CreateBucketInput{Bucket: aws.String("No_Capitals")}},
		{"delete of a bucket with objects", "BucketNotEmpty", &s3.DeleteBucketInput{Bucket: box}},
		{"If-None-Match on a key that is there", "PreconditionFailed", put(func(in *s3.PutObjectInput) { in.IfNoneMatch = star })},
		{"If-None-Match that is no star", "NotImplemented", put(func(in *s3.PutObjectInput) { in.IfNoneMatch = key })},
		{"If-Match of another tag", "PreconditionFailed", put(func(in *s3.PutObjectInput) { in.IfMatch = key })},
		{"If-Match on a key that is not there", "NoSuchKey", put(func(in *s3.PutObjectInput) { in.Key, in.IfMatch = aws.String("none"), key })},
		{"If-Match and If-None-Match", "NotImplemented", put(func(in *s3.PutObjectInput) { in.IfNoneMatch, in.IfMatch = star, key })},
		{"wrong length", "IncompleteBody", put(func(in *s3.PutObjectInput) { in.ContentLength = aws.Int64(2) })},
		{"wrong MD5", "BadDigest", put(func(in *s3.PutObjectInput) { in.ContentMD5 = key })},
		{"key too long", "KeyTooLongError", put(func(in *s3.PutObjectInput) { in.Key = aws.String(strings.Repeat("k", 1025)) })},
		{"a parameter it does not know", "NotImplemented", put(func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=b") })},
		{"delete If-Match of another tag", "PreconditionFailed", &s3.DeleteObjectInput{Bucket: box, Key: key, IfMatch: aws.String("x")}},
		{"read If-Match of another tag", "PreconditionFailed", &s3.GetObjectInput{Bucket: box, Key: key, IfMatch: aws.String("x")}},
		{"read If-None-Match of this tag", "NotModified", &s3.GetObjectInput{Bucket: box, Key: key, IfNoneMatch: star}},
		{"range past the end", "InvalidRange", &s3.GetObjectInput{Bucket: box, Key: key, Range: aws.String("bytes=5-")}},
		{"two ranges", "NotImplemented", &s3.GetObjectInput{Bucket: box, Key: key, Range: aws.String("bytes=0-0,1-1")}},
		{"copy onto itself", "InvalidRequest", &s3.CopyObjectInput{Bucket: box, Key: key, CopySource: aws.String("box/k")}},
		{"copy of no object", "NoSuchKey", &s3.CopyObjectInput{Bucket: box, Key: key, CopySource: aws.String("box/none")}},
		{"part of no upload", "NoSuchUpload", &s3.UploadPartInput{Bucket: box, Key: key, UploadId: key, PartNumber: aws.Int32(1)}},
		{"continuation token", "InvalidArgument", &s3.ListObjectsV2Input{Bucket: box, ContinuationToken: aws.String("?")}},
		{"notification to a queue", "NotImplemented", notify(types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{{}}})},
		{"notification to EventBridge", "NotImplemented", notify(types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}})},
		{"notification of restores", "NotImplemented", lambda(func(c *types.LambdaFunctionConfiguration) { c.Events[0] = "s3:ObjectRestore:*" })},
		{"notification to no function", "InvalidArgument", lambda(func(c *types.LambdaFunctionConfiguration) { c.LambdaFunctionArn = key })},
		{"notification filtered by size", "InvalidArgument", lambda(func(c *types.LambdaFunctionConfiguration) {
			c.Filter = &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "size"}}}}
		})},
		{"unknown operation", "UnknownOperationException", &s3.PutBucketAclInput{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			b.put("k", "text")
			if _, err := call[any](b, row.input); code(err) != row.code {
				t.Fatalf("%v, want %s", err, row.code)
			}
			if b.get("k") != "text" {
				t.Fatal("the refused call changed the object")
			}
		})
	}
	var typed *types.NoSuchKey
	if _, err := call[any](newBench(t), &s3.GetObjectInput{Bucket: box, Key: key}); !errors.As(err, &typed) {
		t.Fatalf("%T is not the SDK's error", err)
	}
}

func TestRanges(t *testing.T) {
	b := newBench(t)
	b.put("k", "0123456789")
	for _, row := range []struct{ header, want, contentRange string }{
		{"bytes=2-4", "234", "bytes 2-4/10"},
		{"bytes=7-", "789", "bytes 7-9/10"},
		{"bytes=-3", "789", "bytes 7-9/10"},
		{"bytes=-30", "0123456789", "bytes 0-9/10"},
		{"bytes=8-100", "89", "bytes 8-9/10"},
		{"bytes=4-2", "0123456789", ""},
		{"lines=1-2", "0123456789", ""},
		{"bytes=a-b", "0123456789", ""},
	} {
		got := must[*s3.GetObjectOutput](b, &s3.GetObjectInput{Bucket: aws.String("box"), Key: aws.String("k"), Range: &row.header})
		if text := read(b, got.Body); text != row.want || aws.ToString(got.ContentRange) != row.contentRange {
			t.Errorf("%s: %s, %s", row.header, text, aws.ToString(got.ContentRange))
		}
	}
}

func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-1", "bytes=5-", "bytes=", "bytes=999999999999999999-999999999999999999", "bytes=-0"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		w, err := parseRange(header, size)
		if err == nil && (w.start < 0 || w.start > w.end || w.end > size || w.header != "" && w.start == w.end) {
			t.Fatalf("%q of %d bytes became %+v", header, size, w)
		}
	})
}

func TestConditionalCreate(t *testing.T) {
	b := newBench(t)
	in := func() *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: aws.String("box"), Key: aws.String("k"), Body: strings.NewReader("1"), IfNoneMatch: aws.String("*")}
	}
	first := must[*s3.PutObjectOutput](b, in())
	if _, err := call[any](b, in()); code(err) != "PreconditionFailed" {
		t.Fatal(err)
	}
	must[*s3.PutObjectOutput](b, &s3.PutObjectInput{Bucket: aws.String("box"), Key: aws.String("k"), Body: strings.NewReader("2"), IfMatch: first.ETag})
	if b.get("k") != "2" {
		t.Fatal("If-Match with the right tag wrote nothing")
	}
}

func TestCopyAndDelete(t *testing.T) {
	b := newBench(t)
	must[*s3.PutObjectOutput](b, &s3.PutObjectInput{Bucket: aws.String("box"), Key: aws.String("a b+c"), Body: strings.NewReader("text"),
		ContentType: aws.String("text/plain"), Metadata: map[string]string{"n": "v"}})
	must[*s3.CopyObjectOutput](b, &s3.CopyObjectInput{Bucket: aws.String("box"), Key: aws.String("copy"), CopySource: aws.String("/box/a%20b+c")})
	if o, _ := b.c.Object("box", "copy"); string(o.Body) != "text" || o.ContentType != "text/plain" || o.Metadata["n"] != "v" {
		t.Fatalf("%+v", o)
	}
	must[*s3.CopyObjectOutput](b, &s3.CopyObjectInput{Bucket: aws.String("box"), Key: aws.String("copy"), CopySource: aws.String("box/copy"),
		MetadataDirective: types.MetadataDirectiveReplace, ContentType: aws.String("text/html")})
	if o, _ := b.c.Object("box", "copy"); o.ContentType != "text/html" || len(o.Metadata) != 0 {
		t.Fatalf("%+v", o)
	}
	for range 2 { // to delete an absent object succeeds
		must[*s3.DeleteObjectOutput](b, &s3.DeleteObjectInput{Bucket: aws.String("box"), Key: aws.String("copy")})
	}
	out := must[*s3.DeleteObjectsOutput](b, &s3.DeleteObjectsInput{Bucket: aws.String("box"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("a b+c")}, {Key: aws.String("none")}}}})
	if len(out.Deleted) != 2 {
		t.Fatalf("%+v", out)
	}
	must[*s3.DeleteBucketOutput](b, &s3.DeleteBucketInput{Bucket: aws.String("box")})
	if list := must[*s3.ListBucketsOutput](b, &s3.ListBucketsInput{}); len(list.Buckets) != 0 {
		t.Fatalf("%+v", list)
	}
}

// TestListing pages through random keys and compares with a filter over all keys.
func TestListing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		keys := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 1, 6, -1), 0, 25, rapid.ID[string]).Draw(rt, "keys")
		for _, k := range keys {
			b.put(k, "x")
		}
		prefix := rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 0, 2, -1).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/"}).Draw(rt, "delimiter")
		var want []string
		for _, k := range keys {
			if rest, ok := strings.CutPrefix(k, prefix); ok {
				if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
					k = prefix + rest[:i+1]
				}
				want = append(want, k)
			}
		}
		sort.Strings(want)
		want = slices.Compact(want)
		var got []string
		in := &s3.ListObjectsV2Input{Bucket: aws.String("box"), Prefix: &prefix, Delimiter: &delimiter,
			MaxKeys: aws.Int32(rapid.Int32Range(1, 5).Draw(rt, "max"))}
		for {
			out := must[*s3.ListObjectsV2Output](b, in)
			page := []string{}
			for _, o := range out.Contents {
				page = append(page, *o.Key)
			}
			for _, p := range out.CommonPrefixes {
				page = append(page, *p.Prefix)
			}
			if len(page) > int(*in.MaxKeys) || len(page) != int(*out.KeyCount) {
				rt.Fatalf("a page of %d entries, KeyCount %d", len(page), *out.KeyCount)
			}
			sort.Strings(page)
			if got = append(got, page...); !*out.IsTruncated {
				break
			}
			in.ContinuationToken = out.NextContinuationToken
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("listed %q, want %q", got, want)
		}
	})
}

func TestMultipartUpload(t *testing.T) {
	b := newBench(t)
	box, key := aws.String("box"), aws.String("big")
	id := must[*s3.CreateMultipartUploadOutput](b, &s3.CreateMultipartUploadInput{Bucket: box, Key: key, ContentType: aws.String("text/plain")}).UploadId
	part := func(n int32, text string) types.CompletedPart {
		out := must[*s3.UploadPartOutput](b, &s3.UploadPartInput{Bucket: box, Key: key, UploadId: id, PartNumber: &n, Body: strings.NewReader(text)})
		return types.CompletedPart{ETag: out.ETag, PartNumber: &n}
	}
	small, large, end := part(1, "small"), part(2, strings.Repeat("x", minPartBytes)), part(3, "end")
	complete := func(parts ...types.CompletedPart) error {
		_, err := call[any](b, &s3.CompleteMultipartUploadInput{Bucket: box, Key: key, UploadId: id,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		return err
	}
	for want, err := range map[string]error{
		"InvalidPartOrder": complete(end, large), "EntityTooSmall": complete(small, large),
		"InvalidPart": complete(types.CompletedPart{ETag: small.ETag, PartNumber: aws.Int32(9)}), "MalformedXML": complete(),
	} {
		if code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := complete(large, end); err != nil {
		t.Fatal(err)
	}
	if o, _ := b.c.Object("box", "big"); len(o.Body) != minPartBytes+3 || !strings.HasSuffix(o.ETag, `-2"`) || o.ContentType != "text/plain" {
		t.Fatalf("%d bytes, ETag %s", len(o.Body), o.ETag)
	}
	if code(complete(large, end)) != "NoSuchUpload" {
		t.Error("an upload can be completed twice")
	}
	id = must[*s3.CreateMultipartUploadOutput](b, &s3.CreateMultipartUploadInput{Bucket: box, Key: key}).UploadId
	must[*s3.AbortMultipartUploadOutput](b, &s3.AbortMultipartUploadInput{Bucket: box, Key: key, UploadId: id})
	if code(complete(end)) != "NoSuchUpload" {
		t.Error("an aborted upload can be completed")
	}
}

func (b *bench) configure(configs ...types.LambdaFunctionConfiguration) error {
	_, err := call[any](b, &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("box"),
		NotificationConfiguration: &types.NotificationConfiguration{LambdaFunctionConfigurations: configs}})
	return err
}

func configuration(prefix, suffix string, names ...types.Event) types.LambdaFunctionConfiguration {
	return types.LambdaFunctionConfiguration{LambdaFunctionArn: aws.String(function), Events: names,
		Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{
			{Name: "Prefix", Value: &prefix}, {Name: "suffix", Value: &suffix}}}}}
}

// TestNotification reads the event with the library of Lambda handlers (S3 User Guide,
// notification-content-structure).
func TestNotification(t *testing.T) {
	b := newBench(t)
	if err := b.configure(configuration("emails/", ".eml", "s3:ObjectCreated:*")); err != nil {
		t.Fatal(err)
	}
	b.put("emails/scott@x y.eml", "foobar")
	if len(b.got) != 1 {
		t.Fatalf("effects %v", b.got)
	}
	first := b.got[0].(Notify)
	var event events.S3Event
	if err := json.Unmarshal(first.Event, &event); err != nil {
		t.Fatal(err)
	}
	r := event.Records[0]
	if first.FunctionARN != function || r.EventName != "ObjectCreated:Put" || r.S3.Bucket.Name != "box" || r.S3.Object.Size != 6 ||
		r.S3.Object.Key != "emails/scott%40x+y.eml" || r.S3.Object.ETag != "3858f62230ac3c915f300c664312c63f" || !r.EventTime.Equal(b.now) {
		t.Fatalf("%s", first.Event)
	}
	if key, err := url.QueryUnescape(r.S3.Object.Key); err != nil || key != "emails/scott@x y.eml" {
		t.Fatalf("the key decodes to %s, %v", key, err)
	}
	if !strings.Contains(string(first.Event), `"eventTime":"2026-03-01T12:00:00.007Z"`) {
		t.Fatalf("%s", first.Event)
	}
	b.put("emails/scott@x y.eml", "again")
	var second events.S3Event
	if err := json.Unmarshal(b.got[0].(Notify).Event, &second); err != nil || second.Records[0].S3.Object.Sequencer <= r.S3.Object.Sequencer {
		t.Fatalf("sequencer %s after %s, %v", second.Records[0].S3.Object.Sequencer, r.S3.Object.Sequencer, err)
	}
	for _, key := range []string{"emails/x.txt", "other/x.eml"} {
		if b.put(key, ""); len(b.got) != 0 {
			t.Errorf("%s: effects %v", key, b.got)
		}
	}
	if must[*s3.DeleteObjectOutput](b, &s3.DeleteObjectInput{Bucket: aws.String("box"), Key: aws.String("emails/scott@x y.eml")}); len(b.got) != 0 {
		t.Errorf("a deletion gave %v", b.got)
	}
}

func TestNotificationConfigurations(t *testing.T) {
	for _, row := range []struct {
		name string
		a, b types.LambdaFunctionConfiguration
		ok   bool
	}{
		{"same filter, same events", configuration("a", "", "s3:ObjectCreated:*"), configuration("a", "", "s3:ObjectCreated:Put"), false},
		{"one prefix within the other", configuration("a", "x", "s3:ObjectCreated:Put"), configuration("ab", "", "s3:ObjectCreated:Put"), false},
		{"prefixes apart", configuration("a", "", "s3:ObjectCreated:*"), configuration("b", "", "s3:ObjectCreated:*"), true},
		{"suffixes apart", configuration("", "x", "s3:ObjectCreated:*"), configuration("", "y", "s3:ObjectCreated:*"), true},
		{"events apart", configuration("a", "", "s3:ObjectCreated:*"), configuration("a", "", "s3:ObjectRemoved:Delete"), true},
	} {
		b := newBench(t)
		if err := b.configure(row.a, row.b); (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
		out := must[*s3.GetBucketNotificationConfigurationOutput](b, &s3.GetBucketNotificationConfigurationInput{Bucket: aws.String("box")})
		if want := map[bool]int{true: 2}[row.ok]; len(out.LambdaFunctionConfigurations) != want {
			t.Errorf("%s: %d configurations are set", row.name, len(out.LambdaFunctionConfigurations))
		}
	}
}

func TestNotificationOfEachChange(t *testing.T) {
	b := newBench(t)
	if err := b.configure(configuration("", "", "s3:ObjectCreated:*", "s3:ObjectRemoved:*")); err != nil {
		t.Fatal(err)
	}
	var names []string
	note := func() {
		for _, e := range b.got {
			var event events.S3Event
			if err := json.Unmarshal(e.(Notify).Event, &event); err != nil {
				t.Fatal(err)
			}
			names = append(names, event.Records[0].EventName)
		}
	}
	b.put("k", "x")
	note()
	must[*s3.CopyObjectOutput](b, &s3.CopyObjectInput{Bucket: aws.String("box"), Key: aws.String("c"), CopySource: aws.String("box/k")})
	note()
	must[*s3.DeleteObjectOutput](b, &s3.DeleteObjectInput{Bucket: aws.String("box"), Key: aws.String("k")})
	note()
	if got := strings.Join(names, " "); got != "ObjectCreated:Put ObjectCreated:Copy ObjectRemoved:Delete" {
		t.Fatal(got)
	}
}

// BenchmarkGet shows that a get does not copy the body.
func BenchmarkGet(b *testing.B) {
	bench := newBench(b)
	bench.put("k", strings.Repeat("x", 1<<20))
	in := &s3.GetObjectInput{Bucket: aws.String("box"), Key: aws.String("k")}
	b.ReportAllocs()
	for range b.N {
		must[*s3.GetObjectOutput](bench, in)
	}
}
