package mailcheck_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func discover(t testing.TB, r dnsx.Resolver, domain string) *mailcheck.Facts {
	t.Helper()
	c := mailcheck.Checker{Resolver: r, Offline: true, Now: clock}
	f, err := c.Discover(context.Background(), mailcheck.Target{Domain: domain})
	require.NoError(t, err)
	return f
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	return string(data)
}

// The domains of the example zones, and of the folder that MAILCHECK_CORPUS names.
func domains(t testing.TB) map[string]*zone.Zones {
	t.Helper()
	all := map[string]*zone.Zones{}
	load := func(paths ...string) {
		z, err := zone.Load(paths...)
		require.NoError(t, err)
		for _, apex := range z.Apexes() {
			all[apex] = z
		}
	}
	load("examples/zones")
	corpus := os.Getenv("MAILCHECK_CORPUS")
	if corpus == "" {
		t.Log("MAILCHECK_CORPUS is not set: only the example zones are checked")
		return all
	}
	load(filepath.Join(corpus, "octodns"), filepath.Join(corpus, "providers.zone"))
	return all
}

func TestSavedFactsJudgeTheSame(t *testing.T) {
	for domain, zones := range domains(t) {
		f := discover(t, zones, domain)
		saved := asJSON(t, f)
		direct := asJSON(t, mailcheck.Judge(f, mailcheck.Settings{}))
		require.Equal(t, saved, asJSON(t, f), "%s: Judge changed the facts", domain)
		again, err := mailcheck.ReadFacts(strings.NewReader(saved))
		require.NoError(t, err, domain)
		require.Equal(t, direct, asJSON(t, mailcheck.Judge(again, mailcheck.Settings{})), domain)
	}
}

// Facts of every release are kept, and later releases judge them. Rules that these
// facts know nothing for are unknown; none of them fails for that.
func TestFactsOfEarlierReleases(t *testing.T) {
	files, err := filepath.Glob("testdata/facts/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		f, err := mailcheck.ReadFacts(bytes.NewReader(data))
		require.NoError(t, err, file)
		rep := mailcheck.Judge(f, mailcheck.Settings{})
		var failed []string
		for _, res := range rep.Results {
			if res.Outcome == check.Fail {
				failed = append(failed, res.ID)
			}
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".failed")
		require.NoError(t, err)
		assert.Equal(t, strings.Fields(string(want)), failed, file)
	}
}

func TestRoles(t *testing.T) {
	const key = "default._domainkey.acme.example. TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
	tests := []struct {
		name, zone string
		want       mailcheck.Role
	}{
		{"senders in SPF", "acme.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n", mailcheck.Sends},
		{"a key alone", key, mailcheck.Sends},
		{"MX and no SPF record", "acme.example. MX 10 mx.acme.example.\nmx.acme.example. A 192.0.2.1\n", mailcheck.Sends},
		{"MX, and SPF that names nobody", "acme.example. MX 10 mx.acme.example.\nacme.example. TXT \"v=spf1 -all\"\n", mailcheck.Receives},
		{"null MX", "acme.example. MX 0 .\nacme.example. TXT \"v=spf1 -all\"\n", mailcheck.Parked},
		{"neither MX nor address, only a name below", "www.acme.example. A 192.0.2.1\n", mailcheck.Parked},
		{"no MX, and its addresses timed out", "acme.example. TXT \"v=spf1 -all\"\nacme.example. A !timeout\nacme.example. AAAA !timeout\n", mailcheck.Parked},
		{
			"a key at an alias whose end was not asked",
			"acme.example. MX 10 mx.acme.example.\nacme.example. TXT \"v=spf1 -all\"\nselector1._domainkey.acme.example. CNAME selector1-acme-example._domainkey.acme.onmicrosoft.com.\nselector1-acme-example._domainkey.acme.onmicrosoft.com. TXT !not-asked\n",
			mailcheck.Sends,
		},
		{"+all beside MX hosts", "acme.example. MX 10 mx.acme.example.\nacme.example. TXT \"v=spf1 +all\"\n", mailcheck.Sends},
		{"+all alone", "acme.example. TXT \"v=spf1 redirect=b.example\"\nb.example. TXT \"v=spf1 +all\"\n", mailcheck.RoleUnknown},
		{"+all beside a null MX", "acme.example. MX 0 .\nacme.example. TXT \"v=spf1 +all\"\n", mailcheck.Parked},
		{"MX timed out", "acme.example. TXT \"v=spf1 -all\"\nacme.example. MX !timeout\n", mailcheck.RoleUnknown},
		{"SPF timed out", "acme.example. MX 10 mx.acme.example.\nacme.example. TXT !timeout\n", mailcheck.RoleUnknown},
		{"it does not exist", "other.example. A 192.0.2.1\n", mailcheck.RoleUnknown},
	}
	for _, tt := range tests {
		rep := mailcheck.Judge(discover(t, dnstest.Must(tt.zone), "acme.example"), mailcheck.Settings{})
		assert.Equal(t, string(tt.want), rep.Role.Word, tt.name)
	}
	f := discover(t, dnstest.Must(tests[0].zone), "acme.example")
	rep := mailcheck.Judge(f, mailcheck.Settings{Role: mailcheck.Parked})
	assert.Equal(t, "parked", rep.Role.Word)
	assert.True(t, rep.Role.Given)
}

