package account_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// desk is an account of some help desk: its domains and hosts, and no rules.
type desk struct {
	service string
	domains []account.Domain
	hosts   []account.Host
}

func (d desk) Service() string                          { return d.service }
func (d desk) Domains() []account.Domain                { return d.domains }
func (d desk) Hosts() []account.Host                    { return d.hosts }
func (d desk) Judge(out *account.Outside) *check.Report { return &check.Report{Reports: out.Reports()} }

const zone = `
. NS a.root.example.
mail.zendesk.com.        TXT "v=spf1 ip4:203.0.113.0/24 -all"
acme.example.            TXT "v=spf1 ip4:203.0.113.0/24 -all"
_dmarc.acme.example.     TXT "v=DMARC1; p=reject"
code.acme.example.       TXT "1234"
help.acme.example.       CNAME acme.zendesk.com.
acme.zendesk.com.        A 203.0.113.10
gone.acme.example.       CNAME gone.zendesk.com.
late.acme.example.       * !timeout
`

func network() account.Network {
	return account.Network{Checker: &mailcheck.Checker{Resolver: &dnsx.Cache{Next: dnstest.Must(zone)}, Offline: true}}
}

func acme() desk {
	return desk{
		service: "zendesk",
		domains: []account.Domain{
			{Name: "acme.example", Ask: []dnsx.Question{dnsx.Q("code.acme.example", dnsx.TypeTXT)}},
			{Name: "gmail.com", Skip: check.Textf("it is not ours")},
			{Name: "a..b"},
		},
		hosts: []account.Host{{"help.acme.example"}, {"gone.acme.example"}, {"late.acme.example"}, {"none.acme.example"}, {"a..b"}},
	}
}

func TestLook(t *testing.T) {
	var done []string
	out, err := account.Look(t.Context(), network(), acme(), account.Options{
		AtOnce: 2, Progress: func(n, of int) { done = append(done, fmt.Sprint(n, "/", of)) },
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7"}, done)

	d := out.Domains["acme.example"]
	assert.Equal(t, mailcheck.CoveredAll, d.Use.Covered, "by the addresses of the service")
	assert.Equal(t, "1234", d.Asked[0].Records()[0].Text())
	assert.Equal(t, check.Pass, d.Result("dmarc.missing").Outcome)
	assert.Nil(t, d.Result("no.rule"))
	assert.NotContains(t, out.Domains, "gmail.com")
	assert.Error(t, out.Domains["a..b"].Err)
	assert.Nil(t, out.Domains["a..b"].Result("dmarc.missing"))

	assert.Equal(t, []string{"acme.zendesk.com"}, out.Hosts["help.acme.example"].Alias)
	assert.False(t, out.Hosts["help.acme.example"].Missing)
	assert.Equal(t, []string{"gone.zendesk.com"}, out.Hosts["gone.acme.example"].Alias)
	assert.True(t, out.Hosts["gone.acme.example"].Missing)
	assert.True(t, out.Hosts["none.acme.example"].Missing)
	assert.Len(t, out.Hosts["late.acme.example"].Gaps, 1)
	assert.Error(t, out.Hosts["a..b"].Err)
	assert.Nil(t, out.Hosts["a..b"].Results())
	assert.Len(t, out.Reports(), 5)
	assert.Nil(t, (*account.Outside)(nil).Reports())
}

// Rules that the settings leave out do not stand in reports, and an account's own
// rules see them all the same.
func TestSettingsNarrowReports(t *testing.T) {
	out, err := account.Look(t.Context(), network(), acme(), account.Options{Settings: mailcheck.Settings{Only: []string{"spf.*"}}})
	require.NoError(t, err)
	d := out.Domains["acme.example"]
	for _, res := range d.Report.Results {
		assert.Contains(t, res.ID, "spf.")
	}
	assert.NotNil(t, d.Result("dmarc.missing"))
	assert.NotNil(t, out.Hosts["help.acme.example"].Result("cert.expiring"))
}

// A service that is not known has no SPF include and no keys: the domains are checked.
func TestUnknownService(t *testing.T) {
	a := acme()
	a.service = "desk.example"
	out, err := account.Look(t.Context(), network(), a, account.Options{})
	require.NoError(t, err)
	d := out.Domains["acme.example"]
	assert.Equal(t, mailcheck.CoveredNone, d.Use.Covered)
	assert.Empty(t, d.Use.Keys)
}

func TestKeep(t *testing.T) {
	var kinds []string
	_, err := account.Look(t.Context(), network(), acme(), account.Options{
		AtOnce: 1, Keep: func(kind account.Kind, f *mailcheck.Facts) error {
			kinds = append(kinds, string(kind)+" "+f.Domain)
			return nil
		},
	})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"sender mail.zendesk.com", "domain acme.example", "host help.acme.example", "host gone.acme.example", "host late.acme.example", "host none.acme.example"}, kinds)

	full := errors.New("no space left")
	_, err = account.Look(t.Context(), network(), acme(), account.Options{Keep: func(account.Kind, *mailcheck.Facts) error { return full }})
	assert.ErrorIs(t, err, full)
}

// source is a Source of functions.
type source struct {
	domain func() (*mailcheck.Facts, error)
}

func (s source) Domain(context.Context, account.Domain) (*mailcheck.Facts, error) { return s.domain() }

func (s source) Host(context.Context, account.Host) (*mailcheck.Facts, error) {
	return nil, account.ErrAbsent
}

func (s source) Sender(context.Context, string) (*mailcheck.Facts, error) {
	return nil, account.ErrAbsent
}

func TestSources(t *testing.T) {
	t.Run("nothing is there", func(t *testing.T) {
		out, err := account.Look(t.Context(), source{func() (*mailcheck.Facts, error) { return nil, account.ErrAbsent }}, acme(), account.Options{})
		require.NoError(t, err)
		assert.ErrorIs(t, out.Domains["acme.example"].Err, account.ErrAbsent)
		assert.Empty(t, out.Reports())
	})
	t.Run("one that fails ends the run", func(t *testing.T) {
		broken := errors.New("broken file")
		_, err := account.Look(t.Context(), source{func() (*mailcheck.Facts, error) { return nil, broken }}, acme(), account.Options{})
		assert.ErrorIs(t, err, broken)
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := desk{service: "zendesk"}
		for i := range 100 {
			a.domains = append(a.domains, account.Domain{Name: fmt.Sprintf("d%d.example", i)})
		}
		var asked atomic.Int32
		out, err := account.Look(ctx, source{func() (*mailcheck.Facts, error) {
			asked.Add(1)
			cancel()
			return nil, account.ErrAbsent
		}}, a, account.Options{AtOnce: 1})
		assert.ErrorIs(t, err, context.Canceled)
		assert.NotEmpty(t, out.Domains)
		assert.Less(t, asked.Load(), int32(100))
	})
}

// Another help desk is one more type: what it names is looked at as with any other.
func ExampleLook() {
	checker := &mailcheck.Checker{Resolver: &dnsx.Cache{Next: dnstest.Must(zone)}, Offline: true}
	a := desk{service: "zendesk", domains: []account.Domain{{Name: "acme.example"}}}
	out, err := account.Look(context.Background(), account.Network{Checker: checker}, a, account.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	acme := out.Domains["acme.example"]
	fmt.Println(acme.Use.Covered, acme.Use.Literal, acme.Use.Policy)
	// Output: all false reject
}
