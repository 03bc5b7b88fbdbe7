package docker

import (
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

func TestStepSizes(t *testing.T) {
	layer, empty := ocispec.History{}, ocispec.History{EmptyLayer: true}
	for name, tt := range map[string]struct {
		steps  []ocispec.History
		layers []int64
		want   []int64
	}{
		"each step made a layer":           {[]ocispec.History{layer, layer}, []int64{1, 2}, []int64{1, 2}},
		"some made none":                   {[]ocispec.History{layer, empty, layer, empty}, []int64{1, 2}, []int64{1, 0, 2, 0}},
		"the history is not whole":         {[]ocispec.History{layer, empty}, []int64{1, 2, 4}, []int64{1, 6}},
		"there are more steps than layers": {[]ocispec.History{layer, layer}, []int64{1}, []int64{1, 0}},
		"sizes were not noted":             {[]ocispec.History{layer}, nil, []int64{0}},
		"there is no history":              {nil, []int64{1}, []int64{}},
	} {
		img := &store.Image{Image: engine.Image{LayerSizes: tt.layers, Config: ocispec.Image{History: tt.steps}}}
		if got := stepSizes(img); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, not %v", name, got, tt.want)
		}
	}
}