func TestAnswers(t *testing.T) {
	const (
		mx    = "acme.example. MX 10 mx.acme.example.\nmx.acme.example. A 185.12.80.1\n"
		spf   = "acme.example. TXT \"v=spf1 mx -all\"\n"
		key   = "default._domainkey.acme.example. TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
		dmarc = "_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\n"
	)
	tests := []struct {
		name, zone, forge, mail string
	}{
		{"all in order", mx + spf + key + dmarc, "no", "yes"},
		{"no policy", mx + spf + key, "yes", "yes"},
		{"+all under a strict policy", mx + key + dmarc + "acme.example. TXT \"v=spf1 +all\"\n", "yes", "yes"},
		{"subdomains are left open", mx + spf + key + "_dmarc.acme.example. TXT \"v=DMARC1; p=reject; sp=none\"\n", "yes", "yes"},
		{"made-up names are left open", mx + spf + key + "_dmarc.acme.example. TXT \"v=DMARC1; p=reject; np=none\"\n", "yes", "yes"},
		{"the policy timed out", mx + spf + key + "_dmarc.acme.example. TXT !timeout\n", "unknown", "yes"},
		{"SPF timed out", mx + "acme.example. TXT !timeout\n" + key + dmarc, "no", "unknown"},
		{"an SPF error", mx + "acme.example. TXT \"v=spf1 ipv4:192.0.2.1 -all\"\n" + key + dmarc, "no", "no"},
		{"nothing at all", mx, "yes", "no"},
		{"a service that does not sign, under a policy", mx + "acme.example. TXT \"v=spf1 include:mail.zendesk.com -all\"\nmail.zendesk.com. TXT \"v=spf1 ip4:185.12.80.0/22 -all\"\n" + key + dmarc, "no", "no"},
		{"keys at aliases whose ends were not asked", mx + spf + dmarc + "x._domainkey.acme.example. CNAME x.keys.example.\nselector1._domainkey.acme.example. CNAME x.keys.example.\nx.keys.example. TXT !not-asked\n", "no", "unknown"},
		{"a service whose keys were not asked", mx + "acme.example. TXT \"v=spf1 include:mail.zendesk.com -all\"\nmail.zendesk.com. TXT \"v=spf1 ip4:185.12.80.0/22 -all\"\n" + dmarc +
			"zendesk1._domainkey.acme.example. CNAME zendesk1._domainkey.zendesk.com.\nzendesk2._domainkey.acme.example. CNAME zendesk2._domainkey.zendesk.com.\n* * !not-asked\n", "no", "unknown"},
	}
	for _, tt := range tests {
		rep := mailcheck.Judge(discover(t, dnstest.Must(tt.zone), "acme.example"), mailcheck.Settings{})
		got := map[string]string{}
		for _, a := range rep.Answers {
			got[a.ID] = a.Answer
		}
		assert.Equal(t, tt.forge, got["forge"], "%s: forge", tt.name)
		assert.Equal(t, tt.mail, got["own-mail"], "%s: own mail", tt.name)
	}
}

