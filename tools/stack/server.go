package stack

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// limits bound what clients may hold. A call that waits for its answer, such as a receive of 20
// seconds or an invocation, has no bound of its own.
type limits struct {
	header      time.Duration // from a connection's first byte to the end of a request's headers
	idle        time.Duration // between two requests of a connection
	pause       time.Duration // between two pieces of a body, or of an answer
	body        time.Duration // for all of a body
	headerBytes int
	connections int
}

func defaultLimits() limits {
	return limits{
		header: 10 * time.Second, idle: 2 * time.Minute, pause: 30 * time.Second, body: 15 * time.Minute,
		headerBytes: 64 << 10, connections: mostConnections(),
	}
}

// mostConnections leaves the half of the process's descriptors to its files and commands.
func mostConnections() int {
	const most, least = 512, 8
	var descriptors syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &descriptors); err != nil {
		return most
	}
	return int(max(least, min(most, descriptors.Cur/2)))
}

// newServer returns a server whose clients keep to the limits, and the listener that it has to
// serve.
func newServer(handler http.Handler, listener net.Listener, l limits, log *slog.Logger) (*http.Server, net.Listener) {
	open := &connections{most: l.connections, open: map[net.Conn]bool{}, since: map[net.Conn]time.Time{}}
	return &http.Server{
		Handler:           patient{handler, open, l, log},
		ReadHeaderTimeout: l.header,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.headerBytes,
		ConnState:         open.changed,
		ConnContext:       open.keep,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}, netutil.LimitListener(listener, l.connections+1) // the one for which to make room
}

// connections closes a connection whenever there are more than allowed: the one that has been idle,
// or has sent a part of its first request's headers, for longest. So clients who keep theirs do not
// shut others out.
type connections struct {
	most int

	mu    sync.Mutex
	open  map[net.Conn]bool
	since map[net.Conn]time.Time // of those on which no request is being answered
}

// changed is a server's ConnState.
func (c *connections) changed(connection net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.makeRoom(1)
		c.open[connection], c.since[connection] = true, time.Now()
	case http.StateIdle:
		c.since[connection] = time.Now()
		c.makeRoom(0)
	case http.StateHijacked, http.StateClosed:
		delete(c.open, connection)
		delete(c.since, connection)
	}
}

// makeRoom closes connections until so many more may be opened, or all are being answered. The
// caller holds c.mu.
func (c *connections) makeRoom(wanted int) {
	for len(c.open)+wanted > c.most && len(c.since) > 0 {
		var oldest net.Conn
		for candidate, since := range c.since {
			if oldest == nil || since.Before(c.since[oldest]) {
				oldest = candidate
			}
		}
		delete(c.open, oldest)
		delete(c.since, oldest)
		oldest.Close() // the server notices
	}
}

// connectionOf is the key of a request's connection in its context.
type connectionOf struct{}

// keep is a server's ConnContext.
func (*connections) keep(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, connectionOf{}, connection)
}

// answering spares the connection of a request that has come.
func (c *connections) answering(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if connection, ok := ctx.Value(connectionOf{}).(net.Conn); ok {
		delete(c.since, connection)
	}
}

// patient gives bodies and answers as long as they go on. The server's own ReadTimeout would also
// end calls that wait for their answer.
type patient struct {
	next   http.Handler
	open   *connections
	limits limits
	log    *slog.Logger
}

func (p patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.open.answering(r.Context())
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // that of the connection's request before
	answer := &pacedWriter{ResponseWriter: w, control: control, pause: p.limits.pause}
	if r.ContentLength != 0 {
		body := &pacedBody{ReadCloser: r.Body, control: control, pause: p.limits.pause, end: time.Now().Add(p.limits.body)}
		body.await()                   // a handler may leave the body to the server, which then reads some of it
		r = r.WithContext(r.Context()) // a copy: the server goes by the body of its own request
		r.Body = body
	}
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == http.ErrAbortHandler || answer.begun {
			panic(fault) // the server logs it and ends the connection
		}
		p.log.Error("the local stack has a fault, and goes on", "error", fault, "trace", string(debug.Stack()))
		answer.Header().Set("Content-Type", "application/x-amz-json-1.0")
		answer.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(answer, `{"__type":"InternalServerError","message":"The local stack has a fault: its log says more"}`)
	}()
	p.next.ServeHTTP(answer, r)
}

// pacedBody is a body whose every piece has to come within a pause, and all of it before its end.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	pause   time.Duration
	end     time.Time
}

func (b *pacedBody) await() {
	deadline := time.Now().Add(b.pause)
	if deadline.After(b.end) {
		deadline = b.end
	}
	_ = b.control.SetReadDeadline(deadline)
}

func (b *pacedBody) Read(p []byte) (int, error) {
	b.await()
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		// From here on the server reads to learn that the client went away, while the call may
		// wait.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// pacedWriter is an answer whose every piece has to be taken within a pause.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	pause   time.Duration
	begun   bool
}

// pieceBytes is how much of an answer has to be taken within a pause.
const pieceBytes = 256 << 10

func (w *pacedWriter) await() {
	w.begun = true
	_ = w.control.SetWriteDeadline(time.Now().Add(w.pause))
}

func (w *pacedWriter) WriteHeader(status int) {
	w.await()
	w.ResponseWriter.WriteHeader(status)
}

func (w *pacedWriter) Write(p []byte) (written int, err error) {
	for {
		w.await()
		piece := p[written:min(len(p), written+pieceBytes)]
		n, err := w.ResponseWriter.Write(piece)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// Unwrap lets a handler control the connection.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
