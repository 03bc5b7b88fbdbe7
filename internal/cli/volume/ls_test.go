package volume

import (
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/moby/moby/api/types/volume"
)

// layout is that of the specification (cli 7.2), to the last blank.
const layout = `
DRIVER              VOLUME NAME                                                       SIZE                CONTAINER
hyper               b41e07c95da2f8361c7709e4ab53d2f80166c4e9a7b80d235f91ce46720a8d3   10 GB               7be0c19d4f3a
hyper               pgdata                                                            20 GB               
`

func TestLsLayout(t *testing.T) {
	rows := []row{
		rowOf(volume.Volume{
			Name: "b41e07c95da2f8361c7709e4ab53d2f80166c4e9a7b80d235f91ce46720a8d3", Driver: "hyper",
			Labels: map[string]string{"size": "10", "container": "7be0c19d4f3a5e2288b1460d9a7c3f51e6d2840b9f17ac35528e0d61b4937fa0"},
		}),
		rowOf(volume.Volume{Name: "pgdata", Driver: "hyper", Labels: map[string]string{"size": "20", "container": ""}}),
	}
	var b strings.Builder
	if err := listing.Write(&b, volumeListing, "", false, rows); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), layout[1:]; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLsFormats(t *testing.T) {
	rows := []row{{Name: "pgdata", Driver: "hyper", Size: "20 GB"}}
	for format, want := range map[string]string{
		"{{.Name}} {{.Size}}": "pgdata 20 GB\n",
		"raw":                 "name: pgdata\ndriver: hyper\nsize: 20 GB\ncontainer: \n\n",
		"table {{.Name}}":     "VOLUME NAME\npgdata\n",
		"json":                `{"Name":"pgdata","Driver":"hyper","Size":"20 GB","Used":"","Container":""}` + "\n",
	} {
		var b strings.Builder
		if err := listing.Write(&b, volumeListing, format, false, rows); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
}