// Names under arpa are no mail domains, unless something of mail is published there.
func TestRoleOfReverseZones(t *testing.T) {
	const zone = "2.0.192.in-addr.arpa. NS ns.acme.example.\n1.2.0.192.in-addr.arpa. PTR mx.acme.example.\n"
	f := discover(t, dnstest.Must(zone), "2.0.192.in-addr.arpa")
	rep := mailcheck.Judge(f, mailcheck.Settings{})
	assert.Equal(t, "infrastructure", rep.Role.Word)
	assert.Empty(t, rep.Answers)
	assert.Empty(t, rep.Repairs)
	assert.Equal(t, 0, rep.Summary.Fail+rep.Summary.Unknown, asJSON(t, rep.Results))

	rep = mailcheck.Judge(f, mailcheck.Settings{Role: mailcheck.Parked})
	assert.Contains(t, failed(rep), "spf.missing")

	f = discover(t, dnstest.Must(zone+"2.0.192.in-addr.arpa. MX 10 mx.acme.example.\n"), "2.0.192.in-addr.arpa")
	rep = mailcheck.Judge(f, mailcheck.Settings{})
	assert.Equal(t, "sends", rep.Role.Word)
}

func failed(rep *check.Report) map[string]check.Result {
	all := map[string]check.Result{}
	for _, res := range rep.Results {
		if res.Outcome == check.Fail {
			all[res.ID] = res
		}
	}
	return all
}

// What a domain without mail lacks is told as what it should publish, and SPF is the
// less grave the more DMARC already does.
func TestMissingAtParkedDomains(t *testing.T) {
	const parked = "www.acme.example. A 192.0.2.1\n"
	got := failed(mailcheck.Judge(discover(t, dnstest.Must(parked), "acme.example"), mailcheck.Settings{}))
	assert.Equal(t, check.Medium, got["spf.missing"].Severity)
	assert.Equal(t, "Publish v=spf1 -all.", got["spf.missing"].Findings[0].Fix.Summary.String())
	assert.Equal(t, "Publish v=DMARC1; p=reject; sp=reject; np=reject at _dmarc.acme.example.", got["dmarc.missing"].Findings[0].Fix.Summary.String())

	got = failed(mailcheck.Judge(discover(t, dnstest.Must(parked+"_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\n"), "acme.example"), mailcheck.Settings{}))
	assert.Equal(t, check.Low, got["spf.missing"].Severity)

	got = failed(mailcheck.Judge(discover(t, dnstest.Must("acme.example. MX 10 mx.acme.example.\n"), "acme.example"), mailcheck.Settings{}))
	assert.Equal(t, check.High, got["spf.missing"].Severity, "it gets mail, so it sends")
}

// A zone that is listed proves that a service has no key only where each key that it
// has is another's.
func TestServicesOfAListedZone(t *testing.T) {
	const (
		head = `
acme.example. MX 10 mx.acme.example.
acme.example. TXT "v=spf1 include:sendgrid.net include:spf.protection.outlook.com -all"
_dmarc.acme.example. TXT "v=DMARC1; p=reject"
s1._domainkey.acme.example. CNAME s1.domainkey.u1.wl.sendgrid.net.
s1.domainkey.u1.wl.sendgrid.net. TXT !not-asked
sendgrid.net. TXT "v=spf1 ip4:185.12.80.0/22 -all"
spf.protection.outlook.com. TXT "v=spf1 ip4:185.12.84.0/22 -all"
`
		unsigned = "Mail through Microsoft 365 is not signed for the domain, and the DMARC policy is reject."
		unsure   = "Whether mail through Twilio SendGrid is signed is not known."
	)
	tests := []struct{ name, zone, answer, text string }{
		{"no other key", ``, "no", unsigned},
		{"a key that may be anybody's", `x._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="`, "unknown", unsure},
		{"a broken key that may be anybody's", `x._domainkey.acme.example. TXT "v=DKIM1; p=AAAAA"`, "unknown", unsure},
		{"an alias that may lead to anybody", "x._domainkey.acme.example. CNAME x.keys.example.\nx.keys.example. TXT !not-asked", "unknown", unsure},
		{"a revoked key", `x._domainkey.acme.example. TXT "v=DKIM1; p="`, "no", unsigned},
		{
			"a service behind the same include",
			"selector1-azurecomm-prod-net._domainkey.acme.example. CNAME selector1-azurecomm-prod-net._domainkey.azurecomm.net.\n" +
				"selector1-azurecomm-prod-net._domainkey.azurecomm.net. TXT !not-asked",
			"unknown", "Whether mail through Twilio SendGrid, Microsoft 365 is signed is not known.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rep := mailcheck.Judge(discover(t, dnstest.Must(head+tt.zone).Listing(), "acme.example"), mailcheck.Settings{})
			mail := rep.Answers[slices.IndexFunc(rep.Answers, func(a check.Answer) bool { return a.ID == "own-mail" })]
			assert.Equal(t, tt.answer, mail.Answer)
			assert.Contains(t, mail.Text.String(), tt.text)
		})
	}
}

