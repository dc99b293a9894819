package check_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
)

// view is what the rules of these tests read: what their functions shall return.
type view struct {
	applies  bool
	appliesG []check.Gap
	findings []check.Finding
	gaps     []check.Gap
}

func doc(id string, severity check.Severity) check.Doc {
	return check.Doc{
		ID: id, Severity: severity, Title: "The title", Text: "Why it matters.", Fix: "What to do in general.",
		Cite: []check.Cite{check.RFC(7208, "4.6.4")}, Since: "v0.1.0",
	}
}

func rule(d check.Doc) check.Rule[view] {
	return check.Rule[view]{Doc: d, Check: func(v view) ([]check.Finding, []check.Gap) { return v.findings, v.gaps }}
}

func conditional(d check.Doc) check.Rule[view] {
	r := rule(d)
	r.Applies = func(v view) (bool, []check.Gap) { return v.applies, v.appliesG }
	return r
}

var (
	timedOut = check.Gap{Subject: "TXT acme.example", Why: check.Failed, Cause: errors.New("timed out")}
	notAsked = check.Gap{Subject: "MX acme.example", Why: check.NotAsked, Cause: errors.New("MX acme.example was not asked")}
	tooMany  = check.Gap{Subject: "MX hosts", Why: check.Limit}
)

