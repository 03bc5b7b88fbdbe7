package signature

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const window = 5 * time.Minute

// check does what a server does: it returns nil only for a request that may be obeyed.
func check(r *http.Request, keys map[string]string, now time.Time) error {
	s, err := Parse(r)
	if err != nil {
		return err
	}
	if err := s.Fresh(now, window); err != nil {
		return err
	}
	secret, ok := keys[s.AccessKey]
	if !ok {
		return errors.New("Unauthorized: no such access key")
	}
	if !s.Verify(secret) {
		return errors.New("Unauthorized: signature does not match")
	}
	_, err = io.Copy(io.Discard, CheckBody(r.Body, s.BodyHash))
	return err
}

// signedAt is the clock of the client that made the recording.
func (v vector) signedAt(t testing.TB) time.Time {
	t.Helper()
	at, err := time.Parse(dateLayout, v.header(HeaderDate))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRecordedRequestsVerify(t *testing.T) {
	keys, all := vectors(t)
	verified := 0
	for _, v := range all {
		err := check(v.received(t), keys, v.signedAt(t))
		if v.Valid && err != nil {
			t.Errorf("%s: %s %s: %v", v.Case, v.Method, v.Target, err)
		}
		if !v.Valid && err == nil {
			t.Errorf("%s: the request without keys is accepted", v.Case)
		}
		if err == nil {
			verified++
		}
	}
	if verified != 318 {
		t.Errorf("%d requests verify, want 318", verified)
	}
}

// The empty access key is refused for itself, not only because nobody has it.
func TestEmptyAccessKeyIsRefused(t *testing.T) {
	_, all := vectors(t)
	for _, v := range all {
		if !v.Valid {
			if err := check(v.received(t), map[string]string{"": ""}, v.signedAt(t)); err == nil {
				t.Errorf("%s: accepted", v.Case)
			}
		}
	}
	if (&Signed{date: "20260102T030405Z", Signature: sign("", "20260102T030405Z", "", [32]byte{})}).Verify("") {
		t.Error("an empty secret verifies")
	}
}

// tampering is one change to a request after it was signed.
var tampering = map[string]func(v vector) vector{
	"method": func(v vector) vector {
		v.Method = map[bool]string{true: "PUT", false: "POST"}[v.Method == "POST"]
		return v
	},
	"path": func(v vector) vector {
		path, query, _ := strings.Cut(v.Target, "?")
		v.Target = path + "x?" + query
		return v
	},
	"path, one more piece": func(v vector) vector {
		v.Target = "/v1.23" + v.Target
		return v
	},
	"query value": func(v vector) vector {
		if !strings.Contains(v.Target, "?") {
			v.Target += "?"
		}
		v.Target += "1"
		return v
	},
	"query, one more key": func(v vector) vector {
		if strings.Contains(v.Target, "?") {
			v.Target += "&force=1"
		} else {
			v.Target += "?force=1"
		}
		return v
	},
	"body": func(v vector) vector {
		v.Body = append([]byte(nil), v.Body...)
		if len(v.Body) > 0 {
			v.Body[len(v.Body)/2] ^= 1
			return v
		}
		v.Body, v.Framing = []byte("x"), "content-length"
		return v.with("Transfer-Encoding", "").with("Content-Length", "1")
	},
	"body, its end": func(v vector) vector {
		v.Body, v.Framing = append(append([]byte(nil), v.Body...), '\n'), "chunked"
		return v.with("Content-Length", "").with("Transfer-Encoding", "chunked")
	},
	"host": func(v vector) vector { return v.with("Host", "other.example") },
	"date": func(v vector) vector {
		date := []byte(v.header(HeaderDate))
		date[len(date)-2] ^= 1 // One second.
		return v.with(HeaderDate, string(date))
	},
	"day": func(v vector) vector { return v.with(HeaderDate, "20261124T000000Z") },
	"body hash": func(v vector) vector {
		v.Body, v.Framing = []byte("x"), "content-length"
		return v.with("Transfer-Encoding", "").with("Content-Length", "1").with(HeaderBodyHash, HashBody(v.Body))
	},
	"content type":           func(v vector) vector { return v.with("Content-Type", "application/x-tar") },
	"content type, missing":  func(v vector) vector { return v.with("Content-Type", "") },
	"X-Hyper header":         func(v vector) vector { return v.with("X-Hyper-Content-Length", "7") },
	"X-Hyper header, twice":  func(v vector) vector { return v.with("X-Hyper-Trace", "other") },
	"X-Hyper header, unsaid": func(v vector) vector { return v.with("X-Hyper-Account", "other") },
	"region": func(v vector) vector {
		parts := strings.Split(v.header("Authorization"), "/")
		parts[2] += "x"
		return v.with("Authorization", strings.Join(parts, "/"))
	},
	"access key": func(v vector) vector {
		a := v.header("Authorization")
		if strings.Contains(a, "TESTACCESSKEY0000000000000000001") {
			return v.with("Authorization", strings.Replace(a, "0001/", "0002/", 1))
		}
		return v.with("Authorization", strings.Replace(a, "0002/", "0001/", 1))
	},
	"signature": func(v vector) vector {
		a := []byte(v.header("Authorization"))
		a[len(a)-1] = map[bool]byte{true: '1', false: '0'}[a[len(a)-1] == '0']
		return v.with("Authorization", string(a))
	},
	"signature, missing": func(v vector) vector { return v.with("Authorization", "") },
}

func TestTamperingIsSeen(t *testing.T) {
	keys, all := vectors(t)
	for name, change := range tampering {
		t.Run(name, func(t *testing.T) {
			for _, v := range all {
				if err := check(change(v).received(t), keys, v.signedAt(t)); err == nil {
					t.Errorf("%s: %s %s: accepted", v.Case, v.Method, v.Target)
				}
			}
		})
	}
}

// Whatever the client signs, the server insists on.
func TestNoSignedHeaderCanBeDropped(t *testing.T) {
	keys, all := vectors(t)
	for _, v := range all {
		a := v.header("Authorization")
		before, rest, _ := strings.Cut(a, "SignedHeaders=")
		list, after, _ := strings.Cut(rest, ",")
		names := strings.Split(list, ";")
		for i, name := range names {
			left := append(append([]string(nil), names[:i]...), names[i+1:]...)
			dropped := v.with("Authorization", before+"SignedHeaders="+strings.Join(left, ";")+","+after)
			if _, err := Parse(dropped.received(t)); err == nil {
				t.Errorf("%s: %s may be left unsigned", v.Case, name)
			}
			absent := dropped.with(name, "")
			if err := check(absent.received(t), keys, v.signedAt(t)); err == nil {
				t.Errorf("%s: %s may be left out", v.Case, name)
			}
		}
	}
}

func TestClock(t *testing.T) {
	keys, all := vectors(t)
	for _, v := range all {
		for _, shift := range []time.Duration{-window - time.Second, window + time.Second, 24 * time.Hour} {
			if err := check(v.received(t), keys, v.signedAt(t).Add(shift)); err == nil {
				t.Errorf("%s: accepted %s later", v.Case, shift)
			}
		}
		if !v.Valid {
			continue
		}
		for _, shift := range []time.Duration{-window, window} {
			if err := check(v.received(t), keys, v.signedAt(t).Add(shift)); err != nil {
				t.Errorf("%s: %s later: %v", v.Case, shift, err)
			}
		}
	}
}

func TestTheRefusalNamesBothClocks(t *testing.T) {
	s := &Signed{Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	err := s.Fresh(s.Date.Add(time.Hour), window)
	const want = "Unauthorized: request time too skewed: the request says 2026-01-02T03:04:05Z, the server's clock 2026-01-02T04:04:05Z"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestAnotherSecretDoesNotVerify(t *testing.T) {
	keys, all := vectors(t)
	for _, v := range all {
		s, err := Parse(v.received(t))
		if err != nil {
			continue // The request without keys.
		}
		for _, secret := range []string{"", keys[s.AccessKey] + "x", keys[s.AccessKey][1:], strings.ToUpper(keys[s.AccessKey])} {
			if s.Verify(secret) {
				t.Errorf("%s: verifies with secret %q", v.Case, secret)
			}
		}
	}
}