// A name where another zone begins cannot be the alias of a help centre.
func TestDelegatedNamesAreNoHelpCentres(t *testing.T) {
	z, err := zone.Parse("acme.example.zone", []byte(`$ORIGIN acme.example.
@    300 IN SOA   ns root 1 2 3 4 5
shop 300 IN NS    ns.other.example.
help 300 IN CNAME acme.zendesk.com.
`))
	require.NoError(t, err)
	f := discover(t, z, "acme.example")
	require.Len(t, f.DNS.Web, 1)
	assert.Equal(t, "help.acme.example", f.DNS.Web[0].Question.Name)
}

// Of a huge zone not every name is asked for, and the report says so.
func TestHelpCentresPastTheBound(t *testing.T) {
	var b strings.Builder
	b.WriteString("$ORIGIN acme.example.\n@ 300 IN SOA ns root 1 2 3 4 5\n")
	for i := range 5003 {
		fmt.Fprintf(&b, "h%d 300 IN A 185.12.80.1\n_h%d 300 IN TXT x\n", i, i)
	}
	z, err := zone.Parse("acme.example.zone", []byte(b.String()))
	require.NoError(t, err)
	f := discover(t, z, "acme.example")
	assert.Equal(t, 4, f.DNS.WebBeyond, "the top and 5,003 names, less 5,000")
	for _, res := range mailcheck.Judge(f, mailcheck.Settings{Only: []string{"cert.expired"}}).Results {
		assert.Equal(t, check.Unknown, res.Outcome)
		assert.Equal(t, check.Limit, res.Gaps[0].Why)
	}
}

// Of two broken keys each has its repair, although the rule fails until both are made;
// what was not known before does not hide them.
func TestRepairsOfOneRule(t *testing.T) {
	rep := mailcheck.Judge(discover(t, dnstest.Must(`
acme.example. MX 10 mx.acme.example.
_dmarc.acme.example. TXT "v=DMARC1; p=reject"
acme.example. TXT "v=spf1 mx -all"
mx.acme.example. A 185.12.80.1
mx.acme.example. TXT "v=spf1 a -all"
default._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; p=iFVIYKelBJzYrFFvR3dKxve6\"\"pAi4qSGEchMos4ZT5wY="
selector1._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; p=9Upxi//bW1hVGBph1XOZkilGntf\"\"LtVDR1cJZNwTKWm4="
selector2._domainkey.acme.example. TXT !timeout
`), "acme.example"), mailcheck.Settings{})
	got := map[string][]string{}
	for _, r := range rep.Repairs {
		got[r.Name] = append(r.New, r.Cures...)
	}
	assert.Equal(t, map[string][]string{
		"default._domainkey.acme.example":   {"v=DKIM1; k=ed25519; p=iFVIYKelBJzYrFFvR3dKxve6pAi4qSGEchMos4ZT5wY=", "dkim.base64"},
		"selector1._domainkey.acme.example": {"v=DKIM1; k=ed25519; p=9Upxi//bW1hVGBph1XOZkilGntfLtVDR1cJZNwTKWm4=", "dkim.base64"},
	}, got)
}

// What a terminal shows as \x1b is not to be published as it was.
func TestNoRepairWithControlCharacters(t *testing.T) {
	rep := mailcheck.Judge(discover(t, dnstest.Must("acme.example. MX 10 mx.acme.example.\n"+
		"_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:a\\027]0@acme.example; x=\\226\\128\\174; \\255\"\n"), "acme.example"), mailcheck.Settings{})
	for _, r := range rep.Repairs {
		assert.NotContains(t, strings.Join(r.New, ""), "\x1b")
	}
	shown := mailcheck.Judge(discover(t, dnstest.Must("acme.example. MX 0 .\nacme.example. TXT \"v=spf1 \\027 ~all\"\n"), "acme.example"), mailcheck.Settings{}).Repairs
	require.NotEmpty(t, shown, "what is wholly new is shown")
	assert.Equal(t, []string{"v=spf1 -all"}, shown[0].New)
}

// The lines of the report agree with its headline.
func TestARecordWithoutAPolicyIsNotShownAsOne(t *testing.T) {
	rep := mailcheck.Judge(discover(t, dnstest.Must("acme.example. MX 10 mx.acme.example.\n_dmarc.acme.example. TXT \"v=DMARC1; p=nonsense\"\n"), "acme.example"), mailcheck.Settings{})
	require.Equal(t, "yes", rep.Answers[0].Answer)
	for _, o := range rep.Overview {
		if o.Area == "dmarc" {
			assert.Equal(t, "a record without a policy that receivers take", o.Text.String())
		}
	}
}

