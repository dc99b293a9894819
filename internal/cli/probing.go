package cli

import (
	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// probing has the flags that say how hosts are looked at.
type probing struct {
	ehlo         string
	deep         bool
	noFetch      bool
	ariDirectory string
}

func (p *probing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.ehlo, "ehlo", "", "the name for SMTP servers to know us by (default mailcheck.invalid)")
	f.BoolVar(&p.deep, "deep", false, "further handshakes with each address: old versions of TLS, no server name")
	f.BoolVar(&p.noFetch, "no-fetch", false, "ask nobody whom a certificate names: no CRL, OCSP, missing issuer or renewal information")
	f.StringVar(&p.ariDirectory, "ari-directory", "", "URL of the ACME directory to ask for renewal information where the CA is not known to have one")
}

// apply makes what all names of one run share.
func (p *probing) apply(c *mailcheck.Checker, dialer tlscert.Dialer) {
	c.Prober = &tlscert.Prober{Dialer: dialer, EHLO: p.ehlo, AllowPrivate: c.AllowPrivate}
	c.Deep, c.ARIDirectory = p.deep, p.ariDirectory
	if !p.noFetch {
		c.Fetcher = &tlscert.Fetcher{AllowPrivate: c.AllowPrivate, Now: c.Now}
	}
}
