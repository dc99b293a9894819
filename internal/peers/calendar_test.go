package peers

import (
	"bytes"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
)

// Another program reads from our calendar what we meant.
func TestCalendarIsRead(t *testing.T) {
	const issuer = `Evil, Inc.; "CA" \n ` + "日本語の発行者という名前のとても長い認証局がここにあります"
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	warn, crit, lifetime := 30*86400.0, 15*86400.0, 90*86400.0
	rep := &check.Report{Target: "help.acme.example", At: at, Measures: []check.Measure{
		{Name: "cert_not_after_timestamp_seconds", Subject: "help.acme.example:8443", Value: float64(at.Unix()) + 60*86400},
		{Name: "cert_left_seconds", Subject: "help.acme.example:8443", Value: 60 * 86400, Limit: &lifetime, Warn: &warn, Crit: &crit, Falling: true},
		{Name: "cert_info", Subject: "help.acme.example:8443", Value: 1, Labels: map[string]string{"issuer": issuer}},
	}}
	cal := readCalendar(t, rep)
	type event struct {
		summary, about string
		start, stamp   time.Time
		alarms         int
	}
	var got []event
	for _, e := range cal.Events() {
		start, err := e.GetStartAt()
		require.NoError(t, err)
		stamp, err := e.GetDtStampTime()
		require.NoError(t, err)
		got = append(got, event{
			e.GetProperty(ics.ComponentPropertySummary).Value, e.GetProperty(ics.ComponentPropertyDescription).Value,
			start.UTC(), stamp.UTC(), len(e.Alarms()),
		})
	}
	assert.Equal(t, []event{
		{"Certificate of help.acme.example:8443 expires", "On 2027-01-21 at 10:00 UTC. Issued by " + issuer + ".", at.AddDate(0, 0, 60), at, 1},
		{
			"Renew the certificate of help.acme.example:8443", "From now on mailcheck finds that it expires soon. It expires on 2027-01-21 at 10:00 UTC.",
			at.AddDate(0, 0, 30), at, 0,
		},
	}, got)
}

func TestCalendarWithoutEventsIsRead(t *testing.T) {
	cal := readCalendar(t, &check.Report{Target: "help.acme.example"})
	assert.Empty(t, cal.Events())
	assert.Len(t, cal.Components, 1, "a calendar has at least one component (RFC 5545, 3.6)")
}

func readCalendar(t *testing.T, rep *check.Report) *ics.Calendar {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, "ics", rep, report.Options{}))
	cal, err := ics.ParseCalendar(&b)
	require.NoError(t, err)
	return cal
}