func TestACheckerWithoutResolverPanicsWhereItIsCalled(t *testing.T) {
	assert.PanicsWithValue(t, "mailcheck: Checker.Resolver is nil", func() {
		_, _ = (&mailcheck.Checker{}).Discover(t.Context(), mailcheck.Target{Domain: "acme.example"})
	})
}

// A name that is an alias is repaired where it stands, or not at all.
func TestNoRepairInAnothersZone(t *testing.T) {
	rep := mailcheck.Judge(discover(t, dnstest.Must(`
acme.example. CNAME parking.example.
parking.example. TXT "v=spf1 ~all"
_dmarc.acme.example. CNAME _dmarc.parking.example.
_dmarc.parking.example. TXT "v=DMARC1; p=none"
`), "acme.example"), mailcheck.Settings{})
	require.Equal(t, "parked", rep.Role.Word)
	assert.Empty(t, rep.Repairs)
}

// A host that the operator names is dialled as named, loopback too.
func TestCertificateOfAGivenHost(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	c := mailcheck.Checker{Resolver: dnstest.Must("acme.example. MX 0 ."), Now: clock}
	rep, err := c.Check(t.Context(), mailcheck.Target{Domain: "acme.example", Hosts: []string{server.Listener.Addr().String()}, Role: mailcheck.Sends}, mailcheck.Settings{})
	require.NoError(t, err)
	failed := map[string]bool{}
	for _, res := range rep.Results {
		failed[res.ID] = res.Outcome == check.Fail
	}
	assert.True(t, failed["cert.self-signed"] || failed["cert.untrusted-root"], asJSON(t, rep.Answers))
}

// Questions leave once, whoever needs them, and the services' selectors are among them.
func TestQuestionsAreAskedOnce(t *testing.T) {
	r := dnstest.Must(`
acme.example. MX 10 acme-example.mail.protection.outlook.com.
acme.example. TXT "v=spf1 include:mail.zendesk.com -all"
mail.zendesk.com. TXT "v=spf1 ip4:185.12.80.0/22 -all"
`)
	discover(t, r, "acme.example")
	seen := map[dnsx.Question]int{}
	for _, q := range r.Asked() {
		seen[q]++
	}
	for q, n := range seen {
		assert.Equal(t, 1, n, "%s", q)
	}
	for _, name := range []string{"zendesk1", "zendesk2", "selector1", "selector2"} {
		assert.Contains(t, seen, dnsx.Q(name+"._domainkey.acme.example", dnsx.TypeTXT))
	}
}

func TestCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := mailcheck.Checker{Resolver: dnstest.Must("acme.example. MX 0 .")}
	f, err := c.Discover(ctx, mailcheck.Target{Domain: "acme.example"})
	require.ErrorIs(t, err, context.Canceled)
	require.NotNil(t, f, "the facts so far come back")
	assert.Equal(t, check.NotKnown, mailcheck.Judge(f, mailcheck.Settings{}).Status(check.High, false))
}

// A domain whose servers are silent costs the time of one question, not of one level
// of questions after the other.
func TestSilentServersCostOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 4 * time.Second
		r := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			if q.Name == "." {
				return &dnsx.Answer{Question: q}, nil
			}
			select {
			case <-time.After(patience):
				return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout, Tries: 3}
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		began := time.Now()
		c := mailcheck.Checker{Resolver: &dnsx.Cache{Next: r, CutAfter: 2, ParentsFirst: true}, Now: clock}
		rep, err := c.Check(t.Context(), mailcheck.Target{Domain: "acme.example"}, mailcheck.Settings{})
		require.NoError(t, err)
		assert.Less(t, time.Since(began), patience+time.Second)
		for _, res := range rep.Results {
			if res.Outcome == check.Fail {
				assert.Equal(t, "dns.timeout", res.ID)
			}
		}
		assert.Equal(t, 1, rep.Summary.Fail)
	})
}

