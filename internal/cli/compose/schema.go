package compose

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/compose-spec/compose-go/v2/schema"
)

// schemaKeys are Hyper's keys as the specification's JSON schema describes its own: below "service" and "volume".
var schemaKeys = map[string]map[string]any{
	"service": {
		"size":            map[string]any{"type": "string"},
		"fip":             map[string]any{"type": "string"},
		"noauto_volume":   map[string]any{"type": []any{"boolean", "string"}},
		"security_groups": map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "uniqueItems": true},
	},
	"volume": {
		"size":     map[string]any{"type": []any{"integer", "string"}},
		"snapshot": map[string]any{"type": "string"},
	},
}

// teachSchema adds Hyper's keys to the schema by which the library validates, before it is compiled for the first time. So they are accepted
// wherever the library reads a service, in files that are extended and included too, and its errors name them like others.
var teachSchema = sync.OnceValue(func() error {
	var tree map[string]any
	if err := json.Unmarshal([]byte(schema.Schema), &tree); err != nil {
		return fmt.Errorf("the schema of compose files: %w", err)
	}
	definitions, _ := tree["$defs"].(map[string]any)
	for name, keys := range schemaKeys {
		definition, _ := definitions[name].(map[string]any)
		properties, ok := definition["properties"].(map[string]any)
		if !ok {
			return fmt.Errorf("the schema of compose files has no %q", name)
		}
		for key, described := range keys {
			properties[key] = described
		}
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	schema.Schema = string(text)
	return nil
})
