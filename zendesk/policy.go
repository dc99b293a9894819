package zendesk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Settings are what the owner of an account wants of it. Zero values are the
// defaults that stand beside the fields; the words in brackets are the keys of the
// policy file that [ParsePolicy] reads.
type Settings struct {
	At           time.Time    // judge as of this time; zero: when the facts were gathered
	Attestations Attestations // from [ParseAttestations]

	// Signing in.
	SessionMinutes  int      // [session_minutes] of inactivity, after which the team is signed out: at most; 480
	MobileAllowed   bool     // [mobile_allowed] the Support mobile app is needed
	MobileMinutes   int      // [mobile_minutes] of inactivity in the app: at most; 480
	PasswordLevel   string   // [password_level] for the team, at least: low, medium, high, recommended; "recommended"
	PasswordLength  int      // [password_length] of a custom level, at least; 12
	SocialLogins    []string // [social_logins] that end users may use: google, facebook, office_365, twitter; none
	SSORequired     bool     // [sso_required] the team has to sign in through SSO
	SSOPassword     string   // [sso_password] beside SSO: "disabled", or "fallback" for when SSO is down; "disabled"
	IPRequired      bool     // [ip_required] access from some addresses only
	IPv4Prefix      int      // [ipv4_prefix] the shortest that an allowed range may have; 8
	IPv6Prefix      int      // [ipv6_prefix] the same; 32
	AssumptionHours int      // [assumption_hours] for which Zendesk's staff may get access, at most; 0: never

	// Users.
	Admins        int      // [admins] at most; 5
	AdminPercent  int      // [admin_percent] of a team of more than ten, at most; 20
	StaleDays     int      // [stale_days] without signing in, after which a user or token counts as unused; 90
	SessionDays   int      // [session_days] after which a session that nobody used is left behind; 30
	TeamDomains   []string // [team_domains] of the team's own addresses, for Options.TeamDomains; none: not judged
	NotifyDomains []string // [notify_domains] outside the account that notifications may go to, subdomains included; none

	// Data.
	RetentionRequired bool // [retention_required] tickets have to be deleted on a schedule
	ArchiveRequired   bool // [archive_required] outgoing mail has to be archived
	RecordingAllowed  bool // [recording_allowed] calls may be recorded, with consent
	HIPAA             bool // [hipaa] the account holds health data
	PCI               bool // [pci] tickets may need card data
	RichContent       bool // [rich_content] in incoming mail is needed
	WildcardAllowed   bool // [wildcard_allowed] mail to any address at the account's domain is taken on purpose

	// Waiting.
	ForwardingDays int // [forwarding_days] that a support address may wait for its forwarding; 14
	SuspendedDays  int // [suspended_days] that a suspended ticket may wait; 7
}

// withDefaults fills in what is zero.
func (s Settings) withDefaults() Settings {
	for _, d := range []struct {
		at *int
		to int
	}{
		{&s.SessionMinutes, 480},
		{&s.MobileMinutes, 480},
		{&s.PasswordLength, 12},
		{&s.IPv4Prefix, 8},
		{&s.IPv6Prefix, 32},
		{&s.Admins, 5},
		{&s.AdminPercent, 20},
		{&s.StaleDays, 90},
		{&s.SessionDays, 30},
		{&s.ForwardingDays, 14},
		{&s.SuspendedDays, 7},
	} {
		*d.at = or(*d.at, d.to)
	}
	s.PasswordLevel = or(s.PasswordLevel, "recommended")
	s.SSOPassword = or(s.SSOPassword, "disabled")
	return s
}

// now is the time to judge for.
func (s Settings) now(a *Analysis) time.Time { return or(s.At, a.At) }

// FileError is a fault of a policy or attestation file, and its line.
type FileError struct {
	Line   int    // from 1; 0: the file as a whole
	Key    string // "" where it is about no key
	Reason string
}

func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString("zendesk: ")
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	return b.String() + e.Reason
}

