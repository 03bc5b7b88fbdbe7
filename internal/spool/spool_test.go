package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hypercloud/hyper/internal/signature"
)

func TestBodiesComeBackWhole(t *testing.T) {
	for name, size := range map[string]int{
		"empty": 0, "small": 5, "just in memory": Memory, "one byte more": Memory + 1, "large": 5*Memory + 17,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			want := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
			b, err := Read(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(want))), dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			for range 2 {
				got, err := io.ReadAll(b.Reader())
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes come back, %v, want %d", len(got), err, size)
				}
			}
			if b.Size() != int64(size) || b.Hash() != signature.HashBody(want) {
				t.Errorf("size %d, hash %s", b.Size(), b.Hash())
			}
			if inFile := b.file != nil; inFile != (size > Memory) {
				t.Errorf("in a file: %v", inFile)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("the file has a name: %s", left[0].Name())
			}
		})
	}
}

func TestLimit(t *testing.T) {
	for _, limit := range []int64{3, Memory + 3} {
		exact := strings.Repeat("x", int(limit))
		b, err := Read(strings.NewReader(exact), t.TempDir(), limit)
		if err != nil || b.Size() != limit {
			t.Fatalf("the limit itself: %v", err)
		}
		b.Close()
		if _, err := Read(strings.NewReader(exact+"x"), t.TempDir(), limit); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one byte more than %d: %v", limit, err)
		}
	}
}

func TestErrorsOfTheBodyAreItsOwn(t *testing.T) {
	broken := errors.New("the connection broke")
	for _, size := range []int{0, 5, Memory, 2 * Memory} {
		_, err := Read(io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(broken)), t.TempDir(), 0)
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", size, err)
		}
	}
}
