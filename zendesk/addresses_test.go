package zendesk_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/zendesk"
)

func TestAddresses(t *testing.T) {
	verified, failed, code := zendesk.Some("verified"), zendesk.Some("failed"), zendesk.Some("0123456789abcdef")
	f := &zendesk.Facts{
		Brands: []zendesk.Brand{{ID: 1, Name: "Acme"}},
		SupportAddresses: []zendesk.SupportAddress{
			{ID: 10, Email: "support@acme.zendesk.com", BrandID: 1},
			{ID: 11, Email: "Help@Acme.Example", BrandID: 1, SPFStatus: verified, CNAMEStatus: verified, VerificationCode: code},
			{ID: 12, Email: "sales@acme.example", SPFStatus: failed, CNAMEStatus: zendesk.Some("odd"), VerificationCode: code},
			{ID: 13, Email: "acme@gmail.com", BrandID: 2, VerificationStatus: zendesk.Some("unknown")},
			{ID: 14, Email: "nowhere"},
		},
	}
	a := zendesk.Analyze(f)
	of, brand := f.SupportAddresses, &f.Brands[0]
	assert.Equal(t, []zendesk.Address{
		{SupportAddress: of[0], Domain: "acme.zendesk.com", Zendesk: true, Brand: brand},
		{SupportAddress: of[1], Domain: "acme.example", Brand: brand},
		{SupportAddress: of[2], Domain: "acme.example"},
		{SupportAddress: of[3], Domain: "gmail.com", FreeMail: true},
		{SupportAddress: of[4]},
	}, a.Addresses)
	assert.Equal(t, []zendesk.AddressDomain{
		{Name: "acme.example", Addresses: of[1:3], SPF: "failed", CNAME: "odd", Codes: []string{"0123456789abcdef"}},
		{Name: "gmail.com", Addresses: of[3:4], FreeMail: true, Verification: "unknown"},
	}, a.Domains)
	_, skipped := a.Domains[0].Skipped()
	assert.False(t, skipped)
	why, skipped := a.Domains[1].Skipped()
	assert.True(t, skipped)
	assert.Contains(t, why.String(), "gmail.com gives mailboxes to anybody")
	assert.False(t, a.Addresses[4].External())
}

func TestIsFreeMail(t *testing.T) {
	for _, domain := range []string{"gmail.com", "Yahoo.co.jp", "docomo.ne.jp"} {
		assert.True(t, zendesk.IsFreeMail(domain), domain)
	}
	for _, domain := range []string{"", "acme.example", "acme.gmail.com", "zendesk.com"} {
		assert.False(t, zendesk.IsFreeMail(domain), domain)
	}
}

// An account may have the feature without using it.
func TestCustomDKIM(t *testing.T) {
	var s zendesk.AccountSettings
	view := func() zendesk.Bool { return zendesk.Analyze(&zendesk.Facts{Settings: &s}).CustomDKIM }
	assert.Equal(t, zendesk.Unknown, view())
	s.ActiveFeatures.CustomDKIMDomain = zendesk.Yes
	assert.Equal(t, zendesk.Unknown, view(), "the feature is there")
	s.ActiveFeatures.CustomDKIMDomain = zendesk.No
	assert.Equal(t, zendesk.No, view())
	s.Email.CustomDKIMDomain = zendesk.Yes
	assert.Equal(t, zendesk.Yes, view())
}