func TestApply(t *testing.T) {
	own := &check.Fix{Summary: check.Textf("Remove %d records", 2)}
	general := &check.Fix{Summary: check.Textf("What to do in general.")}
	find := func(s check.Severity) check.Finding {
		return check.Finding{Subject: "acme.example", Severity: s, Detail: check.Textf("seen"), Fix: own}
	}
	tests := []struct {
		name string
		rule check.Rule[view]
		view view
		want check.Result // without what comes from the Doc as it stands
	}{
		{name: "nothing wrong, nothing missing", want: check.Result{Outcome: check.Pass, Severity: check.High}},
		{
			name: "a finding", view: view{findings: []check.Finding{find(0)}},
			want: check.Result{Outcome: check.Fail, Severity: check.High, Findings: []check.Finding{find(check.High)}},
		},
		{
			name: "a finding proves the fault, whatever is missing", view: view{findings: []check.Finding{find(0)}, gaps: []check.Gap{timedOut}},
			want: check.Result{Outcome: check.Fail, Severity: check.High, Findings: []check.Finding{find(check.High)}, Gaps: []check.Gap{timedOut}},
		},
		{
			name: "nothing found, and something failed", view: view{gaps: []check.Gap{timedOut, notAsked}},
			want: check.Result{
				Outcome: check.Unknown, Severity: check.High, Gaps: []check.Gap{timedOut, notAsked},
				Reason: check.Textf("%s could not be known: %s", "TXT acme.example", timedOut.Cause),
			},
		},
		{
			name: "nothing found, and something not asked", view: view{gaps: []check.Gap{notAsked, timedOut}},
			want: check.Result{
				Outcome: check.Unknown, Severity: check.High, Gaps: []check.Gap{notAsked, timedOut},
				Reason: check.Textf("%s was not asked", "MX acme.example"),
			},
		},
		{
			name: "nothing found, and a bound was reached", view: view{gaps: []check.Gap{tooMany}},
			want: check.Result{
				Outcome: check.Unknown, Severity: check.High, Gaps: []check.Gap{tooMany},
				Reason: check.Textf("%s could not be known", "MX hosts"),
			},
		},
		{
			name: "gaps that say the same are one", view: view{gaps: []check.Gap{
				timedOut, tooMany,
				{Subject: timedOut.Subject, Why: check.Failed, Cause: errors.New("timed out")},
				tooMany,
				{Subject: timedOut.Subject, Why: check.Failed, Cause: errors.New("refused")},
				{Subject: tooMany.Subject, Why: check.Person},
			}},
			want: check.Result{
				Outcome: check.Unknown, Severity: check.High, Reason: check.Textf("%s could not be known: %s", "TXT acme.example", timedOut.Cause),
				Gaps: []check.Gap{
					timedOut, tooMany,
					{Subject: timedOut.Subject, Why: check.Failed, Cause: errors.New("refused")},
					{Subject: tooMany.Subject, Why: check.Person},
				},
			},
		},
		{
			name: "gaps beside a finding are distinct too", view: view{findings: []check.Finding{find(0)}, gaps: []check.Gap{tooMany, tooMany}},
			want: check.Result{Outcome: check.Fail, Severity: check.High, Findings: []check.Finding{find(check.High)}, Gaps: []check.Gap{tooMany}},
		},

		{
			name: "the rule's severity is the ceiling", view: view{findings: []check.Finding{find(check.Critical)}},
			want: check.Result{Outcome: check.Fail, Severity: check.High, Findings: []check.Finding{find(check.High)}},
		},
		{
			name: "a finding may be lower", view: view{findings: []check.Finding{find(check.Low)}},
			want: check.Result{Outcome: check.Fail, Severity: check.Low, Findings: []check.Finding{find(check.Low)}},
		},
		{
			name: "the gravest finding counts", view: view{findings: []check.Finding{find(check.Low), find(check.Medium), find(check.Info)}},
			want: check.Result{
				Outcome: check.Fail, Severity: check.Medium,
				Findings: []check.Finding{find(check.Low), find(check.Medium), find(check.Info)},
			},
		},
		{
			name: "findings that only inform give a note", view: view{findings: []check.Finding{find(check.Info), find(check.Info)}},
			want: check.Result{Outcome: check.Note, Severity: check.Info, Findings: []check.Finding{find(check.Info), find(check.Info)}},
		},
		{
			name: "a note stays one, whatever is missing", view: view{findings: []check.Finding{find(check.Info)}, gaps: []check.Gap{timedOut}},
			want: check.Result{Outcome: check.Note, Severity: check.Info, Findings: []check.Finding{find(check.Info)}, Gaps: []check.Gap{timedOut}},
		},
		{
			name: "a rule that only informs", rule: rule(doc("spf.note", check.Info)), view: view{findings: []check.Finding{find(check.Critical)}},
			want: check.Result{ID: "spf.note", Outcome: check.Note, Severity: check.Info, Findings: []check.Finding{find(check.Info)}},
		},
		{
			name: "a rule that only informs, with nothing to say", rule: rule(doc("spf.note", check.Info)),
			want: check.Result{ID: "spf.note", Outcome: check.Pass, Severity: check.Info},
		},
		{
			name: "a finding without advice gets the rule's", view: view{findings: []check.Finding{{Subject: "acme.example"}}},
			want: check.Result{
				Outcome: check.Fail, Severity: check.High,
				Findings: []check.Finding{{Subject: "acme.example", Severity: check.High, Fix: general}},
			},
		},

		{
			name: "it does not apply", rule: conditional(doc("spf.x", check.High)), view: view{findings: []check.Finding{find(0)}, gaps: []check.Gap{timedOut}},
			want: check.Result{Outcome: check.NotApplicable, Severity: check.High},
		},
		{
			name: "whether it applies could not be known", rule: conditional(doc("spf.x", check.High)),
			view: view{appliesG: []check.Gap{timedOut, timedOut}, findings: []check.Finding{find(0)}},
			want: check.Result{
				Outcome: check.Unknown, Severity: check.High, Gaps: []check.Gap{timedOut},
				Reason: check.Textf("%s could not be known: %s", "TXT acme.example", timedOut.Cause),
			},
		},
		{
			name: "it applies, and what Applies missed is dropped", rule: conditional(doc("spf.x", check.High)),
			view: view{applies: true, appliesG: []check.Gap{timedOut}},
			want: check.Result{Outcome: check.Pass, Severity: check.High},
		},
		{
			name: "it applies, and Check says what it misses", rule: conditional(doc("spf.x", check.High)),
			view: view{applies: true, appliesG: []check.Gap{timedOut}, gaps: []check.Gap{tooMany}},
			want: check.Result{
				Outcome: check.Unknown, Severity: check.High, Gaps: []check.Gap{tooMany}, Reason: check.Textf("%s could not be known", "MX hosts"),
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rule.Check == nil {
				tt.rule = rule(doc("spf.x", check.High))
			}
			if tt.want.ID == "" {
				tt.want.ID = "spf.x"
			}
			tt.want.Title, tt.want.Cite = tt.rule.Title, tt.rule.Cite
			assert.Equal(t, []check.Result{tt.want}, check.Apply(tt.view, []check.Rule[view]{tt.rule}))
		})
	}
}

func TestApply_order(t *testing.T) {
	rules := []check.Rule[view]{rule(doc("b.x", check.Low)), rule(doc("a.x", check.High)), rule(doc("c.x", check.Info))}
	var ids []string
	for _, res := range check.Apply(view{}, rules) {
		ids = append(ids, res.ID)
	}
	assert.Equal(t, []string{"b.x", "a.x", "c.x"}, ids)
	assert.Empty(t, check.Apply(view{}, nil))
}

// What a rule returned stays as it returned it: two runs over one view agree.
func TestApply_leavesTheView(t *testing.T) {
	v := view{findings: []check.Finding{{
		Subject: "acme.example", Severity: check.Critical, Evidence: []check.Evidence{{Text: strings.Repeat("x", 2000)}},
	}}}
	rules := []check.Rule[view]{rule(doc("spf.x", check.Low))}
	first := check.Apply(v, rules)
	assert.Equal(t, check.Critical, v.findings[0].Severity)
	assert.Nil(t, v.findings[0].Fix)
	assert.Len(t, v.findings[0].Evidence[0].Text, 2000)
	assert.Equal(t, first, check.Apply(v, rules))
}

