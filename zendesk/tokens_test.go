package zendesk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/check"
)

// API tokens become graver as their last day comes, and matter little after it.
func TestTokensUntil(t *testing.T) {
	for _, tt := range []struct {
		name, at string
		severity check.Severity
		says     string
	}{
		{"91 days before", "2027-01-29T00:00:00Z", check.Medium, "stop working on 2027-04-30, in 91 days"},
		{"90 days before", "2027-01-30T00:00:00Z", check.High, "stop working on 2027-04-30, in 90 days"},
		{"the last minute", "2027-04-29T23:59:00Z", check.High, "in 1 days"},
		{"the day itself", "2027-04-30T00:00:00Z", check.Low, "none of them works since 2027-04-30"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			assert.NoError(t, err)
			severity, detail, gaps := tokensUntil(at)
			assert.Equal(t, tt.severity, severity)
			assert.Contains(t, detail.String(), tt.says)
			assert.Empty(t, gaps)
		})
	}
	severity, _, gaps := tokensUntil(time.Time{})
	assert.Equal(t, check.Medium, severity)
	assert.Len(t, gaps, 1, "facts without a time")
}
