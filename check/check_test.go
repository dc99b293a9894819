package check_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
)

func TestSeverity_text(t *testing.T) {
	words := map[check.Severity]string{
		check.Info: "info", check.Low: "low", check.Medium: "medium", check.High: "high", check.Critical: "critical",
	}
	assert.Len(t, check.Severities(), len(words))
	assert.IsDecreasing(t, check.Severities())
	for s, word := range words {
		assert.Equal(t, word, s.String())
		text, err := json.Marshal(s)
		assert.NoError(t, err)
		var again check.Severity
		assert.NoError(t, json.Unmarshal(text, &again))
		assert.Equal(t, s, again)
	}
	assert.Empty(t, check.Severity(0).String())
	assert.Equal(t, "severity(6)", check.Severity(6).String())
	for _, s := range []check.Severity{0, 6, 255} {
		_, err := s.MarshalText()
		assert.EqualError(t, err, fmt.Sprintf("check: %d is no severity", s))
	}
	for _, word := range []string{"", "High", "high ", "severity(6)", "none"} {
		_, err := check.ParseSeverity(word)
		assert.EqualError(t, err, fmt.Sprintf("check: %q is no severity: want critical, high, medium, low or info", word))
	}
}

func TestCite(t *testing.T) {
	assert.Equal(t, "RFC 7208, 4.6.4", check.RFC(7208, "4.6.4").String())
	assert.Equal(t, "M3AAWG DKIM Key Rotation", check.Cite{Doc: "M3AAWG DKIM Key Rotation"}.String())
}

func TestText(t *testing.T) {
	tests := []struct {
		name string
		text check.Text
		want string
		zero bool
	}{
		{name: "nothing", want: "", zero: true},
		{name: "a sentence", text: check.Textf("one record"), want: "one record"},
		{name: "percent signs without arguments stand for themselves", text: check.Textf("pct=100% of %d"), want: "pct=100% of %d"},
		{name: "arguments", text: check.Textf("%d of %s", 11, "ten"), want: "11 of ten"},
		{name: "arguments by number", text: check.Textf("%[2]s before %[1]d", 11, "ten"), want: "ten before 11"},
		{name: "a text in a text", text: check.Textf("%s, %s", check.Textf("%d hosts", 2), check.High), want: "2 hosts, high"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.text.String())
			assert.Equal(t, tt.zero, tt.text.IsZero())
			text, err := json.Marshal(tt.text)
			require.NoError(t, err)
			again := check.Textf("what stood here before")
			require.NoError(t, json.Unmarshal(text, &again))
			assert.Equal(t, tt.want, again.String(), "the words come back")
			assert.Equal(t, tt.zero, again.IsZero())
		})
	}
}

func TestTranslation(t *testing.T) {
	tr := check.Translation{
		"%d of %s":      "%[2]s: %[1]d",
		"%d hosts":      "%d Rechner",
		"in all, %s":    "insgesamt %s",
		"pct is 100%":   "pct ist 100%",
		"One record":    "Ein Eintrag",
		"deep: %s / %s": "tief: %s / %s",
	}
	tests := []struct {
		name string
		text check.Text
		want string
		ok   bool
	}{
		{name: "arguments in another order", text: check.Textf("%d of %s", 11, "ten"), want: "ten: 11", ok: true},
		{name: "a text in a text", text: check.Textf("in all, %s", check.Textf("%d hosts", 2)), want: "insgesamt 2 Rechner", ok: true},
		{
			name: "what a text in a text lacks is English", text: check.Textf("deep: %s / %s", check.Textf("%d cats", 2), check.Textf("in all, %s", check.Textf("%d hosts", 1))),
			want: "tief: 2 cats / insgesamt 1 Rechner", ok: true,
		},
		{name: "percent signs without arguments", text: check.Textf("pct is 100%"), want: "pct ist 100%", ok: true},
		{name: "the English stands", text: check.Textf("%d cats", 2), want: "2 cats"},
		{name: "but its texts are translated", text: check.Textf("only %s", check.Textf("%d hosts", 2)), want: "only 2 Rechner"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprint(tt.text.Args)
			got, ok := tr.Text(tt.text)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.ok, ok)
			assert.Equal(t, before, fmt.Sprint(tt.text.Args), "the text itself stays English")
		})
	}
	title, ok := tr.Title("One record")
	assert.Equal(t, "Ein Eintrag", title)
	assert.True(t, ok)
	title, ok = check.Translation(nil).Title("One record")
	assert.Equal(t, "One record", title)
	assert.False(t, ok)
}

func ExampleTranslation() {
	german := check.Translation{"%s needs %d lookups": "%s braucht %d Abfragen"}
	text, ok := german.Text(check.Textf("%s needs %d lookups", "acme.example", 11))
	fmt.Println(text, ok)
	// Output: acme.example braucht 11 Abfragen true
}