func TestApply_cutsEvidence(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a thousand characters", strings.Repeat("ü", 1000), strings.Repeat("ü", 1000)},
		{"a thousand and one", strings.Repeat("ü", 1001), strings.Repeat("ü", 1000) + "… (2002 octets)"},
		{"octets that are no characters", strings.Repeat("\xff", 1001), strings.Repeat("\xff", 1000) + "… (1001 octets)"},
		{"none", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := view{findings: []check.Finding{{Evidence: []check.Evidence{{Source: "first", Text: "short"}, {Source: "TXT acme.example", Text: tt.text}}}}}
			got := check.Apply(v, []check.Rule[view]{rule(doc("spf.x", check.High))})
			assert.Equal(t, []check.Evidence{{Source: "first", Text: "short"}, {Source: "TXT acme.example", Text: tt.want}}, got[0].Findings[0].Evidence)
		})
	}
}

// The place of a finding goes with what is cut off.
func TestApply_cutsPlaces(t *testing.T) {
	text := strings.Repeat("x", 2000)
	v := view{findings: []check.Finding{{Evidence: []check.Evidence{{Text: text, Start: 10, End: 1000}, {Text: text, Start: 10, End: 1001}}}}}
	got := check.Apply(v, []check.Rule[view]{rule(doc("spf.x", check.High))})[0].Findings[0].Evidence
	assert.Equal(t, [2]int{10, 1000}, [2]int{got[0].Start, got[0].End})
	assert.Equal(t, [2]int{}, [2]int{got[1].Start, got[1].End})
}

func TestLift(t *testing.T) {
	type whole struct {
		part view
		gaps []check.Gap
	}
	part := func(w whole) (view, []check.Gap) { return w.part, w.gaps }
	finding := []check.Finding{{Subject: "acme.example"}}
	tests := []struct {
		name  string
		whole whole
		want  [2]check.Outcome // of a rule that always applies, and of a conditional one
	}{
		{"nothing wrong", whole{part: view{applies: true}}, [2]check.Outcome{check.Pass, check.Pass}},
		{"a finding", whole{part: view{applies: true, findings: finding}}, [2]check.Outcome{check.Fail, check.Fail}},
		{"a gap in the part", whole{part: view{applies: true, gaps: []check.Gap{timedOut}}}, [2]check.Outcome{check.Unknown, check.Unknown}},
		{"it does not apply", whole{}, [2]check.Outcome{check.Pass, check.NotApplicable}},
		{"whether it applies is unknown", whole{part: view{appliesG: []check.Gap{timedOut}}}, [2]check.Outcome{check.Pass, check.Unknown}},
		{
			"there is no part",
			whole{part: view{applies: true, findings: finding}, gaps: []check.Gap{notAsked}},
			[2]check.Outcome{check.Unknown, check.Unknown},
		},
	}
	rules := []check.Rule[view]{rule(doc("spf.always", check.High)), conditional(doc("spf.conditional", check.High))}
	lifted := check.Lift(rules, part)
	assert.Equal(t, check.Docs(rules), check.Docs(lifted))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := check.Apply(tt.whole, lifted)
			assert.Equal(t, tt.want, [2]check.Outcome{got[0].Outcome, got[1].Outcome})
			if len(tt.whole.gaps) == 0 {
				assert.Equal(t, check.Apply(tt.whole.part, rules), got)
				return
			}
			for _, res := range got {
				assert.Equal(t, tt.whole.gaps, res.Gaps)
			}
		})
	}
}

type teller struct{ subject, why string }

func (e *teller) Error() string              { return "told" }
func (e *teller) Gap() (subject, why string) { return e.subject, e.why }

func TestGapOf(t *testing.T) {
	plain := errors.New("refused")
	told := &teller{"TXT acme.example", "not-asked"}
	wrapped := fmt.Errorf("at home: %w", told)
	assert.Equal(t, check.Gap{Subject: "host:443", Why: check.Failed, Cause: plain}, check.GapOf("host:443", plain))
	assert.Equal(t, check.Gap{Subject: "TXT acme.example", Why: check.NotAsked, Cause: told}, check.GapOf("", told))
	assert.Equal(t, check.Gap{Subject: "the policy", Why: check.NotAsked, Cause: wrapped}, check.GapOf("the policy", wrapped))
}

func TestGap_JSON(t *testing.T) {
	tests := []struct {
		gap  check.Gap
		want string
	}{
		{timedOut, `{"subject":"TXT acme.example","why":"failed","cause":"timed out"}`},
		{tooMany, `{"subject":"MX hosts","why":"limit"}`},
	}
	for _, tt := range tests {
		text, err := json.Marshal(tt.gap)
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(text))
		again := notAsked
		require.NoError(t, json.Unmarshal(text, &again))
		assert.Equal(t, tt.gap, again)
	}
	assert.Error(t, json.Unmarshal([]byte(`[]`), new(check.Gap)))
}

