package tlscert_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func TestParseThreshold(t *testing.T) {
	tests := []struct {
		text string
		want tlscert.Threshold
	}{
		{"21d", tlscert.Threshold{Left: 21 * day}},
		{"36h30m", tlscert.Threshold{Left: 36*time.Hour + 30*time.Minute}},
		{"1/3", tlscert.Threshold{Share: 1.0 / 3}},
		{"1/1", tlscert.Threshold{Share: 1}},
		{"30%", tlscert.Threshold{Share: 0.3}},
		{"12.5%", tlscert.Threshold{Share: 0.125}},
	}
	for _, tt := range tests {
		got, err := tlscert.ParseThreshold(tt.text)
		require.NoError(t, err, tt.text)
		assert.Equal(t, tt.want, got, tt.text)
	}
	for _, text := range []string{"", "21", "d", "0d", "-1d", "0h", "-5h", "65536d", "3/1", "0/3", "1/0", "/", "1/3/5", "0%", "101%", "NaN%", "Inf%", "x%", "%", "1/3 "} {
		_, err := tlscert.ParseThreshold(text)
		var bad *tlscert.ThresholdError
		require.ErrorAs(t, err, &bad, text)
	}
}

func FuzzThreshold(f *testing.F) {
	for _, s := range []string{"21d", "36h30m", "1/3", "30%", "0.1%", "1ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		th, err := tlscert.ParseThreshold(s)
		if err != nil {
			return
		}
		again, err := tlscert.ParseThreshold(th.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", s, th, err)
		}
		if again.Left != th.Left || math.Abs(again.Share-th.Share) > 1e-15 {
			t.Errorf("%q: read %+v, wrote %q, read %+v", s, th, th, again)
		}
	})
}

// TestThresholds: what the settings change of cert.expiring; its case file has
// the defaults.
func TestThresholds(t *testing.T) {
	must := func(s string) (th tlscert.Threshold) {
		if s != "" {
			var err error
			th, err = tlscert.ParseThreshold(s)
			require.NoError(t, err)
		}
		return th
	}
	tests := []struct {
		name, warn, crit, left string
		want                   check.Severity // 0: no finding
	}{
		{"warn as a time", "21d", "", "21d", 0},
		{"warn as a time, passed", "21d", "", "20d", check.Medium},
		{"warn as a share", "50%", "", "45d", 0},
		{"warn as a share, passed", "50%", "", "44d", check.Medium},
		{"the default of crit stays", "50%", "", "14d", check.High},
		{"a small warn keeps the default of crit silent", "5d", "", "6d", 0},
		{"a small warn, passed", "5d", "", "4d", check.High},
		{"crit as a time", "", "3d", "3d", check.Medium},
		{"crit as a time, passed", "", "3d", "2d", check.High},
		{"crit as a share", "", "1/2", "44d", check.High},
		{"crit above warn", "5d", "10d", "9d", check.High},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := parseWorld("acme.example", "192.0.2.1 lifetime=90d left="+tt.left)
			f, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 192.0.2.1"), "acme.example", w.options(""))
			require.NoError(t, err)
			got := result(t, f, tlscert.Settings{Warn: must(tt.warn), Crit: must(tt.crit)}, "cert.expiring")
			if tt.want == 0 {
				assert.Equal(t, check.Pass, got.Outcome)
				return
			}
			assert.Equal(t, check.Fail, got.Outcome)
			assert.Equal(t, tt.want, got.Severity)
		})
	}
}

// result is that of one rule over facts, judged with the roots of the tests.
func result(t testing.TB, f *tlscert.Facts, s tlscert.Settings, id string) check.Result {
	t.Helper()
	if s.Roots == nil {
		s.Roots = testPKI().roots
	}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(s)) {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("no rule %s", id)
	return check.Result{}
}

func TestLimits(t *testing.T) {
	const day = 24 * time.Hour
	week := tlscert.Threshold{Left: 7 * day}
	tests := []struct {
		name                 string
		settings             tlscert.Settings
		lifetime, warn, crit time.Duration
	}{
		{"a third and a sixth", tlscert.Settings{}, 90 * day, 30 * day, 15 * day},
		{"of a short one too", tlscert.Settings{}, 6 * day, 2 * day, day},
		{"a week at least from 30 days on", tlscert.Settings{}, 30 * day, 10 * day, 7 * day},
		{"below that a sixth", tlscert.Settings{}, 29 * day, 29 * day / 3, 29 * day / 6},
		{"warn is as given", tlscert.Settings{Warn: tlscert.Threshold{Share: 0.5}}, 90 * day, 45 * day, 15 * day},
		{"crit is not before warn by itself", tlscert.Settings{Warn: week}, 90 * day, 7 * day, 7 * day},
		{"crit is as given", tlscert.Settings{Crit: week}, 90 * day, 30 * day, 7 * day},
	}
	for _, tt := range tests {
		warn, crit := tt.settings.Limits(tt.lifetime)
		assert.Equal(t, []time.Duration{tt.warn, tt.crit}, []time.Duration{warn, crit}, tt.name)
	}
}
