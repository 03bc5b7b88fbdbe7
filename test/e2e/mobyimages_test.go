package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

var (
	thisPlatform  = ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
	otherPlatform = ocispec.Platform{OS: "linux", Architecture: "s390x"}
)

// tag gives busybox another name, for as long as the row takes.
func (m moby) tag(t *testing.T, name string) {
	t.Helper()
	if _, err := m.ImageTag(within(t), client.ImageTagOptions{Source: "busybox", Target: name}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := m.ImageRemove(afterwards(t), name, client.ImageRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
			t.Error(err)
		}
	})
}

// mobyImageRows are images and registries.
var mobyImageRows = map[string]mobyRow{
	"ImagePull": func(t *testing.T, m moby) {
		r, err := m.ImagePull(within(t), "busybox", client.ImagePullOptions{Platforms: []ocispec.Platform{thisPlatform}})
		var said []string
		for msg, err := range must(t, r, err).JSONMessages(within(t)) {
			said = append(said, must(t, msg, err).Status)
		}
		wantIn(t, "what is told", strings.Join(said, "\n"), "Status: Image is up to date for busybox:latest")
		in, err := m.ImageInspect(within(t), "busybox")
		m.pull(t, must(t, in, err).RepoDigests[0]) // by its digest
		r, err = m.ImagePull(within(t), "no/such:1", client.ImagePullOptions{})
		if err == nil {
			err = r.Wait(within(t))
		}
		if !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
		r, err = m.ImagePull(within(t), "busybox", client.ImagePullOptions{Platforms: []ocispec.Platform{otherPlatform}})
		if err == nil {
			err = r.Wait(within(t))
		}
		if err == nil || !strings.Contains(err.Error(), "s390x") {
			t.Errorf("another platform: %v", err)
		}
	},
	"ImagePush": func(t *testing.T, m moby) {
		name := ownRegistry + "/some/thing:1"
		m.tag(t, name)
		r, err := m.ImagePush(within(t), name, client.ImagePushOptions{RegistryAuth: "e30="})
		var digest string
		for msg, err := range must(t, r, err).JSONMessages(within(t)) {
			must(t, msg, err)
			if msg.Error != nil {
				t.Fatal(msg.Error)
			}
			if msg.Aux != nil {
				var aux struct{ Tag, Digest string }
				if err := json.Unmarshal(*msg.Aux, &aux); err != nil || aux.Tag != "1" {
					t.Errorf("%s: %v", *msg.Aux, err)
				}
				digest = aux.Digest
			}
		}
		if _, err := m.ImageRemove(within(t), name, client.ImageRemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		m.pull(t, name)
		in, err := m.ImageInspect(within(t), name)
		if !slices.Contains(must(t, in, err).RepoDigests, ownRegistry+"/some/thing@"+digest) {
			t.Errorf("%s is not among %v", digest, in.RepoDigests)
		}
		r, err = m.ImagePush(within(t), "nothing/here:1", client.ImagePushOptions{RegistryAuth: "e30="})
		if err == nil {
			err = r.Wait(within(t))
		}
		if err == nil {
			t.Error("what is not there is pushed")
		}
	},
	"ImageTag": func(t *testing.T, m moby) {
		m.tag(t, "other/name:2")
		in, err := m.ImageInspect(within(t), "other/name:2")
		must(t, in, err)
		one, err := m.ImageInspect(within(t), "busybox")
		want(t, "the id behind the other name", in.ID, must(t, one, err).ID)
		if _, err := m.ImageTag(within(t), client.ImageTagOptions{Source: "nothing:1", Target: "x:1"}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
		if _, err := m.ImageTag(within(t), client.ImageTagOptions{Source: "busybox", Target: "Not A Name"}); err == nil {
			t.Error("what is no name is taken for one")
		}
	},
	"ImageInspect": func(t *testing.T, m moby) {
		var raw bytes.Buffer
		in, err := m.ImageInspect(within(t), "busybox:latest", client.ImageInspectWithRawResponse(&raw))
		must(t, in, err)
		if !strings.HasPrefix(in.ID, "sha256:") || !slices.Contains(in.RepoTags, "busybox:latest") || in.Os != "linux" || in.Architecture != runtime.GOARCH ||
			in.Size == 0 || len(in.RootFS.Layers) == 0 || in.Config == nil || raw.Len() == 0 {
			t.Errorf("%+v", in)
		}
		for _, name := range []string{in.ID, in.ID[7:19], in.RepoDigests[0]} {
			again, err := m.ImageInspect(within(t), name)
			want(t, "the id of "+name, must(t, again, err).ID, in.ID)
		}
		if here, err := m.ImageInspect(within(t), "busybox", client.ImageInspectWithPlatform(&thisPlatform)); err != nil || here.ID != in.ID {
			t.Errorf("for this platform: %v", err)
		}
		if _, err := m.ImageInspect(within(t), "busybox", client.ImageInspectWithPlatform(&otherPlatform)); !errdefs.IsNotFound(err) {
			t.Errorf("for another platform: %v", err)
		}
		if with, err := m.ImageInspect(within(t), "busybox", client.ImageInspectWithManifests(true)); err != nil || with.ID != in.ID {
			t.Errorf("with manifests: %v", err)
		}
		if _, err := m.ImageInspect(within(t), "nothing:1"); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ImageHistory": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "head -c 3000000 /dev/zero >/three")
		c, err := m.ContainerCommit(within(t), id, client.ContainerCommitOptions{Reference: "grown:1", Comment: "three megabytes"})
		must(t, c, err)
		defer m.removeImage(t, "grown:1")
		h, err := m.ImageHistory(within(t), "grown:1")
		items := must(t, h, err).Items
		if len(items) < 2 {
			t.Fatalf("the history is %+v", items)
		}
		want(t, "the first id", items[0].ID, c.ID)
		want(t, "the first comment", items[0].Comment, "three megabytes")
		want(t, "the first tags", strings.Join(items[0].Tags, " "), "grown:1")
		if s := items[0].Size; s < 3000000 || s > 3200000 {
			t.Errorf("three megabytes are %d bytes", s)
		}
		in, err := m.ImageInspect(within(t), "grown:1")
		must(t, in, err)
		sum := int64(0)
		for _, i := range items {
			sum += i.Size
		}
		want(t, "the sum of the sizes", sum, in.Size)
		if _, err := m.ImageHistory(within(t), "busybox", client.ImageHistoryWithPlatform(thisPlatform)); err != nil {
			t.Errorf("for this platform: %v", err)
		}
		if _, err := m.ImageHistory(within(t), "busybox", client.ImageHistoryWithPlatform(otherPlatform)); !errdefs.IsNotFound(err) {
			t.Errorf("for another platform: %v", err)
		}
	},
	"ImageList": func(t *testing.T, m moby) {
		m.tag(t, "listed/one:1")
		r, err := m.ImageList(within(t), client.ImageListOptions{Filters: client.Filters{}.Add("reference", "listed/*:1")})
		items := must(t, r, err).Items
		if len(items) != 1 || !slices.Contains(items[0].RepoTags, "listed/one:1") || items[0].Size == 0 || items[0].ID == "" {
			t.Errorf("%+v", items)
		}
		r, err = m.ImageList(within(t), client.ImageListOptions{Filters: client.Filters{}.Add("dangling", "true")})
		want(t, "how many dangle", len(must(t, r, err).Items), 0)
		r, err = m.ImageList(within(t), client.ImageListOptions{SharedSize: true, Manifests: true})
		if items := must(t, r, err).Items; len(items) == 0 || items[0].SharedSize < 0 {
			t.Errorf("with shared sizes: %+v", items)
		}
	},
	"ImageSave": func(t *testing.T, m moby) {
		m.tag(t, "saved:1")
		r, err := m.ImageSave(within(t), []string{"saved:1"}, client.ImageSaveWithPlatforms(thisPlatform))
		files := unpacked(t, must(t, r, err))
		wantIn(t, "the manifest", files["manifest.json"], `"saved:1"`)
		if files["index.json"] == "" || files["oci-layout"] == "" {
			t.Error("it is no OCI layout")
		}
		if _, err := m.ImageSave(within(t), []string{"nothing:1"}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
		if _, err := m.ImageSave(within(t), []string{"busybox"}, client.ImageSaveWithPlatforms(otherPlatform)); err == nil {
			t.Error("another platform is saved")
		}
	},
	"ImageLoad": func(t *testing.T, m moby) {
		m.tag(t, "loaded:1")
		r, err := m.ImageSave(within(t), []string{"loaded:1"})
		archive := whole(t, must(t, r, err))
		if _, err := m.ImageRemove(within(t), "loaded:1", client.ImageRemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		l, err := m.ImageLoad(within(t), strings.NewReader(archive), client.ImageLoadWithQuiet(true), client.ImageLoadWithPlatforms(thisPlatform))
		wantIn(t, "what is told", whole(t, must(t, l, err)), "Loaded image: loaded:1")
		if _, err := m.ImageInspect(within(t), "loaded:1"); err != nil {
			t.Error(err)
		}
		l, err = m.ImageLoad(within(t), strings.NewReader("no archive"))
		if err == nil {
			wantIn(t, "what is told of no archive", whole(t, l), "error")
		}
	},
	"ImageImport": func(t *testing.T, m moby) {
		id := m.made(t, "true")
		files, err := m.ContainerExport(within(t), id, client.ContainerExportOptions{})
		must(t, files, err)
		r, err := m.ImageImport(within(t), client.ImageImportSource{Source: files, SourceName: "-"}, "imported:1", client.ImageImportOptions{
			Message: "brought in", Changes: []string{`CMD ["echo", "imported"]`}, Platform: thisPlatform,
		})
		wantIn(t, "what is told", whole(t, must(t, r, err)), "sha256:")
		defer m.removeImage(t, "imported:1")
		again := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Image: "imported:1"}})
		m.exit(t, again)
		want(t, "what it says", m.log(t, again), "imported\n")
		m.remove(t, again)
	},
	"ImageRemove": func(t *testing.T, m moby) {
		m.tag(t, "gone:1")
		r, err := m.ImageRemove(within(t), "gone:1", client.ImageRemoveOptions{PruneChildren: true})
		items := must(t, r, err).Items
		if len(items) != 1 || items[0].Untagged != "gone:1" {
			t.Errorf("%+v", items)
		}
		if _, err := m.ImageRemove(within(t), "gone:1", client.ImageRemoveOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("a second time: %v", err)
		}
		m.idle(t)
		if _, err := m.ImageRemove(within(t), "busybox", client.ImageRemoveOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("one that is in use: %v", err)
		}
	},
	"ImagePrune": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "echo x >/x")
		c, err := m.ContainerCommit(within(t), id, client.ContainerCommitOptions{})
		must(t, c, err)
		r, err := m.ImagePrune(within(t), client.ImagePruneOptions{Filters: client.Filters{}.Add("dangling", "true")})
		report := must(t, r, err).Report
		if len(report.ImagesDeleted) == 0 || report.ImagesDeleted[0].Deleted != c.ID || report.SpaceReclaimed == 0 {
			t.Errorf("%+v", report)
		}
	},
	"ImageSearch": func(t *testing.T, m moby) {
		r, err := m.ImageSearch(within(t), searchable+"/lamp", client.ImageSearchOptions{Limit: 5})
		items := must(t, r, err).Items
		if len(items) != 2 || items[0].Name != "lamp" || !items[0].IsOfficial || items[0].StarCount != 12 || items[1].Description != "another" {
			t.Errorf("%+v", items)
		}
		r, err = m.ImageSearch(within(t), searchable+"/lamp", client.ImageSearchOptions{Filters: client.Filters{}.Add("is-official", "false")})
		if items := must(t, r, err).Items; len(items) != 1 || items[0].Name != "joe/lamp" {
			t.Errorf("what is not official: %+v", items)
		}
		if _, err := m.ImageSearch(within(t), searchable+"/lamp", client.ImageSearchOptions{Limit: 101}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("too many: %v", err)
		}
		if _, err := m.ImageSearch(within(t), ownRegistry+"/lamp", client.ImageSearchOptions{}); err == nil || !strings.Contains(err.Error(), "search") {
			t.Errorf("at a registry that has no search: %v", err)
		}
	},
	"DistributionInspect": func(t *testing.T, m moby) {
		name := ownRegistry + "/seen/from-here:1"
		m.tag(t, name)
		p, err := m.ImagePush(within(t), name, client.ImagePushOptions{RegistryAuth: "e30="})
		if err := must(t, p, err).Wait(within(t)); err != nil {
			t.Fatal(err)
		}
		in, err := m.ImageInspect(within(t), name)
		must(t, in, err)
		r, err := m.DistributionInspect(within(t), name, client.DistributionInspectOptions{})
		must(t, r, err)
		if !slices.Contains(in.RepoDigests, ownRegistry+"/seen/from-here@"+r.Descriptor.Digest.String()) || r.Descriptor.Size == 0 || r.Descriptor.MediaType == "" {
			t.Errorf("%+v is none of %v", r.Descriptor, in.RepoDigests)
		}
		if len(r.Platforms) != 1 || r.Platforms[0].OS != "linux" || r.Platforms[0].Architecture != runtime.GOARCH {
			t.Errorf("the platforms are %+v", r.Platforms)
		}
		if _, err := m.DistributionInspect(within(t), ownRegistry+"/not/here:1", client.DistributionInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ImageBuild": func(t *testing.T, m moby) {
		var context bytes.Buffer
		w := tar.NewWriter(&context)
		text := "FROM busybox\nARG WHO\nRUN echo $WHO > /who\n"
		if err := w.WriteHeader(&tar.Header{Name: "sub/Dockerfile", Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		who := "ann"
		r, err := m.ImageBuild(within(t), &context, client.ImageBuildOptions{
			Tags: []string{"built:1"}, Dockerfile: "sub/Dockerfile", BuildArgs: map[string]*string{"WHO": &who}, Labels: map[string]string{"a": "b"},
		})
		must(t, r, err)
		out, err := io.ReadAll(r.Body)
		must(t, out, err)
		r.Body.Close()
		in, err := m.ImageInspect(within(t), "built:1")
		must(t, in, err)
		wantIn(t, "what is told", string(out), `{"aux":{"ID":"`+in.ID+`"}}`)
		wantIn(t, "what is told", string(out), "Successfully tagged built:1")
		want(t, "its labels", fmt.Sprint(in.Config.Labels), "map[a:b]")
		builder, err := m.ContainerInspect(within(t), "hyper-buildkit", client.ContainerInspectOptions{})
		must(t, builder, err)
		_, err = m.ContainerRemove(within(t), "hyper-buildkit", client.ContainerRemoveOptions{Force: true})
		must(t, builder, err)
		_, err = m.VolumeRemove(within(t), "hyper-buildkit", client.VolumeRemoveOptions{})
		must(t, builder, err)
		for _, ref := range []string{"built:1", builder.Container.Image} {
			_, err = m.ImageRemove(within(t), ref, client.ImageRemoveOptions{Force: true})
			must(t, ref, err)
		}
	},
	"BuildCachePrune": func(t *testing.T, m moby) {
		r, err := m.BuildCachePrune(within(t), client.BuildCachePruneOptions{All: true})
		want(t, "how much is gone", must(t, r, err).Report.SpaceReclaimed, 0)
	},
}