// A domain whose servers fail is known by the questions about itself: in steps, nothing
// is asked about the names below.
func TestFailingServersAreNotAskedAboutNamesBelow(t *testing.T) {
	var mu sync.Mutex
	var below []dnsx.Question
	next := dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		if !dnsx.Below(q.Name, "acme.example") {
			return &dnsx.Answer{Question: q}, nil
		}
		if q.Name != "acme.example" {
			mu.Lock()
			defer mu.Unlock()
			below = append(below, q)
		}
		return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindRCode, RCode: dnsx.ServFail, Tries: 2}
	})
	c := mailcheck.Checker{Resolver: &dnsx.Cache{Next: next, CutAfter: 2, ParentsFirst: true}, Now: clock}
	rep, err := c.Check(t.Context(), mailcheck.Target{Domain: "acme.example"}, mailcheck.Settings{})
	require.NoError(t, err)
	var failed []string
	for _, res := range rep.Results {
		if res.Outcome == check.Fail {
			failed = append(failed, res.ID)
		}
	}
	assert.Equal(t, []string{"dns.servfail"}, failed)
	assert.Empty(t, below)
}

func TestBadTargets(t *testing.T) {
	c := mailcheck.Checker{Resolver: dnstest.Must("acme.example. MX 0 .")}
	for _, target := range []mailcheck.Target{
		{Domain: "acme..example"},
		{Domain: ""},
		{Domain: "acme.example", Selectors: []string{"a..b"}},
		{Domain: "acme.example", Hosts: []string{"host:port"}},
	} {
		rep, err := c.Check(t.Context(), target, mailcheck.Settings{})
		require.Error(t, err, "%+v", target)
		assert.Nil(t, rep)
	}
}

// A parked domain of which one answer is missing has no faults that a domain with
// mail would have: its role is then not known, and neither are they.
func TestAMissingAnswerAboutTheRoleIsNoFault(t *testing.T) {
	const txt, mx = "acme.example. TXT \"v=spf1 -all\"\n", "acme.example. MX 0 .\n"
	const rest = "acme.example. A 185.12.80.1\n_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\n"
	outcomes := func(zone string) (failed []string, of map[string]check.Outcome) {
		of = map[string]check.Outcome{}
		for _, res := range mailcheck.Judge(discover(t, dnstest.Must(zone), "acme.example"), mailcheck.Settings{}).Results {
			of[res.ID] = res.Outcome
			if res.Outcome == check.Fail {
				failed = append(failed, res.ID)
			}
		}
		return failed, of
	}
	for name, zone := range map[string]string{
		"no MX":                           txt + rest,
		"null MX":                         mx + txt + rest,
		"no MX, the SPF record unknown":   "acme.example. TXT !timeout\n" + rest,
		"null MX, the SPF record unknown": mx + "acme.example. TXT !timeout\n" + rest,
		"the MX unknown":                  "acme.example. MX !timeout\n" + txt + rest,
	} {
		failed, of := outcomes(zone)
		assert.Empty(t, failed, name)
		if strings.Contains(name, "unknown") {
			assert.Equal(t, check.Unknown, of["dmarc.reject-spf-only"], name)
			assert.Equal(t, check.Unknown, of["dmarc.rua-missing"], name)
		}
	}
	_, of := outcomes("acme.example. MX !timeout\nacme.example. TXT \"v=spf1 ip4:185.12.80.1 -all\"\n" + rest)
	assert.Equal(t, check.Unknown, of["mtasts.missing"], "a null MX would take no mail to protect")
	assert.Equal(t, check.Fail, of["dmarc.rua-missing"], "it sends, whatever its MX")
	_, of = outcomes("acme.example. A !timeout\nacme.example. TXT \"v=spf1 ip4:185.12.80.1 -all\"\n")
	assert.Equal(t, check.Unknown, of["mtasts.missing"], "without MX records its own addresses count")
}

// Three octets of JSON may take a kilobyte of memory.
func TestReadFactsBoundsTheNumberOfValues(t *testing.T) {
	const begin = `{"schema":"mailcheck/facts/v1","domain":"acme.example","tlscert":{"domain":"a\\\",[{","hosts":[`
	_, err := mailcheck.ReadFacts(strings.NewReader(begin + strings.Repeat("{},", 1000) + "{}]}}"))
	require.NoError(t, err)
	_, err = mailcheck.ReadFacts(strings.NewReader(begin + strings.Repeat("{},", 1<<18) + "{}]}}"))
	require.ErrorIs(t, err, mailcheck.ErrFacts)
	require.ErrorContains(t, err, "values")
	text := strings.Repeat(",:[{", 1<<18) // in a string they are no values
	_, err = mailcheck.ReadFacts(strings.NewReader(begin + `{"why":"` + text + `"}]}}`))
	require.NoError(t, err)
}
