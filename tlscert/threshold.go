package tlscert

import (
	"fmt"
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

// passed reports whether less is left than the threshold asks for.
func (t Threshold) passed(left, lifetime time.Duration) bool {
	if t.Left > 0 {
		return left < t.Left
	}
	return float64(left) < t.Share*float64(lifetime)
}

const day = 24 * time.Hour
