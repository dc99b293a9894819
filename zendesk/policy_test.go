package zendesk_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

func TestParsePolicy(t *testing.T) {
	tests := []struct {
		name string
		file string
		want zendesk.Settings
		err  string
	}{
		{name: "nothing is the defaults"},
		{name: "a comment is nothing", file: "# later\n"},
		{name: "null", file: "---\n"},
		{
			name: "each kind of value",
			file: "session_minutes: 30\nmobile_allowed: true\npassword_level: high\nsocial_logins: [google, Office_365]\nteam_domains:\n  - acme.example\n",
			want: zendesk.Settings{SessionMinutes: 30, MobileAllowed: true, PasswordLevel: "high", SocialLogins: []string{"google", "office_365"}, TeamDomains: []string{"acme.example"}},
		},
		{name: "a key that is none", file: "\nsession_minute: 30\n", err: "zendesk: line 2: session_minute: no such setting"},
		{name: "a key twice", file: "admins: 3\nadmins: 4\n", err: "zendesk: line 2: admins: this stands twice"},
		{name: "below the least", file: "admins: 0\n", err: "zendesk: line 1: admins: want a number from 1 to 100000"},
		{name: "above the most", file: "admin_percent: 101\n", err: "zendesk: line 1: admin_percent: want a number from 1 to 100"},
		{name: "no number", file: "admins: many\n", err: "zendesk: line 1: admins: want a number from 1 to 100000"},
		{name: "nothing behind the colon", file: "hipaa:\n", err: "zendesk: line 1: hipaa: want true or false"},
		{name: "no word that is known", file: "sso_password: maybe\n", err: "zendesk: line 1: sso_password: want disabled or fallback"},
		{name: "no list", file: "team_domains: acme.example\n", err: "zendesk: line 1: team_domains: want a list"},
		{name: "no login that is known", file: "social_logins:\n- google\n- myspace\n", err: "zendesk: line 3: social_logins: want a list of google, facebook, office_365, twitter"},
		{name: "a list in a list", file: "team_domains: [[a]]\n", err: "zendesk: line 1: team_domains: want a list of names"},
		{name: "an alias", file: "admins: &a 3\nstale_days: *a\n", err: "zendesk: line 2: stale_days: want a number from 1 to 3660"},
		{name: "no mapping", file: "- admins\n", err: "zendesk: line 1: want a mapping, “key: value”"},
		{name: "no YAML", file: "admins: 3\n\tx\n", err: "zendesk: line 2: found a tab character that violates indentation"},
		{name: "two documents", file: "admins: 3\n---\nadmins: 4\n", err: "zendesk: line 2: want one YAML document"},
		{name: "too large", file: strings.Repeat("#", 1<<20+1), err: "zendesk: the file is over 1 MB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := zendesk.ParsePolicy(strings.NewReader(tt.file))
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				var at *zendesk.FileError
				require.ErrorAs(t, err, &at)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

const good = "answer: yes, owner: Ada, date: 2026-11-01, expires: 2027-11-01, evidence: contract 7"

func TestParseAttestations(t *testing.T) {
	want := zendesk.Attestations{"zendesk.allowlist": {
		Answer: zendesk.AnswerYes, Owner: "Ada", Evidence: "contract 7",
		Date: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC),
	}}
	tests := []struct {
		name string
		file string
		want zendesk.Attestations
		err  string
	}{
		{name: "nothing", want: zendesk.Attestations{}},
		{name: "one, and one that is not answered yet", file: "zendesk.allowlist: {" + good + "}\nzendesk.blocklist:\n  answer: \"\"\n  owner: \"\"\n  date: \"\"\n", want: want},
		{name: "an entry of nothing", file: "zendesk.blocklist:\n", want: zendesk.Attestations{}},
		{name: "no rule", file: "zendesk.white-list: {" + good + "}", err: "line 1: zendesk.white-list: no rule has this id"},
		{name: "a rule that asks nobody", file: "\nzendesk.ip-restrictions: {" + good + "}", err: "line 2: zendesk.ip-restrictions: the account's own settings decide this rule, and nobody's word"},
		{name: "a key that is none", file: "zendesk.allowlist:\n  answer: yes\n  by: Ada\n", err: "line 3: by: want answer, owner, date, expires, evidence, reason or hash"},
		{name: "a key twice", file: "zendesk.allowlist:\n  answer: yes\n  answer: no\n", err: "line 3: answer: this stands twice"},
		{name: "an id twice", file: "zendesk.allowlist:\nzendesk.allowlist:\n", err: "line 2: zendesk.allowlist: this stands twice"},
		{name: "another answer", file: "zendesk.allowlist: {answer: perhaps}", err: "line 1: zendesk.allowlist: the answer is \"perhaps\": want yes, no or not-applicable"},
		{name: "nobody's", file: "zendesk.allowlist: {answer: yes}", err: "line 1: zendesk.allowlist: who says so is missing: owner"},
		{name: "of no day", file: "zendesk.allowlist: {answer: yes, owner: Ada}", err: "line 1: zendesk.allowlist: the day of the answer is missing: date"},
		{name: "for ever", file: "zendesk.allowlist: {answer: yes, owner: Ada, date: 2026-11-01}", err: "line 1: zendesk.allowlist: the last day on which it counts is missing: expires"},
		{name: "a day that is none", file: "zendesk.allowlist:\n  date: 2026-11-31\n", err: "line 2: date: want a day, as in 2026-11-30"},
		{name: "expired when it was given", file: "zendesk.allowlist: {answer: yes, owner: Ada, date: 2026-11-02, expires: 2026-11-01}", err: "line 1: zendesk.allowlist: it expires before its date"},
		{name: "yes without evidence", file: "zendesk.allowlist: {answer: yes, owner: Ada, date: 2026-11-01, expires: 2026-11-01, reason: trust me}", err: "line 1: zendesk.allowlist: where it can be looked up is missing: evidence"},
		{name: "no without a reason", file: "zendesk.allowlist: {answer: no, owner: Ada, date: 2026-11-01, expires: 2026-11-01, evidence: x}", err: "line 1: zendesk.allowlist: why is missing: reason"},
		{name: "a list for a text", file: "zendesk.allowlist:\n  owner: [Ada]\n", err: "line 2: owner: want a text"},
		{name: "an answer for an entry", file: "zendesk.allowlist: yes\n", err: "line 1: zendesk.allowlist: want a mapping, “key: value”"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := zendesk.ParseAttestations(strings.NewReader(tt.file))
			if tt.err != "" {
				require.EqualError(t, err, "zendesk: "+tt.err)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// The template asks every question, and once it is filled in, nothing is asked
// any more, for as long as the account stays as it is.
func TestTemplate(t *testing.T) {
	f, _, _ := run(t, acmeAccount(), nil)
	f.At = judged
	a := zendesk.Analyze(f)
	empty := string(zendesk.Template(a, check.Translation{"Is the allowlist of users and domains kept to those who may sign in and send requests?": "許可リスト"}))
	assert.Contains(t, empty, "  # Is the allowlist of users and domains kept to those who may sign in and send requests?\n  # 許可リスト\n  answer: \"\"\n")
	none, err := zendesk.ParseAttestations(strings.NewReader(empty))
	require.NoError(t, err)
	assert.Empty(t, none)

	filled := strings.NewReplacer(`answer: ""`, "answer: yes", `owner: ""`, "owner: Ada", `date: ""`, "date: 2026-11-22", `expires: ""`, "expires: 2026-12-31", `evidence: ""`, "evidence: minutes").Replace(empty)
	all, err := zendesk.ParseAttestations(strings.NewReader(filled))
	require.NoError(t, err)
	asked := 0
	for _, r := range zendesk.Rules(zendesk.Settings{Attestations: all}) {
		res := r.Apply(a)
		for _, g := range res.Gaps {
			assert.NotEqual(t, check.Person, g.Why, "%s: %s", r.ID, g.CauseText())
		}
		word, ok := all[r.ID]
		if !ok {
			assert.Nil(t, res.Attested, r.ID)
			continue
		}
		asked++
		if res.Outcome == check.Pass {
			assert.Equal(t, &check.Attested{By: "Ada", On: word.Date, Until: word.Expires, Evidence: "minutes"}, res.Attested, r.ID)
		}
	}
	assert.Equal(t, len(all), asked)

	before := zendesk.Rules(zendesk.Settings{Attestations: all, At: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
	for _, r := range before {
		if _, ok := all[r.ID]; ok {
			assert.NotEqual(t, check.Pass, r.Apply(a).Outcome, "%s passes though the answer ran out", r.ID)
		}
	}
}

// docs/zendesk.md has every key of the policy.
func TestPolicyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/zendesk.md")
	require.NoError(t, err)
	source, err := os.ReadFile("policy.go")
	require.NoError(t, err)
	names := func(pattern string, in []byte) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(in, -1) {
			all = append(all, string(m[1]))
		}
		return all
	}
	keys := names(`// \[([a-z0-9_]+)\]`, source)
	assert.Equal(t, keys, names("(?m)^\\| `([a-z0-9_]+)` \\|", doc))
	for _, key := range keys {
		_, err := zendesk.ParsePolicy(strings.NewReader(key + ": {}"))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "no such setting")
	}
}

func ExampleParsePolicy() {
	_, err := zendesk.ParsePolicy(strings.NewReader("session_minutes: 60\nip_required: maybe\n"))
	fmt.Println(err)
	// Output: zendesk: line 2: ip_required: want true or false
}

func ExampleParseAttestations() {
	said, err := zendesk.ParseAttestations(strings.NewReader(`
zendesk.allowlist:
  answer: yes
  owner: Ada Example
  date: 2026-11-01
  expires: 2027-11-01
  evidence: https://wiki.acme.example/allowlist
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	facts := &zendesk.Facts{Account: "https://acme.zendesk.com", At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	for _, res := range check.Apply(zendesk.Analyze(facts), zendesk.Rules(zendesk.Settings{Attestations: said})) {
		if res.Attested != nil {
			fmt.Println(res.ID, res.Outcome, "says", res.Attested.By, "until", res.Attested.Until.Format("2006-01-02"))
		}
	}
	// Output: zendesk.allowlist pass says Ada Example until 2027-11-01
}

func ExampleTemplate() {
	file := string(zendesk.Template(zendesk.Analyze(nil), nil))
	at := strings.Index(file, "zendesk.allowlist:")
	fmt.Println(strings.TrimSpace(file[at : at+strings.Index(file[at:], "\n\n")]))
	// Output:
	// zendesk.allowlist:
	//   # Is the allowlist of users and domains kept to those who may sign in and send requests?
	//   answer: ""
	//   owner: ""
	//   date: "" # 2006-01-02
	//   expires: ""
	//   evidence: "" # a URL, a document
	//   reason: ""
}

func FuzzParseAttestations(f *testing.F) {
	f.Add("zendesk.allowlist: {" + good + "}")
	f.Add("zendesk.allowlist:\n  answer: no\n  reason: &a x\n  owner: *a\n")
	f.Add("admins: 3\nteam_domains: [a, b]\n")
	f.Fuzz(func(t *testing.T, file string) {
		all, err := zendesk.ParseAttestations(strings.NewReader(file))
		for id, a := range all {
			if err != nil || a.Owner == "" || a.Date.IsZero() || a.Expires.Before(a.Date) {
				t.Errorf("%q: %s: %+v, %v", file, id, a, err)
			}
		}
		s, err := zendesk.ParsePolicy(strings.NewReader(file))
		if err == nil {
			zendesk.Rules(s)
		}
	})
}
