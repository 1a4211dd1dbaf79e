package processattachment

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/media"
)

var _ Objects = (*s3.Client)(nil)

const (
	mediaBucket = "webordinary-media"
	sourceKey   = "emails/m1/0"
)

func TestEveryFileIsStoredUnderItsHash(t *testing.T) {
	tests := map[string]struct {
		content  string
		fileName string
		typeSaid string
		note     string
		pictures string // the stored pictures' file names
	}{
		"a photo":                    {jpegOf(1600, 800), "a.jpg", "image/jpeg", "", "thumb.jpg web.jpg"},
		"a drawing":                  {pngOf(64, 64), "a.png", "image/png", "", "thumb.png web.png"},
		"a photo that claims little": {jpegOf(64, 64), "a.bin", "application/octet-stream", "", "thumb.jpg web.jpg"},
		"text":                       {"Dear Scott,", "a.txt", "text/plain", "", ""},
		"an empty file":              {"", "a.txt", "text/plain", "", ""},
		"a vector drawing":           {`<svg xmlns="http://www.w3.org/2000/svg"/>`, "a.svg", "image/svg+xml", "no preview is made of image/svg+xml", ""},
		"a bomb": {pngClaiming(60_000, 60_000), "a.png", "image/png",
			"picture refused: 60000 x 60000 pixels, over the limit of 16000 a side", ""},
		"a truncated photo": {jpegOf(640, 480)[:900], "a.jpg", "image/jpeg",
			"picture cannot be decoded as image/jpeg: ", ""},
		"text that claims to be a picture": {"<?php", "a.png", "image/png", "said to be image/png, but is text/", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			objects := holding(test.content)
			got := handle(t, objects, attachment(test.fileName, test.typeSaid))
			info := media.Inspect([]byte(test.content))
			if got.SHA256 != info.SHA256 || got.DetectedType != info.Type || got.SizeBytes != info.SizeBytes {
				t.Errorf("answer %+v, want what the content says: %+v", got, info)
			}
			folder := "sha256/" + info.SHA256[:2] + "/" + info.SHA256 + "/"
			if got.Stored == nil || *got.Stored != (job.ObjectRef{Bucket: mediaBucket, Key: folder + "original"}) {
				t.Errorf("stored at %+v, want %soriginal", got.Stored, folder)
			}
			original := objects.at(mediaBucket, folder+"original")
			if string(original.content) != test.content || original.contentType != info.Type || original.disposition != "attachment" {
				t.Errorf("stored %d bytes, %q, %q; want the content as it came, %q, attachment",
					len(original.content), original.contentType, original.disposition, info.Type)
			}
			if !strings.HasPrefix(got.Note, test.note) || (test.note == "") != (got.Note == "") {
				t.Errorf("note %q, want %q", got.Note, test.note)
			}
			if pictures := objects.pictures(folder); pictures != test.pictures {
				t.Errorf("pictures %q, want %q", pictures, test.pictures)
			}
			if (got.Web != nil) != (test.pictures != "") || (got.Thumbnail != nil) != (test.pictures != "") {
				t.Errorf("answer has web %v and thumbnail %v", got.Web, got.Thumbnail)
			}
		})
	}
}

func TestAPictureIsAnsweredAsItIsStored(t *testing.T) {
	objects := holding(jpegOf(1600, 800))
	got := handle(t, objects, attachment("a.jpg", "image/jpeg"))
	for want, rendition := range map[image.Point]*job.Rendition{{X: 1200, Y: 600}: got.Web, {X: 400, Y: 200}: got.Thumbnail} {
		stored := objects.at(rendition.Bucket, rendition.Key)
		config, _, err := image.DecodeConfig(bytes.NewReader(stored.content))
		if err != nil {
			t.Fatal(err)
		}
		said := image.Pt(rendition.WidthPixels, rendition.HeightPixels)
		if said != want || image.Pt(config.Width, config.Height) != want {
			t.Errorf("%s says %v and is %dx%d, want %v", rendition.Key, said, config.Width, config.Height, want)
		}
		if rendition.SizeBytes != int64(len(stored.content)) || rendition.ContentType != "image/jpeg" || stored.contentType != "image/jpeg" {
			t.Errorf("%+v does not tell of %d bytes of %s", rendition, len(stored.content), stored.contentType)
		}
	}
}

func TestTheSameContentAgainWritesNothing(t *testing.T) {
	objects := holding(jpegOf(640, 480))
	first := handle(t, objects, attachment("a.jpg", "image/jpeg"))
	if objects.writes != 3 {
		t.Fatalf("%d writes, want 3", objects.writes)
	}
	again := handle(t, objects, attachment("other name.jpg", "image/jpeg"))
	again.FileName = first.FileName
	if objects.writes != 3 {
		t.Errorf("%d writes after the same content again, want still 3", objects.writes)
	}
	if a, b := asJSON(t, first), asJSON(t, again); a != b {
		t.Errorf("the answers differ:\n%s\n%s", a, b)
	}
}

