package rest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAClientThatStandsStillIsLetGo(t *testing.T) {
	const short = 50 * time.Millisecond
	ended := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			out, done := PatientWriter(w, short)
			defer done()
			var err error
			for range 10000 { // far more than the kernel keeps for a client that does not read
				if _, err = out.Write(make([]byte, 64<<10)); err != nil {
					break
				}
			}
			ended <- err
			return
		}
		r = PatientBody(w, r, short)
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	}))
	defer srv.Close()
	for name, request := range map[string]string{
		"sending": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfive.",
		"taking":  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// A call may take longer than a client may stand still, and the connection is good for another one.
func TestPatienceEndsWithTheBody(t *testing.T) {
	const short = 50 * time.Millisecond
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = PatientBody(w, r, short)
		body, err := io.ReadAll(r.Body)
		time.Sleep(3 * short)
		if err != nil || r.Context().Err() != nil {
			t.Errorf("%v, %v", err, r.Context().Err())
		}
		out, done := PatientWriter(w, short)
		defer done()
		_, _ = out.Write(body)
	}))
	defer srv.Close()
	for range 2 {
		resp, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != "hello" {
			t.Errorf("%q %v", b, err)
		}
		time.Sleep(3 * short)
	}
}

// A client that sends a byte now and then never stands still, and does not come to an end either: what is no upload must.
func TestABodyThatDripsIsLetGo(t *testing.T) {
	ended := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = PatientBody(w, r, time.Hour)
		r.Body.(*patientBody).end = time.Now().Add(200 * time.Millisecond)
		_, err := io.ReadAll(r.Body)
		ended <- BodyError(err)
	}))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = io.WriteString(conn, "x")
			}
		}
	}()
	if err := <-ended; HTTPStatus(err) != http.StatusRequestTimeout || err.Error() != "the request's body did not come in time" {
		t.Errorf("it ends with %v", err)
	}
}

// Every body that is read as a whole has its time.
func TestReadBodyIsInTime(t *testing.T) {
	r := PatientBody(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader("{}")), time.Hour)
	if _, err := ReadBody(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	if end := r.Body.(*patientBody).end; end.IsZero() || time.Until(end) > bodyTime {
		t.Errorf("it may take until %v", end)
	}
}
