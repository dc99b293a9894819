package tlscert

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Threshold is how much time a certificate may have left: a duration, or a share
// of its lifetime. The zero value is no threshold.
type Threshold struct {
	Left  time.Duration
	Share float64 // of the lifetime, over 0 up to 1; counts where Left is 0
}

// ThresholdError says why a text is no Threshold.
type ThresholdError struct{ Text string }

func (e *ThresholdError) Error() string {
	return fmt.Sprintf("tlscert: %q is no threshold: want a time as 21d or 12h, or a share of the lifetime as 1/3 or 30%%", e.Text)
}

// ParseThreshold reads a time ("21d", "12h", "36h30m") or a share of the lifetime
// ("1/3", "30%"). Both must be more than nothing, and a share at most all. The
// error is a *ThresholdError.
func ParseThreshold(s string) (Threshold, error) {
	t, ok := parseThreshold(s)
	if !ok {
		return Threshold{}, &ThresholdError{Text: s}
	}
	return t, nil
}

func parseThreshold(s string) (t Threshold, ok bool) {
	if over, under, isShare := strings.Cut(s, "/"); isShare {
		n, errN := strconv.ParseUint(over, 10, 16)
		d, errD := strconv.ParseUint(under, 10, 16)
		if errN != nil || errD != nil || n == 0 || n > d {
			return t, false
		}
		t.Share = float64(n) / float64(d)
		return t, true
	}
	if percent, isShare := strings.CutSuffix(s, "%"); isShare {
		n, err := strconv.ParseFloat(percent, 64)
		t.Share = n / 100
		return t, err == nil && 0 < t.Share && t.Share <= 1
	}
	if days, isDays := strings.CutSuffix(s, "d"); isDays {
		n, err := strconv.ParseUint(days, 10, 16)
		t.Left = time.Duration(n) * day
		return t, err == nil && n > 0
	}
	d, err := time.ParseDuration(s)
	t.Left = d
	return t, err == nil && d > 0
}

// String writes "21d", "12h0m0s" or "30%", which ParseThreshold reads.
func (t Threshold) String() string {
	switch {
	case t.Left > 0 && t.Left%day == 0:
		return strconv.FormatInt(int64(t.Left/day), 10) + "d"
	case t.Left > 0:
		return t.Left.String()
	case t.Share > 0:
		return strconv.FormatFloat(t.Share*100, 'g', -1, 64) + "%"
	}
	return ""
}

// of is the time that a certificate of that lifetime may have left.
func (t Threshold) of(lifetime time.Duration) time.Duration {
	if t.Left > 0 {
		return t.Left
	}
	return time.Duration(math.Ceil(t.Share * float64(lifetime)))
}

// Limits are how much a certificate of that lifetime may have left: with less than
// warn of it cert.expiring is of medium severity, with less than crit of high.
func (s Settings) Limits(lifetime time.Duration) (warn, crit time.Duration) {
	warn = Threshold{Share: 1.0 / 3}.of(lifetime)
	if s.Warn != (Threshold{}) {
		warn = s.Warn.of(lifetime)
	}
	if s.Crit != (Threshold{}) {
		return warn, s.Crit.of(lifetime)
	}
	crit = Threshold{Share: 1.0 / 6}.of(lifetime)
	if lifetime >= 30*day {
		crit = max(crit, 7*day)
	}
	return warn, min(crit, warn)
}

const day = 24 * time.Hour