func TestAPictureThatAnotherBuildMadeKeepsItsSize(t *testing.T) {
	objects := holding(jpegOf(640, 480))
	first := handle(t, objects, attachment("a.jpg", "image/jpeg"))
	stored := objects.stored[first.Web.ObjectRef]
	stored.content = []byte("as another encoder made it")
	objects.stored[first.Web.ObjectRef] = stored
	again := handle(t, objects, attachment("a.jpg", "image/jpeg"))
	if again.Web.SizeBytes != int64(len(stored.content)) {
		t.Errorf("size %d, want the stored object's %d", again.Web.SizeBytes, len(stored.content))
	}
}

func TestAFileOverTheLimitStaysWhereItCame(t *testing.T) {
	const limit = 1000
	for name, lengthSaid := range map[string]bool{"its length is known": true, "its length is not": false} {
		t.Run(name, func(t *testing.T) {
			objects := holding(strings.Repeat("x", limit+500))
			objects.lengthSaid = lengthSaid
			settings := settings()
			settings.Limits.MaxBytes = limit
			in := attachment("a.iso", "application/octet-stream")
			got, err := New(objects, settings, slog.New(slog.DiscardHandler)).Handle(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if got.Stored == nil || *got.Stored != in.Attachment.Source || got.SHA256 != "" || objects.writes != 0 {
				t.Errorf("answer %+v with %d writes, want it left at its source", got, objects.writes)
			}
			if want := "over the limit of 1000 bytes: left unread where it came"; got.Note != want {
				t.Errorf("note %q, want %q", got.Note, want)
			}
			if objects.read > limit+1 {
				t.Errorf("%d bytes were read, the limit is %d", objects.read, limit)
			}
		})
	}
}

func TestAPathInTheNameIsCutAndNoted(t *testing.T) {
	for given, want := range map[string]string{
		"report.txt":          "report.txt",
		"../../etc/passwd":    "passwd",
		`C:\TEMP\invoice.doc`: "invoice.doc",
		"/":                   "attachment-4",
		"..":                  "attachment-4",
		"":                    "attachment-4",
	} {
		in := attachment(given, "text/plain")
		in.Attachment.Index = 4
		got := handle(t, holding("text"), in)
		if got.FileName != want {
			t.Errorf("name %q became %q, want %q", given, got.FileName, want)
		}
		if noted := fmt.Sprintf("the file's name was %q", given); (got.Note == noted) != (given != want) {
			t.Errorf("name %q: note %q", given, got.Note)
		}
	}
}

func TestNotesAreAddedToEarlierOnes(t *testing.T) {
	in := attachment("a/b.svg", "image/svg+xml")
	in.Attachment.Note = "base64 was damaged"
	got := handle(t, holding(`<svg xmlns="http://www.w3.org/2000/svg"/>`), in)
	want := `base64 was damaged; the file's name was "a/b.svg"; no preview is made of image/svg+xml`
	if got.Note != want {
		t.Errorf("note %q, want %q", got.Note, want)
	}
}

func TestOnlyAWSFailuresAreErrors(t *testing.T) {
	conflict := &smithy.GenericAPIError{Code: "ConditionalRequestConflict", Message: "a conflicting operation"}
	tests := map[string]struct {
		breaks func(*memory)
		want   error
	}{
		"the source is gone":              {func(m *memory) { clear(m.stored) }, &types.NoSuchKey{}},
		"the source's body breaks off":    {func(m *memory) { m.bodyErr = io.ErrUnexpectedEOF }, io.ErrUnexpectedEOF},
		"S3 is throttled":                 {func(m *memory) { m.putErr = errors.New("SlowDown") }, errors.New("SlowDown")},
		"another upload is under way":     {func(m *memory) { m.putErr = conflict }, conflict},
		"the stored picture is not found": {func(m *memory) { m.putErr = preconditionFailed() }, &types.NotFound{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			objects := holding(pngOf(16, 16))
			test.breaks(objects)
			_, err := New(objects, settings(), slog.New(slog.DiscardHandler)).Handle(t.Context(), attachment("a.png", "image/png"))
			if err == nil || !strings.Contains(err.Error(), test.want.Error()) || !strings.Contains(err.Error(), "attachment 0 of message m1") {
				t.Errorf("error %v, want %v of attachment 0 of message m1", err, test.want)
			}
			// Only a file that is gone can never be processed.
			var gone *types.NoSuchKey
			if _, never := err.(*job.InvalidRequest); never != errors.As(test.want, &gone) {
				t.Errorf("error %T: can it never be right? %v", err, never)
			}
		})
	}
}

func TestAnInputWithoutItsPartsIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Input){
		"messageId":     func(in *Input) { in.MessageID = "" },
		"source bucket": func(in *Input) { in.Attachment.Source.Bucket = "" },
		"source key":    func(in *Input) { in.Attachment.Source.Key = "" },
	} {
		in := attachment("a.txt", "text/plain")
		spoil(&in)
		if _, err := New(holding("x"), settings(), slog.New(slog.DiscardHandler)).Handle(t.Context(), in); !isInvalid(err) {
			t.Errorf("an input without %s: %v", name, err)
		}
	}
}

