// Package lang has the languages that reports can be written in besides English.
package lang

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/mailcheck-go/mailcheck/check"
)

//go:embed ja.json
var ja []byte

// What packages spf and zendesk say.
var (
	//go:embed spf-ja.json
	spfJA []byte
	//go:embed zendesk-ja.json
	zendeskJA []byte
)

// Load returns the translation for a language: nil for "en", Japanese for "ja".
// Its keys are rule ids (for their titles), English formats and labels.
func Load(name string) (check.Translation, error) {
	switch name {
	case "en":
		return nil, nil
	case "ja":
		tr := check.Translation{}
		for _, file := range [][]byte{ja, spfJA, zendeskJA} {
			var part check.Translation
			if err := json.Unmarshal(file, &part); err != nil {
				return nil, fmt.Errorf("lang: %w", err)
			}
			maps.Copy(tr, part)
		}
		return tr, nil
	}
	return nil, fmt.Errorf("no language %q: want en or ja", name)
}
