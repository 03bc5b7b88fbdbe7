package fill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/session"
)

// Initialize fills volumes. All sources of this machine are looked at before the server is asked, and sent side by side.
func Initialize(ctx context.Context, s *session.Session, fills []Fill) error {
	var ask []types.VolumeSource
	sources := map[string]string{}
	for _, f := range fills {
		if err := Check(f.Source); err != nil {
			return err
		}
		ask = append(ask, types.VolumeSource{Name: f.Volume, Source: f.Source})
		sources[f.Volume] = f.Source
	}
	up, err := s.Hyper.VolumeInitialize(ctx, ask)
	if err != nil || up.Session == "" {
		return err
	}
	sent := sendAll(ctx, s, up, sources)
	// The session is ended in any case, so that the volumes are free.
	finished := s.Hyper.VolumeFinish(ctx, up.Session)
	if sent != nil {
		return sent
	}
	return finished
}

// sendAll sends what is asked for, and returns the last error. Each is told of as it comes.
func sendAll(ctx context.Context, s *session.Session, up types.VolumeUpload, sources map[string]string) error {
	bars := newBars(s)
	defer bars.end()
	var group sync.WaitGroup
	var mu sync.Mutex
	var last error
	for name, to := range up.Uploaders {
		source, ok := sources[name]
		if !ok || isAddress(source) { // never what was not offered
			continue
		}
		group.Go(func() {
			if err := send(ctx, s, bars, name, source, to, up.Cookie); err != nil {
				mu.Lock()
				defer mu.Unlock()
				bars.say(fmt.Sprintf("Upload local volume failed: %v", err))
				last = fmt.Errorf("%s: %w", source, err)
			}
		})
	}
	group.Wait()
	return last
}

func send(ctx context.Context, s *session.Session, bars *bars, volume, source, to, cookie string) error {
	r, w := io.Pipe()
	defer func() { _ = r.Close() }()
	packed := make(chan error, 1)
	bar := bars.bar(volume, source)
	go func() {
		err := pack(source, io.MultiWriter(w, bar), func(path string, mode fs.FileMode) {
			bars.say(fmt.Sprintf("Warning: %s is left out, which a volume cannot hold: %s", path, mode))
		})
		_ = w.CloseWithError(err)
		packed <- err
	}()
	err := s.Hyper.VolumeSend(ctx, to, cookie, r)
	_ = r.CloseWithError(io.ErrClosedPipe)
	// What is wrong with the files comes before what followed from it.
	if perr := <-packed; perr != nil && !errors.Is(perr, io.ErrClosedPipe) {
		return perr
	}
	if err == nil {
		bar.done()
	}
	return err
}

// Import fills a volume from a tar. What is wrong with the tar is said by the server.
func Import(ctx context.Context, s *session.Session, volume string, archive io.Reader) error {
	up, err := s.Hyper.VolumeInitialize(ctx, []types.VolumeSource{{Name: volume, Source: imported}})
	if err != nil {
		return err
	}
	sent := s.Hyper.VolumeSend(ctx, up.Uploaders[volume], up.Cookie, archive)
	finished := s.Hyper.VolumeFinish(context.WithoutCancel(ctx), up.Session)
	if sent != nil {
		return sent
	}
	return finished
}

// imported stands where a volume's source is told, for one that came as an archive.
const imported = "/import"
