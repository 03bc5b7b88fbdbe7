package signature

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAuthorizationIsReadByName(t *testing.T) {
	good := delivered(t, request(t, "GET", "https://h:1/v", ""), "")
	a := good.Header.Get("Authorization")
	fields := strings.Split(strings.TrimPrefix(a, Algorithm+" "), ", ")
	for name, header := range map[string]string{
		"as sent":             a,
		"two spaces":          strings.Replace(strings.Replace(a, " ", "  ", 1), ", ", ",  ", 1),
		"no space":            strings.ReplaceAll(a, ", ", ","),
		"tab, space around":   " " + strings.Replace(a, " ", "\t", 1) + " ",
		"fields turned round": Algorithm + " " + fields[2] + ", " + fields[1] + ", " + fields[0],
	} {
		r := good.Clone(t.Context())
		r.Header.Set("Authorization", header)
		if s, err := Parse(r); err != nil || !s.Verify(testKey.Secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedClaimsAreRefused(t *testing.T) {
	type headers map[string]string
	for name, change := range map[string]func(a string) headers{
		"none":             func(string) headers { return headers{"Authorization": ""} },
		"another scheme":   func(string) headers { return headers{"Authorization": "Bearer hyper_x"} },
		"longer algorithm": func(a string) headers { return headers{"Authorization": strings.Replace(a, " ", "X ", 1)} },
		"algorithm only":   func(string) headers { return headers{"Authorization": Algorithm} },
		"unknown field":    func(a string) headers { return headers{"Authorization": a + ", Extra=1"} },
		"field twice":      func(a string) headers { return headers{"Authorization": a + ", Signature=" + EmptyHash} },
		"field missing":    func(a string) headers { return headers{"Authorization": a[:strings.LastIndex(a, ",")]} },
		"too long":         func(a string) headers { return headers{"Authorization": a + strings.Repeat(" ", 9000)} },
		"short signature":  func(a string) headers { return headers{"Authorization": a[:len(a)-1]} },
		"upper-case signature": func(a string) headers {
			return headers{"Authorization": a[:len(a)-64] + strings.ToUpper(a[len(a)-64:])}
		},
		"no region":       func(a string) headers { return headers{"Authorization": strings.Replace(a, "/home-1/", "//", 1)} },
		"another service": func(a string) headers { return headers{"Authorization": strings.Replace(a, "/hyper/", "/s3/", 1)} },
		"another terminator": func(a string) headers {
			return headers{"Authorization": strings.Replace(a, "hyper_request", "aws4_request", 1)}
		},
		"five-part scope": func(a string) headers { return headers{"Authorization": strings.Replace(a, "/home-1/", "/home/1/", 1)} },
		"no access key":   func(a string) headers { return headers{"Authorization": strings.Replace(a, testKey.Access, "", 1)} },
		"day of another date": func(a string) headers {
			return headers{"Authorization": strings.Replace(a, "/20260102/", "/20260103/", 1)}
		},
		"too many names": func(a string) headers {
			return headers{"Authorization": strings.Replace(a, "host;", "host;"+strings.Repeat("a;", 70), 1)}
		},
		"upper-case names":     func(a string) headers { return headers{"Authorization": strings.Replace(a, "host;", "Host;", 1)} },
		"no date":              func(string) headers { return headers{HeaderDate: ""} },
		"fraction of a second": func(string) headers { return headers{HeaderDate: "20260102T020405.5Z"} },
		"another form of date": func(string) headers { return headers{HeaderDate: "Fri, 02 Jan 2026 03:04:05 GMT"} },
		"impossible date":      func(string) headers { return headers{HeaderDate: "20260132T020405Z"} },
		"no body hash":         func(string) headers { return headers{HeaderBodyHash: ""} },
		"unsigned payload":     func(string) headers { return headers{HeaderBodyHash: "UNSIGNED-PAYLOAD"} },
		"upper-case body hash": func(string) headers { return headers{HeaderBodyHash: strings.ToUpper(EmptyHash)} },
	} {
		t.Run(name, func(t *testing.T) {
			r := delivered(t, request(t, "GET", "https://h:1/v", ""), "")
			for k, v := range change(r.Header.Get("Authorization")) {
				r.Header.Set(k, v)
				if v == "" {
					r.Header.Del(k)
				}
			}
			if _, err := Parse(r); err == nil || !strings.HasPrefix(err.Error(), "Unauthorized: ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckBody(t *testing.T) {
	const text = "what was signed"
	read := func(body, hash string) (string, error) {
		b, err := io.ReadAll(CheckBody(io.NopCloser(strings.NewReader(body)), hash))
		return string(b), err
	}
	if got, err := read(text, HashBody([]byte(text))); got != text || err != nil {
		t.Errorf("the signed body: %q, %v", got, err)
	}
	if _, err := read("", EmptyHash); err != nil {
		t.Errorf("no body: %v", err)
	}
	for _, body := range []string{"", text + " ", text[1:], "null\n"} {
		if _, err := read(body, HashBody([]byte(text))); !errors.Is(err, ErrBody) {
			t.Errorf("%q: %v", body, err)
		}
	}
	broken := errors.New("the connection broke")
	r := CheckBody(io.NopCloser(io.MultiReader(strings.NewReader(text), failing{broken})), EmptyHash)
	if _, err := io.ReadAll(r); !errors.Is(err, broken) {
		t.Errorf("a broken body: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// FuzzParse feeds Parse what a stranger may send. What it accepts must be consistent, and must not verify.
func FuzzParse(f *testing.F) {
	good := delivered(f, request(f, "GET", "https://h:1/v", ""), "")
	f.Add("GET", "/v1.23/containers//web/json", "a=%2B&&b", "h:443", good.Header.Get("Authorization"), good.Header.Get(HeaderDate), EmptyHash)
	f.Add("POST", "//", "%zz", "[::1]:443", Algorithm+" Credential=/a/b/hyper/hyper_request, SignedHeaders=;, Signature=0", "20260102T030405Z", "")
	f.Add("", "", "", ":", Algorithm+"\t,=,,", "20260102T030405.999Z", strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, method, path, query, host, authorization, date, hash string) {
		r := request(t, "GET", "https://h:1/", "")
		r.Method, r.Host, r.URL.Path, r.URL.RawQuery = method, host, path, query
		r.Header.Set("Authorization", authorization)
		r.Header.Set(HeaderDate, date)
		r.Header.Set(HeaderBodyHash, hash)
		s, err := Parse(r)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "Unauthorized: ") {
				t.Errorf("got %v", err)
			}
			return
		}
		if s.AccessKey == "" || s.Region == "" || s.Date.UTC().Format(dateLayout) != date || s.BodyHash != hash {
			t.Errorf("accepted %+v", s)
		}
		if s.Verify("a secret that nobody signed with") {
			t.Error("it verifies")
		}
	})
}
