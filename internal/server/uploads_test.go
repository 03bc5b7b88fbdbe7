package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Files are sent by whoever has the secret of a session, and to nobody else's volume; what is wrong says no more than that it is.
func TestUploadsNeedTheSecret(t *testing.T) {
	tn := newTown(t)
	tn.must("POST", "/v1.44/volumes/create", `{"Name":"empty"}`, "")
	code, text := tn.ask("ann", "POST", "/v1.23/volumes/initialize", `{"Volume":[{"Name":"empty","Source":"/home/ann/site"}]}`)
	var told struct {
		Session, Cookie string
		Uploaders       map[string]string
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s, %v", code, text, err)
	}
	// There is no listener for uploads: they go where the call went.
	if want := "https://town:6443/volumes/upload/" + told.Session + "/empty"; told.Uploaders["empty"] != want {
		t.Errorf("the files are wanted at %q, not %q", told.Uploaders["empty"], want)
	}
	send := func(session, name, cookie string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/volumes/upload/"+session+"/"+name+"?cookie="+cookie, strings.NewReader("files"))
		w := httptest.NewRecorder()
		tn.server.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	_, want := send(strings.Repeat("0", 32), "empty", told.Cookie)
	for what, c := range map[string][3]string{
		"another cookie": {told.Session, "empty", strings.Repeat("0", 64)}, "no cookie": {told.Session, "empty", ""},
		"another volume": {told.Session, annsVolume, told.Cookie}, "no such volume": {told.Session, "nosuch", told.Cookie},
	} {
		if code, text := send(c[0], c[1], c[2]); code != http.StatusNotFound || text != want {
			t.Errorf("%s: %d %s, want %s", what, code, text, want)
		}
	}
	anns, none := "/v1.44/volumes/uploadfinish?session="+told.Session, "/v1.44/volumes/uploadfinish?session="+strings.Repeat("0", 32)
	codeA, textA := tn.ask("bob", "PUT", anns, "")
	codeN, textN := tn.ask("bob", "PUT", none, "")
	if codeA != http.StatusNotFound || codeN != codeA || strings.ReplaceAll(textA, told.Session, "") != strings.ReplaceAll(textN, strings.Repeat("0", 32), "") {
		t.Errorf("Bob ends Ann's session: %d %s; one that there is not: %d %s", codeA, textA, codeN, textN)
	}
	if code, text := send(told.Session, "empty", told.Cookie); code != http.StatusOK {
		t.Errorf("the upload: %d %s", code, text)
	}
	if code, text := tn.ask("ann", "PUT", anns, ""); code != http.StatusNoContent {
		t.Errorf("the end: %d %s", code, text)
	}
	if code, text := tn.ask("ann", "POST", "/v1.23/volumes/initialize", `{"Volume":[{"Name":"empty","Source":"/home/ann/site"}]}`); code != http.StatusConflict {
		t.Errorf("a second time: %d %s", code, text)
	}
}
