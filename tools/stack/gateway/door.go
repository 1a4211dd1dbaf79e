package gateway

import (
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// strange says why a request must not be answered, or returns "". The port needs no credentials, so
// what a person's browser sends for some other web page must not pass for the person's own:
//
//   - A page of another origin: browsers name it in Origin or in Sec-Fetch-Site, and ask for
//     permission by OPTIONS.
//   - A page that was loaded from a name of its own, which now points at this machine (DNS
//     rebinding): to the browser this is the page's own origin, but the name is in Host.
//   - A form, or a script that sends what a form may: a browser sends it to anybody, unasked. A POST
//     of a form's content type therefore has to carry a header that no page can set unasked.
//
// With keys, a signature tells who sends it, also from other machines.
func (g *gateway) strange(r *http.Request) string {
	if g.keys != nil {
		if why := fromElsewhere(r); why != "" || r.URL.Path == systemPrefix+"health" {
			return why
		}
		return g.keys.unsigned(r, time.Now())
	}
	if !namesThisMachine(r) {
		return "the Host " + quote(r.Host) + " is not this stack's: use http://localhost or http://127.0.0.1 with its port, and S3's path style (/BUCKET/KEY)"
	}
	return fromElsewhere(r)
}

// fromElsewhere says why a request is another web page's, or returns "".
func fromElsewhere(r *http.Request) string {
	origins := r.Header.Values("Origin")
	for _, origin := range origins {
		if !ownOrigin(r, origin) {
			return "a web page of " + quote(origin) + " sent it, and only this stack's own pages may"
		}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case site != "" && site != "same-origin" && site != "none":
		return "a browser sent it for another site's page (Sec-Fetch-Site: " + quote(site) + ")"
	case r.Method == http.MethodOptions:
		return "no web page of another origin gets permission (CORS)"
	case len(origins) == 0 && site != "same-origin" && isForm(r) && !setsHeaders(r):
		return "a web page can send such a form to anybody: say what the body is, for example with the header Content-Type: application/json"
	}
	return ""
}

// ownOrigin says whether an Origin is that of the URL to which the request went.
func ownOrigin(r *http.Request, origin string) bool {
	scheme, host, _ := strings.Cut(origin, "://")
	own := "http"
	if r.TLS != nil {
		own = "https"
	}
	return scheme == own && strings.EqualFold(host, r.Host)
}

// namesThisMachine says whether Host is localhost, a loopback address or the address on which the
// request arrived. Its port is not looked at, because a tunnel may lead here from another one.
func namesThisMachine(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return address.Unmap().IsLoopback() || local != nil && address.Unmap() == local.AddrPort().Addr().Unmap()
}

// isForm says whether a page's form could have sent the request. Without a content type it could
// have been a script, to which the same freedom is given.
func isForm(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	contentType := r.Header.Get("Content-Type")
	if contentType == "" {
		return r.ContentLength != 0
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err != nil || kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data" || kind == "text/plain"
}

// setsHeaders says whether the request has a header that AWS's clients send and that a page of
// another origin may send only after a permission, which nobody gets.
func setsHeaders(r *http.Request) bool {
	for name := range r.Header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "Amz-Sdk-") {
			return true
		}
	}
	return false
}

// quote makes what a stranger wrote safe to show, and short.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	quoted, _ := json.Marshal(s) // strings always marshal
	return string(quoted)
}

// likeForbidden is the code of gofakes3 that has the status 403.
const likeForbidden = gofakes3.ErrRequestTimeTooSkewed

// refuse answers 403 in the form of the protocol that the request seems to speak.
func (g *gateway) refuse(w http.ResponseWriter, r *http.Request, why string) {
	message := "The local stack refused the request: " + why
	id := g.nextRequestID()
	target, _, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if isJSON {
		writeJSONError(w, id, failure{
			service: jsonServices[target], status: http.StatusForbidden, namespace: coralService, shape: "AccessDeniedException",
			body: messageBody("message", message),
		})
		return
	}
	w.Header().Set("X-Amzn-Requestid", id)
	if strings.HasPrefix(r.URL.Path, lambdaPrefix) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
		w.Write(messageBody("Message", message))
		return
	}
	writeS3Error(w, r, newS3Error(likeForbidden, "AccessDenied", message))
}

// s3Writer takes back what gofakes3 permits to web pages of any origin (CORS), and keeps a browser
// that shows an object from running it: a page among the objects, which came with some mail, would
// be a page of this stack's own.
type s3Writer struct {
	http.ResponseWriter
	wroteHeader bool
}

func (w *s3Writer) WriteHeader(status int) {
	if !w.wroteHeader {
		w.wroteHeader = true
		header := w.Header()
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				header.Del(name)
			}
		}
		header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *s3Writer) Write(b []byte) (int, error) {
	if !w.wroteHeader {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}