// A result of every kind of part can be written and read back.
func TestResult_JSON(t *testing.T) {
	in := check.Apply(view{
		findings: []check.Finding{{
			Subject: "acme.example", Detail: check.Textf("100%"), Evidence: []check.Evidence{{Source: "TXT acme.example", Text: "v=spf1"}},
			Fix: &check.Fix{Summary: check.Textf("Do it"), Changes: []check.Change{{Name: "acme.example", Type: "TXT", Old: []string{"a"}, New: []string{"b"}}}},
		}},
		gaps: []check.Gap{tooMany},
	}, []check.Rule[view]{rule(doc("spf.x", check.High))})
	text, err := json.Marshal(in)
	require.NoError(t, err)
	assert.Equal(t, `[{"id":"spf.x","outcome":"fail","severity":"high","title":"The title","cite":[{"doc":"RFC 7208","section":"4.6.4"}],`+
		`"gaps":[{"subject":"MX hosts","why":"limit"}],"findings":[{"subject":"acme.example","severity":"high","detail":"100%",`+
		`"evidence":[{"source":"TXT acme.example","text":"v=spf1"}],`+
		`"fix":{"summary":"Do it","changes":[{"name":"acme.example","type":"TXT","old":["a"],"new":["b"]}]}}]}]`, string(text))
	var out []check.Result
	require.NoError(t, json.Unmarshal(text, &out))
	again, err := json.Marshal(out)
	require.NoError(t, err)
	assert.Equal(t, string(text), string(again))
}

func ExampleApply() {
	type records []string
	rules := []check.Rule[records]{{
		Doc: check.Doc{
			ID: "spf.multiple", Severity: check.Critical, Title: "More than one SPF record", Text: "…", Fix: "Publish one.",
			Cite: []check.Cite{check.RFC(7208, "4.5")}, Since: "v0.1.0",
		},
		Check: func(r records) ([]check.Finding, []check.Gap) {
			if len(r) < 2 {
				return nil, nil
			}
			return []check.Finding{{Subject: "acme.example", Detail: check.Textf("%d records", len(r))}}, nil
		},
	}}
	for _, res := range check.Apply(records{"v=spf1 -all", "v=spf1 ~all"}, rules) {
		fmt.Println(res.ID, res.Outcome, res.Severity, res.Findings[0].Detail, res.Findings[0].Fix.Summary)
	}
	// Output: spf.multiple fail critical 2 records Publish one.
}

type refusal struct{}

func (refusal) Error() string    { return "refused to agents" }
func (refusal) Text() check.Text { return check.Textf("refused to %s", check.Textf("agents")) }

// A cause that can word itself is told in the reader's language.
func TestWordsOfACause(t *testing.T) {
	ja := check.Translation{"refused to %s": "%sには許可されていません", "agents": "エージェント", "%s could not be known: %s": "%sは不明です（%s）"}
	rule := check.Rule[int]{Check: func(int) ([]check.Finding, []check.Gap) {
		return nil, []check.Gap{{Subject: "GET /x", Why: check.NotShown, Cause: refusal{}}}
	}}
	res := rule.Apply(0)
	require.Equal(t, "GET /x could not be known: refused to agents", res.Reason.String())
	got, ok := ja.Text(res.Reason)
	assert.True(t, ok)
	assert.Equal(t, "GET /xは不明です（エージェントには許可されていません）", got)
	assert.Equal(t, "timed out", check.Gap{Cause: errors.New("timed out")}.Words().String())
	assert.True(t, check.Gap{}.Words().IsZero())
}

// Whose word it is stands where a result rests on it, and nowhere else.
func TestAttested(t *testing.T) {
	word := &check.Attested{By: "Ada", Evidence: "contract 7"}
	rule := func(applies bool, gaps ...check.Gap) check.Rule[int] {
		return check.Rule[int]{
			Doc:      check.Doc{Severity: check.Low},
			Applies:  func(int) (bool, []check.Gap) { return applies, nil },
			Check:    func(int) ([]check.Finding, []check.Gap) { return nil, gaps },
			Attested: func(int) *check.Attested { return word },
		}
	}
	question := check.Gap{Subject: "attestation", Why: check.Person, Cause: errors.New("Is it signed?")}
	rules := check.Lift([]check.Rule[int]{rule(true), rule(false), rule(true, question)}, func(string) (int, []check.Gap) { return 0, nil })
	got := check.Apply("", rules)
	assert.Same(t, word, got[0].Attested)
	assert.Same(t, word, got[1].Attested)
	assert.Nil(t, got[2].Attested)
	assert.Equal(t, "a person has to answer: Is it signed?", got[2].Reason.String())
}