func isInvalid(err error) bool {
	_, invalid := err.(*job.InvalidRequest)
	return invalid
}

func settings() Settings { return Settings{Bucket: mediaBucket, Limits: media.DefaultLimits()} }

func attachment(fileName, contentType string) Input {
	source := job.ObjectRef{Bucket: mediaBucket, Key: sourceKey}
	return Input{MessageID: "m1", Attachment: job.Attachment{FileName: fileName, ContentType: contentType, Source: source}}
}

func handle(t *testing.T, objects *memory, in Input) job.Attachment {
	t.Helper()
	got, err := New(objects, settings(), slog.New(slog.DiscardHandler)).Handle(t.Context(), in)
	if err != nil {
		t.Fatalf("Handle: %v", err)
	}
	return got
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// memory is an S3 that fails as told.
type memory struct {
	stored     map[job.ObjectRef]object
	writes     int
	read       int
	lengthSaid bool
	bodyErr    error // met after half of a body
	putErr     error
}

type object struct {
	content                  []byte
	contentType, disposition string
}

// holding is an S3 with one object, the attachment's source.
func holding(content string) *memory {
	source := job.ObjectRef{Bucket: mediaBucket, Key: sourceKey}
	return &memory{stored: map[job.ObjectRef]object{source: {content: []byte(content)}}, lengthSaid: true}
}

func (m *memory) at(bucket, key string) object {
	return m.stored[job.ObjectRef{Bucket: bucket, Key: key}]
}

// pictures are the names in a folder, beside the original.
func (m *memory) pictures(folder string) string {
	var names []string
	for ref := range maps.Keys(m.stored) {
		if name, ok := strings.CutPrefix(ref.Key, folder); ok && name != "original" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (m *memory) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	found, ok := m.stored[job.ObjectRef{Bucket: *in.Bucket, Key: *in.Key}]
	if !ok {
		return nil, &types.NoSuchKey{}
	}
	out := &s3.GetObjectOutput{Body: io.NopCloser(&counted{Reader: m.body(found.content), count: &m.read})}
	if m.lengthSaid {
		out.ContentLength = aws.Int64(int64(len(found.content)))
	}
	return out, nil
}

func (m *memory) body(content []byte) io.Reader {
	if m.bodyErr == nil {
		return bytes.NewReader(content)
	}
	broken, write := io.Pipe()
	write.CloseWithError(m.bodyErr)
	return io.MultiReader(bytes.NewReader(content[:len(content)/2]), broken)
}

func (m *memory) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if m.putErr != nil {
		return nil, m.putErr
	}
	ref := job.ObjectRef{Bucket: *in.Bucket, Key: *in.Key}
	if _, exists := m.stored[ref]; exists && aws.ToString(in.IfNoneMatch) == "*" {
		return nil, preconditionFailed()
	}
	content, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	m.writes++
	m.stored[ref] = object{content, aws.ToString(in.ContentType), aws.ToString(in.ContentDisposition)}
	return &s3.PutObjectOutput{}, nil
}

func (m *memory) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	found, ok := m.stored[job.ObjectRef{Bucket: *in.Bucket, Key: *in.Key}]
	if !ok {
		return nil, &types.NotFound{}
	}
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(int64(len(found.content)))}, nil
}

func preconditionFailed() error {
	return &smithy.GenericAPIError{Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"}
}

type counted struct {
	io.Reader
	count *int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.count += n
	return n, err
}

func drawing(width, height int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(x), G: uint8(y), B: uint8(x ^ y), A: 255})
		}
	}
	return img
}

func jpegOf(width, height int) string {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawing(width, height), nil); err != nil {
		panic(err)
	}
	return b.String()
}

func pngOf(width, height int) string {
	var b bytes.Buffer
	if err := png.Encode(&b, drawing(width, height)); err != nil {
		panic(err)
	}
	return b.String()
}

// pngClaiming is the header of a PNG of any size, with no picture behind it.
func pngClaiming(width, height uint32) string {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), width), height)
	header = append(header, 8, 6, 0, 0, 0)
	out := "\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + string(header)
	return out + string(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(header)))
}
