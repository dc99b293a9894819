package provider_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/provider"
)

func TestBuiltin(t *testing.T) {
	set := provider.Builtin()
	require.Greater(t, len(set.All()), 50)
	for _, p := range set.All() {
		assert.Contains(t, []provider.Confidence{provider.High, provider.Medium, provider.Low}, p.Confidence, p.ID)
		for selector, target := range p.Keys {
			assert.Contains(t, p.Selectors, selector, "%s: a key needs its selector", p.ID)
			assert.Same(t, p, set.ByKeyTarget(target), "%s: %s is not among its key targets", p.ID, target)
		}
	}
}

func TestSetFinds(t *testing.T) {
	set := provider.Builtin()
	id := func(p *provider.Provider) string {
		if p == nil {
			return ""
		}
		return p.ID
	}
	tests := []struct{ name, got, want string }{
		{"a literal include", id(set.BySPF("mail.zendesk.com")), "zendesk"},
		{"names are case-insensitive and may end in a dot", id(set.BySPF("SPF.Protection.Outlook.com.")), "microsoft365"},
		{"an include per customer", id(set.BySPF("5576817.spf10.hubspotemail.net")), "hubspot"},
		{"macros before the name", id(set.BySPF("%{ir}.%{v}.spf.has.pphosted.com")), "proofpoint"},
		{"a name above the pattern is another's", id(set.BySPF("hubspotemail.net")), ""},
		{"labels are whole", id(set.BySPF("evil-mail.zendesk.com.example")), ""},
		{"a suffix that is no label", id(set.ByMX("xmail.protection.outlook.com")), ""},
		{"Microsoft's MX", id(set.ByMX("acme-example.mail.protection.outlook.com")), "microsoft365"},
		{"Google's MX", id(set.ByMX("aspmx.l.google.com")), "google"},
		{"a key's alias", id(set.ByKeyTarget("selector1-acme-example._domainkey.acme.onmicrosoft.com")), "microsoft365"},
		{"a hosted help centre", id(set.ByWeb("acme.zendesk.com")), "zendesk"},
		{"nobody", id(set.ByWeb("www.acme.example")), ""},
		{"nothing", id(set.ByWeb("")), ""},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.got, tt.name)
	}
	assert.True(t, set.Get("zendesk").Is(provider.HelpDesk))
	assert.Nil(t, set.Get("nobody"))
}

func TestLoadRefuses(t *testing.T) {
	entry := `{"id":"a","name":"A","kinds":["mailbox"],"spf":[%s],"confidence":"low","sources":["x"]}`
	tests := []struct{ name, json, want string }{
		{"no list", `{}`, "cannot unmarshal"},
		{"an unknown field", `[{"id":"a","colour":"red"}]`, "unknown field"},
		{"an entry without a name", `[{"id":"a"}]`, "are needed"},
		{"an id twice", "[" + fmt.Sprintf(entry, `"a.example"`) + "," + fmt.Sprintf(entry, `"b.example"`) + "]", "stands twice"},
		{"the include of nobody", `[{"id":"a","name":"A","kinds":["mailbox"],"spf_of":"b","confidence":"low","sources":["x"]}]`, "there is no"},
		{"a wildcard inside", "[" + fmt.Sprintf(entry, `"a.*.example"`) + "]", "no pattern"},
		{"upper case", "[" + fmt.Sprintf(entry, `"A.example"`) + "]", "no pattern"},
		{"a pattern twice", "[" + fmt.Sprintf(entry, `"a.example","a.example"`) + "]", "both claim"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := provider.Load([]byte(tt.json))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func ExampleSet_BySPF() {
	p := provider.Builtin().BySPF("mail.zendesk.com")
	fmt.Println(p.Name, p.Selectors)
	// Output: Zendesk [zendesk1 zendesk2]
}

func BenchmarkBySPF(b *testing.B) {
	set := provider.Builtin()
	b.ReportAllocs()
	for b.Loop() {
		if set.BySPF("5576817.spf10.hubspotemail.net") == nil {
			b.Fatal("not found")
		}
	}
}

// What lets a service send, and what can be written into a record for it.
func TestIncluder(t *testing.T) {
	set := provider.Builtin()
	for id, want := range map[string][]string{
		"zendesk":             {"mail.zendesk.com"},
		"sendgrid":            {"sendgrid.net"},
		"azure-communication": {"spf.protection.outlook.com"}, // that of Microsoft 365
		"hubspot":             {},                             // each account has its own
		"resend":              nil,                            // SPF does not tell
	} {
		by := set.Includer(set.Get(id))
		if want == nil {
			assert.Nil(t, by, id)
			continue
		}
		assert.ElementsMatch(t, want, by.Includes(), id)
	}
}
