package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// certOptions are the flags of "cert".
type certOptions struct {
	output
	judging
	network
	probing
	list       string
	starttls   string
	serverName string
	resolve    []string
	save       string
}

func (a *app) certCommand() *cobra.Command {
	o := certOptions{output: output{failOn: "medium"}}
	cmd := &cobra.Command{
		Use:   "cert HOST[:PORT]…|FILE.pem…|-",
		Short: "Check certificates: who serves what, is it trusted, until when, will it renew",
		Long: `cert shakes hands with every address of each HOST and judges the certificates
that they serve: expiry, chain, names, keys, revocation, and whether they can be
renewed. The port says what is spoken: 443 HTTPS, 25 and 587 SMTP, 143 IMAP and
110 POP3 with STARTTLS, any other TLS from the first octet on. A file whose name
ends in .pem, .crt, .cer or .der is read in place of a host; - reads hosts from
standard input, one a line.

Whom a certificate names is asked too: for revocation lists, OCSP responses, issuers
that the server does not send, and when to renew it (RFC 9773). --no-fetch asks none
of them.

Without --warn and --crit a certificate is due when a third of its lifetime is
left, and overdue at a sixth, or at 7 days where it lives for 30 or more.`,
		Example: `  mailcheck cert help.acme.example
  mailcheck cert mx1.acme.example:25 imap.acme.example:143 --warn 21d --crit 7d
  mailcheck cert --file hosts.txt --format prometheus --output certs.prom
  mailcheck cert help.acme.example --resolve help.acme.example=192.0.2.7`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.cert(cmd.Context(), &o, args) },
	}
	o.output.flags(cmd)
	o.judging.ruleFlags(cmd)
	o.network.flags(cmd)
	o.probing.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.list, "file", "", "read hosts from this file, one a line; # begins a comment")
	f.StringVar(&o.starttls, "starttls", "", "protocol before the handshake: smtp, imap or pop3 (default: what the port says)")
	f.StringVar(&o.serverName, "server-name", "", "ask for this name (SNI), and want a certificate for it (default: the host's)")
	f.StringArrayVar(&o.resolve, "resolve", nil, "HOST=ADDR[,ADDR]: dial these addresses for HOST (repeatable)")
	f.StringVar(&o.save, "save", "", "write what was seen to this file, for judge; with several hosts to this folder")
	complete(cmd, "starttls", "smtp", "imap", "pop3")
	return cmd
}

// certsAtOnce bounds the hosts that are looked at side by side. It is large because
// nearly all of them wait: one that answers nothing must not hold up the others.
const certsAtOnce = 256

func (a *app) cert(ctx context.Context, o *certOptions, args []string) error {
	doc, err := a.open(&o.output, "cert")
	if err != nil {
		return err
	}
	defer doc.discard()
	settings, err := o.settings()
	if err != nil {
		return err
	}
	targets, bad, err := a.certTargets(o, args, doc)
	if err != nil {
		return err
	}
	save, err := saver(o.save, len(targets))
	if err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	o.probing.apply(src.Checker, a.Dialer)
	jobs := make([]*job, len(targets))
	for i, t := range targets {
		jobs[i] = newJob(func(ctx context.Context) (*mailcheck.Facts, error) {
			if t.file != nil {
				return src.DiscoverFile(ctx, t.file)
			}
			return src.DiscoverHost(ctx, t.host)
		})
	}
	if err := a.report(ctx, jobs, certsAtOnce, settings, save, doc); err != nil {
		return err
	}
	return doc.exit(bad)
}

// certTarget is a host to dial, or what a file holds.
type certTarget struct {
	host tlscert.Host
	file *tlscert.Facts
}

// key is the same for targets that are the same.
func (t certTarget) key() string {
	if t.file != nil {
		return "file " + t.file.Hosts[0].Name
	}
	return string(t.host.Protocol) + " " + t.host.String()
}

