package tlscert

import (
	"crypto/x509"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) nameMismatch() check.Rule[*Analysis] {
	return j.among(verified).leafRule(check.Doc{
		ID:       "cert.name-mismatch",
		Severity: check.High,
		Title:    "Certificate is for other names",
		Text: "Clients look for the host's name among the certificate's DNS names and refuse the connection where it is missing. " +
			"At a hosted service this usually means that the host was never set up there, or no longer is.",
		Fix:  "Have the certificate issued with this name, or set the host up at the service that the name points to.",
		Cite: []check.Cite{check.RFC(6125, "6.4"), {Doc: "RFC 9525"}, {Doc: baseline, Section: "7.1.2.7"}},
	}, func(v view) bool { return !v.named() && !v.commonNamed() }, func(v view) check.Text {
		return v.otherNames()
	})
}

// otherNames says for whom the certificate is, and why a wildcard that looks right is not.
func (v view) otherNames() check.Text {
	detail := check.Textf("the certificate at %s is for %s", v.where(v.Addrs), few(names(v.Certificate)))
	if v.host.ServerName != "" {
		detail = check.Textf("the certificate at %s is for %s, not for %s", v.where(v.Addrs), few(names(v.Certificate)), v.host.ServerName)
	}
	for _, name := range wildcards(v) {
		parent := strings.ToLower(strings.TrimPrefix(name, "*."))
		switch want := v.host.wants(); {
		case want == parent:
			return check.Textf("%s; %s is not for the name above it", detail, clip(name, maxName))
		case strings.HasSuffix(want, "."+parent):
			return check.Textf("%s; the wildcard of %s stands for one label", detail, clip(name, maxName))
		}
	}
	return detail
}

func (j *judge) cnOnly() check.Rule[*Analysis] {
	return j.among(verified).leafRule(check.Doc{
		ID:       "cert.cn-only",
		Severity: check.High,
		Title:    "Name stands in the common name only",
		Text:     "Clients have stopped to look at the common name of the subject: a name counts among the subject alternative names and nowhere else. Browsers refuse the connection.",
		Fix:      "Have the certificate issued with the host's name as a subject alternative name.",
		Cite:     []check.Cite{check.RFC(6125, "6.4.4"), {Doc: "RFC 9525"}, {Doc: baseline, Section: "7.1.4.3"}},
	}, func(v view) bool { return !v.named() && v.commonNamed() }, func(v view) check.Text {
		return check.Textf("the certificate at %s has the common name %s; its alternative names are %s", v.where(v.Addrs), v.Subject.CommonName, few(names(v.Certificate)))
	})
}

// named reports whether the certificate is for the host.
func (v view) named() bool { return v.host.named(v.Leaf) }

func (h *Served) named(l *Leaf) bool {
	return h.Protocol == File && h.ServerName == "" || l.VerifyHostname(h.wants()) == nil
}

// commonNamed reports whether it would be if its common name counted.
func (v view) commonNamed() bool {
	cn, want := v.Subject.CommonName, v.host.wants()
	return cn == want || (&x509.Certificate{DNSNames: []string{cn}}).VerifyHostname(want) == nil
}

func (j *judge) wildcardUse() check.Rule[*Analysis] {
	return j.among(verified).leafRule(check.Doc{
		ID:       "cert.wildcard-use",
		Severity: check.Info,
		Title:    "Certificate has a wildcard name",
		Text:     "Whoever has its key can pose as any name of that level, so the weakest server that holds the key decides for all. A wildcard covers one label: *.acme.example is not for a.b.acme.example.",
		Cite:     []check.Cite{check.RFC(6125, "6.4.3"), check.RFC(6125, "7.2"), {Doc: baseline, Section: "3.2.2.6"}},
	}, func(v view) bool { return len(wildcards(v)) > 0 }, func(v view) check.Text {
		return check.Textf("the certificate at %s is for %s", v.where(v.Addrs), few(wildcards(v)))
	})
}

func wildcards(v view) []string {
	var wild []string
	for _, name := range v.DNSNames {
		if strings.HasPrefix(name, "*.") {
			wild = append(wild, name)
		}
	}
	return wild
}
