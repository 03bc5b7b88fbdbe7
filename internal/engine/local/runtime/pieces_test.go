package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"testing/iotest"

	"github.com/hypercloud/hyper/internal/engine"
)

// noise is content in which each piece differs from all others.
func noise(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}

// TestLentOutput has room for output used again and again while a client takes it in its own time, and many small pieces between.
func TestLentOutput(t *testing.T) {
	want := noise(20 << 20)
	var got bytes.Buffer
	at := newAttachment(t.Context(), engine.Streams{Stdout: &got})
	sizes := rand.New(rand.NewPCG(1, 2))
	for rest := want; len(rest) > 0; {
		b := outputs.Get().(*output)
		n := 1 + sizes.IntN(len(b))
		if sizes.IntN(2) == 0 {
			n = 1 + n%100
		}
		n = copy(b[:n], rest)
		at.lend(stdoutName, b, n)
		rest = rest[n:]
	}
	at.lend(stdoutName, outputs.Get().(*output), 0) // the end of a pipe
	at.finish()
	<-at.left
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes came, of %d, and they differ", got.Len(), len(want))
	}
}

// TestLentToNobody has output go on when its client is gone, or never wanted it.
func TestLentToNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	at := newAttachment(ctx, engine.Streams{Stdout: io.Discard})
	cancel()
	<-at.left
	for range 100 { // more than may wait for a client
		at.lend(stdoutName, new(output), len(output{}))
		at.lend(stderrName, new(output), len(output{}))
	}
}

// TestPieces carries a stream through a program, in large pieces both ways.
func TestPieces(t *testing.T) {
	want := noise(5<<20 + 3)
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	cmd.Stdout = inPieces{&got}
	go pour(in, iotest.HalfReader(bytes.NewReader(want)))
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes came, of %d, and they differ", got.Len(), len(want))
	}
}

// TestPourBroken has a program see all that came before its source failed, and then the end.
func TestPourBroken(t *testing.T) {
	want := noise(100_000)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go pour(w, io.MultiReader(bytes.NewReader(want), iotest.ErrReader(errors.New("the client is gone"))))
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, of %d: %v", len(got), len(want), err)
	}
}