// certTargets reads the arguments, the list and standard input. What names no host is
// reported with its place and passed over.
func (a *app) certTargets(o *certOptions, args []string, doc *document) (targets []certTarget, bad bool, err error) {
	if len(args) == 0 && o.list == "" {
		return nil, false, errors.New("name a host, such as: mailcheck cert help.acme.example")
	}
	addrs, err := o.addresses()
	if err != nil {
		return nil, false, err
	}
	known := map[string]bool{}
	add := func(place, text string) error {
		t, err := o.target(text, addrs)
		if err != nil {
			fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(place+err.Error()))
			bad = true
			return doc.refuse(text, err)
		}
		if key := t.key(); !known[key] { // a list may name a host twice; once is enough
			known[key] = true
			targets = append(targets, t)
		}
		return nil
	}
	if o.list != "" {
		if err := a.lines(o.list, add); err != nil {
			return nil, bad, fmt.Errorf("--file: %w", err)
		}
	}
	for _, arg := range args {
		if arg == "-" {
			err = a.lines(arg, add)
		} else {
			err = add("", arg)
		}
		if err != nil {
			return nil, bad, err
		}
	}
	if len(targets) == 0 && !bad { // checked for ever, and never found to be wrong
		return nil, bad, fmt.Errorf("%s names no host", cmp.Or(o.list, "standard input"))
	}
	for host := range addrs {
		if !slices.ContainsFunc(targets, func(t certTarget) bool { return t.host.Name == host }) {
			return nil, bad, fmt.Errorf("--resolve: %s is none of the hosts", host)
		}
	}
	return targets, bad, nil
}

// lines calls add with each line of a list that names a host.
func (a *app) lines(list string, add func(place, text string) error) error {
	in, name := a.Stdin, "standard input"
	if list != "-" {
		f, err := os.Open(list)
		if err != nil {
			return err
		}
		defer f.Close()
		in, name = io.Reader(f), list
	}
	scanner := bufio.NewScanner(in)
	for n := 1; scanner.Scan(); n++ {
		text, _, _ := strings.Cut(scanner.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if err := add(fmt.Sprintf("%s, line %d: ", name, n), text); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// certFiles are the endings of files that hold certificates.
var certFiles = []string{".pem", ".crt", ".cer", ".der"}

// target reads HOST[:PORT], a URL, or a file with certificates.
func (o *certOptions) target(text string, addrs map[string][]netip.Addr) (certTarget, error) {
	if slices.Contains(certFiles, strings.ToLower(filepath.Ext(text))) {
		f, err := os.Open(text)
		if err != nil {
			return certTarget{}, err
		}
		defer f.Close()
		facts, err := tlscert.ReadFile(f, text, o.serverName)
		return certTarget{file: facts}, err
	}
	name, err := idn.Host(text)
	if err != nil {
		return certTarget{}, err
	}
	h, err := tlscert.ParseHost(name)
	if err != nil {
		return certTarget{}, err
	}
	h.Why, h.Given, h.ServerName = "given", true, o.serverName
	if o.starttls != "" {
		h.Protocol = tlscert.Protocol(o.starttls)
		if h.String() == h.Name { // no port was named: that of the protocol
			h.Port = 0
		}
	}
	if named := addrs[h.Name]; len(named) > 0 {
		h.Addrs = named
	}
	return certTarget{host: h}, nil
}

// addresses reads --resolve.
func (o *certOptions) addresses() (map[string][]netip.Addr, error) {
	all := map[string][]netip.Addr{}
	for _, text := range o.resolve {
		host, list, ok := strings.Cut(text, "=")
		if !ok || list == "" {
			return nil, fmt.Errorf("--resolve %q: want HOST=ADDR[,ADDR]", text)
		}
		name, err := idn.Host(host)
		if err != nil {
			return nil, fmt.Errorf("--resolve: %w", err)
		}
		h, err := tlscert.ParseHost(name)
		if err != nil {
			return nil, fmt.Errorf("--resolve: %w", err)
		}
		for s := range strings.SplitSeq(list, ",") {
			addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
			if err != nil {
				return nil, fmt.Errorf("--resolve %q: %q is no address", text, s)
			}
			all[h.Name] = append(all[h.Name], addr)
		}
	}
	return all, nil
}
