package rest

import (
	"io"
	"net/http"
	"time"
)

// Patience is how long a client may stand still in the middle of a body that it sends, or of an archive that it fetches. What it holds
// meanwhile (a place among the uploads, a container that rests) is wanted by others.
const Patience = 5 * time.Minute

// PatientBody is r with a body that fails when nothing of it has come for so long. It is for the body as it comes from the connection, before
// anybody has read it to its end: afterwards the connection is net/http's own again. r itself stays as it is, since net/http looks
// at its body when it answers.
func PatientBody(w http.ResponseWriter, r *http.Request, d time.Duration) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	r = r.WithContext(r.Context())
	r.Body = &patientBody{ReadCloser: r.Body, control: http.NewResponseController(w), d: d}
	return r
}

// bodyTime is how long the body of a call may take to come that is no upload. A client that sends a byte now and then would otherwise be served for years.
const bodyTime = time.Minute

// InTime makes a request's body fail that has not come whole after a minute from now.
func InTime(r *http.Request) {
	if p, ok := r.Body.(*patientBody); ok {
		p.end = time.Now().Add(bodyTime)
	}
}

type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	d       time.Duration
	end     time.Time // for all of it; zero: there is none
}

func (b *patientBody) Read(p []byte) (int, error) {
	until := time.Now().Add(b.d)
	if !b.end.IsZero() && b.end.Before(until) {
		until = b.end
	}
	_ = b.control.SetReadDeadline(until)
	n, err := b.ReadCloser.Read(p)
	if err != nil { // its end too
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// PatientWriter writes to w for as long as the client takes something now and then. done must be called when all is written.
func PatientWriter(w http.ResponseWriter, d time.Duration) (out io.Writer, done func()) {
	control := http.NewResponseController(w)
	return &patientWriter{w, control, d}, func() { _ = control.SetWriteDeadline(time.Time{}) }
}

type patientWriter struct {
	w       io.Writer
	control *http.ResponseController
	d       time.Duration
}

func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.d))
	return p.w.Write(b)
}
