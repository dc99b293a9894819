package idn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/internal/idn"
)

func TestHost(t *testing.T) {
	for typed, want := range map[string]string{
		"help.acme.example":                     "help.acme.example",
		"Help.Acme.example:8443":                "help.acme.example:8443",
		" bücher.example:25 ":                   "xn--bcher-kva.example:25",
		"https://help.acme.example/hc/en?x=1":   "help.acme.example",
		"https://user@help.acme.example:444/#x": "help.acme.example:444",
		"help.acme.example/hc/en":               "help.acme.example",
		"192.0.2.1":                             "192.0.2.1",
		"2001:db8::1":                           "2001:db8::1",
		"[2001:db8::1]:993":                     "[2001:db8::1]:993",
		"https://[2001:db8::1]:993/":            "[2001:db8::1]:993",
	} {
		got, err := idn.Host(typed)
		assert.NoError(t, err, typed)
		assert.Equal(t, want, got, typed)
	}
	for _, typed := range []string{"a..example", "support@acme.example", "a.example b.example", "a.example,b.example"} {
		_, err := idn.Host(typed)
		assert.Error(t, err, typed)
	}
}