// ParsePolicy reads the owner's policy, a YAML mapping of the keys that Settings
// names; what is not there has its default. A key that is not known, stands twice
// or has a value that is none is a *[FileError].
func ParsePolicy(r io.Reader) (Settings, error) {
	var s Settings
	entries, err := readMapping(r)
	if err != nil {
		return Settings{}, err
	}
	fields := s.fields()
	for _, e := range entries {
		f, ok := fields[e.key]
		if !ok {
			return Settings{}, e.fault("no such setting")
		}
		if err := f.set(e); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

// field is where a key's value goes: a *bool, *int, *string or *[]string.
type field struct {
	into     any
	min, max int      // of a number
	words    []string // that a string may be, or may hold; nil: any
}

func (s *Settings) fields() map[string]field {
	levels := []string{"low", "medium", "high", "recommended"}
	minutes := func(at *int) field { return field{into: at, min: 1, max: 366 * 24 * 60} }
	days := func(at *int) field { return field{into: at, min: 1, max: 3660} }
	return map[string]field{
		"session_minutes":    minutes(&s.SessionMinutes),
		"mobile_allowed":     {into: &s.MobileAllowed},
		"mobile_minutes":     minutes(&s.MobileMinutes),
		"password_level":     {into: &s.PasswordLevel, words: levels},
		"password_length":    {into: &s.PasswordLength, min: 1, max: 128},
		"social_logins":      {into: &s.SocialLogins, words: []string{"google", "facebook", "office_365", "twitter"}},
		"sso_required":       {into: &s.SSORequired},
		"sso_password":       {into: &s.SSOPassword, words: []string{"disabled", "fallback"}},
		"ip_required":        {into: &s.IPRequired},
		"ipv4_prefix":        {into: &s.IPv4Prefix, min: 1, max: 32},
		"ipv6_prefix":        {into: &s.IPv6Prefix, min: 1, max: 128},
		"assumption_hours":   {into: &s.AssumptionHours, min: 0, max: 366 * 24},
		"admins":             {into: &s.Admins, min: 1, max: 100_000},
		"admin_percent":      {into: &s.AdminPercent, min: 1, max: 100},
		"stale_days":         days(&s.StaleDays),
		"session_days":       days(&s.SessionDays),
		"team_domains":       {into: &s.TeamDomains},
		"notify_domains":     {into: &s.NotifyDomains},
		"retention_required": {into: &s.RetentionRequired},
		"archive_required":   {into: &s.ArchiveRequired},
		"recording_allowed":  {into: &s.RecordingAllowed},
		"hipaa":              {into: &s.HIPAA},
		"pci":                {into: &s.PCI},
		"rich_content":       {into: &s.RichContent},
		"wildcard_allowed":   {into: &s.WildcardAllowed},
		"forwarding_days":    days(&s.ForwardingDays),
		"suspended_days":     days(&s.SuspendedDays),
	}
}

func (f field) set(e entry) error {
	switch into := f.into.(type) {
	case *bool:
		v, err := strconv.ParseBool(e.scalar())
		if err != nil {
			return e.fault("want true or false")
		}
		*into = v
	case *int:
		v, err := strconv.Atoi(e.scalar())
		if err != nil || v < f.min || v > f.max {
			return e.fault(fmt.Sprintf("want a number from %d to %d", f.min, f.max))
		}
		*into = v
	case *string:
		v := e.scalar()
		if !slices.Contains(f.words, v) {
			return e.fault("want " + strings.Join(f.words, " or "))
		}
		*into = v
	case *[]string:
		if e.value.Kind != yaml.SequenceNode {
			return e.fault("want a list")
		}
		for _, n := range e.value.Content {
			v := strings.ToLower(strings.TrimSpace(entry{value: n}.scalar()))
			if v == "" || f.words != nil && !slices.Contains(f.words, v) {
				return &FileError{n.Line, e.key, "want a list of " + or(strings.Join(f.words, ", "), "names")}
			}
			*into = append(*into, v)
		}
	}
	return nil
}

// entry is a key of a mapping, and its value.
type entry struct {
	key   string
	line  int
	value *yaml.Node
}

func (e entry) fault(reason string) error { return &FileError{e.line, e.key, reason} }

// scalar is the value as it is written; "" where it is none, or null.
func (e entry) scalar() string {
	if e.value.Kind != yaml.ScalarNode || e.value.ShortTag() == "!!null" {
		return ""
	}
	return e.value.Value
}

// fileMax bounds a policy or attestation file, in octets.
const fileMax = 1 << 20

// readMapping reads a file that is one YAML mapping, or empty.
func readMapping(r io.Reader) ([]entry, error) {
	data, err := io.ReadAll(io.LimitReader(r, fileMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("zendesk: %w", err)
	case len(data) > fileMax:
		return nil, &FileError{Reason: "the file is over 1 MB"}
	}
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	err = d.Decode(&doc)
	if err == nil {
		err = d.Decode(&more)
	}
	if err != io.EOF {
		if at, ok := errors.AsType[*yaml.LoadError](err); ok {
			return nil, &FileError{Line: at.Mark.Line, Reason: at.Message}
		}
		if err != nil {
			return nil, &FileError{Reason: err.Error()}
		}
		return nil, &FileError{Line: more.Line, Reason: "want one YAML document"}
	}
	if doc.Kind == 0 || len(doc.Content) == 0 {
		return nil, nil
	}
	return entriesOf(doc.Content[0], "")
}

// entriesOf are the entries of a mapping node, each key once.
func entriesOf(n *yaml.Node, key string) ([]entry, error) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, &FileError{n.Line, key, "want a mapping, “key: value”"}
	}
	seen := map[string]bool{}
	var all []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{n.Content[i].Value, n.Content[i].Line, n.Content[i+1]}
		if seen[e.key] {
			return nil, e.fault("this stands twice")
		}
		seen[e.key] = true
		all = append(all, e)
	}
	return all, nil
}
