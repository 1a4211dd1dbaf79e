package gateway

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// maxObjectBytes bounds an upload: SES stores mail of 40 MB at most, and the stack keeps its
// objects in memory.
const maxObjectBytes = 256 << 20

// s3Guard stands before gofakes3, which ignores what it does not know: PUT /bucket/key?tagging
// would overwrite the object, and DELETE /bucket?policy the bucket. The guard refuses every
// parameter and header that is not implemented and would change the answer, and undoes the transfer
// encodings of SDKs.
type s3Guard struct {
	next http.Handler
}

func (s s3Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	own := &s3Writer{ResponseWriter: w}
	s.serve(own, r)
	if !own.wroteHeader { // an answer without a body may not have sent its headers yet
		own.WriteHeader(http.StatusOK)
	}
}

func (s s3Guard) serve(w http.ResponseWriter, r *http.Request) {
	if refused := unsupportedInS3(r); refused != "" {
		writeS3Error(w, r, newS3Error(gofakes3.ErrNotImplemented, "NotImplemented",
			"A header or parameter you provided implies functionality that is not implemented: "+refused))
		return
	}
	if err := decodeBody(r); err != nil {
		writeS3Error(w, r, err)
		return
	}
	for name := range r.Header { // gofakes3 would store them with the object
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, metadataPrefix) && name != copySource {
			r.Header.Del(name)
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.next.ServeHTTP(w, r)
		return
	}
	read := &readWriter{
		ResponseWriter: w, request: r, ifMatch: r.Header.Get("If-Match"), ifNoneMatch: r.Header.Get("If-None-Match"),
	}
	r.Header.Del("If-None-Match") // gofakes3 would compare it with an ETag of its own making
	s.next.ServeHTTP(read, r)
	read.WriteHeader(http.StatusOK) // which corrects headers that are not sent yet
}

// copySource makes a PUT a CopyObject.
const copySource = "X-Amz-Copy-Source"

// s3Parameters are the query parameters that gofakes3 acts upon, or that change no answer.
// Parameters with the prefix X-Amz- are the signature of a presigned URL.
var s3Parameters = map[string]bool{
	"list-type": true, "prefix": true, "delimiter": true, "max-keys": true, "marker": true, "continuation-token": true,
	"start-after": true, "fetch-owner": true, "encoding-type": true, "location": true, "delete": true, "x-id": true,
	"uploads": true, "uploadId": true, "partNumber": true, "max-uploads": true, "max-parts": true, "key-marker": true,
	"upload-id-marker": true, "part-number-marker": true, "versioning": true,
	"response-content-type": true, "response-content-language": true, "response-expires": true,
	"response-cache-control": true, "response-content-disposition": true, "response-content-encoding": true,
}

// s3Methods is the one method that is implemented for a parameter that names a subresource. With
// any other, gofakes3 would take the request for one on the bucket or object itself.
var s3Methods = map[string]string{
	"location": http.MethodGet, "versioning": http.MethodGet, "delete": http.MethodPost,
}

// s3Headers are the headers with the prefix X-Amz- that are implemented, or that change no answer.
// Metadata and checksums have prefixes of their own.
var s3Headers = map[string]bool{
	"X-Amz-Date": true, "X-Amz-Content-Sha256": true, "X-Amz-Security-Token": true, "X-Amz-User-Agent": true,
	"X-Amz-Decoded-Content-Length": true, "X-Amz-Trailer": true, "X-Amz-Sdk-Checksum-Algorithm": true,
	"X-Amz-Expected-Bucket-Owner": true, "X-Amz-Request-Payer": true, copySource: true,
}

// unsupportedInS3 names a part of the request that is not implemented, or returns "".
func unsupportedInS3(r *http.Request) string {
	query := r.URL.Query()
	for name := range query {
		if !s3Parameters[name] && !strings.HasPrefix(name, "X-Amz-") {
			return "parameter " + name
		}
		if method := s3Methods[name]; method != "" && r.Method != method {
			return r.Method + " with parameter " + name
		}
	}
	for name, values := range r.Header {
		amazon := strings.HasPrefix(name, "X-Amz-") && !s3Headers[name] && !strings.HasPrefix(name, metadataPrefix)
		switch {
		case strings.HasPrefix(name, checksumPrefix):
			if checksum(name) == nil && name != checksumPrefix+"Mode" && name != checksumPrefix+"Algorithm" && name != checksumType {
				return "header " + name
			}
		case name == "X-Amz-Metadata-Directive" && values[0] == "COPY":
		case amazon, name == "X-Minio-Force-Delete":
			return "header " + name
		}
	}
	return unsupportedWithMethod(r, query)
}

// unsupportedWithMethod names a part of the request that gofakes3 ignores with this method.
func unsupportedWithMethod(r *http.Request, query url.Values) string {
	var ignored []string
	switch r.Method {
	case http.MethodPut, http.MethodPost:
		ignored = []string{"Cache-Control", "Content-Language", "Expires"}
		if query.Has("uploadId") {
			ignored = append(ignored, "If-Match", "If-None-Match", copySource)
		}
	case http.MethodDelete:
		ignored = []string{"If-Match"}
	case http.MethodGet, http.MethodHead:
		ignored = []string{"If-Unmodified-Since"}
		if query.Has("partNumber") {
			return "parameter partNumber"
		}
	}
	for _, name := range ignored {
		if r.Header.Get(name) != "" {
			return r.Method + " with header " + name
		}
	}
	return ""
}

func writeS3Error(w http.ResponseWriter, r *http.Request, err *s3Error) {
	body, _ := xml.Marshal(err) // strings always marshal
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(err.status())
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// readWriter corrects the answer to a read when gofakes3 sends its headers: it sets the object's
// own ETag, checks the read's conditions on it, and removes the object's checksum from an answer
// without the object, because a client would check that answer against it.
type readWriter struct {
	http.ResponseWriter
	request              *http.Request
	ifMatch, ifNoneMatch string
	wroteHeader          bool
	replaced             bool // by another answer: what gofakes3 still writes is dropped
}

func (w *readWriter) WriteHeader(status int) {
	if w.wroteHeader {
		return
	}
	w.wroteHeader = true
	header := w.Header()
	if etag := header.Get(etagHeader); etag != "" {
		header.Set("ETag", etag)
		header.Del(etagHeader)
	}
	etag := header.Get("ETag")
	isObject := etag != "" && status < http.StatusMultipleChoices
	switch {
	case isObject && w.ifMatch != "" && !matches(w.ifMatch, etag):
		w.withoutObject()
		writeS3Error(w.ResponseWriter, w.request, newS3Error(gofakes3.ErrPreconditionFailed, "PreconditionFailed",
			gofakes3.ErrPreconditionFailed.Message()))
	case isObject && w.ifNoneMatch != "" && matches(w.ifNoneMatch, etag):
		w.withoutObject()
		w.ResponseWriter.WriteHeader(http.StatusNotModified)
	case isObject:
		w.ResponseWriter.WriteHeader(status)
	default:
		header.Del(checksumCRC32)
		header.Del(checksumType)
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *readWriter) withoutObject() {
	w.replaced = true
	for _, name := range []string{"Content-Length", "Content-Range", "Content-Type", "Content-Encoding", checksumCRC32, checksumType} {
		w.Header().Del(name)
	}
}

func matches(condition, etag string) bool {
	return condition == "*" || strings.Trim(condition, `"`) == strings.Trim(etag, `"`)
}

func (w *readWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.replaced {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
