package jsonsize_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/internal/jsonsize"
)

// It may count too many, and never too few.
func TestValues(t *testing.T) {
	for text, want := range map[string]int{
		``: 1, `1`: 1, `[]`: 2, `[1,2]`: 3, `{"a":1}`: 3, `{"a,b":"c\",d"}`: 3, `[[],[],{}]`: 7,
	} {
		assert.Equal(t, want, jsonsize.Values([]byte(text)), text)
	}
}
